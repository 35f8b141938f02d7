"""Pieces: the template's draft sentence by sentence, and the slots that each must have filled to have been said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from scanwright.agent.answer.render import SLOT, render
from scanwright.agent.answer.result import EvidenceItem
from scanwright.agent.answer.verify import MARK

_END = re.compile(r"(\.|\{E\d+\.flags\}|\{R\d+\}) +")


@dataclass(frozen=True)
class Piece:
    """One sentence of the template; line is the number of its line, ids what it speaks of."""

    line: int
    text: str
    ids: tuple[str, ...]


def pieces_of(draft: str) -> list[Piece]:
    """The sentences of a template's draft in their order. A slot of flags or of a reason is one by itself."""
    found = []
    for number, line in enumerate(draft.split("\n")):
        for text in _END.sub(r"\1\n", line).split("\n"):
            if text.strip():
                ids = [*(m["id"] for m in SLOT.finditer(text)), *(m[1:-1] for m in MARK.findall(text))]
                found.append(Piece(number, text.strip(), tuple(dict.fromkeys(ids))))
    return found


def needed_slots(text: str, evidence: Mapping[str, EvidenceItem]) -> set[tuple[str, str]]:
    """The slots of a text that are filled with something; a reason is one, a value under its two names is the same."""
    found = set()
    for match in SLOT.finditer(text):
        id_, part = match["id"], match["part"] or "value"
        if id_.startswith("R"):
            found.add((id_, ""))
        elif id_ in evidence and render(f"{{{id_}.{part}}}", evidence, {}):
            found.add((id_, part))
    return found
