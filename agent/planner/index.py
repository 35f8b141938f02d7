"""ExemplarIndex: example questions of the tools and of what is declined, found by the meaning of a sentence."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scanwright.agent.plan.second_method import VALUE
from scanwright.agent.planner.reading.part import read_part
from scanwright.agent.planner.reading.parts import Piece
from scanwright.agent.planner.reading.structures import mentions
from scanwright.agent.planner.reading.wants import CUED, cued_wants
from scanwright.memory.vectors import VectorStore
from scanwright.tools.contract.types import is_variable
from scanwright.tools.hashing import sha256_json
from scanwright.tools.registry import Registry, structures_of

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
DIMENSION = 384
# A neighbour below this likeness says nothing about a question, and has no vote.
_HEARD = 0.3
# "Label map of the liver" is 0.49 like the nearest example, which is of the brain; what means one is 0.55 and more.
_LIKE = 0.5
ORGANS = "organ_parts"
_SAYS_ORGANS = re.compile(r"\borgans?\b")
_MISS = re.compile(r"(?P<text>.*\S)\s*\((?P<tool>\w+)\)")


@dataclass(frozen=True)
class Neighbour:
    """An exemplar near a question: label is a want, or the code of a decline."""

    label: str
    text: str
    score: float
    declines: bool


@dataclass(frozen=True)
class Vote:
    """What the neighbours of a question say it is: the best likeness of that label, and its share of all votes."""

    label: str
    declines: bool
    score: float
    share: float


class ExemplarIndex:
    """Exemplars in the vector store, encoded once for each set of cards."""

    def __init__(self, registry: Registry, vectors: VectorStore, encode: Encode) -> None:
        self._registry, self._vectors, self._encode = registry, vectors, encode

    def nearest(self, text: str, k: int = 10) -> list[Neighbour]:
        """The k nearest exemplars of a part of a question, nearest first."""
        collection = self._ready
        vector = self._encode([masked(text)])[0]
        hits = self._vectors.search(collection, vector, k)
        return [
            Neighbour(str(h.payload["label"]), str(h.payload["text"]), h.score, bool(h.payload["declines"]))
            for h in hits
        ]

    @cached_property
    def exemplars(self) -> list[tuple[str, str, bool]]:
        """(text, label, declines) of every exemplar: the planner's own for what is registered, and the cards'."""
        own = json.loads(files("scanwright.agent.planner").joinpath("exemplars.json").read_text("utf-8"))
        found = [(text, code, True) for code, texts in own["declines"].items() for text in texts]
        known = {want for tool in self._registry for want in tool.card.quantities}
        found += [(text, want, False) for want, texts in own["wants"].items() if want in known for text in texts]
        for tool in self._registry:
            wants = tool.card.quantities
            for example in tool.card.examples:
                # A mask is asked for by what is measured in it, and so is a value by several methods; every other tool
                # by what it gives.
                fits = known if tool.card.output.kind == "Mask" or VALUE in wants else {*wants}
                read = read_part(Piece(example.lower()), has_mask=True).want
                cued = next((w for w in (read, *cued_wants(example.lower())) if w in fits), wants[0])
                found.append((example, cued, False))
        return found

    def named(self, text: str) -> str | None:
        """The want that text (lower case) calls by its own name, as a third party's tool gives it, or None."""
        return next((want for want, pattern in self._names.items() if pattern.search(text)), None)

    @cached_property
    def structures(self) -> set[str]:
        """Every structure that some tool makes a mask of."""
        return self._registry.structures()

    def only_of(self, want: str) -> str | None:
        """The one structure that want is ever given of ("emphysema_index": lung), or None."""
        given = {t.card.output.structure for t in self._registry if want in t.card.quantities}
        only = given.pop() if len(given) == 1 else None
        return None if only is None or only == "*" or is_variable(only) else only

    def in_given_region(self, want: str, of: str) -> bool:
        """True where the tool for want of that structure takes the person's region anyway (muscle at a level)."""
        return any(
            want in t.card.quantities
            and t.card.output.structure == of
            and any(i.type.structure == "given_region" for i in t.card.inputs)
            for t in self._registry
        )

    def has_own_sides(self, structure: str) -> bool:
        """True where a tool of its own tells the structure's sides, so that no plane of symmetry has to."""
        cards = (t.card for t in self._registry if structure in structures_of(t.card))
        return any(is_variable(c.output.side) and c.param(str(c.output.side)[1:]) is not None for c in cards)

    def label_scheme(self, text: str) -> str | None:
        """Which label map text asks for: that of the tool with the nearest example. None where none is near."""
        schemes, vectors = self._label_maps
        if not schemes:
            return None
        if ORGANS in schemes and _SAYS_ORGANS.search(text):
            return ORGANS
        likeness = vectors @ self._encode([text])[0]
        best = int(np.argmax(likeness))
        return schemes[best] if likeness[best] >= _LIKE else None

    @cached_property
    def _label_maps(self) -> tuple[list[str], NDArray[np.float32]]:
        cards = {t.card.id: t.card for t in self._registry if t.card.output.kind == "LabelMap"}
        rows = [(c.id, text) for c in cards.values() for text in (c.summary, *c.examples)]
        # A near miss names the tool that it is an example of.
        misses = (_MISS.fullmatch(miss) for t in self._registry for miss in t.card.near_misses)
        rows += [(m["tool"], m["text"]) for m in misses if m is not None and m["tool"] in cards]
        rows = [(str(cards[tool].output.structure), text) for tool, text in rows]
        return [s for s, _ in rows], self._encode([e.lower() for _, e in rows]) if rows else np.zeros(
            (0, DIMENSION), np.float32
        )

    @cached_property
    def _names(self) -> dict[str, re.Pattern[str]]:
        wants = sorted({*self._registry.wants()} - CUED, key=len, reverse=True)
        return {want: re.compile(rf"\b{re.escape(want.replace('_', ' '))}\b") for want in wants}

    @cached_property
    def _ready(self) -> str:
        rows = self.exemplars
        collection = f"exemplars-{sha256_json(rows)[:12]}"
        self._vectors.ensure(collection, DIMENSION)
        if self._vectors.count(collection) < len(rows):
            vectors = self._encode([masked(text) for text, _, _ in rows])
            payloads = [{"text": t, "label": label, "declines": d} for t, label, d in rows]
            self._vectors.upsert(collection, [str(i) for i in range(len(rows))], vectors, payloads)
        return collection


def vote(near: Sequence[Neighbour]) -> Vote:
    """The label with the most weight among the neighbours; a neighbour weighs the square of its likeness over 0.3."""
    weights: dict[tuple[str, bool], float] = defaultdict(float)
    for n in near:
        weights[n.label, n.declines] += max(n.score - _HEARD, 0.0) ** 2
    best = max(weights, key=lambda key: (weights[key], key))
    total = sum(weights.values())
    score = max(n.score for n in near if (n.label, n.declines) == best)
    return Vote(*best, score=score, share=weights[best] / total if total else 0.0)


def masked(text: str) -> str:
    """text with the names of structures replaced, so that a question about another organ is as near."""
    text = text.lower()
    for mention in reversed([m for m in mentions(text) if m.name != "image"]):
        text = f"{text[: mention.start]}structure{text[mention.end :]}"
    return text.replace("⟨range⟩", "above a value").replace("¦", ", ")
