"""What a part of a question names that its goal does not carry: then the planner asks, and answers nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scanwright.agent.planner.reading.given import with_given_marked
from scanwright.agent.planner.reading.structures import mentions
from scanwright.agent.planner.reading.wants import INTENSITY, MEASURES, OF_THE_IMAGE, cued_want
from scanwright.tools.contract.goal import Goal

# A file does not say in which phase of contrast a series was taken, so no goal can choose one by it.
_PHASE = re.compile(
    r"\b(?:(?:early|late|hepatic|cortico-?medullary) )?(?:arterial|porto?-?(?: ?venous)?|portal[- ]venous|venous|delayed|"
    r"nephrographic|excretory|parenchymal|equilibrium|unenhanced|pre-?contrast|post-?contrast) phases?\b"
)
# "To the left of", "left to right", "from the left": a place or a direction, and no side of what is measured.
_DIRECTION = re.compile(
    r"\b(?:left|right)[- ]*(?:to|-|–|/|×|x|~)[- ]*(?:the )?(?:left|right)\b|"
    r"\b(?:to the|from the|towards? the) (?:left|right)\b(?! (?:lung|kidney|side))"
)
_SIDE_WORD = re.compile(
    r"\b(?P<side>left|right)\b(?!\s+(?:now|away|here|there|over|out|after|angles?|answer|one to)\b)(?<!is left)(?<!are left)"
)
_LEVEL = re.compile(r"\b(?:at|level|through|of|on|slice)\s+(?:the\s+)?(?:level\s+(?:of\s+)?)?(?P<level>[clt]\d{1,2})\b(?!-?\s*weight)")
_WEIGHTING = re.compile(r"t[12]")
_WIDE = re.compile(r"\b(?:wide|width|broad|breadth)\b")
# Wants that speak of both sides at once, or that set one side against the other.
_OF_BOTH = {"asymmetry_index", "plane", "orientation", "labelmap", "midline_shift", "bounding_box", "dimensions"}
IN_BRAIN = {
    "hippocampus", "lateral_ventricle", "ventricular_system", "third_ventricle", "fourth_ventricle", "grey_matter",
    "white_matter", "cerebral_cortex", "cerebral_white_matter", "cerebellum", "cerebellar_cortex",
    "cerebellar_white_matter", "thalamus", "caudate", "putamen", "pallidum", "accumbens", "amygdala", "brain_stem",
    "ventral_diencephalon", "corpus_callosum",
}  # fmt: skip
_FINDINGS = {"tumour", "nodule", "haemorrhage"}
# To say that a thing lies in one of these changes nothing.
_WHOLES = {"image", "body", "head", "eye", "fundus", "tissue", "given_region", "midsagittal_plane", "intensity_range"}
_STATISTIC_OF = re.compile(
    r"\b(?:mean|average|median|maximum|maximal|highest|lowest|minimum|minimal|standard deviation of)\s+(?:of\s+)?(?:the\s+)?"
    r"(?P<noun>[a-z]{3,})(?= (?:of|in|inside|within|over|across)\b)"
)
_GREY = re.compile(
    r"hu|hounsfields?|units?|signals?|(?:radio)?densit\w+|intensit\w+|attenuation|brightness|values?|gr[ae]y|levels?|voxels?|"
    r"pixels?|readings?|numbers?|uptake|standard|deviation|spread|range|enhancement"
)
_NOUN_OF = re.compile(r"\b(?P<noun>[a-z]{4,}) (?:of|in|inside|within) (?:the |this |that |each |both |left |right )*$")
_NO_NOUN = re.compile(r"that|this|those|these|also|then|same|each|both|only|either|inside|part|side|half|case|here|ones?|all")


def left_out(text: str, goal: Goal, *, inherited: bool = False) -> str | None:
    """The words of a part (lower case, said plainly) that the goal read from it does not carry, or None.

    Looked at are the phase of contrast, the level of the spine, the side, a width that is read as the longest line, and
    a noun where a quantity stands. inherited: what is wanted was taken from another part.
    """
    phase = _PHASE.search(text)
    if phase is not None:
        return phase[0]
    level = _LEVEL.search(text)
    if level is not None and not _WEIGHTING.fullmatch(level["level"]) and not _at_level(goal, level["level"]):
        return level[0]
    wide = _WIDE.search(text)
    if wide is not None and goal.want == "longest_diameter":
        return wide[0]
    return _side_left_out(text, goal) or _noun_left_out(text, goal, inherited=inherited)


def _at_level(goal: Goal, level: str) -> bool:
    return goal.want == "area_at_level" or goal.of == f"vertebra_{level}"


def _side_left_out(text: str, goal: Goal) -> str | None:
    if goal.side in ("each", "both") or goal.want in _OF_BOTH or goal.of == "given_region":
        return None
    words = _DIRECTION.sub(" ", with_given_marked(text))
    said = {m["side"]: m[0] for m in _SIDE_WORD.finditer(words)}
    return next((word for side, word in said.items() if side != goal.side), None)


def _noun_left_out(text: str, goal: Goal, *, inherited: bool) -> str | None:
    """A noun that stands where a quantity does and is none that is known: "the mean roughness of the liver"."""
    if goal.want in INTENSITY:
        found = _STATISTIC_OF.search(text)
        if found is not None and not _GREY.fullmatch(found["noun"]) and not mentions(found["noun"]):
            return found["noun"]
    if inherited:
        for mention in mentions(text):
            before = _NOUN_OF.search(text[: mention.start])
            if before is not None and cued_want(before["noun"]) is None and not _NO_NOUN.fullmatch(before["noun"]):
                return before["noun"]
    return None


def structure_left_out(text: str, goal: Goal, others: Iterable[Goal]) -> str | None:
    """A structure that text names and that neither the goal read from it nor another is of, in or about, or None."""
    if goal.want in MEASURES or goal.want in OF_THE_IMAGE or goal.want in _OF_BOTH:
        return None
    carried = {name for g in (goal, *others) for name in (g.of, g.region) if name is not None} | _WHOLES
    if goal.of in IN_BRAIN:
        carried.add("brain")
    for mention in mentions(with_given_marked(text)):
        if mention.name not in carried and mention.name not in _FINDINGS:
            return with_given_marked(text)[mention.start : mention.end]
    return None
