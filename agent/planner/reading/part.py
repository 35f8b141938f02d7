"""Reading one part of a question: what is wanted, of what, where, in which unit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from scanwright.agent.planner.reading.thresholds import read_threshold
from scanwright.agent.planner.reading.units import asked_unit
from scanwright.agent.planner.reading.wants import INTENSITY, OF_THE_IMAGE, cued_want
from scanwright.agent.planner.reading.words import Mention, mentions, side_of
from scanwright.tools.contract.goal import Side
from scanwright.tools.contract.quantity import HU, Point, Quantity

_POINT = re.compile(
    r"[\[(]?\s*(?:x\s*=?\s*)?(-?\d+(?:\.\d+)?)\s*(?:;;|[,;]|\s)\s*(?:y\s*=?\s*)?(-?\d+(?:\.\d+)?)\s*(?:;;|[,;]|\s)\s*(?:z\s*=?\s*)?(-?\d+(?:\.\d+)?)\s*[\])]?(?:\s*mm)?"
)
_OPEN_RANGE = re.compile(
    r"\b(?:above|over|below|under|exceed\w*|beyond|brighter than|darker than|denser than|greater than|less than|more than|higher than|"
    r"lower than|between|within|at)\b[^.?]{0,25}?\b(?:threshold|cut-?off|limit|limits|certain (?:value|level|intensity|threshold)|"
    r"given (?:value|threshold|level)|some (?:value|level|threshold)|x|specified (?:value|level|threshold))\b"
)
_PRONOUN = re.compile(r"\b(?:it|its|this|that|them|their|they)\b")
_OUTLINED = re.compile(
    r"\b(?:outlined|marked(?! (?:position|point|location|spot|place|voxel|on it))|drew|drawn|delineated|segmented|annotated|contoured|painted|circled|highlighted)\b"
    r"[^.?]*\b(?:area|region|zone|part|structure|by me|i|object|thing|spot|tissue)?\b|\bmy (?:mask|region|roi|outline|contour|label|drawing|segmentation)\b"
)
_SHARE_OF = r"(?:share|fraction|proportion|percent(?:age)?|per ?cent|part|much|%|ratio)\s+of\s+(?:all\s+)?(?:the\s+|this\s+|a\s+)?(?:whole\s+|entire\s+|total\s+)?$"
_RELATIVE_TO = r"(?:relative\s+to|as\s+(?:a|the)\s+\w+\s+of|compared\s+(?:to|with)|out\s+of|over|/|divided\s+by|versus|vs\.?|to)\s+(?:the\s+|this\s+)?(?:whole\s+|entire\s+|total\s+)?$"
_FINDING_LIKE = {"tumour", "nodule", "haemorrhage"}


@dataclass(frozen=True)
class Part:
    """What one part of a question says. of is None where no structure is named."""

    text: str
    want: str | None
    of: str | None
    region: str | None = None
    side: Side = "whole"
    unit: str | None = None
    params: dict[str, Quantity | Point | str] = field(default_factory=dict)
    whole_image: bool = False
    pronoun: bool = False
    says_hu: bool = False

    @property
    def complete(self) -> bool:
        """True where it can stand by itself."""
        return self.want is not None and (self.of is not None or self.want in OF_THE_IMAGE)

    def with_of(self, other: Part) -> Part:
        """This part about what the other is about."""
        side = other.side if self.side == "whole" else self.side
        return replace(
            self, of=other.of, region=self.region or other.region, side=side, params={**other.params, **self.params}
        )

    def with_want(self, other: Part) -> Part:
        """This part wanting what the other wants."""
        side = other.side if self.side == "whole" and other.want != "asymmetry_index" else self.side
        return replace(self, want=other.want, unit=self.unit or other.unit, side=side)


def read_part(text: str, *, has_mask: bool) -> Part:
    """Reads one part (normalised, protected)."""
    said_hu = bool(re.search(r"\b(?:hu|hounsfields?)\b", text))
    params: dict[str, Quantity | Point | str] = {}
    rest = text
    at = _POINT.search(text)
    if at is not None and re.search(r"(?:;;|[(\[]|\b(?:at|coordinates?|point|position)\b)", text):
        params["at"] = Point(x=float(at[1]), y=float(at[2]), z=float(at[3]))
        rest = f"{text[: at.start()]} ⟨point⟩ {text[at.end() :]}"
    unit = asked_unit(rest)
    threshold = None if "at" in params else read_threshold(rest)
    if threshold is not None:
        rest = threshold.rest
        params.update(threshold.params)
        unit = unit if asked_unit(rest) == unit else asked_unit(rest)
    open_range = threshold is None and _OPEN_RANGE.search(rest) is not None
    want = cued_want(rest)
    if want == "intensity_at_point" and "⟨point⟩" not in rest and threshold is not None:
        want = "volume"
    if want in (None, "overlay", "mask", "volume") and any(
        re.search(r"\bhow many (?:\w+ )?$|\b(?:number|count) of (?:the )?$", rest[: m.start]) for m in mentions(rest)
    ):
        want = "component_count"
    of, region, whole = _roles(rest, want, ranged=threshold is not None or open_range, has_mask=has_mask)
    if (
        (threshold is not None or open_range)
        and want in (None, "mean_intensity", "longest_diameter")
        and not re.search(r"\b(?:mean|average|diameter|longest)\b", rest)
    ):
        want = "volume"
    side = side_of(rest)
    if want == "asymmetry_index" or want in OF_THE_IMAGE:
        side = "whole"
    return Part(
        text=text, want=want, of=of, region=region, side=side, unit=unit, params=params, whole_image=whole,
        pronoun=bool(_PRONOUN.search(rest)), says_hu=said_hu,
    )  # fmt: skip


def _roles(text: str, want: str | None, *, ranged: bool, has_mask: bool) -> tuple[str | None, str | None, bool]:
    found = mentions(text)
    whole = any(m.name == "image" for m in found)
    named = [m for m in found if m.name != "image"]
    if has_mask and not named and re.search(r"\b(?:label|annotation|segmentation|drawing|contour)s?\b", text):
        return ("intensity_range", "given_region", whole) if ranged else ("given_region", None, whole)
    if has_mask and _OUTLINED.search(text):
        named = [m for m in named if m.name not in _FINDING_LIKE] or named
        named = [replace(m, name="given_region") if m.name in _FINDING_LIKE else m for m in named]
        if not named:
            return ("intensity_range", "given_region", whole) if ranged else ("given_region", None, whole)
    elif has_mask:
        named = [replace(m, name="given_region") if m.name in _FINDING_LIKE else m for m in named]
    elif not named and _OUTLINED.search(text):
        return ("intensity_range", "given_region", whole) if ranged else ("given_region", None, whole)
    named = _without_owner(text, named, ranged=ranged)
    if ranged:
        return "intensity_range", named[0].name if named else None, whole
    if want in OF_THE_IMAGE:
        return "image", None, whole
    if not named:
        return ("image" if want in INTENSITY and (whole or not _PRONOUN.search(text)) else None), None, whole
    if want == "volume_fraction":
        return *_share(text, named, whole), whole
    return named[0].name, None, whole


def _without_owner(text: str, named: list[Mention], *, ranged: bool) -> list[Mention]:
    """ "the mask of the brain", "the brain mask": the brain is meant, not a mask that the person gave."""
    others = [m for m in named if m.name != "given_region"]
    if (not others and not ranged) or len(others) == len(named):
        return named
    kept = []
    for m in named:
        word = text[m.start : m.end]
        generic = word in ("mask", "region", "label", "segmentation") and not re.search(
            r"\b(?:my|this|given|the given)\s+$", text[: m.start]
        )
        if m.name != "given_region" or not generic:
            kept.append(m)
    return kept


def _share(text: str, named: list[Mention], whole: bool) -> tuple[str | None, str | None]:
    region = next((m for m in named if re.search(_SHARE_OF, text[: m.start])), None)
    if region is None:
        region = next((m for m in named if re.search(_RELATIVE_TO, text[: m.start])), None)
    if region is None and len(named) > 1 and not whole:
        region = next(
            (m for m in named if re.search(r"\b(?:of|in|within|inside)\s+(?:the\s+)?$", text[: m.start])), named[-1]
        )
    parts = [m for m in named if m is not region]
    if not parts:
        return (region.name if region else None), None
    return parts[0].name, region.name if region else None


def hu_asked_of(part: Part, unit: str) -> str | None:
    """HU where the question asks for HU of an image that is not in HU (so that the compiler refuses it)."""
    return HU if part.says_hu and part.want in INTENSITY and unit != HU and not part.params else None
