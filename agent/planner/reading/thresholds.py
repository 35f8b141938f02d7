"""Thresholds: "above 300 HU", "no lower than 0", "between −50 and 100", "[200, 500]", "300+", "from 600 upwards"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanwright.agent.planner.reading.units import UNIT_PATTERN, ucum
from scanwright.tools.contract.quantity import HU, Quantity


def _value(name: str) -> str:
    """A number with its unit, in groups called name and u<name>."""
    number = rf"(?P<{name}>[-+]?\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|[-+]?\d+(?:\.\d+)?)"
    return rf"{number}(?:\s*(?P<u{name}>{UNIT_PATTERN})(?![\w^]))?"


_A, _B = _value("a"), _value("b")
# "does not go beyond" is "at most": a negation turns the direction round.
_NOT = r"(?P<not>(?:\bno|\bnot|\bnever|\bcannot|n't)\s+(?:\w+\s+)?)?"
_BRIGHTER = r"(?:great|high|larg|bigg|bright|dens|hott|strong|whit)er|more(?:\s+(?:dense|intense|attenuating))?"
_DARKER = r"(?:low|small|dark|dimm|weak|few|black)er|less(?:\s+(?:dense|intense|bright|attenuating|hyperdense))?"
_MORE = (
    rf"above|over(?!\s+(?:the\s+)?(?:whole|entire))|exceed(?:s|ed|ing)?|beyond|past|surpass(?:es|ing|ed)?|at\s+least|in\s+excess\s+of|north\s+of|"
    rf"upwards?\s+(?:of|from)|starting\s+(?:at|from|with)|minimum\s+of|(?:{_BRIGHTER})\s+than|reach(?:es|ing)?|>\s*=?|≥|⩾"
)
_LESS = (
    rf"below|under(?:neath)?|beneath|at\s+(?:the\s+)?most|up\s+to|south\s+of|short\s+of|maximum\s+of|"
    rf"(?:{_DARKER})\s+than|<\s*=?|≤|⩽"
)
_GLUE = r"(?:\s+(?:or|equal|to|a|an|the|value|intensity|density|attenuation|threshold|level|cut-?off|signal|hu|of|about|around|roughly|approximately|is|at|that))*\s*:?\s*"
_COMPARED = re.compile(rf"{_NOT}(?:(?P<more>{_MORE})|(?P<less>{_LESS})){_GLUE}{_A}")
_AFTER = re.compile(
    rf"{_A}\s*(?:(?P<more>\+(?!\s*-?\d)(?:\s*(?:hu|hounsfields?)\b)?|(?:or|and)\s+(?:more|above|higher|greater|over|up(?:wards?)?|brighter|denser|larger)|upwards?|onwards?|(?:as\s+)?(?:a\s+)?minimum)|"
    r"(?P<less>(?:or|and)\s+(?:less|below|lower|under|down(?:wards?)?|darker|smaller|fewer)|downwards?|(?:as\s+)?(?:a\s+)?maximum))"
)
_LIMIT = re.compile(
    rf"\b(?:(?P<more>lower|minimum|bottom|low)|(?P<less>upper|maximum|top|high))\s+(?:limit|bound|threshold|value|cut-?off|end|level)"
    rf"(?:\s+(?:of|is|be|at|to|as|equals?|being))*\s*[=:]?\s*{_A}"
)
# A threshold alone is a lower one, unless the text says "below it".
_THRESHOLD = re.compile(
    rf"\b(?:threshold(?:ed|ing)?|cut-?off|limit)(?:\s+(?:of|at|is|be|to|value|with))*\s*[=:]?\s*{_A}"
)
_SAYS_BELOW = re.compile(r"\b(?:below|under|beneath|less|lower|darker|underneath)\b")
_TO = r"(?:to|through|thru|till|until|up\s+to|\.\.+|…|-(?=\s*[-+\d]))"
_BETWEEN = re.compile(
    rf"(?:(?:\b(?:between|from|range|interval|within|of|values?|in|hu)\s+)*[\[(]?{_A}\s*{_TO}\s*{_B}[\])]?"
    rf"|\b(?:between|from|range(?:\s+of)?)\s+{_value('c')}\s*(?:and|~|&)\s*{_value('d')})"
)
_SANDWICH = re.compile(rf"{_A}\s*(?:<=?|≤)\s*[a-z ]+\s*(?:<=?|≤)\s*{_B}")
_INTERVAL = re.compile(rf"[\[(\]]\s*{_A}\s*(?:[,;~]|\.\.+)\s*{_B}\s*[\])\[](?:\s*(?P<unit>{UNIT_PATTERN})(?![\w^]))?")
_SAYS_HU = re.compile(r"\b(?:hu|hounsfields?)(?![a-z])")


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
    """The range of voxel values in text (lower case, numbers as digits, "-" for minus), or None."""
    fallback = HU if _SAYS_HU.search(text) else "1"
    for pattern in (_INTERVAL, _SANDWICH, _BETWEEN):
        match = pattern.search(text)
        if match is not None:
            return _range(text, match, fallback)
    bounds: dict[str, Quantity] = {}
    rest = text
    for pattern in (_LIMIT, _COMPARED, _AFTER, _THRESHOLD):
        while (match := pattern.search(rest)) is not None:
            name = _bound(match, text)
            if name in bounds:
                break
            bounds[name] = Quantity(value=_float(match["a"]), unit=ucum(match["ua"] or "") or fallback)
            rest = f"{rest[: match.start()]} ⟨range⟩ {rest[match.end() :]}"
    return Threshold(bounds.get("low"), bounds.get("high"), rest) if bounds else None


_RENAMED = str.maketrans("cd", "ab")


def _range(text: str, match: re.Match[str], fallback: str) -> Threshold:
    groups = {k.translate(_RENAMED): v for k, v in match.groupdict().items() if v is not None}
    shared = next((u for u in (ucum(groups.get(name, "")) for name in ("unit", "ua", "ub")) if u), None)
    a, b = (
        Quantity(value=_float(groups[name]), unit=ucum(groups.get(f"u{name}", "")) or shared or fallback)
        for name in "ab"
    )
    low, high = (a, b) if a.value <= b.value else (b, a)
    return Threshold(low, high, f"{text[: match.start()]} ⟨range⟩ {text[match.end() :]}")


def _bound(match: re.Match[str], text: str) -> str:
    groups = match.groupdict()
    if "more" not in groups:
        return "high" if _SAYS_BELOW.search(text) else "low"
    is_low = (groups["more"] is not None) != (groups.get("not") is not None)
    return "low" if is_low else "high"


def _float(text: str) -> float:
    return float(text.replace(",", ""))
