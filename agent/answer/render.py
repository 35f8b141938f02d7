"""Renderer: fills slots with numbers formatted for unit and language. Only it writes digits.

A draft holds slots: {E1.value} (number and unit), {E1.range} (its uncertainty in words), {E1.flags}, {E1.at},
{R1} (the reason of a refusal). The citation mark [E1] follows each value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from scanwright.agent.answer.result import EvidenceItem
from scanwright.agent.answer.units import shown_unit

SLOT = re.compile(r"\{(?P<id>[ER]\d+)(?:\.(?P<part>value|range|flags|at|path))?\}")
LARGE_SIGNIFICANT = 4
INTEGER_QUANTITIES = {"component_count", "dimensions"}


def render(draft: str, evidence: Mapping[str, EvidenceItem], reasons: Mapping[str, str]) -> str:
    """The text with every slot filled. Raises KeyError for a slot without evidence."""

    def fill(match: re.Match[str]) -> str:
        name, part = match["id"], match["part"]
        if name.startswith("R"):
            return reasons[name]
        item = evidence[name]
        parts = {"value": value_text, "range": range_text, "flags": flags_text, "at": _at, "path": _path}
        return parts[part or "value"](item)

    return re.sub(r"\s+([.,;])", r"\1", re.sub(r" {2,}", " ", SLOT.sub(fill, draft))).strip()


def value_text(item: EvidenceItem) -> str:
    """The value with its unit, "at least" where it is a lower bound, "not found" where there is none."""
    value, unit = item.value, shown_unit(item.unit or "1")
    if value is None:
        return "not stated in the file" if item.tool.startswith("acquisition_facts") else "not found"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        text = _several(value, item)
    else:
        text = number_text(value, exact=item.quantity in INTEGER_QUANTITIES)
    if unit:
        text += f" {unit}"
    return f"at least {text}" if item.bound == "lower" else text


def range_text(item: EvidenceItem) -> str:
    """The uncertainty in words, or nothing."""
    u = item.uncertainty
    if u is None or u.kind == "none" or u.low is None or u.high is None:
        return ""
    unit = shown_unit(item.unit or "1")
    span = f"{number_text(u.low)} to {number_text(u.high)}{' ' + unit if unit else ''}"
    if u.kind == "interval":
        return f"({100 * (u.level or 0):g} % interval {span}: {u.method})"
    return f"(range {span}: {u.method})"


def flags_text(item: EvidenceItem) -> str:
    """What a reader must know of it, as sentences."""
    return " ".join(f"{f[:1].upper()}{f[1:].rstrip('.')}." for f in item.flags)


def number_text(value: float, *, exact: bool = False) -> str:
    """A number with four significant digits and a comma between thousands: 1956.31 → 1,956; 0.0123 → 0.0123."""
    if exact or (isinstance(value, int) and abs(value) < 10**6):
        return f"{value:,.0f}"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.{LARGE_SIGNIFICANT}g}"
    if "e" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals[:2]}" if decimals and abs(value) >= 1 else text


def _several(values: tuple[float, ...], item: EvidenceItem) -> str:
    texts = [number_text(v, exact=item.quantity in INTEGER_QUANTITIES) for v in values]
    if item.quantity in ("dimensions", "spacing", "field_of_view", "bounding_box"):
        return " × ".join(texts)
    if item.quantity == "intensity_percentiles":
        return " to ".join(texts)
    shown = texts[:10]
    return ", ".join(shown) + (f" and {len(texts) - 10} more" if len(texts) > 10 else "")


def _at(item: EvidenceItem) -> str:
    return item.at or ""


def _path(item: EvidenceItem) -> str:
    return item.artifact or ""
