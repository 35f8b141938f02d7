"""Verifier: holds every draft, by template or by a model, to the evidence before it is rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scanwright.agent.answer.findings import findings_in
from scanwright.agent.answer.render import SLOT
from scanwright.agent.answer.result import EvidenceItem
from scanwright.tools.vocabulary.quantities import QUANTITIES
from scanwright.tools.vocabulary.structures import STRUCTURES

# Digits and number words that belong to a name: vertebrae, MR weightings, named indices, dimensions of space.
NAMES_WITH_DIGITS = re.compile(r"\b(?:[CTLS]\d{1,2}|T[12]\*?w?|[23]D|LAA-950|RECIST 1\.1|CO2|H&E|Ki-67)\b")
HALVES = re.compile(r"\b(?:left|right) half of\b")
MARK = re.compile(r"\[E\d+\]")
FINDINGS = (
    r"fractur\w*|ha?emorrhag\w*|bleed\w*|ha?ematoma\w*|tumou?rs?|metastas\w*|nodules?|infarct\w*|stroke|isch[ae]+mi\w*|"
    r"aneurysms?|lesions?|masses|mass|cancer|carcinoma|thromb\w*|embol\w*|pneumothorax|effusions?|abscess\w*|oedema|edema"
)
_NEGATION = r"no|without|free of|negative for|not? (?:any|show|have|see)|absence of|rules? out|excludes?"
NEGATED = re.compile(rf"\b(?:{_NEGATION})\b[^.]{{0,60}}?\b(?:{FINDINGS})\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?\]])\s+(?=[A-Z{])|\n")
WRITTEN_NUMBER = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million|half|twice|double)\b",
    re.IGNORECASE,
)


def problems(draft: str, evidence: Mapping[str, EvidenceItem], reasons: Mapping[str, str]) -> list[str]:
    """What is wrong with a draft; empty where it may be rendered.

    A digit or a number word outside a slot, a slot or a citation without evidence, a negated finding that no
    detector stands behind. What a model's sentences are held to besides: agent/answer/held.py.
    """
    found: list[str] = []
    for match in SLOT.finditer(draft):
        known = reasons if match["id"].startswith("R") else evidence
        if match["id"] not in known:
            found.append(f"the slot {match[0]} has no evidence")
    found += [f"the citation {mark} has no evidence" for mark in MARK.findall(draft) if mark[1:-1] not in evidence]
    bare = NAMES_WITH_DIGITS.sub("", _without_labels(MARK.sub("", SLOT.sub("", draft)), evidence))
    digits = re.findall(r"\d[\d.,]*", bare)
    if digits:
        found.append(f"the number {digits[0]} does not come from evidence")
    if word := WRITTEN_NUMBER.search(bare):
        found.append(f"the number {word[0]!r} does not come from evidence")
    for sentence in _SENTENCE_END.split(draft):
        negated = NEGATED.search(MARK.sub("", SLOT.sub("", sentence)))
        if negated and not shows_absence(sentence, evidence):
            found.append(f"{negated[0]!r} needs a detector that looked for it: say 'not assessed'")
    return found


def shows_absence(sentence: str, evidence: Mapping[str, EvidenceItem]) -> bool:
    """True where a sentence that denies findings may: each is the structure or quantity of evidence that it cites,
    which looked and found none, and it tells the flags in which the detector's sensitivity is said."""
    cited = [evidence[m[1:-1]] for m in MARK.findall(sentence) if m[1:-1] in evidence]
    told = {m["id"] for m in SLOT.finditer(sentence) if m["part"] == "flags"}
    looked = [i for i in cited if i.id in told and _found_none(i) and "sensitivity" in " ".join(i.flags).lower()]
    labels = " ".join(
        table[name].label
        for i in looked
        for table, name in ((STRUCTURES, i.structure), (QUANTITIES, i.quantity))
        if name in table
    )
    denied = findings_in(MARK.sub("", SLOT.sub("", sentence)))
    return bool(denied) and denied <= findings_in(labels)


def _found_none(item: EvidenceItem) -> bool:
    if item.kind == "Measurement" or item.quantity is not None:
        return item.value is None or item.value == 0
    return any(f.startswith("not found") for f in item.flags)


def _without_labels(text: str, evidence: Mapping[str, EvidenceItem]) -> str:
    """text without the names of quantities and structures, which may hold digits ("5th and 95th percentile")."""
    named = [c.label for c in (*QUANTITIES.values(), *STRUCTURES.values())]
    named += [e.structure.replace("_", " ") for e in evidence.values() if e.structure]
    numbered = {n for n in named if re.search("[A-Za-z]", n) and (re.search(r"\d", n) or WRITTEN_NUMBER.search(n))}
    with_numbers = sorted(numbered, key=len, reverse=True)
    for name in with_numbers:
        text = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w])", "", text, flags=re.IGNORECASE)
    return HALVES.sub("", text)
