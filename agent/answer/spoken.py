"""Spoken: an answer that several languages may stand in, each sentence rendered with the words of its own.

Where a model's sentence did not hold, the template's English one stands beside the model's. Numbers are written in
one way in the whole answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scanwright.agent.answer.languages import ENGLISH, LANGUAGES
from scanwright.agent.answer.names import language_of
from scanwright.agent.answer.pieces import pieces_of
from scanwright.agent.answer.render import SLOT, render
from scanwright.agent.answer.result import EvidenceItem


def spoken(draft: str, evidence: Mapping[str, EvidenceItem], reasons: Mapping[str, str], language: str) -> str:
    """The draft rendered; language (a key of LANGUAGES) says how numbers are written. Raises as render does."""
    if language == "en":
        return render(draft, evidence, reasons)
    own = LANGUAGES[language]
    foreign = replace(ENGLISH, point=own.point, thousands=own.thousands)
    lines: dict[int, list[str]] = {}
    for piece in pieces_of(draft):
        words = own if language_of(SLOT.sub("", piece.text)) == language else foreign
        lines.setdefault(piece.line, []).append(render(piece.text, evidence, reasons, words))
    told = (" ".join(part for part in parts if part) for parts in lines.values())
    return "\n".join(line for line in told if line)
