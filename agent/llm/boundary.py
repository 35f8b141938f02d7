"""The trust boundary: identifiers are taken out of what goes to an endpoint outside of it.

Known identifiers come from the sealed record of the studies; what is written like one (a birth date, a record number,
an address, a telephone number) is taken out too, whoever wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property

# DICOM keywords whose values name a person, and those that number one.
_NAMES = {
    "PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "ReferringPhysicianName",
    "PerformingPhysicianName", "OperatorsName", "PhysiciansOfRecord", "RequestingPhysician", "InstitutionName",
}  # fmt: skip
_DATES = {"PatientBirthDate"}
# Texts about the scan: a series called "Brain" would take the word out of every question.
_NO_IDENTIFIERS = {
    "StudyDescription", "SeriesDescription", "ProtocolName", "PatientComments", "ImageComments", "SOPClassUID",
    "InstitutionalDepartmentName",
}  # fmt: skip
_TITLES = {"and", "the", "van", "von", "der", "den", "del", "dos", "mrs", "prof", "jun", "sen"}
# English, German, French, Spanish, month by month.
_MONTH_WORDS = (
    "january jan januar jänner janvier enero", "february feb februar février fevrier febrero",
    "march mar märz maerz mars marzo", "april apr avril abril", "may mai mayo", "june jun juni juin junio",
    "july jul juli juillet julio", "august aug août aout agosto", "september sept sep septembre septiembre",
    "october oct oktober okt octobre octubre", "november nov novembre noviembre",
    "december dec dezember dez décembre decembre diciembre",
)  # fmt: skip
_MONTHS = "|".join(sorted((w for words in _MONTH_WORDS for w in words.split()), key=len, reverse=True))
_DAY = r"\d{1,2}(?:\.|st|nd|rd|th|er)?"
_DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日|"
    rf"{_DAY} ?(?:of |de )?(?:{_MONTHS})\.?,? ?(?:of |de )?\d{{4}}|(?:{_MONTHS})\.? {_DAY},? \d{{4}})"
)
_BORN = r"born|birth ?date|date of birth|d\.?o\.?b\.?|geboren|né(?:e)?(?: le)?|nacid[oa]|geburtsdatum"
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
_HIDDEN = re.compile(r"\[(?:name|identifier|birth_date|date|record_number|mail|telephone|national_number)\]")
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)


class BoundaryCrossed(Exception):
    """Something that identifies a patient would have left: nothing was sent. Names the kind, never the value."""


@dataclass(frozen=True)
class Boundary:
    """What must not leave. identifiers are values by DICOM keyword, of every study in question."""

    identifiers: Sequence[Mapping[str, str]] = field(default_factory=tuple)

    def scrub(self, text: str) -> tuple[str, tuple[str, ...]]:
        """text with each identifier replaced by its kind in brackets, and the kinds that were found."""
        text = _plain(text)
        found: list[str] = []
        for kind, pattern in (*self._known, *_COMPILED):
            text, count = pattern.subn(f"[{kind}]", text)
            if count:
                found.append(kind)
        return text, tuple(dict.fromkeys(found))

    def check(self, text: str) -> None:
        """Raises BoundaryCrossed where an identifier stands in text."""
        # A patient who is called Name is hidden behind a word that is no identifier.
        text = _HIDDEN.sub("[]", _plain(text))
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
        return tuple((terms[t], _pattern(t, terms[t])) for t in ordered)


def _plain(text: str) -> str:
    """One way of writing each character, and none that cannot be seen: nothing hides inside of a name."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")


# A name is kept with or without its accents, and asked about the other way round.
_ACCENTS = {
    "a": "àáâãäåāăą", "c": "çćč", "d": "ďđð", "e": "èéêëēęě", "g": "ğ", "i": "ìíîïīı", "l": "łľ", "n": "ñńň",
    "o": "òóôõöøō", "r": "řŕ", "s": "śšşș", "t": "ťțţ", "u": "ùúûüūůű", "y": "ýÿ", "z": "žźż",
}  # fmt: skip
_BASE = {accented: base for base, all_ in _ACCENTS.items() for accented in all_}
_TWO = {"ae": "ä", "oe": "ö", "ue": "ü", "ss": "ß"}
_ONE = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "ß": "ss"}


