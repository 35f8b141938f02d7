"""Normalising a question: case, dashes, spelled-out letters, fillers and frames of speech."""

from __future__ import annotations

import re
import unicodedata

from scanwright.agent.planner.reading.numbers import spoken_to_digits
from scanwright.agent.planner.reading.words import Speller

_SPELLED = ((r"\bh\.?\s?u\b\.?", "hu"), (r"\bs\s?t\s?l\b", "stl"), (r"\bc\s?s\s?v\b", "csv"), (r"\bm\s?r\s?i\b", "mri"),
            (r"\bc\s?t\b", "ct"), (r"\bm\s?l\b", "ml"), (r"\bc\s?c\b", "cc"), (r"\bm\s?m\b", "mm"), (r"\bs\.?\s?d\b\.?", "sd"),
            (r"\br\s?o\s?i\b", "roi"), (r"\bn\s?i\s?f\s?t\s?i\b", "nifti"), (r"\bf\s?o\s?v\b", "fov"))  # fmt: skip
_DICTATED = ((r"\bcomma\b", ","), (r"\b(?:full stop|period|question mark|semi ?colon)\b", "."), (r"\bcolon\b", ":"),
             (r"\b(?:new (?:line|paragraph)|next (?:measurement|question|item|line|one|point))\b", "."))  # fmt: skip
_FILLERS = re.compile(
    r"\b(?:um+|uh+|er+m?|hmm+|ah|please|pls|plz|thank you|thanks|thx|kindly|hi|hello|hey|dear \w+|good (?:morning|afternoon|evening|day)|you know|i mean|like to know|to be honest|actually|basically)\b"
    r"|^\W*(?:(?:okay|ok|so|well|now|and|right,)[\s,]+)+"
)
_PERSON = r"(?:doctor|surgeon|radiologist|physicist|neurologist|neurosurgeon|oncologist|physician|nurse|technician|technologist|student|researcher|resident|boss|supervisor|professor|colleague|consultant|wife|husband|mother|father|son|daughter|mum|mom|dad|relative|reviewer|team|department|lab|tutor|referrer|clinician|dosimetrist)"
# Who asks, and what for, changes nothing about what is asked, and its words must not be read as cues.
_FRAMES = re.compile(
    rf"\b(?:speaking |talking )?as (?:a|an|the) (?:\w+ )?{_PERSON},?\s*"
    rf"|\bi(?:'m| am) (?:a|an|the|his|her) (?:\w+ )?{_PERSON}\b(?: (?:and|here))?,?\s*"
    rf"|\b(?:my|our|his|her|the|a) (?:\w+ )?{_PERSON} (?:has asked|have asked|asked|asks|is asking|wants|wanted|would like|wonders|needs|needed|requests|requested)(?: me| us)?(?: (?:to know|to have|to see|for|about|if|whether))?\b"
    r"|\b(?:for|in) (?:my|our|the|a|his|her|this|an) (?:\w+ ){0,2}(?:slides?|records?|paper|reports?|letter|presentation|thesis|talk|study protocol|conference|methods section|tumou?r board|meeting|publication|file|template|course|lecture|poster|printer|protocol|surgeon|documentation|notes|chart)\b(?: to (?:the|my) (?:\w+ )?\w+)?(?: (?:template )?(?:wants|needs|requires))?"
    r"|\bfor (?:qa|quality assurance|dosimetry|research|documentation|planning|teaching|comparison)\b"
    r"|\bi was (?:wondering|hoping) (?:whether|if) (?:you|we) (?:could|can|might)\b|\b(?:could|can|would|will) you(?: please)?(?= \w)(?! (?:see|rule|exclude|detect|confirm))|\bwould it be possible to\b|\bit would help (?:us|me) to (?:know|learn)\b"
)


def normalise(question: str, speller: Speller) -> str:
    """The question in lower case with one spelling for dashes, numbers as digits, spelling corrected."""
    text = unicodedata.normalize("NFKC", question.replace("²", "^2").replace("³", "^3")).lower()
    text = text.translate({ord(c): "-" for c in "−‒–"} | {ord(c): "'" for c in "’‘`´"} | {ord("—"): ", "})
    text = text.replace("#", "number of ")
    for pattern, plain in (*_SPELLED, *_DICTATED):
        text = re.sub(pattern, plain, text)
    text = re.sub(r"\bskull[- ]?strip\w*|\bstrip(?: off| away)? the skull\b", "segment the brain in", text)
    text = re.sub(
        r"\b(?:remov\w+|cut(?:ting)? (?:away|off|out)|strip\w*|delet\w+) the (?:\w+ )?table\b", "segment the body", text
    )
    text = re.sub(r"\bpatient (?=without the (?:\w+ )?table\b)", "body ", text)
    text = re.sub(r"\b(?:without|excluding|but not|free of) the (?:scanner |ct |patient )?table\b", " ", text)
    text = re.sub(r"\b(gr[ae]y|white) mater\b", r"\1 matter", text)
    text = _FILLERS.sub(" ", text)
    text = _FRAMES.sub(" ", speller.correct(text))
    return re.sub(r"\s+", " ", spoken_to_digits(text)).strip(" ,.;")
