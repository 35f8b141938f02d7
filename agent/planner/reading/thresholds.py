"""Thresholds: "above 300 HU", "between −50 and 100", "≤ 0", "from 200 up to 500 Hounsfield units"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanwright.agent.planner.reading.units import UNIT_PATTERN, ucum
from scanwright.tools.contract.quantity import HU, Quantity

_NUMBER = r"(?P<{0}>[-+−–]?\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|[-+−–]?\d+(?:\.\d+)?)"
_UNIT = rf"(?:\s*(?P<{{0}}>{UNIT_PATTERN})(?![\w^]))?"
_A, _B = _NUMBER.format("a"), _NUMBER.format("b")
_UA, _UB = _UNIT.format("ua"), _UNIT.format("ub")
_MORE = (
    r"above|over|exceed(?:s|ing)?|greater\s+than(?:\s+or\s+equal\s+to)?|more\s+than|higher\s+than|larger\s+than|bigger\s+than|at\s+least|"
    r"no\s+less\s+than|not\s+below|brighter\s+than|denser\s+than|>=?|≥|beyond|starting\s+(?:at|from)|upwards?\s+(?:of|from)|"
    r"minimum\s+of|threshold(?:ed)?\s+(?:of|at)|north\s+of|hotter\s+than|in\s+excess\s+of|past|surpass(?:es|ing)?"
)
_LESS = (
    r"below|under|less\s+(?:dense\s+)?than(?:\s+or\s+equal\s+to)?|lower\s+than|fewer\s+than|at\s+most|no\s+more\s+than|"
    r"not\s+above|darker\s+than|smaller\s+than|<=?|≤|up\s+to|beneath|maximum\s+of|south\s+of|not\s+exceeding|short\s+of"
)
_AXIS = r"(?:\s+(?:a|an|the)?\s*(?:value|values|intensity|density|threshold|level|cutoff|cut-off|signal)s?(?:\s+of)?)?"
_BETWEEN = re.compile(
    rf"(?:between|from|in\s+the\s+range(?:\s+of)?|range(?:s|d|ing)?(?:\s+(?:of|from|between))?|within|in)?\s*"
    rf"(?:\(|\[)?{_A}{_UA}\s*(?:and|~|to|through|up\s+to|until|\.\.|…|–|—|-(?=\s*[-−\d]))\s*{_B}{_UB}(?:\)|\])?"
)
_ABOVE = re.compile(rf"(?:{_MORE}){_AXIS}\s*{_A}{_UA}")
_BELOW = re.compile(rf"(?:{_LESS}){_AXIS}\s*{_A}{_UA}")
_SAYS_HU = re.compile(r"\b(?:hu|hounsfields?)\b")
_PLUS = re.compile(
    rf"{_A}{_UA}\s*(?:\+|or\s+(?:more|above|higher|greater|over|brighter|denser)|and\s+(?:above|up|over|higher)|upwards?)"
)
_MINUS = re.compile(
    rf"{_A}{_UA}\s*(?:or\s+(?:less|below|lower|under|darker|fewer)|and\s+(?:below|under|lower|down)|downwards?)"
)


@dataclass(frozen=True)
class Threshold:
    """What was read: the range, and the text with it taken out."""

    low: Quantity | None
    high: Quantity | None
    rest: str

    @property
    def params(self) -> dict[str, Quantity]:
        """As parameters of a goal."""
        return {k: v for k, v in (("low", self.low), ("high", self.high)) if v is not None}


def read_threshold(text: str) -> Threshold | None:
    """The first range of voxel values in text (lower case, numbers as digits), or None."""
    spoken = _SAYS_HU.search(text)
    fallback = HU if spoken else "1"
    between = _BETWEEN.search(text)
    if between is not None:
        unit_b, unit_a = _unit(between["ub"]), _unit(between["ua"])
        first = Quantity(value=_float(between["a"]), unit=unit_a or unit_b or fallback)
        second = Quantity(value=_float(between["b"]), unit=unit_b or unit_a or fallback)
        return Threshold(first, second, _without(text, between))
    low: Quantity | None = None
    high: Quantity | None = None
    rest = text
    for pattern, is_low in ((_ABOVE, True), (_PLUS, True), (_BELOW, False), (_MINUS, False)):
        match_ = pattern.search(rest)
        if match_ is None or (low if is_low else high) is not None:
            continue
        value = Quantity(value=_float(match_["a"]), unit=_unit(match_["ua"]) or fallback)
        low, high = (value, high) if is_low else (low, value)
        rest = _without(rest, match_)
    if low is None and high is None:
        return None
    return Threshold(low, high, rest)


def _float(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-").replace("–", "-"))


def _unit(text: str | None) -> str | None:
    return None if text is None else ucum(text)


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} ⟨range⟩ {text[match.end() :]}"
