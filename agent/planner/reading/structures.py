"""Structures and sides named in a question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from scanwright.tools.contract.goal import Side
from scanwright.tools.vocabulary.structures import PAIRED, STRUCTURES


@dataclass(frozen=True)
class Mention:
    """A structure named in a text, with where it stands."""

    name: str
    start: int
    end: int


# What stands for a region that the person gave ("the thing I contoured"), once it is found.
GIVEN = "⟨given⟩"
# A scan is called these too, but in a question they mostly mean the thing that is asked for.
_NOT_STRUCTURES = {"volume", "picture", "label", "file", "mass", "series", "segmentation", "annotation", "tissue"}
# Adjectives, and other words that in a question about a scan mean one structure.
_ALSO = {
    "cerebral hemisphere": "brain", "cerebral hemispheres": "brain", "hemisphere": "brain", "hemispheres": "brain",
    "cerebral": "brain", "brain parenchyma": "brain", "brain matter": "brain", "brain mask": "brain",
    "intracranial": "brain", "intracranial space": "brain", "intracranial cavity": "brain",
    "bony": "bone", "osseous": "bone", "osseous structures": "bone", "bony tissue": "bone", "bone tissue": "bone",
    "osseous tissue": "bone", "bony structure": "bone", "cranial": "skull", "cranial vault": "skull",
    "bones of the skull": "skull", "bone of the skull": "skull", "skull bones": "skull", "cranial bones": "skull",
    "air filled spaces": "air_space", "air filled space": "air_space", "aerated spaces": "air_space",
    "pneumatised": "air_space", "pneumatized spaces": "air_space", "pneumatized": "air_space", "sinus": "air_space",
    "paranasal sinus": "air_space", "gas": "air_space", "lean": "lean_tissue", "visceral": "deep_fat",
    "subcutaneous": "subcutaneous_fat",
    "soft tissue structures": "soft_tissue", "voi": "given_region", "region of interest": "given_region",
    "volume of interest": "given_region", "lesions": "given_region", "regions": "given_region",
    "scanned volume": "image", "entire volume": "image", "whole volume": "image", "whole picture": "image", "entire picture": "image", "dataset": "image",
    "data set": "image", "mri": "image", "ct": "image", "field of view": "image", "gray matter": "grey_matter",
    "the mass": "tumour", "this mass": "tumour", "neither bone nor air": "soft_tissue",
    "photograph": "image", "photo": "image", "slide": "image", "tile": "image", "pet": "image", "vertebral bodies": "vertebrae",
    GIVEN: "given_region",
}  # fmt: skip
_BY_SYNONYM = {
    s.replace("-", " "): c.name for c in STRUCTURES.values() for s in reversed(c.synonyms) if s not in _NOT_STRUCTURES
} | _ALSO
# What only a tool knows, by its own name in words.
_learnt: dict[str, str] = {}


def learn(structures: Iterable[str]) -> None:
    """Makes structures that the vocabulary lacks known by their own names, as a third party's tools give them."""
    new = {s.replace("_", " ").lower(): s for s in structures if s not in STRUCTURES}
    if new.keys() - _learnt.keys():
        _learnt.update(new)
        _compiled.cache_clear()
        _elliptic.cache_clear()


def mentions(text: str) -> list[Mention]:
    """The structures named in text (lower case), in order."""
    found = _compiled().finditer(text)
    return [Mention(_words()[re.sub(r"[\s-]+", " ", m[0])], m.start(), m.end()) for m in found]


def spelled_out(text: str) -> str:
    """text with "grey and white matter" as "grey matter and white matter", so that it can be split between the two.

    A name that holds an "and" itself ("muscles and organs together") becomes one that does not.
    """
    for mention in reversed(mentions(text)):
        if " and " in text[mention.start : mention.end]:
            text = f"{text[: mention.start]}{STRUCTURES[mention.name].synonyms[0]}{text[mention.end :]}"
    return _elliptic().sub(lambda m: m[0] if _is_one(m) else f"{m['first']} {m['noun']}{m['join']}{m['rest']}", text)


def _is_one(match: re.Match[str]) -> bool:
    """True where the first says enough alone ("bone and soft tissue"), or one of the two is no name."""
    second = match["rest"].split()[0]
    return match["first"] in _words() or not all(
        f"{word} {match['noun']}" in _words() for word in (match["first"], second)
    )


def _words() -> dict[str, str]:
    return _learnt | _BY_SYNONYM


