"""Parts: a question with several goals, split where a new one begins."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from scanwright.agent.planner.reading.beyond import unknown_body_part, unknown_quantity
from scanwright.agent.planner.reading.declines import declined
from scanwright.agent.planner.reading.structures import mentions, spelled_out
from scanwright.agent.planner.reading.thresholds import Threshold, read_threshold
from scanwright.agent.planner.reading.units import asked_unit, without_units
from scanwright.agent.planner.reading.wants import cued_want

_SENTENCE_END = re.compile(r"[;?!\n]+|\.(?=\s|$)")
_CLAUSE_END = re.compile(
    r"\s*(?:,?\s+and\s+(?:then\s+|also\s+|finally\s+)?|,?\s+as well as\s+|,?\s+plus\s+|,?\s+(?:and )?then\s+|\s+along with\s+|\s+together with\s+|"
    r",\s*(?:also\s+|likewise\s+|but\s+)?(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly)?\s*|\s+&\s+|(?<=[a-z])\s*\+\s*(?=[a-z])|\s+but\s+|\s+besides\s+|\s+in addition to\s+|(?<=[a-z]{4})\s*/\s*(?=[a-z]{4}))\s*"
)
_NUMBER = r"-?\d[\d.]*"
_NUMBER_RANGE = re.compile(r"(\b(?:between|from|range(?: of)?)\s+(?:\S+\s+){0,4}?-?[\d.,]+(?:\s*\w+)?\s+)and(\s+-?\d)")
_INTERVAL = re.compile(rf"([\[(]\s*{_NUMBER})\s*[,;]\s*({_NUMBER}\s*[\])])")
_TRIPLE = re.compile(
    rf"([\[(]?(?:x\s*=?\s*)?{_NUMBER})\s*[,;]\s*(?:and\s+)?((?:y\s*=?\s*)?{_NUMBER})\s*[,;]\s*(?:and\s+)?((?:z\s*=?\s*)?{_NUMBER}[\])]?)"
)
_EDGE = r"(?:wide|deep|tall|high|long|heights?|widths?|depths?|lengths?)"
_EDGES = re.compile(rf"\b({_EDGE})(?:\s*,\s*(?:and\s+)?|\s+and\s+)(?={_EDGE}\b)")
_DISTANCE = re.compile(r"(\b(?:distance|gap)\b[^.?!;]*?\bbetween\b[^.?!;]*?\s)and(?=\s)")
_SIDES = re.compile(r"\b(left|right)( \w+)?(?: and| or|/)( the)? (left|right)\b")


def protect(text: str) -> str:
    """text (lower case) as it is to be split: "and" inside a range or a pair of sides is "~", a comma in coordinates "¦"."""
    text = spelled_out(text)
    text = _TRIPLE.sub(r"\1¦\2¦\3", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = _DISTANCE.sub(r"\1~", text)
    text = _INTERVAL.sub(r"\1 ~ \2", text)
    text = _NUMBER_RANGE.sub(r"\1~\2", text)
    text = re.sub(r"\bl\s*(?:and|&|/|\+)\s*r\b", "left ~ right", text)
    text = _EDGES.sub(r"\1 ~ ", text)
    return _SIDES.sub(lambda m: m[0] if m[2] and mentions(m[2]) else f"{m[1]}{m[2] or ''} ~ {m[4]}", text)


@dataclass(frozen=True)
class Piece:
    """A part of a question in words, and the number of the sentence it begins in."""

    text: str
    sentence: int = 0


_ADVERBIAL = (
    r"proportionally|relatively|in|within|inside|confined|limited|restricted|as|of|for|using|only|with|per|by|on|into|at|from|relative|compared|out of|among|"
    r"to(?! (?:make|show|get|have|see|know|draw|save|export|measure|give|segment|calculate|compute|report|find))|regarding|concerning|considering|"
    r"one (?:figure|value|number|result)|separately|respectively|expressed|rounded|measured|given"
)
_LEANS_FORWARD = re.compile(rf"(?:{_ADVERBIAL})\b")
_LEANS_BACK = re.compile(
    rf"(?:{_ADVERBIAL}|where (?:i|we)|(?:is|are|was|were)(?! (?:there|that|this|it|they|any|the)))\b"
)
# "the volume of the skull and of the brain": a second structure, not a place for the first.
_ANOTHER = re.compile(r"(?:of|in|for|within|inside)\b")
_ASKED_AGAIN = re.compile(
    r"(?:how (?:large|big|much|high|many)(?: (?:is|are|was) (?:it|that|they|this|there))?|what volume|what (?:is|does) (?:it|that)(?: \w+){0,3})"
)
_ASKS = re.compile(r"\b(?:how|what|which|show|give|tell|is|are|does|do|measure|report|need|want|compute|calculate)\b")


def split(text: str) -> list[Piece]:
    """The parts of a protected text; a fragment that says nothing by itself stays with its neighbour."""
    parts: list[Piece] = []
    for number, sentence in enumerate(_pieces(_SENTENCE_END.split(text))):
        for clause in _pieces(_CLAUSE_END.split(sentence)):
            piece = Piece(clause, number)
            if parts and _belongs_to(parts, piece):
                parts[-1] = replace(parts[-1], text=f"{parts[-1].text} {piece.text}")
            else:
                parts.append(piece)
    if len(parts) > 1 and parts[0].sentence == parts[1].sentence and _leads_in(parts[0].text):
        parts[:2] = [Piece(f"{parts[0].text} {parts[1].text}", parts[0].sentence)]
    if len(parts) > 1 and parts[0].sentence != parts[1].sentence and not _says_something(parts[0].text):
        parts = parts[1:]
    return parts


def _pieces(texts: list[str]) -> list[str]:
    return [t.strip() for t in texts if t and t.strip(" .,:?!")]


def _leads_in(text: str) -> bool:
    if not _says_something(text):
        return True
    leans = _LEANS_FORWARD.match(text) is not None or read_threshold(text) is not None
    return leans and (_wants_nothing(text) or cued_want(text) == "volume_fraction")


def _wants_nothing(text: str) -> bool:
    """True where the words name nothing that is wanted; "HU" and "signal" mostly belong to a range."""
    threshold = read_threshold(text)
    return cued_want(text if threshold is None else threshold.rest) in (None, "mean_intensity")


def _belongs_to(parts: list[Piece], piece: Piece) -> bool:
    """True for a fragment ("in litres", "one figure per side") and for "X, how large is it?"."""
    before, text = parts[-1], piece.text
    if asked_unit(text) is not None and not _says_something(without_units(text)):
        return True
    if before.sentence != piece.sentence:
        return False
    if not _says_something(text):
        return True
    if _LEANS_BACK.match(text) and not (_ANOTHER.match(text) and mentions(text) and mentions(before.text)):
        return declined(text) is None or declined(before.text) is not None
    if _ASKED_AGAIN.fullmatch(text.strip(" ?.,")) and not any(
        _ASKS.search(p.text) for p in parts if p.sentence == piece.sentence
    ):
        return True
    return _only_restricts(before.text, text)


def _only_restricts(before: str, text: str) -> bool:
    """True for "only above 300 HU" after "the volume of bone", and for the second bound of a range."""
    threshold = read_threshold(text)
    if threshold is None or not _wants_nothing(text) or mentions(threshold.rest):
        return False
    earlier = read_threshold(before)
    return earlier is None or _makes_a_range(earlier, threshold)


def _makes_a_range(a: Threshold, b: Threshold) -> bool:
    low, high = a.low or b.low, a.high or b.high
    one_each = (a.low is None) != (b.low is None) and (a.high is None) != (b.high is None)
    return one_each and low is not None and high is not None and low.value < high.value


def _says_something(text: str) -> bool:
    return (
        cued_want(text) is not None
        or bool(mentions(text))
        or declined(text) is not None
        or unknown_body_part(text) is not None
        or unknown_quantity(text) is not None
        or read_threshold(text) is not None
    )
