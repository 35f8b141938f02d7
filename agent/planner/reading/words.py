"""Words of the domain: spelling, structures and sides in a question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA
from scanwright.tools.contract.goal import Side
from scanwright.tools.vocabulary.structures import STRUCTURES

# Misspellings that are words themselves, so that no distance finds them.
_SLIPS = {
    "brian": "brain", "brians": "brains", "scull": "skull", "teh": "the", "hte": "the", "adn": "and", "wich": "which",
    "waht": "what", "hwo": "how", "hou": "how", "mutch": "much", "vol": "volume", "vols": "volumes", "avg": "average",
    "max": "maximum", "min": "minimum", "pct": "percent", "pic": "picture", "pics": "pictures", "diam": "diameter",
    "seg": "segment", "sd": "standard deviation", "stdev": "standard deviation", "std": "standard deviation",
    "res": "resolution", "fov": "field of view", "dims": "dimensions", "asym": "asymmetry", "houndsfield": "hounsfield",
    "gm": "grey matter",
    "wm": "white matter",
    "fx": "fracture",
    "ther": "there",
    "bains": "brain", "sige": "size", "siez": "size", "fo": "of", "si": "is", "od": "of", "ot": "to", "ths": "this",
}  # fmt: skip
_TARGETS = tuple(
    ["volume", "volumes", "large", "larger", "size", "sizes", "surface", "area", "diameter", "diameters", "longest", "widest", "maximum", "minimum", "average", "mean", "median", "standard", "deviation", "intensity", "intensities", "brightness", "brightest", "darkest", "density", "densest", "hounsfield", "percentage", "percent", "fraction", "proportion", "share", "components", "component", "pieces", "separate", "segment", "segmentation", "outline", "picture", "display", "show", "export", "orientation", "spacing", "resolution", "modality", "dimensions", "matrix", "slices", "slice", "thickness", "asymmetry", "asymmetric", "symmetric", "hemisphere", "hemispheres", "difference", "between", "above", "below", "threshold", "voxels", "voxel", "bounding", "millilitres", "milliliters", "litres", "liters", "region", "lesion", "percentile", "percentiles", "tissue", "highest", "lowest", "extract", "patient", "scanner", "coverage", "connected", "right", "left", "nifti", "mask", "values", "value", "measure", "calculate", "compute", "report", "contour", "visualize", "visualise", "brighter", "darker", "denser", "greater", "higher", "lower", "exceeding", "exceed", "many", "much", "what", "there", "how", "than", "fracture", "tumour"]
)


@dataclass(frozen=True)
class Mention:
    """A structure named in a text, with where it stands."""

    name: str
    start: int
    end: int


class Speller:
    """Corrects misspelt domain words; words in the dictionary are left alone.

    dictionary is any set of common English words (the sentence encoder's vocabulary serves).
    """

    def __init__(self, dictionary: Iterable[str] = ()) -> None:
        structure_words = {w for c in STRUCTURES.values() for s in c.synonyms for w in s.split() if len(w) > 3}
        self._targets = sorted({*_TARGETS, *structure_words})
        self._known = {*dictionary, *self._targets}

    def correct(self, text: str) -> str:
        """text (lower case) with slips and misspelt domain words corrected."""
        return re.sub(r"[a-z]+", lambda m: self._word(m[0]), text)

    def _word(self, word: str) -> str:
        if word in _SLIPS:
            return _SLIPS[word]
        if len(word) < 4 or word in self._known:
            return word
        slips = 1 if len(word) < 7 else 2
        best = process.extractOne(word, self._targets, scorer=OSA.distance, score_cutoff=slips)
        return word if best is None else str(best[0])


# A scan is called these too, but in a question they mostly mean the thing that is asked for.
_NOT_STRUCTURES = {"volume", "picture", "label", "file", "mass", "series", "segmentation", "annotation"}
_MENTIONS = re.compile(
    r"\b(?:%s)\b"  # noqa: UP031
    % "|".join(
        re.escape(s)
        for s in sorted({s for c in STRUCTURES.values() for s in c.synonyms} - _NOT_STRUCTURES, key=len, reverse=True)
    )
)
_BY_SYNONYM = {s: c.name for c in STRUCTURES.values() for s in reversed(c.synonyms)}


def mentions(text: str) -> list[Mention]:
    """The structures named in text (lower case), in order."""
    return [Mention(_BY_SYNONYM[m[0]], m.start(), m.end()) for m in _MENTIONS.finditer(text)]


_BOTH = re.compile(
    r"\b(?:each|either|both)\s+(?:side|half|hemisphere|one)s?\b|\bleft\s*(?:and|~|/|&|,|vs\.?|versus)\s*(?:the\s+)?right\b|"
    r"\bright\s*(?:and|~|/|&|,|vs\.?|versus)\s*(?:the\s+)?left\b|\bper\s+(?:side|hemisphere|half)\b|"
    r"\bby\s+(?:side|hemisphere)\b|\bboth\s+(?:\w+\s+)?(?:halves|sides|hemispheres)\b|\bside\s+by\s+side\b|\bhemispheric\s+volumes\b|"
    r"\bl\s*(?:/|and|&)\s*r\b|\b(?:two|2)\s+(?:halves|hemispheres|sides)\b"
)
_SIDE = re.compile(r"\b(?P<side>left|right|l|r)(?:-sided|-hand)?\b")


def side_of(text: str) -> Side:
    """left, right, each or whole, as text (lower case) says."""
    if _BOTH.search(text):
        return "each"
    sides = {"left" if m["side"].startswith("l") else "right" for m in _SIDE.finditer(text) if _is_side(text, m)}
    if sides == {"left", "right"}:
        return "each"
    if "left" in sides:
        return "left"
    return "right" if "right" in sides else "whole"


def _is_side(text: str, match: re.Match[str]) -> bool:
    """ "l" and "r" stand for sides only before what has sides; "right" is not one in "right now"."""
    after = text[match.end() :].lstrip()
    if match["side"] in ("l", "r"):
        return bool(re.match(r"(?:side|hemisphere|half|brain|skull|head)\b", after))
    return not re.match(r"(?:now|away|here|there|over|after|\?|$)", after) or "side" in text