@cache
def _compiled() -> re.Pattern[str]:
    names = sorted(_words(), key=len, reverse=True)
    every = "|".join(re.escape(s).replace(r"\ ", r"[\s-]+") for s in names)
    return re.compile(rf"(?<![\w⟨])(?:{every})(?![\w⟩])")


@cache
def _elliptic() -> re.Pattern[str]:
    """ "third and the fourth ventricle": two first words of names, and the second word that they share."""
    pairs = [tuple(s.split()) for s in _words() if len(s.split()) == 2]
    nouns = {noun for _, noun in pairs if len({first for first, n in pairs if n == noun}) > 1}
    first = "|".join(sorted({re.escape(f) for f, n in pairs if n in nouns}))
    noun = "|".join(sorted(re.escape(n) for n in nouns))
    join = r"\s*(?:,|/|&|\band\b|\bor\b|\bto\b|\bfrom\b|\bversus\b|\bvs\.?)\s*(?:(?:of|in|for)\s+)?(?:the\s+)?"
    return re.compile(rf"\b(?P<first>{first})(?P<join>{join})(?P<rest>(?:{first})\s+(?P<noun>{noun}))\b")


_HALF = r"(?:half|halves|sides?|hemispheres?)"
_JOIN = r"\s*(?:and|~|/|&|,|vs\.?|versus|or)\s*(?:the\s+|on\s+the\s+)?"
_BOTH = re.compile(
    rf"\b(?:each|either|both|every|two|2)\s+(?:\w+\s+)?(?:{_HALF}|ones?)\b|\b(?:left|l){_JOIN}(?:right|r)\b|\b(?:right|r){_JOIN}(?:left|l)\b|"
    rf"\b(?:per|by)[- ]{_HALF}\b|\b(?:hemisphere|side|half) by (?:hemisphere|side|half)\b|\bhemispheric\b|\b{_HALF}[- ]?wise\b"
)
_EACH = re.compile(r"\b(?:each|every|either)\s+(?:of the\s+)?(?:\w+\s+)?$")
_APART = re.compile(r"\b(?:separately|individually|each|one by one|apiece)\b")
_SIDE = re.compile(r"\b(?P<side>left|right|l|r)(?:-sided|-hand|-side)?\b")
# Measures that name no structure, and have sides all the same.
_OF_THE_LUNG = re.compile(r"\b(?:laa(?:[- ]?950)?|emphysema(?: index)?)\W*$")
_HAS_SIDES = r"(?:side|hemisphere|half|brain|skull|head|bone|volume)\b"


def side_of(text: str) -> Side:
    """left, right, each or whole, as text (lower case) says."""
    if _BOTH.search(text):
        return "each"
    if _each_of_a_pair(text):
        return "each"
    sides = {"left" if m["side"].startswith("l") else "right" for m in _SIDE.finditer(text) if _is_side(text, m)}
    if len(sides) == 2:
        return "each"
    return next(iter(sorted(sides)), "whole")  # type: ignore[arg-type]


def _each_of_a_pair(text: str) -> bool:
    """ "each lung", "the lungs separately"; "both lungs" are the two together."""
    pairs = [m for m in mentions(text) if m.name in PAIRED]
    each = any(_EACH.search(text[: m.start]) for m in pairs)
    return each or (bool(pairs) and _APART.search(text) is not None and len({m.name for m in mentions(text)}) == 1)


def _is_side(text: str, match: re.Match[str]) -> bool:
    """ "l" and "r" stand for sides only beside what has sides; "right" is not one in "right now"."""
    before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
    if match["side"] in ("l", "r"):
        beside = re.search(r"(?:brain|skull|head|bone|hemisphere|half|side)$", before)
        return bool(re.match(_HAS_SIDES, after) or (beside and re.match(r"[a-z]", after)) or _is_of_a_pair(text, match))
    if match["side"] == "right" and re.match(r"(?:now|away|here|there|over|after)\b", after):
        return False
    return (
        after not in ("", "?", ".", "!")
        or bool(re.search(r"(?:side|half|hemisphere|on the|the|of|[,:])$", before))
        or bool(mentions(before))
        or _OF_THE_LUNG.search(before) is not None
    )


def _is_of_a_pair(text: str, match: re.Match[str]) -> bool:
    """ "kidney vol r", "l kidney": "r" is no unit, and "l" is one unless it stands beside the name."""
    pairs = [m for m in mentions(text) if m.name in PAIRED]
    if match["side"] == "r":
        return bool(pairs)
    return any(not text[min(match.end(), m.end) : max(match.start(), m.start)].strip() for m in pairs)
