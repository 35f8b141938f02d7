"""Parts: a question with several goals, split where a new one begins."""

from __future__ import annotations

import re

from scanwright.agent.planner.reading.declines import declined
from scanwright.agent.planner.reading.units import UNIT_PATTERN
from scanwright.agent.planner.reading.wants import cued_want
from scanwright.agent.planner.reading.words import mentions

_NUMBER_RANGE = re.compile(r"(between\s+(?:\S+\s+){0,4}?-?[\d.,]+(?:\s*\w+)?\s+)and(\s+-?\d)")
_SIDES = re.compile(r"\b(left|right)( \w+)? and( the)? (left|right)\b")
_RANGES = re.compile(
    r"(?:(?<=\d)|(?<=hu)|(?<=hounsfield)|(?<=units))\s+(?:and|but|,)\s+"
    r"(?=(?:also )?(?:above|below|under|over|less|greater|more|lower|higher|at most|at least|up to|upwards?|<|>|≤|≥|not|no))"
)
_SPLIT = re.compile(
    r"\s*(?:[;?!\n]+|\.(?=\s|$)|,?\s+and\s+(?:then\s+|also\s+)?|,?\s+as well as\s+|,?\s+plus\s+|,?\s+then\s+|\s+along with\s+|"
    r"\s+together with\s+|,\s+(?:also\s+)?|\s+&\s+|\s+\+\s+|\s+but\s+)\s*"
)


def protect(text: str) -> str:
    """text (lower case) with "and" inside a range or a pair of sides as "~", so that it is not split there."""
    text = _NUMBER_RANGE.sub(r"\1~\2", text)
    text = re.sub(r"(\[?\(?-?\d[\d.]*)\s*,\s*(-?\d[\d.]*)\s*,\s*(-?\d[\d.]*\)?\]?)", r"\1;;\2;;\3", text)
    text = _SIDES.sub(lambda m: f"{m[1]}{m[2] or ''} ~ {m[4]}", text)
    return _RANGES.sub(" ~ ", text)


_LEANS_BACK = re.compile(
    r"(?:proportionally|relatively|in|within|inside|confined|limited|restricted|as|of|for|to|using|only|with|per|by|on|into|at|from|relative|compared|"
    r"one (?:figure|value|number|result)|separately|respectively|expressed|rounded|measured|given|"
    r"(?:is|are|was|were)(?! (?:there|that|this|it|they|any|the)))\b"
)
# "the volume of the skull and of the brain": a second structure, not a place for the first.
_ANOTHER = re.compile(r"(?:of|in|for|within|inside)\b")
_ASKED_AGAIN = re.compile(r"how (?:large|big|much|high|many)(?: (?:is|are|was) (?:it|that|they|this|there))?")
_ASKS = re.compile(r"\b(?:how|what|which|show|give|tell|is|are|does|do|measure|report|need|want|compute|calculate)\b")
_ONLY_UNIT = re.compile(rf"\(?(?:in )?(?:{UNIT_PATTERN})\)?")


def split(text: str) -> list[str]:
    """The parts of a protected text; a fragment that says nothing by itself stays with its neighbour."""
    pieces = [p.strip() for p in _SPLIT.split(text) if p and p.strip(" .,?!")]
    parts: list[str] = []
    for piece in pieces:
        if parts and _belongs_to(parts[-1], piece):
            parts[-1] = f"{parts[-1]} {piece}"
        else:
            parts.append(piece)
    if len(parts) > 1 and (not _says_something(parts[0]) or _LEANS_BACK.match(parts[0])):
        parts[:2] = [f"{parts[0]} {parts[1]}"]
    return parts


def _belongs_to(before: str, piece: str) -> bool:
    """True for a fragment ("in litres", "one figure per side") and for "X, how large is it?"."""
    if not _says_something(piece) or _ONLY_UNIT.fullmatch(piece):
        return True
    if _LEANS_BACK.match(piece):
        return not (_ANOTHER.match(piece) and mentions(piece) and mentions(before))
    return bool(_ASKED_AGAIN.fullmatch(piece.strip(" ?.,"))) and not _ASKS.search(before)


def _says_something(piece: str) -> bool:
    return cued_want(piece) is not None or bool(mentions(piece)) or declined(piece) is not None
