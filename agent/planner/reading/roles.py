"""Roles: which of the structures that a part names is measured, and which one restricts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from scanwright.agent.planner.reading.structures import Mention, mentions
from scanwright.agent.planner.reading.wants import INTENSITY, OF_THE_IMAGE

_SHARE_OF = re.compile(
    r"(?:shares?|fractions?|proportions?|portions?|percent(?:age)?|per ?cent|parts?|much|%|out|bit|piece)\s+of\s+(?:all\s+)?(?:the\s+|this\s+|a\s+|my\s+|his\s+|her\s+)?(?:whole\s+|entire\s+|total\s+|full\s+)?$"
)
_RELATIVE_TO = re.compile(
    r"(?:relative\s+to|as\s+(?:a|the)\s+\w+\s+of|in\s+(?:relation|comparison)\s+to|compared\s+(?:to|with)|out\s+of|over|/|divided\s+by|versus|vs\.?|to|of\s+all)\s+(?:all\s+)?(?:of\s+)?(?:the\s+|this\s+)?(?:whole\s+|entire\s+|total\s+|full\s+)?$"
)
_LOCATIVE = re.compile(
    r"\b(?:in|inside|within|on|from|throughout|across|into|onto)\s+(?:the\s+|this\s+|my\s+|his\s+|her\s+)?(?:whole\s+|entire\s+|left\s+|right\s+|total\s+)*$"
)
_OF = re.compile(r"\b(?:of|in|within|inside)\s+(?:the\s+)?$")
_GENERIC = {"mask", "region", "label", "segmentation", "roi"}
_MY = re.compile(r"\b(?:my|this|given|the given|that)\s+(?:\w+\s+)?$")
_PRONOUN = re.compile(r"\b(?:it|its|this|that|them|their|they)\b")
_TO_BE_MADE = re.compile(r"\b(?:an?|as|binary|new|nifti|stl)\s+(?:nifti\s+|binary\s+|new\s+)?$")
# With a mask given, a finding that is spoken of is what the mask shows.
_FINDINGS = {"tumour", "nodule", "haemorrhage"}
_LOOSELY_GIVEN = re.compile(
    r"\b(?:the|my|this|that|our|in|of|per|each|from)\s+(?:label|annotation|segmentation|drawing|contour|outline)s?\b"
    r"|\b(?:label|annotation|segmentation|drawing|contour|outline)s?:?\s+(?:statistics|volume|size|mean|values|area)\b"
)
# What can only be asked of a region: with a mask given and nothing named, it is asked of the mask.
_OF_A_REGION = {
    "axial_diameters", "longest_axial_diameter", "bounding_box", "component_count", "component_volumes", "surface_area",
    "asymmetry_index", "volume_change", "radiomic_features",
}  # fmt: skip
# What is only ever measured in a region that a person outlines: with nothing named, it is asked of that, given or not.
_OF_AN_OUTLINE = {
    "abc2_volume", "abc2_difference", "abc2_picture", "agatston_score", "calcium_volume_score",
    "calcified_lesion_count", "calcium_picture", "sum_of_diameters", "target_lesion_diameter", "recist_response",
    "target_lesions_picture", "overlap_change", "carried_mask",
}  # fmt: skip
_OF_PET = {"suv_max", "suv_mean", "suv_peak"}


@dataclass(frozen=True)
class Roles:
    """of is None where nothing is named that could be measured; defaulted where the image or the mask was taken for want of more."""

    of: str | None
    region: str | None = None
    whole_image: bool = False
    defaulted: bool = False


def read_roles(text: str, want: str | None, *, ranged: bool, has_mask: bool) -> Roles:
    """The roles in a text from which ranges and points are taken out. ranged: it speaks of voxels between values."""
    found = mentions(text)
    whole = any(m.name == "image" for m in found)
    named = [m for m in found if m.name != "image"]
    if has_mask or want in _OF_AN_OUTLINE:
        named = [Mention("given_region", m.start, m.end) if m.name in _FINDINGS else m for m in named]
        if not named and _LOOSELY_GIVEN.search(text):
            return Roles("intensity_range", "given_region", whole) if ranged else Roles("given_region", None, whole)
    named = _without_owner(text, named)
    if want in OF_THE_IMAGE:
        return Roles("image", None, whole)
    if want == "labelmap":
        return Roles("labels", None, whole)
    if want == "plane":
        return Roles("midsagittal_plane", None, whole)
    if ranged:
        return Roles("intensity_range", named[0].name if named else None, whole)
    if not named:
        return _nothing_named(text, want, whole, has_mask=has_mask)
    if want == "volume_fraction":
        of, region = _share(text, named, whole)
        return Roles(of, region, whole)
    of_mention = _measured(text, named)
    return Roles(of_mention.name, _place(text, named, of_mention), whole)


def _nothing_named(text: str, want: str | None, whole: bool, *, has_mask: bool) -> Roles:
    if want in _OF_AN_OUTLINE or (has_mask and want in _OF_A_REGION):
        return Roles("given_region", None, False, defaulted=True)
    if want in (*INTENSITY, *_OF_PET) and (whole or not _PRONOUN.search(text)):
        return Roles("image", None, whole, defaulted=not whole)
    if want == "overlay" and whole:
        return Roles("image", None, whole)
    return Roles(None, None, whole)


def _measured(text: str, named: list[Mention]) -> Mention:
    """ "in the head, how large is the bone": bone; "head bone volume": bone; else the first that is named."""
    more = next(
        (m for m in named if re.search(r"\b(?:more|less|fewer)\s+(?:of\s+)?(?:the\s+)?$", text[: m.start])), None
    )
    if more is not None:
        return more
    free = [m for m in named if not _LOCATIVE.search(text[: m.start])] or named
    for first, second in pairwise(free):
        if first is free[0] and re.fullmatch(r"(?:'s?)?[\s-]*", text[first.end : second.start]):
            return second
    return free[0]


def _place(text: str, named: list[Mention], of: Mention) -> str | None:
    """Where the person's own region restricts what is measured ("the bone in my ROI")."""
    places = [m.name for m in named if m is not of and _LOCATIVE.search(text[: m.start])]
    return "given_region" if "given_region" in places and of.name != "given_region" else None


def _without_owner(text: str, named: list[Mention]) -> list[Mention]:
    """ "the mask of the brain", "the brain mask": the brain is meant, not a mask that the person gave."""
    named = [m for m in named if m.name != "given_region" or not _TO_BE_MADE.search(text[: m.start])]
    others = [m for m in named if m.name != "given_region"]
    kept = [
        m for m in named
        if m.name != "given_region" or text[m.start : m.end] not in _GENERIC or _MY.search(text[: m.start])
    ]  # fmt: skip
    return kept if others else named


def _share(text: str, named: list[Mention], whole: bool) -> tuple[str | None, str | None]:
    region = next((m for m in named if _SHARE_OF.search(text[: m.start])), None)
    if region is None:
        region = next((m for m in named if _RELATIVE_TO.search(text[: m.start])), None)
    if region is None and len(named) > 1 and not whole:
        region = next((m for m in named if _OF.search(text[: m.start])), named[-1])
    parts = [m for m in named if m is not region]
    if not parts:
        return (region.name if region else None), None
    return parts[0].name, region.name if region else None
