"""Renderer: fills slots with numbers formatted for unit and language. Only it writes digits.

A draft holds slots: {E1.value} (number and unit), {E1.range} (its uncertainty in words), {E1.at} (its place),
{E1.flags}, {E1.name}, {E1.path}, {E1.by} (what outlined it), {E1.plain} (the value to four digits), {R1} (a
reason). The citation mark [E1] follows each value.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping

from scanwright.agent.answer.languages import ENGLISH, Language
from scanwright.agent.answer.result import EvidenceItem
from scanwright.agent.answer.units import shown_unit

SLOT = re.compile(r"\{(?P<id>[ER]\d+)(?:\.(?P<part>value|range|flags|at|name|path|by|plain))?\}")
# A slot with the space before it, which goes where the slot stays empty. What fills a slot is never touched.
_SPACED_SLOT = re.compile(rf"(?P<space> ?){SLOT.pattern}")
_UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
_LINK = re.compile(r"\b(?:https?|ftps?|javascript|data):\S+|\bwww\.\S+|\bmailto:\S+", re.IGNORECASE)
SIGNIFICANT = 4
INTEGER_QUANTITIES = {"component_count", "dimensions"}


def render(
    draft: str, evidence: Mapping[str, EvidenceItem], reasons: Mapping[str, str], language: Language = ENGLISH
) -> str:
    """The text with every slot filled. Raises KeyError for a slot without evidence.

    language is that of the draft: numbers, bounds and ranges are written as it does. Flags, methods and reasons are
    English whatever it is.
    """

    def fill(match: re.Match[str]) -> str:
        name, part = match["id"], match["part"]
        text = reasons[name] if name.startswith("R") else _PARTS[part or "value"](evidence[name], language)
        text = shown(text)
        return f"{match['space']}{text}" if text else ""

    return _SPACED_SLOT.sub(fill, draft).strip()


def shown(text: str) -> str:
    """A text from a file or a tool as it may stand in an answer: without links, and without what is no character.

    Control characters steer a terminal; those that turn text round or hide in it make it read as something else.
    """
    plain = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _UNSEEN)
    return _LINK.sub("(link left out)", plain)


def value_text(item: EvidenceItem, language: Language = ENGLISH) -> str:
    """The value with its unit, "at least" where it is a lower bound, "not found" where there is none."""
    value, unit = item.value, shown_unit(item.unit or "1")
    if value is None:
        return language.not_stated if item.tool.startswith("acquisition_facts") else language.not_found
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        text = _several(value, item, language)
    else:
        text = language.number(
            number_text(value, exact=item.quantity in INTEGER_QUANTITIES, last_place=_last_place(item))
        )
    if unit:
        text += f" {unit}"
    bound = {"lower": language.at_least, "upper": language.at_most}.get(item.bound or "")
    return text if bound is None else f"{bound} {text}"


def range_text(item: EvidenceItem, language: Language = ENGLISH) -> str:
    """The uncertainty in words, or nothing."""
    u = item.uncertainty
    if u is None or u.kind == "none" or u.low is None or u.high is None:
        return ""
    unit = shown_unit(item.unit or "1")
    place = _last_place(item)
    low, high = (language.number(number_text(v, last_place=place)) for v in (u.low, u.high))
    span = f"{low} {language.to} {high}{' ' + unit if unit else ''}"
    if u.kind == "interval":
        return f"({language.number(f'{100 * (u.level or 0):g}')} % {language.interval} {span}: {u.method})"
    return f"({language.range} {span}: {u.method})"


def flags_text(item: EvidenceItem, language: Language = ENGLISH) -> str:
    """What a reader must know of it, as sentences, in English."""
    return " ".join(f"{f[:1].upper()}{f[1:].rstrip('.')}." for f in item.flags)


def number_text(value: float, *, exact: bool = False, last_place: float | None = None) -> str:
    """A number with four significant digits, at most two decimals from 1 on, and a comma between thousands.

    1956.31 → 1,956; 12.345 → 12.35; 1.999 → 2; 0.01234 → 0.01234. exact: a whole number, with all its digits.
    last_place (a power of ten) is the last one that means something: 359.2 at 10 → 360.
    """
    if last_place is not None and not exact:
        decimals = max(0, -round(math.log10(last_place)))
        return f"{round(value / last_place) * last_place + 0.0:,.{decimals}f}"
    if exact or value == 0 or (isinstance(value, int) and abs(value) < 10**6):
        return f"{round(value):,}"
    rounded = float(f"{value:.{SIGNIFICANT}g}")
    if abs(rounded) >= 1000:
        return f"{value:,.0f}"
    if abs(rounded) >= 1:
        decimals = 1 if abs(rounded) >= 100 else 2
        return f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    digits = SIGNIFICANT - 1 - math.floor(math.log10(abs(rounded)))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits <= 12 else f"{value:.3e}"


def _last_place(item: EvidenceItem) -> float | None:
    """One place below the leading digit of half the uncertainty: a value ± 36 is told to the unit, ± 3.7 to a tenth."""
    u = item.uncertainty
    if u is None or u.low is None or u.high is None or u.high <= u.low:
        return None
    return float(10.0 ** (math.floor(math.log10((u.high - u.low) / 2)) - 1))


def _several(values: tuple[float, ...], item: EvidenceItem, language: Language) -> str:
    texts = [language.number(number_text(v, exact=item.quantity in INTEGER_QUANTITIES)) for v in values]
    if item.quantity in ("dimensions", "spacing", "field_of_view", "bounding_box"):
        return " × ".join(texts)
    if item.quantity == "intensity_percentiles":
        return f" {language.to} ".join(texts)
    shown = texts[:10]
    more = f" {language.and_more.format(n=len(texts) - 10)}" if len(texts) > 10 else ""
    # A comma would be read as the point of the number before it.
    return (", " if language.point == "." else "; ").join(shown) + more


def _at(item: EvidenceItem, _: Language) -> str:
    """The place with its preposition: "at (1.0, 2.0, 3.0) mm RAS", "on axial slice 5 of 20", "(heart 120 mm)"."""
    at = item.at or ""
    return f"at {at}" if re.match(r"\(-?\d", at) else f"on {at}" if at.startswith("axial slice") else at


def _name(item: EvidenceItem, _: Language) -> str:
    return item.name


def _path(item: EvidenceItem, _: Language) -> str:
    return item.artifact or ""


def _plain(item: EvidenceItem, language: Language) -> str:
    """The value to four digits, to stand beside others, whatever its own range."""
    return value_text(item.model_copy(update={"uncertainty": None}), language)


def _by(item: EvidenceItem, _: Language) -> str:
    return item.made_by or item.tool


_PARTS: dict[str, Callable[[EvidenceItem, Language], str]] = {
    "value": value_text,
    "range": range_text,
    "flags": flags_text,
    "at": _at,
    "name": _name,
    "path": _path,
    "by": _by,
    "plain": _plain,
}
