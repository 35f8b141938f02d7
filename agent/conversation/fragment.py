"""Fragment: what a follow-up says, and with it what it leaves out ("and the left one?", "only above 300 HU")."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanwright.agent.planner.reading.part import Part
from scanwright.agent.planner.reading.structures import mentions, side_of
from scanwright.agent.planner.reading.thresholds import Threshold, read_threshold
from scanwright.agent.planner.reading.units import asked_unit, without_units
from scanwright.agent.planner.reading.wants import OF_THE_IMAGE, cued_wants
from scanwright.tools.contract.goal import Side

_LEAD = re.compile(
    r"^(?:(?:ok(?:ay)?|and|so|now|then|but|also|well|fine|good|great|thanks?|thank you|what about|how about|what of|what if|and for|same(?: thing| question| again)?(?: for| with| of| in| on| as)?|"
    r"(?:and )?the same(?: thing| question)?(?: for| with| of| in| on| again)?|(?:do|repeat|try|measure|give me|show me|run|i want|i need|i meant?) (?:that|it|this|the same)(?: again)?(?: for| with| of| in| on| by)?|"
    r"repeat(?: for| with| on)?|likewise|similarly|only|just|instead|rather|this time|no,?|actually|i meant?|make (?:it|that)|please|for|of|in|plus|again|or)\b[\s,:;…-]*)+"
)
_SAME = re.compile(r"\b(?:the )?same\b|\b(?:repeat|likewise|do (?:that|it) again|once more|again)\b")
_ONES = re.compile(
    r"\b(?:ones?|other(?: side)?|others|former|latter|rest|too|as well|instead|either)\b(?!\s+(?:of|slice|figure|value|number|result))"
)
# "How much of it is above 100 HU"; in "all above 100 HU, how much of it is there" the pronoun is the range itself.
_BEFORE_RANGE = re.compile(
    r"^(?!.*\b(?:anything|everything|all voxels|whatever|what)\b)[^\d]*\b(?:it|its|them|their|that|this|these|those)\b(?=.*(?:\babove|\bbelow|\bover|\bunder|\bbetween|\bthan|\bfrom|[<>≥≤])\b.*\d)"
)
_PRONOUN = re.compile(r"\b(?:it|its|them|their|they|that|this|these|those|there)\b")
_ASKS = re.compile(
    r"\b(?:how|what|which|show|give|tell|is|are|does|do|measure|report|need|want|compute|calculate|mark|segment|draw|export|find|get|where|has|have|did|can)\b"
)
_TABLE = re.compile(
    r"\b(?:(?:as|in|into|to|put (?:it|that|them) in) )?(?:an? |one )?(?:csv(?: file| table)?|tables?|spreadsheets?|excel(?: file| sheet)?|xlsx|tabular(?: form)?)\b"
)
_SLICES = re.compile(
    r"\b(?:in|by|per|each|every|for|on|across|over)[- ](?:each |every |all |single |axial |the )*(?:slices?|levels?|cuts?|sections?)\b|\bslice[- ](?:by[- ]slice|wise)\b"
)
_SHOW = re.compile(
    r"^(?:please )?(?:show|draw|display|visuali[sz]e|plot|picture|render|depict|outline|overlay|view|see|let me see|where)(?: (?:me|us))?"
    r"(?: (?:it|that|this|them|those|these|the (?:picture|image|outline|contour|overlay|result|one)|an? (?:picture|image|figure|overlay)|where(?: (?:that|it|this) is)?|is (?:it|that)|are they|on the (?:scan|image)|in (?:a|one) picture|as (?:a|an) (?:picture|image|overlay)|both|each))*\W*$"
    r"|^(?:with |as |in )?(?:an? )?(?:picture|image|overlay|figure)(?: of (?:it|that|this|them))?\W*$"
)
_OTHER_SIDE = re.compile(r"\b(?:the )?(?:other|opposite|contralateral)(?: side| one| half| hemisphere)?\b")
_SIDE = re.compile(r"\b(left|right)\b(?! (?:now|away|here))")
_BOTH = re.compile(
    r"\b(?:both|each|either|left (?:and|~|or) (?:the )?right|right (?:and|~|or) (?:the )?left|per side|by side|separately|on each side)\b"
)
_TOGETHER = re.compile(
    r"\b(?:both (?:of them )?(?:together|combined)|together|combined|in total|as a whole|altogether|the whole(?: thing| organ)?|(?:both|all) sides together|all of it)\b"
)
_NO_LIMIT = re.compile(
    r"\b(?:without (?:the |that |any |this )?(?:threshold|limits?|cut-?off|range|hu limits?|restriction)|(?:drop|remove|forget|ignore|no) (?:the |that |any )?(?:threshold|limits?|cut-?off|range|restriction)|"
    r"at any (?:density|hu|value)|unrestricted|all (?:densities|values|voxels))\b"
)
_INSIDE = re.compile(
    r"\b(?:in|inside|within|of)\s+(?:the\s+|this\s+|my\s+|his\s+|her\s+)?(?:whole\s+|left\s+|right\s+)*$"
)
_EXAM = r"(?:exam|examination|scan|study|ct|mri?|one|time ?point|visit|image|time|investigation)"
_EARLIER = r"(?:previous|prior|earlier|old|older|first|baseline|before|preceding|last|former|past)"
_PREVIOUS = re.compile(
    rf"\b(?:(?:for|on|in|of|at|from|with|to|about|and) )?(?:the |his |her |that |this |their )?(?:patient'?s? )?{_EARLIER} {_EXAM}\b(?! ?(?:above|below|over))|\b(?:for|on|in|at) (?:the )?(?:exam|scan|study|one) (?:before|from before)\b"
    r"|\b(?:what was it|how was it|and) (?:before|previously|last time|back then)\b|\bpreviously\b|\b(?:on|for) (?:the )?(?:baseline|prior)\b|\blast time\b"
)
_CURRENT = re.compile(
    rf"\b(?:(?:back )?(?:for|on|in|of|at|from|to|about|and) )?(?:the |his |her |that |this )?(?:current|present|new|newer|latest|later|recent|most recent|today'?s|follow-?up|second) {_EXAM}\b"
)
_COMPARES = re.compile(
    r"\b(?:since|compar\w+|chang\w+|differ\w*|grow\w*|grew|shr[aiu]nk\w*|larger|bigger|smaller|than|increas\w+|decreas\w+|between|register\w*|align\w*|carry|carried|warp\w*|overlap\w*|response|respond\w*|moved?|rotat\w+|progress\w*|regress\w*|new|gone|recist)\b"
)
_METHODS_TOO = re.compile(
    r"\b(?:by|with|using|run|use|try|take|compare) (?:it |that |them )?(?:by |with )?(?:every|all(?: the)?|each|both|several|other|another|different|a second|the other)(?: of the)? (?:methods?|tools?|models?|networks?|algorithms?|ways?)\b|\bcompare (?:the )?methods\b|\ba second (?:method|opinion)\b"
)
_YES = re.compile(
    r"^(?:yes|yeah|yep|sure|ok(?:ay)?|please do|do (?:it|that|so)|go ahead|yes please|please|the first(?: one)?|correct|right)[\s,.!]*(?:(?:please|do|run|use|go|by|measure|compare|try)\b.*)?[\s,.!]*$"
)


@dataclass(frozen=True)
class Fragment:
    """What a part of a follow-up says. A field at its default says nothing.

    wants and structures are named in it; side "other" is the one that was not meant before, "together" the two as one.
    marked: words that point back ("and", "it", "the same"); bare: no sentence of its own; only: it narrows.
    """

    text: str
    wants: tuple[str, ...] = ()
    structures: tuple[tuple[str, Side], ...] = ()
    side: Side | None = None
    other_side: bool = False
    together: bool = False
    region: str | None = None
    unit: str | None = None
    limits: Threshold | None = None
    no_limits: bool = False
    table: bool = False
    show: bool = False
    slices: bool = False
    methods: bool = False
    same: bool = False
    yes: bool = False
    singular: bool = False
    marked: bool = False
    bare: bool = False
    only: bool = False
    part: Part | None = field(default=None, compare=False)

    @property
    def modifies(self) -> bool:
        """True where it changes how something is asked, and not what."""
        return bool(
            self.side or self.other_side or self.together or self.unit or self.limits or self.no_limits or self.table
            or self.slices or self.methods or self.same or self.region
        )  # fmt: skip

    @property
    def says(self) -> bool:
        """True where it says anything that can be completed."""
        return self.modifies or self.show or bool(self.wants or self.structures)


def exam_of(text: str) -> tuple[str, str | None]:
    """text without the words that name an exam, and which one: "previous", "current", or None.

    What compares two exams keeps its words: that is one goal on both.
    """
    if _COMPARES.search(text):
        return text, None
    for pattern, exam in ((_CURRENT, "current"), (_PREVIOUS, "previous")):
        match = pattern.search(text)
        if match is not None:
            rest = re.sub(r"\s+", " ", f"{text[: match.start()]} {text[match.end() :]}").strip(" ,?.")
            return rest, exam
    return text, None


def read_fragment(part: Part, *, by_methods: bool = False) -> Fragment:
    """What one part says (its text is lower case, protected); want and structures only where they are named."""
    lead = _LEAD.match(part.text)
    yes = _YES.match(part.text) is not None
    text, slices = _taken(_SLICES, part.text)
    text = text if (stripped := _LEAD.match(text)) is None else text[stripped.end() :]
    rest, table = _taken(_TABLE, text)
    rest, methods = _taken(_METHODS_TOO, rest)
    rest, no_limits = _taken(_NO_LIMIT, rest)
    limits = None if no_limits else read_threshold(rest)
    if limits is not None:
        rest = limits.rest.replace("⟨range⟩", " ")
    show = _SHOW.match(rest.strip(" ,?.!")) is not None
    rest, together = _taken(_TOGETHER, rest)
    other_side = _OTHER_SIDE.search(rest) is not None
    side = None if together or other_side else _side(rest)
    # "Per mm²" is how a density is said.
    unit = None if re.search(r"\bper (?!cent)", part.text) else part.unit or asked_unit(part.text)
    named = [m for m in mentions(rest) if m.name != "image"]
    measured = [m for m in named if not (limits is not None and _INSIDE.search(rest[: m.start]))]
    regions = [m.name for m in named if m not in measured]
    wants = () if show else tuple(cued_wants(without_units(rest)))
    pointing = f" {lead[0] if lead else ''} {rest}"
    return Fragment(
        text=part.text,
        wants=wants,
        structures=tuple((m.name, _side_of_mention(rest, m.start)) for m in measured),
        side=side,
        other_side=other_side,
        together=together,
        region=regions[0] if regions else None,
        unit=unit,
        limits=limits,
        no_limits=no_limits,
        table=table,
        show=show,
        slices=slices,
        methods=methods or by_methods,
        same=_SAME.search(part.text) is not None,
        yes=yes,
        singular=re.search(r"\b(?:it|its|this|that|one)\b", rest) is not None,
        marked=lead is not None or _PRONOUN.search(pointing) is not None or _ONES.search(pointing) is not None,
        bare=_ASKS.search(rest) is None,
        only=lead is not None and re.search(r"\b(?:only|just|but)\b", lead[0]) is not None,
        part=part,
    )


def stands_alone(part: Part, only_of: str | None) -> bool:
    """True where a part says by itself what is wanted, and of what. only_of is the structure that its want is of."""
    if part.want is None:
        return False
    if part.want in OF_THE_IMAGE or only_of is not None or part.want in ("labelmap", "plane"):
        return True
    if part.of is None:
        return False
    if part.of == "intensity_range" and part.region is None:
        return bool(part.cues) and _BEFORE_RANGE.search(part.text) is None
    return not part.defaulted or (part.whole_image and not part.pronoun)


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str, bool]:
    left, count = pattern.subn(" ", text)
    return re.sub(r"\s+", " ", left).strip(), count > 0


def _side(text: str) -> Side | None:
    if _BOTH.search(text):
        return "each"
    said = {m[1] for m in _SIDE.finditer(text)}
    if len(said) == 2:
        return "each"
    if said:
        return "left" if "left" in said else "right"
    side = side_of(text)
    return None if side == "whole" else side


def _side_of_mention(text: str, start: int) -> Side:
    """The side that stands right before a structure ("the left kidney and the liver")."""
    match = re.search(r"\b(left|right|each|both)\s+(?:of\s+)?(?:the\s+)?$", text[:start])
    if match is None:
        return "whole"
    return (
        "each" if match[1] == "each" else "whole" if match[1] == "both" else "left" if match[1] == "left" else "right"
    )
