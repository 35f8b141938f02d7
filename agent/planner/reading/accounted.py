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
# Of breath and of the heart, which a file says as little of.
_STATE = re.compile(r"\b(?:end-?)?(?:inspir|expir|systol|diastol)\w+\b")
# "To the left of", "left to right", "from the left": a place or a direction, and no side of what is measured.
_DIRECTION = re.compile(
    r"\b(?:left|right)[- ]*(?:to|-|–|/|×|x|~)[- ]*(?:the )?(?:left|right)\b|"
    r"\b(?:to the|from the|towards? the) (?:left|right)\b(?! (?:lung|kidney|side))"
)
_SIDE_WORD = re.compile(
    r"\b(?P<side>left|right)\b(?!\s+(?:now|away|here|there|over|out|after|angles?|answer|one to)\b)(?<!is left)(?<!are left)"
)
_LEVEL = re.compile(
    r"\b(?:at|level|through|of|on|slice)\s+(?:the\s+)?(?:level\s+(?:of\s+)?)?(?P<level>[clt]\d{1,2})\b(?!-?\s*weight)"
)
_WEIGHTING = re.compile(r"t[12]")
# Words that ask for another number than the want they are read as.
_OTHERWISE = (
    ({"longest_diameter"}, re.compile(
        r"\b(?:wide|width|broad|breadth|tall|height|(?:from )?(?:top to bottom|front to back|side to side|head to foot)|"
        r"cranio-?caudal\w*|antero-?posterior\w*|shortest|smallest|minor axis)\b"
    )),
    ({"mean_nuclear_area", "vessel_calibre", "suv_mean", "stain_density"}, re.compile(
        r"\b(?:median|maximum|maximal|minimum|minimal|largest|biggest|smallest|widest|narrowest|thickest|percentiles?)\b"
    )),
    ({"nuclei_count", "nuclei_density"}, re.compile(r"\b(?:larger|bigger|smaller|rounder|darker|brighter|longer) than\b")),
    ({"positive_fraction"}, re.compile(r"\b(?:strongly|weakly|moderately|faintly|intensely)\b|\b[123]\+")),
    ({"stain_density"}, re.compile(r"\b(?:nucle(?:us|i|ar)|cells?|cytoplasm\w*)\b")),
    ({"agatston_score", "calcium_volume_score", "calcified_lesion_count"}, re.compile(
        r"\b(?:left (?:main|anterior descending|circumflex|coronary)|right coronary|lad|rca|lcx|circumflex|"
        r"(?:per|each|every) vessel)\b"
    )),
)  # fmt: skip
_DISTANCE = re.compile(r"\b(?:distances?|gap|how (?:far|close|near))\b.*\b(?:between|from|to)\b")
# What is a distance, or is asked in these words.
_IS_A_DISTANCE = {"spacing", "longest_diameter", "longest_axial_diameter", "dice", "value_by_methods", "similar_cases"}
_PLACES = (
    r"anterior|posterior|superior|inferior|ascending|descending|proximal|distal|medial|infrarenal|suprarenal|apical|basal|"
    r"upper|lower|middle|top|bottom|front|rear|inner|outer|central|peripheral|dorsal|ventral|rostral|caudal|cranial"
)
_PART = (
    r"(?:pole|segment|core|rim|edge|tip|apex|tail|neck|vermis|third|quarter|quadrant|wall|lumen|capsule|hilum|margin|"
    r"border|periphery|lobule|isthmus|shaft|zone|surroundings?)s?"
)
_PLACE_OF = re.compile(rf"\b(?:{_PLACES})[- ](?:most )?(?:{_PART}|half|halves|portions?)\b")
_PART_OF = re.compile(rf"\b{_PART}(?: [ivx\d]+[ab]?)? of (?:the |this |that |my |each |both |left |right )*$")
_BEFORE = re.compile(r"(?P<word>[a-z-]{4,}) $")
_QUALIFIES = re.compile(
    rf"(?:{_PLACES})|[a-z-]{{3,}}(?:ic|ior|ous|oid|ated|otic|ened|arge|osed)|strongly|weakly|consolidated"
)
# Adjectives that change nothing about what is measured, and what is said of an outline or an image.
_CHANGES_NOTHING = re.compile(
    r"(?:abdominal|anatomical|individual|total|outlined|marked|calcified|cortical|gated|usable|venous|isolated|indicated|"
    r"segmented|annotated|delineated|contoured|separated?|enhanced|opacified|pelvic|thoracic|axial|metric|public|aerated|"
    r"pneumati[sz]ed|large|related|located|located|calculated|estimated|generated|automatic|cerebral|hepatic|splenic|"
    r"pancreatic|specific|dated|stated|previous|obvious|various|repeated|rotated|volumetric|plastic|basic|topic)"
)
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
# "The head including the air inside": what an outline holds anyway.
_WITH = re.compile(r"\b(?:including|together with|with) (?:all |any )?(?:the |its )?$")
_IN = re.compile(r"\b(?:in|inside|within|of|on|near|at) (?:the |this |his |her |left |right )*$")
_STATISTIC_OF = re.compile(
    r"\b(?:mean|average|median|maximum|maximal|highest|lowest|minimum|minimal|standard deviation of)\s+(?:of\s+)?(?:the\s+)?"
    r"(?P<noun>[a-z]{3,})(?= (?:of|in|inside|within|over|across)\b)"
)
_GREY = re.compile(
    r"hu|hounsfields?|units?|signals?|(?:radio)?densit\w+|intensit\w+|attenuation|brightness|values?|gr[ae]y|levels?|voxels?|"
    r"pixels?|readings?|numbers?|uptake|standard|deviation|spread|range|enhancement"
)
_NOUN_OF = re.compile(r"\b(?P<noun>[a-z]{4,}) (?:of|in|inside|within) (?:the |this |that |each |both |left |right )*$")
_NO_NOUN = re.compile(
    r"outlines?|masks?|contours?|segmentations?|labels?|"
    r"that|this|those|these|also|then|same|each|both|only|either|inside|part|side|half|case|here|ones?|all"
)


