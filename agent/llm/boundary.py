"""The trust boundary: identifiers are taken out of what goes to an endpoint outside of it.

Known identifiers come from the sealed record of the studies; what is written like one (a birth date, a record number,
an address, a telephone number) is taken out too, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

# DICOM keywords whose values name a person, and those that number one.
_NAMES = {
    "PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "ReferringPhysicianName",
    "PerformingPhysicianName", "OperatorsName", "PhysiciansOfRecord", "RequestingPhysician", "InstitutionName",
}  # fmt: skip
_DATES = {"PatientBirthDate"}
_TITLES = {"and", "the", "van", "von", "der", "den", "del", "dos", "mrs", "prof", "jun", "sen"}
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?"
)
_DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|"
    rf"\d{{1,2}}\.? (?:{_MONTHS})\.?,? \d{{4}}|(?:{_MONTHS})\.? \d{{1,2}},? \d{{4}})"
)
_BORN = r"born|birth ?date|date of birth|d\.?o\.?b\.?|geboren|né(?:e)? le|nacid[oa]"
_NUMBER_OF = (
    r"mrn|pid|patient(?: |-)?(?:id|number|no)|accession(?: ?(?:number|no))?|case ?(?:no|number)|record ?(?:no|number)|"
    r"nhs|ssn|insurance (?:no|number)"
)
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("birth_date", rf"\b(?:{_BORN})\b[^0-9a-z]{{0,12}}(?:on |am |el )?{_DATE}"),
    ("date", rf"\b{_DATE}\b"),
    ("record_number", rf"\b(?:{_NUMBER_OF})\b[.:# ]{{1,3}}[a-z]{{0,4}}-?\d[\w-]{{2,}}"),
    ("mail", r"\b[\w.+-]+@[\w-]+\.[\w.]+\b"),
    ("telephone", r"(?<![\w.,])(?:\+\d{1,3}[ /-]?)?(?:\(0?\d{2,5}\)|0\d{2,5})[ /-]?\d{3,}(?:[ -]?\d{2,}){0,3}\b"),
    ("national_number", r"\b\d{3}-\d{2}-\d{4}\b"),
)
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)


class BoundaryCrossed(Exception):
    """Something that identifies a patient would have left: nothing was sent. Names the kind, never the value."""


@dataclass(frozen=True)
class Boundary:
    """What must not leave. identifiers are values by DICOM keyword, of every study in question."""

    identifiers: Sequence[Mapping[str, str]] = field(default_factory=tuple)

    def scrub(self, text: str) -> tuple[str, tuple[str, ...]]:
        """text with each identifier replaced by its kind in brackets, and the kinds that were found."""
        found: list[str] = []
        for kind, pattern in (*self._known, *_COMPILED):
            text, count = pattern.subn(f"[{kind}]", text)
            if count:
                found.append(kind)
        return text, tuple(dict.fromkeys(found))

    def check(self, text: str) -> None:
        """Raises BoundaryCrossed where an identifier stands in text."""
        for kind, pattern in (*self._known, *_COMPILED):
            if pattern.search(text):
                raise BoundaryCrossed(f"What would be sent holds a patient's {kind.replace('_', ' ')}.")

    @cached_property
    def _known(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        terms: dict[str, str] = {}
        for record in self.identifiers:
            for keyword, value in record.items():
                for term, kind in _terms(keyword, value):
                    terms.setdefault(term, kind)
        # The longest first, so that no piece of one stays behind.
        ordered = sorted(terms, key=len, reverse=True)
        return tuple((terms[t], re.compile(rf"(?<![^\W_]){re.escape(t)}(?![^\W_])", re.IGNORECASE)) for t in ordered)


def _terms(keyword: str, value: str) -> Iterable[tuple[str, str]]:
    text = value.strip()
    if not text:
        return
    if keyword in _NAMES:
        parts = [p for p in re.split(r"[\^=,\s]+", text) if p]
        whole = " ".join(parts)
        yield from ((t, "name") for t in (text, whole, " ".join(reversed(parts))))
        yield from ((p, "name") for p in parts if len(p) > 2 and p.lower() not in _TITLES)
    elif keyword in _DATES:
        yield from ((t, "birth_date") for t in _written(text))
    elif keyword.endswith(("Date", "Time", "UID")):
        if len(text) >= 6:
            yield text, "date" if keyword.endswith("Date") else "identifier"
    elif len(text) >= 4 or any(c.isdigit() for c in text[1:]):
        yield text, "record_number"


def _written(text: str) -> Iterable[str]:
    """The ways in which a DICOM date (YYYYMMDD) is written."""
    yield text
    try:
        day: date = datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return
    d, m, y = day.day, day.month, day.year
    for sep in "./- ":
        yield from (f"{y:04}{sep}{m:02}{sep}{d:02}", f"{d:02}{sep}{m:02}{sep}{y:04}", f"{m:02}{sep}{d:02}{sep}{y:04}")
        yield from (f"{d}{sep}{m}{sep}{y}", f"{m}{sep}{d}{sep}{y}", f"{d}{sep}{m}{sep}{y % 100:02}")
    for month in (day.strftime("%B"), day.strftime("%b")):
        yield from (f"{d} {month} {y}", f"{d}. {month} {y}", f"{month} {d}, {y}", f"{month} {d} {y}")
