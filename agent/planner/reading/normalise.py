"""Normalising a question: case, dashes, spelled-out letters, fillers of speech."""

from __future__ import annotations

import re
import unicodedata

from scanwright.agent.planner.reading.numbers import spoken_to_digits
from scanwright.agent.planner.reading.words import Speller

_SPELLED = ((r"\bh\.?\s?u\b\.?", "hu"), (r"\bs\s?t\s?l\b", "stl"), (r"\bc\s?s\s?v\b", "csv"), (r"\bm\s?r\s?i\b", "mri"),
            (r"\bc\s?t\b", "ct"), (r"\bm\s?l\b", "ml"), (r"\bc\s?c\b", "cc"), (r"\bm\s?m\b", "mm"), (r"\bs\.?\s?d\b\.?", "sd"),
            (r"\br\s?o\s?i\b", "roi"))  # fmt: skip
_DICTATED = ((r"\bcomma\b", ","), (r"\b(?:full stop|period|question mark)\b", "."), (r"\bnew line\b", "."),
             (r"\bnext (?:measurement|question|item)\b", ""))  # fmt: skip
_FILLERS = re.compile(
    r"\b(?:um+|uh+|er+m?|ah|okay|ok|please|pls|plz|thank you|thanks|kindly|hi|hello|hey|dear colleague|so|well|you know|like to know)\b"
)


def normalise(question: str, speller: Speller) -> str:
    """The question in lower case with one spelling for dashes, numbers as digits, spelling corrected."""
    text = unicodedata.normalize("NFKC", question.replace("²", "^2").replace("³", "^3")).lower()
    text = text.translate({ord(c): "-" for c in "−‒"} | {ord(c): "'" for c in "’‘`"} | {ord("–"): "-", ord("—"): ", "})
    text = text.replace("#", "number of ")
    for pattern, plain in (*_SPELLED, *_DICTATED):
        text = re.sub(pattern, plain, text)
    text = re.sub(r"\bskull[- ]?strip\w*", "segment the brain in", text)
    text = _FILLERS.sub(" ", text)
    text = speller.correct(text)
    return re.sub(r"\s+", " ", spoken_to_digits(text)).strip(" ,")
