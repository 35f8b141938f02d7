"""Reading one part of a question: what is wanted, of what, where, in which unit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from scanwright.agent.planner.reading.choices import chosen, without_choices
from scanwright.agent.planner.reading.given import with_given_marked
from scanwright.agent.planner.reading.parts import Piece
from scanwright.agent.planner.reading.roles import Roles, read_roles
from scanwright.agent.planner.reading.structures import GIVEN, mentions, side_of
from scanwright.agent.planner.reading.thresholds import read_threshold
from scanwright.agent.planner.reading.units import asked_unit, without_units
from scanwright.agent.planner.reading.wants import INTENSITY, MEASURES, OF_THE_IMAGE, cued_wants
from scanwright.tools.contract.goal import Side
from scanwright.tools.contract.quantity import HU, Point, Quantity

_COORDINATE = r"(-?\d+(?:\.\d+)?)"
_SEP = r"\s*(?:¦|[,;]|\s)\s*(?:and\s+)?"
_POINT = re.compile(
    rf"[\[(]?\s*(?:x\s*=?\s*)?{_COORDINATE}{_SEP}(?:y\s*=?\s*)?{_COORDINATE}{_SEP}(?:z\s*=?\s*)?{_COORDINATE}\s*[\])]?(?:\s*mm)?"
)
_SAYS_POINT = re.compile(r"¦|[(\[]|\b(?:at|coordinates?|point|position|location|voxel|x)\b")
_OPEN_RANGE = re.compile(
    r"\b(?:above|over|below|under|exceed\w*|beyond|beneath|surpass\w*|past|brighter than|darker than|denser than|greater than|less than|more than|higher than|"
    r"lower than|larger than|smaller than|between|within|at)\b[^.?]{0,25}?\b(?:threshold|cut-?off|limits?|bounds?|certain|"
    r"given (?:value|threshold|level|intensity)|some (?:value|level|threshold|number|intensity)|x|specified|specific|defined|chosen|thresholds|particular)\b"
)
_PRONOUN = re.compile(r"\b(?:it|its|this|that|them|their|they|there)\b")
_LYING_IN = re.compile(
    r"\b(?:in|inside|within|of|on|at|near) (?:the |his |her )?(?:left|right) (?!half\b|side\b|part\b)\w+"
)
_COUNTED = re.compile(r"\bhow many (?:\w+ )?$|\b(?:number|count) of (?:the )?$")
_MEASURES = re.compile(r"\b(?:mean|average|diameter|longest|how bright|how dense)\b")
_HEIGHT = re.compile(
    rf"\bz\s*(?:=|:|of|is|at)?\s*{_COORDINATE}\s*(?:mm\b)?|\b(?:slice|level|height|cut|section) (?:at|of) {_COORDINATE} ?mm\b"
)
_WITHOUT = re.compile(
    r"\b(?:without|excluding|exclud\w+|except(?: for)?|leaving out|not counting|minus|less)\s+(?:the\s+|its\s+|any\s+)?$"
)
# To leave these out changes nothing.
_NEVER_IN = {"brain": ("skull", "bone", "head", "soft_tissue"), "lung": ("airway", "body", "bone"), "head": ("image",)}
# Numbers that belong to a word: "3D", "T1", "RECIST 1.1", "5th", "mm^2", "2 halves".
_HARMLESS_NUMBER = re.compile(
    r"\blaa[- ]?950\b|\bki-?67\b|\bher-?2\b|\b[clt]\d{1,2}\b|\b\d+[- ]regions?\b|\b\d+(?:st|nd|rd|th)\b|\bt[12]\b|\b[23] ?-?d\b|recist\s*1\.\d|\^\d|\b\d+[- ](?:year|yr|week|day|month)s?\b|\b[1-9]\b(?!\s*(?:hu|hounsfield))|\b(?:19|20)\d\d\b"
)
# What an "of" may be followed by without naming a thing that is to be measured.
_OF_NOTHING = re.compile(
    r"(?:hu|hounsfields?|signals?|intensit\w+|values?|voxels?|pixels?|all|everything|total|general|range|units?|tables?|csv|spreadsheet|excel|gr[ae]y|densit\w+|"
    r"attenuation|terms?|average|percent|data|it|its|each|every|mm|cm|ml|order|detail|principle|histogram|numbers?|space|there|here|which|what|this|that|these|those|volume|mean|median|standard|picture|percentages?|millimet\w+|millilit\w+|centimet\w+|lit(?:re|er)s?|cubic|square|relation|relative|measurements?|results?|answer|question|thing|pieces?|parts?|components?|fragments?|islands?|clusters?|sides?|hal(?:f|ves)|ends?|slices?|rows?|columns?|planes?|axes|axis|directions?|one|two|how|where|whether|case|addition|\w+est|overall|extent|degree|change|difference|exams?|scans?|images?|study|patient)\b"
)
_OF_SOMETHING = re.compile(
    r"\b(?:of|in|inside|within|throughout)\s+(?:(?:the|a|an|his|her|my|our|your|left|right|whole|entire|full|total|complete)\s+)*(?P<noun>[a-z]{3,})"
)

_IS_SOMETHING = re.compile(r"\b(?:is|are|does|has|have)\s+(?:the|a|an|this|my|his|her)\s+(?P<noun>[a-z]{3,})")


@dataclass(frozen=True)
class Part:
    """What one part of a question says. of is None where no structure is named.

    level_mm is the height of a slice that is named without a point. cues are all wants that its words name, want the one that was taken; foreign is true where the words name a thing
    that is no structure here, and doubtful where a number was left that nobody could place, or
    a structure is left out of another. exam is the exam that it is asked of, compared the one it is compared with, in
    the words of a Goal ("first", "--03"; "now" is the exam asked about, said so).
    """

    text: str
    want: str | None
    of: str | None
    sentence: int = 0
    region: str | None = None
    side: Side = "whole"
    unit: str | None = None
    params: dict[str, Quantity | Point | str] = field(default_factory=dict)
    cues: tuple[str, ...] = ()
    whole_image: bool = False
    pronoun: bool = False
    says_hu: bool = False
    ranged: bool = False
    level_mm: float | None = None
    defaulted: bool = False
    foreign: bool = False
    doubtful: bool = False
    exam: str | None = None
    compared: str | None = None

    @property
    def complete(self) -> bool:
        """True where it can stand by itself."""
        return self.want is not None and (self.of is not None or self.want in OF_THE_IMAGE)

    def with_of(self, other: Part) -> Part:
        """This part about what the other is about."""
        side = other.side if self.side == "whole" and self.want != "asymmetry_index" else self.side
        region, of = self.region or other.region, other.of
        if self.ranged and not other.ranged:
            region, of = self.region or other.of, self.of
        return replace(
            self, of=of, region=region, side=side, params={**other.params, **self.params}, defaulted=False,
            ranged=self.ranged or other.ranged, exam=self.exam or other.exam,
        )  # fmt: skip

    def with_want(self, other: Part) -> Part:
        """This part wanting what the other wants."""
        side = other.side if self.side == "whole" and other.want != "asymmetry_index" else self.side
        region = other.region if other.want == "volume_fraction" and self.region is None else self.region
        level = other.level_mm if self.level_mm is None else self.level_mm
        return replace(
            self, want=other.want, unit=self.unit or other.unit, side=side, region=region, level_mm=level,
            exam=self.exam or other.exam, compared=self.compared or other.compared,
        )  # fmt: skip


LAA_HU = -950
# "Per mm²" is how a density is said, "from Bq/mL" what an image is converted from.
_NO_UNIT = {"nuclei_density", "suv_volume"}
_VOLUMES = {"mL", "L", "dL", "uL", "cm3", "mm3"}


def read_part(piece: Piece, *, has_mask: bool) -> Part:
    """Reads one part (normalised, protected)."""
    text = with_given_marked(piece.text)
    params: dict[str, Quantity | Point | str] = {}
    rest = text
    at = _POINT.search(text)
    threshold, level = None, None
    if at is not None and _SAYS_POINT.search(text):
        params["at"] = Point(x=float(at[1]), y=float(at[2]), z=float(at[3]))
        rest = f"{text[: at.start()]} ⟨point⟩ {text[at.end() :]}"
    elif (height := _HEIGHT.search(text)) is not None and cued_wants(text)[:1] == ["area_at_level"]:
        level = float(height[1] or height[2])
        rest = f"{text[: height.start()]} level {text[height.end() :]}"
    elif (threshold := read_threshold(text)) is not None:
        rest = threshold.rest
        params.update(threshold.params)
    open_range = threshold is None and _OPEN_RANGE.search(rest) is not None
    ranged = threshold is not None or open_range
    cues = cued_wants(rest)
    want = _want(rest, cues, ranged=ranged)
    params.update(chosen(want, rest))
    unit = None if want in _NO_UNIT else asked_unit(rest)
    if want == "volume_fraction" and unit in _VOLUMES:
        want = "volume"  # "how much of the head lies above … in mL" asks for no share
    if want in ("emphysema_index", "area_at_level", "labelmap") or want in MEASURES:
        ranged, threshold = False, None
    if want == "component_count" and unit in _VOLUMES:
        want = "volume"  # "how many litres does that part have"
    roles = read_roles(rest, want, ranged=ranged, has_mask=has_mask)
    if want == "volume_fraction" and _is_laa(roles, params):
        want, roles, params = "emphysema_index", Roles("lung"), {}
    # "The lesion in the left kidney": the side says where it lies, and is none of its own.
    sided = _LYING_IN.sub(" ", rest) if roles.of == "given_region" else rest
    side: Side = "whole" if want in ("asymmetry_index", "plane", "labelmap") or want in OF_THE_IMAGE else side_of(sided)
    return Part(
        text=piece.text, sentence=piece.sentence, want=want, of=roles.of, region=roles.region, side=side,
        unit=unit, params=params, cues=tuple(cues), whole_image=roles.whole_image,
        pronoun=bool(_PRONOUN.search(rest)), says_hu=bool(re.search(r"\b(?:hu|hounsfields?)\b", text)), ranged=ranged, level_mm=level,
        defaulted=roles.defaulted, foreign=want not in MEASURES and _is_foreign(rest, roles),
        doubtful=_has_stray_number(without_choices(want, rest)) or (want not in MEASURES and _leaves_out(rest, roles.of)),
    )  # fmt: skip


def _is_laa(roles: Roles, params: dict[str, Quantity | Point | str]) -> bool:
    """The share of the lung below −950 HU has a name of its own."""
    high = params.get("high")
    return roles.region == "lung" and "low" not in params and isinstance(high, Quantity) and high.value == LAA_HU


def _want(text: str, cues: list[str], *, ranged: bool) -> str | None:
    want = cues[0] if cues else None
    if ranged and want == "intensity_at_point" and "⟨point⟩" not in text:
        want = "volume"
    structures = [m for m in mentions(text) if m.name != "image"]
    if want == "intensity_at_point" and any(
        m.name == "clicked_structure" and text[m.start : m.end] != "this spot" for m in structures
    ):
        want = next((cue for cue in cues if cue != want), "mean_intensity" if _MEASURES.search(text) else None)
    if want == "dimensions" and structures and re.search(r"\bdimensions\b", text):
        want = "bounding_box"
    if want in (None, "overlay", "mask", "volume") and any(_COUNTED.search(text[: m.start]) for m in structures):
        want = "component_count"
    if ranged and want in (None, "mean_intensity", "longest_diameter", "dimensions") and not _MEASURES.search(text):
        want = "volume"
    return want


def _is_foreign(text: str, roles: Roles) -> bool:
    if not (roles.of is None or roles.defaulted):
        return False
    named = {text[m.start : m.end].split()[0] for m in mentions(text)}
    patterns = (_OF_SOMETHING,) if roles.of == "image" else (_OF_SOMETHING, _IS_SOMETHING)
    nouns = {m["noun"] for pattern in patterns for m in pattern.finditer(text)} - named
    return any(not _OF_NOTHING.match(noun) and not cued_wants(noun) for noun in nouns)


def _leaves_out(text: str, of: str | None) -> bool:
    """True for "the brain without the cerebellum": nothing here takes one structure out of another."""
    out = {m.name for m in mentions(text) if _WITHOUT.search(text[: m.start])}
    return bool(out - {of, *_NEVER_IN.get(of or "", ())})


def _has_stray_number(text: str) -> bool:
    text = text.replace(GIVEN, " ")
    return re.search(r"\d", _HARMLESS_NUMBER.sub(" ", without_units(text))) is not None


def hu_asked_of(part: Part, unit: str) -> str | None:
    """HU where the question asks for HU of an image that is not in HU (so that the compiler refuses it)."""
    return HU if part.says_hu and part.want in INTENSITY and unit != HU and not part.params else None