def _pattern(term: str, kind: str) -> re.Pattern[str]:
    """The term as a whole word, however its accents, its case and what parts it are written."""
    text = _plain(term).lower()
    if not text.isascii() and not any(c in _BASE or c in _ONE or c in "abcdefghijklmnopqrstuvwxyz" for c in text):
        # Chinese and Japanese know no spaces, so no name there ends where a word does.
        return re.compile(r"[\W_]{0,3}".join(re.escape(p) for p in re.split(r"[\W_]+", text) if p), re.IGNORECASE)
    if len(text) == 2 and kind == "name":
        return re.compile(rf"(?<![^\W_])(?:{re.escape(text.capitalize())}|{re.escape(text.upper())})(?![^\W_])")
    out, at = "", 0
    while at < len(text):
        pair, char = text[at : at + 2], text[at]
        if pair in _TWO:
            out, at = f"{out}(?:{pair}|{_TWO[pair]})", at + 2
            continue
        at += 1
        if char.isalnum():
            base = _BASE.get(char, char)
            letters = f"[{base}{_ACCENTS[base]}]" if base in _ACCENTS else re.escape(char)
            out += f"(?:{letters}|{_ONE[char]})" if char in _ONE else letters
            if kind == "record_number" and at < len(text) and char.isdigit() != text[at].isdigit():
                out += r"[\W_]{0,3}"
        elif not out.endswith("{0,3}"):
            out += r"[\W_]{0,3}"
    # "Müllers Gehirn": a name takes an s in several languages.
    end = r"(?:(?![^\W_])|(?=s(?![^\W_])))" if kind == "name" and len(text) > 3 else r"(?![^\W_])"
    return re.compile(rf"(?<![^\W_]){out}{end}", re.IGNORECASE)


def _terms(keyword: str, value: str) -> Iterable[tuple[str, str]]:
    text = value.strip()
    if not text or keyword in _NO_IDENTIFIERS:
        return
    if keyword == "InstitutionName":
        yield text, "name"
        yield from ((p, "name") for p in re.split(r"[^\w]+", text) if len(p) > 3 and p.lower() not in _of_scans())
    elif keyword in _NAMES:
        for group in text.split("="):
            parts = [p for p in re.split(r"[\^,\s]+", group) if re.search(r"[^\W\d_]", p)]
            yield from ((t, "name") for t in (" ".join(parts), " ".join(reversed(parts))) if len(t) > 1)
            pieces = dict.fromkeys(q for p in parts for q in (p, *re.split(r"[-'’]", p)))
            yield from ((p, "name") for p in pieces if len(p.strip(".")) > 1 and p.lower() not in _TITLES)
    elif keyword in _DATES:
        yield from ((t, "birth_date") for t in _written(text))
    elif keyword.endswith(("Date", "Time", "UID")):
        if len(text) >= 6:
            yield text, "date" if keyword.endswith("Date") else "identifier"
    elif len(text) >= 4 or any(c.isdigit() for c in text[1:]):
        yield text, "record_number"
        yield from ((run, "record_number") for run in re.findall(r"\d{5,}", text))


@cache
def _of_scans() -> frozenset[str]:
    """Words of questions: a hospital's name may hold "Brain", and a question must."""
    from scanwright.tools.vocabulary.structures import STRUCTURES

    said = (word for c in STRUCTURES.values() for text in (c.label, *c.synonyms) for word in text.lower().split())
    return frozenset((*said, "scan", "imaging", "image"))


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
    for month in _MONTH_WORDS[m - 1].split():
        yield from (f"{d} {month} {y}", f"{d}. {month} {y}", f"{month} {d}, {y}", f"{month} {d} {y}")
        yield from (f"{d} de {month} de {y}", f"{d} of {month} {y}")