def left_out(text: str, goal: Goal, *, inherited: bool = False) -> str | None:
    """The words of a part (lower case, said plainly) that the goal read from it does not carry, or None.

    Looked at are the level of the spine, the side, a width that is read as the longest line, and
    a noun where a quantity stands. inherited: what is wanted was taken from another part.
    """
    state = _STATE.search(text)
    if state is not None:
        return state[0]
    level = _LEVEL.search(text)
    if level is not None and not _WEIGHTING.fullmatch(level["level"]) and not _at_level(goal, level["level"]):
        return level[0]
    for wants, words in _OTHERWISE:
        found = words.search(text) if goal.want in wants else None
        if found is not None:
            return found[0]
    return (
        _side_left_out(text, goal)
        or _noun_left_out(text, goal, inherited=inherited)
        or _distance_left_out(text, goal)
        or _qualifier_left_out(text, goal)
    )


def contrast_phase(text: str) -> str | None:
    """The phase of contrast that text (lower case) names ("arterial phase"), or None."""
    phase = _PHASE.search(text)
    return None if phase is None else phase[0]


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


def _distance_left_out(text: str, goal: Goal) -> str | None:
    if goal.want in _IS_A_DISTANCE or goal.want in MEASURES or goal.want in OF_THE_IMAGE or goal.want in _OF_BOTH:
        return None
    found = _DISTANCE.search(text)
    return found[0].split()[0] if found is not None and "distance" in found[0] else None


def _qualifier_left_out(text: str, goal: Goal) -> str | None:
    """A word that makes what is named smaller ("the ascending aorta", "the upper pole of the kidney")."""
    if goal.want in _OF_BOTH or goal.want in OF_THE_IMAGE or goal.want == "volume_fraction":
        return None
    words = with_given_marked(text)
    named = [m for m in mentions(words) if m.name != "image"]
    for mention in named:
        before = words[: mention.start]
        part, word = _PART_OF.search(before), _BEFORE.search(before)
        if part is not None:
            return part[0].split()[0]
        qualifies = word is not None and _QUALIFIES.fullmatch(word["word"]) and cued_want(word["word"]) is None
        if word is not None and qualifies and not _CHANGES_NOTHING.fullmatch(word["word"]):
            return word["word"]
    place = _PLACE_OF.search(words)
    inside = place is not None and any(m.start < place.end() and place.start() < m.end for m in named)
    return None if place is None or inside else place[0]


def structure_left_out(text: str, goal: Goal, others: Iterable[Goal]) -> str | None:
    """A structure that text names and that neither the goal read from it nor another is of, in or about, or None."""
    if goal.want in MEASURES or goal.want in OF_THE_IMAGE or goal.want in _OF_BOTH:
        return None
    carried = {name for g in (goal, *others) for name in (g.of, g.region) if name is not None} | _WHOLES
    if goal.of in IN_BRAIN:
        carried.add("brain")
    for mention in mentions(with_given_marked(text)):
        before = with_given_marked(text)[: mention.start]
        if mention.name in carried or mention.name in _FINDINGS or _WITH.search(before):
            continue
        # Where an outlined lesion lies changes nothing about it.
        if goal.of != "given_region" or not _IN.search(before):
            return with_given_marked(text)[mention.start : mention.end]
    return None
