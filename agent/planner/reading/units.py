"""Units in words, as UCUM."""

from __future__ import annotations

import re

_UNITS: tuple[tuple[str, str], ...] = (
    (r"hounsfield(?:\s+units?)?|hu|h\.u\.|hounsfields", "[hnsf'U]"),
    (r"millilit(?:re|er)s?|milli\s?lit(?:re|er)s?|mls?|ccm?", "mL"),
    (r"cubic\s+centimet(?:re|er)s?|cm\s?\^?\s?3|cm³|cc", "cm3"),
    (r"cubic\s+millimet(?:re|er)s?|mm\s?\^?\s?3|mm³", "mm3"),
    (r"square\s+centimet(?:re|er)s?|cm\s?\^?\s?2|cm²", "cm2"),
    (r"square\s+millimet(?:re|er)s?|mm\s?\^?\s?2|mm²", "mm2"),
    (r"microlit(?:re|er)s?|µl|ul", "uL"),
    (r"decilit(?:re|er)s?|dl", "dL"),
    (r"lit(?:re|er)s?|l", "L"),
    (r"millimet(?:re|er)s?|mms?", "mm"),
    (r"centimet(?:re|er)s?|cms?", "cm"),
    (r"met(?:re|er)s?", "m"),
    (r"micromet(?:re|er)s?|microns?|µm|um", "um"),
    (r"percent(?:age)?|per\s+cent|%", "%"),
)
UNIT_PATTERN = "|".join(f"(?:{p})" for p, _ in _UNITS)
_COMPILED = tuple((re.compile(rf"(?:{p})\Z"), unit) for p, unit in _UNITS)
_ASKED = re.compile(
    rf"(?:\b(?:in|as)\s+(?:a\s+)?|\bhow\s+many\s+|\((?:in\s+)?|\bnumber\s+of\s+|,\s*|\s)(?P<unit>{UNIT_PATTERN})(?=$|[\s)?.,;!])"
)


_PERCENT = re.compile(r"%|\bper ?cent\b")


def ucum(word: str) -> str | None:
    """The UCUM unit of a word or abbreviation (lower case), or None."""
    word = word.strip()
    if word == "cc":
        return "cm3"
    return next((unit for pattern, unit in _COMPILED if pattern.match(word)), None)


def asked_unit(text: str) -> str | None:
    """The unit that the answer is wanted in ("in litres", "how many millilitres", "in per cent"); HU is not asked so."""
    if _PERCENT.search(text):
        return "%"
    for match in _ASKED.finditer(f"{text} "):
        before = text[: match.start("unit")].rstrip()
        if re.search(r"[\d.]$", before):
            continue
        unit = ucum(match["unit"])
        if unit is not None and unit not in ("[hnsf'U]", "%"):
            return unit
    return None
