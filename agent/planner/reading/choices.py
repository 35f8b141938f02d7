"""Choices: what a question says of how a measure is to be made (the dye, the number of bins, which cases)."""

from __future__ import annotations

import re

from scanwright.tools.contract.quantity import Quantity

_DYES = (
    ("DAB", re.compile(r"\b(?:dab|brown)\b")),
    ("eosin", re.compile(r"\b(?:eosin|pink)\b")),
    ("haematoxylin", re.compile(r"\b(?:ha?ematoxylin|blue|counterstain)\b")),
)
_FAMILIES = (
    ("glcm", re.compile(r"\b(?:glcm|co-?occurrence)\b")),
    ("glrlm", re.compile(r"\b(?:glrlm|run-?length)\b")),
    ("glszm", re.compile(r"\b(?:glszm|size-?zone)\b")),
    ("ngtdm", re.compile(r"\bngtdm\b")),
    ("shape", re.compile(r"\bshape features?\b")),
    ("first_order", re.compile(r"\bfirst[- ]order\b")),
)
_BINS = re.compile(r"\b(\d+) bins\b")
_LIMIT = re.compile(
    r"\b(?:(?:the|find|show|give me|top|best) )?(\d+) (?=(?:most |nearest |closest )?(?:similar|comparable|alike))"
)
_SEXES = (("F", re.compile(r"\b(?:women|woman|female)\b")), ("M", re.compile(r"\b(?:men|man|male)\b")))
# Nodes are measured across (RECIST 1.1), which is another number than the longest line.
_OF_LESIONS = ("sum_of_diameters", "target_lesion_diameter", "recist_response", "target_lesions_picture")
_NODES = re.compile(r"\b(?:lymph|nod(?:e|es|al)|short (?:axis|axes|diameters?)|lymphadenopath\w*)\b")


def chosen(want: str | None, text: str) -> dict[str, Quantity | str]:
    """The parameters of want that text (lower case) names."""
    if want == "stain_density":
        return _one("dye", _DYES, text)
    if want == "radiomic_features":
        bins = _BINS.search(text)
        return _one("family", _FAMILIES, text) | ({} if bins is None else {"bin_count": _count(bins)})
    if want == "similar_cases":
        limit = _LIMIT.search(text)
        return _one("sex", _SEXES, text) | ({} if limit is None else {"limit": _count(limit)})
    return {}


def of_nodes(want: str, question: str) -> bool:
    """True where lesions are measured that the whole question calls nodes: "the marked nodes" are read as the mask."""
    return want in _OF_LESIONS and _NODES.search(question.lower()) is not None


def without_choices(want: str | None, text: str) -> str:
    """text without the numbers that `chosen` has read."""
    pattern = {"radiomic_features": _BINS, "similar_cases": _LIMIT}.get(want or "")
    return text if pattern is None else pattern.sub(" ", text)


def _one(name: str, values: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> dict[str, Quantity | str]:
    """The one value that is named; where several are, all are meant, and none is chosen."""
    found = [value for value, pattern in values if pattern.search(text)]
    return {name: found[0]} if len(found) == 1 else {}


def _count(match: re.Match[str]) -> Quantity:
    return Quantity(value=float(match[1]), unit="1")
