"""Units in words, as UCUM."""

from __future__ import annotations

import re

_UNITS: tuple[tuple[str, str], ...] = (
    (r"hounsfields?(?:\s+units?)?|hu|h\.u\.", "[hnsf'U]"),
    (r"cubic\s+centimet(?:re|er)s?|cm\s?\^?\s?3|ccm?|ccs", "cm3"),
    (r"cubic\s+millimet(?:re|er)s?|mm\s?\^?\s?3", "mm3"),
    (r"square\s+centimet(?:re|er)s?|cm\s?\^?\s?2|sq\.?\s?cm", "cm2"),
    (r"square\s+millimet(?:re|er)s?|mm\s?\^?\s?2|sq\.?\s?mm", "mm2"),
    (r"square\s+(?:micromet(?:re|er)s?|microns?)|[µμu]m\s?\^?\s?2", "um2"),
    (r"milli\s?lit(?:re|er)s?|mls?", "mL"),
    (r"microlit(?:re|er)s?|µl|ul", "uL"),
    (r"decilit(?:re|er)s?|dl", "dL"),
    (r"lit(?:re|er)s?|l", "L"),
    (r"millimet(?:re|er)s?|mms?", "mm"),
    (r"centimet(?:re|er)s?|cms?", "cm"),
    (r"micromet(?:re|er)s?|microns?|[µμu]m", "um"),
    (r"met(?:re|er)s?", "m"),
    (r"percent(?:age)?|per\s+cent|%", "%"),
)
UNIT_PATTERN = "|".join(f"(?:{p})" for p, _ in _UNITS)
_COMPILED = tuple((re.compile(rf"(?:{p})\Z"), unit) for p, unit in _UNITS)
_WRITTEN = re.compile(rf"(?<![\w.^-])(?P<unit>{UNIT_PATTERN})(?![\w^])")
_PERCENT = re.compile(r"%|\bper ?cent\b")
# "l" and "m" are units only where something says so: "left" is "l" too.
_NEEDS_IN = {"l", "m"}
_SAYS_UNIT = re.compile(r"(?:\b(?:in|as|many|of|is|unit)\s+|[\[(,:]\s*)$")


def ucum(word: str) -> str | None:
    """The UCUM unit of a word or abbreviation (lower case), or None."""
    word = word.strip()
    return next((unit for pattern, unit in _COMPILED if pattern.match(word)), None)


def without_units(text: str) -> str:
    """text without units, so that the 2 of "cm2" is no number."""
    return _WRITTEN.sub(" ", text)


def asked_unit(text: str) -> str | None:
    """The unit that the answer is wanted in ("in litres", "how many millilitres", "in per cent"); HU is not asked so."""
    if _PERCENT.search(text):
        return "%"
    for match in _WRITTEN.finditer(text):
        before = text[: match.start()]
        if re.search(r"\d\s*$", before) or (match["unit"] in _NEEDS_IN and not _says_unit(text, match)):
            continue
        unit = ucum(match["unit"])
        if unit not in ("[hnsf'U]", "%"):
            return unit
    return None


def _says_unit(text: str, match: re.Match[str]) -> bool:
    return _SAYS_UNIT.search(text[: match.start()]) is not None and not re.match(
        r"\s*(?:side|half|hemisphere|/|and\b|&)", text[match.end() :]
    )
