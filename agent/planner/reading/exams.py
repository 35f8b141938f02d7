"""Which exam a question speaks of: "since March", "two exams ago", "at the first scan". Read by rules, resolved later.

A time point is one word of a Goal (its `time`, or `compare` where exams are compared):
"previous", "previous:2", "first", "exam:3", a date ("2024-03-12", "2024-03", "2024", "--03", "--03-12"; two of them
parted by "|" where day and month could be swapped), a span before the exam asked about ("-6mo", "-1y", "-2w", "-10d"),
a calendar one ("year-1", "month-1"), or "unclear" for a time that no rule knows ("last summer").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = rf"(?:{'|'.join(_MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d\d"
_NUMERIC = re.compile(rf"\b(?P<a>\d{{1,2}})[./](?P<b>\d{{1,2}})[./](?P<y>{_YEAR})\b")
_ISO = re.compile(rf"\b(?P<y>{_YEAR})-(?P<m>\d\d)(?:-(?P<d>\d\d))?\b")
_DAY_FIRST = re.compile(rf"\b(?:the )?(?P<d>{_DAY})(?: of)? (?P<m>{_MONTH}),?(?: (?P<y>{_YEAR}))?(?!\w)")
_MONTH_FIRST = re.compile(rf"\b(?P<m>{_MONTH}) (?:the )?(?P<d>{_DAY})(?!\d),?(?: (?P<y>{_YEAR}))?(?!\w)")
_MONTH_YEAR = re.compile(rf"\b(?P<m>{_MONTH})(?: of)? (?P<y>{_YEAR})\b")
# A date as one word that no other rule reads: "x2024_03_12x".
_WORD = r"x(?P<code>[\d_|]+)x"

_EXAM = (
    r"(?:exams?|examinations?|scans?|stud(?:y|ies)|time ?points?|visits?|mris?|mrs?|cts?|pets?|images?|controls?|"
    r"follow-?ups?|one)"
)
_WHOSE = r"(?:the |his |her |their |our |my |that |an? |very )*"
_MADE = r"(?: (?:that was |which was )?(?:made|taken|done|acquired|recorded|scanned))?"
_COMPARING = (
    r"(?:since|between|(?:rather |other )?than(?: (?:on|at|in|for|it was (?:on|at|in)|it was|was))?|compared? (?:to|with)|against|"
    r"versus|vs\.?|relative to|with respect to|from what it was (?:on|at|in))"
)
_AT = r"(?:at|on|in|of|from|for|during|as of)"
_ORDER = {
    "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5, "sixth": 6,
    "6th": 6, "seventh": 7, "7th": 7, "eighth": 8, "8th": 8, "ninth": 9, "9th": 9, "tenth": 10, "10th": 10,
}  # fmt: skip
_SPAN = {"day": "d", "week": "w", "month": "mo", "year": "y"}
_SEASON = (
    r"(?:spring|summer|autumn|fall|winter|christmas|easter|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"night|semester|term|quarter)"
)
_BARE_MONTH = rf"(?P<bare>{_MONTH})"
# What names an exam, and its word; the first that fits counts.
_REFERENCES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("date", rf"{_WHOSE}(?:{_EXAM}{_MADE} (?:of|from|on|in|at) (?:the )?)?{_WORD}(?:'?s? {_EXAM})?"),
        ("unclear", rf"{_WHOSE}(?:{_EXAM}{_MADE} (?:of|from|in) )?last {_SEASON}(?:'s {_EXAM})?"),
        ("month", rf"{_WHOSE}(?:{_EXAM}{_MADE} (?:of|from|in) )?(?:last )?{_BARE_MONTH}(?:'?s? {_EXAM})?"),
        ("calendar", rf"{_WHOSE}(?:{_EXAM}{_MADE} (?:of|from) )?last (?P<unit>year|month|week)(?:'s {_EXAM})?"),
        ("span", rf"{_WHOSE}(?:{_EXAM}{_MADE} (?:of|from) )?(?P<count>\d+|an?|one|half an?) (?P<unit>day|week|month|year)s? (?:ago|before|earlier)(?: {_EXAM})?"),
        ("span", rf"(?P<yesterday>yesterday)(?:'s {_EXAM})?"),
        ("ago", rf"{_WHOSE}(?:{_EXAM} )?(?P<count>\d+) {_EXAM} (?:ago|before|back|earlier)"),
        ("twice", rf"{_WHOSE}(?:last {_EXAM} but one|{_EXAM} before (?:the )?(?:last|previous)(?: {_EXAM})?)"),
        ("first", rf"{_WHOSE}(?:first|initial|baseline|earliest|oldest) {_EXAM}|{_WHOSE}baseline"),
        ("order", rf"{_WHOSE}(?P<order>{'|'.join(_ORDER)}) {_EXAM}"),
        ("previous", rf"{_WHOSE}(?:previous|prior|preceding|earlier|last|older|old) {_EXAM}|last time"),
    )
)  # fmt: skip
_NOW = re.compile(r"(?:\s|~|,|\band\b|\bas well as\b)+(?:it is )?(?:now|today|currently|at present)\W*$")
PREVIOUS, NOW = "previous", "now"


@dataclass(frozen=True)
class ExamSaid:
    """An exam that a text names: its word, where it stands, and whether it is compared with ("since …")."""

    code: str
    start: int
    end: int
    comparing: bool


def dates_marked(text: str) -> str:
    """text (lower case) with each calendar date as one word, so that neither its commas nor its numbers are read."""
    text = _ISO.sub(lambda m: _marked(m["y"], m["m"], m["d"]), text)
    text = _NUMERIC.sub(_swappable, text)
    text = _DAY_FIRST.sub(lambda m: _named(m["y"], m["m"], m["d"]), text)
    text = _MONTH_FIRST.sub(lambda m: _named(m["y"], m["m"], m["d"]), text)
    return _MONTH_YEAR.sub(lambda m: _named(m["y"], m["m"], None), text)


def exams_said(text: str) -> list[ExamSaid]:
    """The exams that text (of dates_marked) names after a preposition, in their order."""
    found: list[ExamSaid] = []
    for match in re.finditer(
        rf"\b(?:(?:(?P<comparing>{_COMPARING})|(?P<at>{_AT})) |(?=(?:\d+|an?|one|half|yesterday|last)\b))", text
    ):
        if found and match.start() < found[-1].end:
            continue
        bare = match["comparing"] is None and match["at"] is None
        for name, pattern in _REFERENCES:
            if bare and name not in ("span", "ago", "calendar", "unclear"):
                continue
            reference = pattern.match(text, match.end())
            if reference is not None and not re.match(r"[\w-]", text[reference.end() :]):
                comparing = match["comparing"] is not None or _compares(text[: match.start()])
                found.append(ExamSaid(_code(name, reference), match.start(), reference.end(), comparing))
                if match["comparing"] == "between":
                    found += _second(text, reference.end())
                break
    year = re.compile(
        rf"\b(?P<how>since|(?:than|compared (?:with|to)) in|in) (?P<year>{_YEAR})\b(?! ?(?:hu|hounsfield|to|and)\b)"
    )
    taken = [range(f.start, f.end) for f in found]
    found += [
        ExamSaid(m["year"], m.start(), m.end(), m["how"] != "in")
        for m in year.finditer(text)
        if not any(m.start() in span for span in taken)
    ]
    return sorted(found, key=lambda f: f.start)


def without(text: str, said: list[ExamSaid], *, put: str = "") -> str:
    """text with the phrases that name exams replaced."""
    for each in reversed(said):
        text = f"{text[: each.start]} {put} {text[each.end :]}"
    return re.sub(r"\s+", " ", text).strip(" ,")


def and_now(text: str) -> str | None:
    """text without "and now" at its end; None where it does not end so."""
    match = _NOW.search(text)
    return None if match is None else text[: match.start()]


def _second(text: str, start: int) -> list[ExamSaid]:
    """ "Between March and June": the later of the two, which is the exam asked of."""
    joint = re.compile(r"\s*(?:and|~)?\s*").match(text, start)
    for name, pattern in _REFERENCES if joint is not None else ():
        reference = pattern.match(text, joint.end()) if joint is not None else None
        if reference is not None:
            return [ExamSaid(_code(name, reference), start, reference.end(), comparing=False)]
    return []


def _compares(before: str) -> bool:
    return (
        re.search(r"\b(?:compar\w+|differ\w*)\b[^.?!]*\b(?:with|to|from)?\s*(?:that|the one|those|it)?\s*$", before)
        is not None
    )


def _code(name: str, match: re.Match[str]) -> str:
    groups = match.groupdict()
    if name == "date":
        return "|".join(_iso(part) for part in match["code"].split("|"))
    if name == "month":
        return f"--{_month(match['bare']):02d}"
    if name == "calendar":
        return f"{match['unit']}-1"
    if name == "span":
        if groups.get("yesterday"):
            return "-1d"
        if match["count"].startswith("half"):
            return "-6mo" if match["unit"] == "year" else "unclear"
        count = int(match["count"]) if match["count"].isdigit() else 1
        return f"-{count}{_SPAN[match['unit']]}"
    if name == "ago":
        return PREVIOUS if int(match["count"]) == 1 else f"previous:{match['count']}"
    if name == "order":
        return f"exam:{_ORDER[match['order']]}"
    return {"twice": "previous:2", "first": "first", "unclear": "unclear"}.get(name, PREVIOUS)


def _named(year: str | None, month: str, day: str | None) -> str:
    return _marked(year, f"{_month(month):02d}", None if day is None else f"{int(re.sub(r'[a-z]', '', day)):02d}")


def _marked(year: str | None, month: str, day: str | None) -> str:
    return f"x{'_'.join([year or '', month, *([day] if day else [])])}x"


def _swappable(match: re.Match[str]) -> str:
    """12/3/2024 is the third of December to some and the twelfth of March to others."""
    ways = [(int(match["b"]), int(match["a"])), (int(match["a"]), int(match["b"]))]
    # With dots the day comes first everywhere.
    ways = ways[:1] if "." in match[0] else ways
    dates = dict.fromkeys(f"{match['y']}_{m:02d}_{d:02d}" for m, d in ways if 1 <= m <= 12 and 1 <= d <= 31)
    return f"x{'|'.join(dates)}x" if dates else match[0]


def _iso(word: str) -> str:
    return f"--{word[1:].replace('_', '-')}" if word.startswith("_") else word.replace("_", "-")


def _month(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, start=1) if month.startswith(name.strip(".")[:3]))
