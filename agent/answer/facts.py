"""Facts: what a model may know of the evidence. Words of the vocabularies and slots; no number, no text of a tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scanwright.agent.answer.render import render
from scanwright.agent.answer.result import EvidenceItem
from scanwright.agent.answer.writer import GoalOutcome, quantity_words, structure_words
from scanwright.tools.contract.goal import Goal
from scanwright.tools.vocabulary.quantities import QUANTITIES
from scanwright.tools.vocabulary.structures import STRUCTURES

_UNIT_WORDS = {
    "mL": "a volume", "L": "a volume", "mm3": "a volume", "cm3": "a volume", "mm": "a length", "cm": "a length",
    "mm2": "an area", "cm2": "an area", "%": "a share", "1": "a plain number", "[hnsf'U]": "a CT number",
}  # fmt: skip
_KINDS = {"Mask": "a mask", "Figure": "a picture", "File": "a file", "Embedding": "a vector"}


def facts_of(outcomes: Sequence[GoalOutcome], evidence: Mapping[str, EvidenceItem]) -> list[str]:
    """One line for each piece of evidence of the answered goals, in their order."""
    lines: dict[str, str] = {}
    for outcome in outcomes:
        for item in (*outcome.answers, *outcome.shown):
            if item.id in evidence and item.id not in lines and (item.quantity or item.kind in _KINDS):
                lines[item.id] = _fact(outcome.goal, item, evidence)
    return list(lines.values())


def _fact(goal: Goal, item: EvidenceItem, evidence: Mapping[str, EvidenceItem]) -> str:
    slots = [f"{{{item.id}.{part}}}" for part in _parts(item) if render(f"{{{item.id}.{part}}}", evidence, {})]
    said = [_words(goal, item)]
    if item.quantity is not None and item.value is None:
        said.append("not found: the slot says so")
    elif item.quantity is not None and item.unit in _UNIT_WORDS:
        said.append(_UNIT_WORDS[item.unit])
    if item.bound is not None:
        said.append(f"{'a lower' if item.bound == 'lower' else 'an upper'} bound: the slot says so")
    if item.uncertainty is not None and item.uncertainty.kind != "none":
        said.append({"range": "with a range", "interval": "with a calibrated interval"}[item.uncertainty.kind])
    if item.flags:
        said.append("with remarks")
    return f"{item.id}: {'; '.join(said)}; slots {' '.join(slots) or 'none'}"


def _parts(item: EvidenceItem) -> tuple[str, ...]:
    if item.kind in _KINDS:
        return ("path", "flags")
    named = () if item.quantity in QUANTITIES else ("name",)
    return (*named, "value", "at", "range", "flags")


def _words(goal: Goal, item: EvidenceItem) -> str:
    """What it is; what no vocabulary names is named by a slot, since its name is some tool's own words."""
    known = all(s is None or s in STRUCTURES for s in (goal.of, goal.region, item.structure))
    if item.kind in _KINDS:
        if not known or item.structure in (None, "image"):
            return _KINDS[item.kind]
        return f"{_KINDS[item.kind]} of {structure_words(item.structure, item.side)}"
    words = quantity_words(goal, item)
    if not known or "{" in words or (item.quantity or goal.want) not in QUANTITIES:
        return f"a measurement that is called {{{item.id}.name}}"
    return words
