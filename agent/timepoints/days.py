"""Days: the calendar words of a time point as spans of a patient's relative days."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from scanwright.memory.home import Home

_DAYS = {"d": 1.0, "w": 7.0, "mo": 30.44, "y": 365.25}
# People round: "a year ago" is of an exam eleven to thirteen months old.
_ROUNDING = 0.25


def span_of(home: Home, word: str, subject: str, now: int) -> list[range]:
    """The relative days that a word of a time point means, for an exam asked about on day now of the subject.

    Several where day and month could be swapped; none where the word is no date. The calendar stays in here.
    """
    ago = re.fullmatch(r"-(\d+)(d|w|mo|y)", word)
    if ago is not None:
        unit = _DAYS[ago[2]]
        days = int(ago[1]) * unit
        slack = 0 if ago[2] == "d" and days < 4 else max(unit / 2, _ROUNDING * days)
        return [range(round(now - days - slack), round(now - days + slack) + 1)]
    # Day 0 is a real day of the calendar, which only the subject's key knows.
    some_day = date(2000, 1, 1)
    day_0 = some_day - timedelta(days=home.identities.relative_day(subject, some_day))
    today = day_0 + timedelta(days=now)
    spans = [_calendar(part, today) for part in word.split("|")]
    return [range((a - day_0).days, (b - day_0).days + 1) for a, b in filter(None, spans)]


def _calendar(word: str, today: date) -> tuple[date, date] | None:
    if word == "year-1":
        return date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)
    if word == "month-1":
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    if word == "week-1":
        monday = today - timedelta(days=today.weekday() + 7)
        return monday, monday + timedelta(days=6)
    match = re.fullmatch(r"(?P<y>\d{4}|-)(?:-(?P<m>\d\d)(?:-(?P<d>\d\d))?)?", word)
    if match is None:
        return None
    if match["m"] is None:
        return (date(int(match["y"]), 1, 1), date(int(match["y"]), 12, 31)) if match["y"] != "-" else None
    month = int(match["m"])
    if match["y"] != "-":
        return _in_month(int(match["y"]), month, match["d"])
    # Without a year the newest that lies before the exam asked about.
    spans = (_in_month(year, month, match["d"]) for year in (today.year, today.year - 1, today.year - 4))
    return next((s for s in spans if s is not None and s[1] < today), None)


def _in_month(year: int, month: int, day: str | None) -> tuple[date, date] | None:
    if not 1 <= month <= 12:
        return None
    if day is None:
        return date(year, month, 1), date(year, month, monthrange(year, month)[1])
    try:
        return date(year, month, int(day)), date(year, month, int(day))
    except ValueError:
        return None
