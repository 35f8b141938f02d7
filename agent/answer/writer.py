"""Template writer: a draft with slots for every goal, in the order they were asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scanwright.agent.answer.result import EvidenceItem, GoalStatus
from scanwright.agent.plan.second_method import METHODS, OVERLAP
from scanwright.tools.contract.card import OUTLINES
from scanwright.tools.contract.goal import Goal
from scanwright.tools.vocabulary.quantities import QUANTITIES
from scanwright.tools.vocabulary.structures import STRUCTURES

# More values than these are listed, not told one by one (a diameter on each of a hundred slices).
SENTENCES_AT_MOST = 3


@dataclass(frozen=True)
class GoalOutcome:
    """A goal with its evidence, ready to be written about.

    by_method holds, for an answer that several methods gave (by its id), what each of them gave. note_id is the reason
    that the answer lacks something.
    """

    goal: Goal
    status: GoalStatus
    answers: tuple[EvidenceItem, ...] = ()
    shown: tuple[EvidenceItem, ...] = ()
    reason_id: str | None = None
    by_method: Mapping[str, tuple[EvidenceItem, ...]] = field(default_factory=dict)
    note_id: str | None = None


def write(outcomes: Sequence[GoalOutcome], remarks: Sequence[tuple[int, str]] = ()) -> str:
    """The draft: one paragraph for each goal; which part was not answered is said in it.

    remarks are (position, reason id) of parts of the question that are no goals, said before that paragraph.
    """
    lines: list[str] = []
    said: set[str] = set()
    for i, outcome in enumerate(outcomes):
        lines += [f"{{{name}}}" for at, name in remarks if at == i]
        lines += _paragraph(outcome, said)
    lines += [f"{{{name}}}" for at, name in remarks if at >= len(outcomes)]
    return "\n".join(lines)


def _paragraph(outcome: GoalOutcome, said: set[str]) -> list[str]:
    """The lines of one goal. said holds what was told already: pictures (by id) and flags are told once."""
    if outcome.status != "answered":
        return [f"{{{outcome.reason_id}}}"]
    sentences = _sentences(outcome)
    if outcome.note_id is not None:
        sentences.append(f"{{{outcome.note_id}}}")
    for item in outcome.answers:
        if not said.issuperset(item.flags):
            sentences.append(f"{{{item.id}.flags}}")
            said.update(item.flags)
    shown = [i for i in outcome.shown if i.artifact and i.id not in said]
    said.update(i.id for i in (*outcome.answers, *shown))
    by = {i.id: f" by {{{i.id}.by}}" if outcome.goal.compare == METHODS and i.made_by else "" for i in shown}
    lines = (f"{_capital(_shown_words(i))}{by[i.id]}: {{{i.id}.path}} [{i.id}]" for i in shown)
    return [" ".join(sentences), *lines]


def _sentences(outcome: GoalOutcome) -> list[str]:
    goal, items = outcome.goal, outcome.answers
    if goal.want == "radiomic_features" and items:
        each = "; ".join(f"{{{i.id}.name}}: {{{i.id}.value}} [{i.id}]" for i in items)
        return [f"{_capital(quantity_words(goal, items[0]))}: {each}."]
    if goal.want == "similar_cases":
        near = "; ".join(f"{{{i.id}.name}}: {{{i.id}.value}} [{i.id}]" for i in items)
        return [f"Similar cases, nearest first: {near}.", "The cosine of their vectors ranks; it is no probability."]
    if len(items) <= SENTENCES_AT_MOST or any(i.quantity is None for i in items):
        return [_sentence(goal, item, outcome.by_method.get(item.id, ())) for item in items]
    subject = quantity_words(goal, items[0])
    return [f"{_capital(subject)} is: {', '.join(f'{{{i.id}.value}} [{i.id}]' for i in items)}."]


def _sentence(goal: Goal, item: EvidenceItem, by_method: Sequence[EvidenceItem] = ()) -> str:
    if item.kind in ("Figure", "File", *OUTLINES):
        words = _shown_words(item)
        if item.kind in OUTLINES and any(f.startswith("not found") for f in item.flags):
            return f"{_capital(words)} is empty [{item.id}]."
        by = f" by {{{item.id}.by}}" if goal.compare == METHODS and item.made_by else ""
        path = f"{by}: {{{item.id}.path}}" if item.artifact else by
        return f"{_capital(words)}{path} [{item.id}]."
    if item.kind == "Embedding":
        return f"The {{{item.id}.name}} was made [{item.id}]."
    subject = quantity_words(goal, item)
    verb = "was" if item.value is None and not item.tool.startswith("acquisition_facts") else "is"
    told = [f"{{{i.id}.plain}} by {{{i.id}.by}} [{i.id}]" for i in by_method]
    each = f": {', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else ""
    between = f" between {{{item.id}.by}}" if item.quantity == OVERLAP else ""
    value = f"{{{item.id}.value}}{between} {{{item.id}.at}} {{{item.id}.range}}"
    return f"{_capital(subject)} {verb} {value} [{item.id}]{each}."


def quantity_words(goal: Goal, item: EvidenceItem) -> str:
    """ "the volume of the brain", "the share of the head that is bone", …

    What the vocabulary does not name is said by the name that its tool gave it, in a slot.
    """
    quantity = item.quantity or goal.want
    if quantity not in QUANTITIES:
        return f"the {{{item.id}.name}}"
    label = QUANTITIES[quantity].label
    structure = structure_words(goal.of, item.side if item.side in ("left", "right") else goal.side)
    if goal.of == "intensity_range" and quantity != "volume_fraction":
        return f"the {{{item.id}.name}}"
    if quantity == "volume_fraction":
        whole = structure_words(goal.region, "whole") if goal.region else "the field of view"
        return f"the share of {whole} that is {structure.removeprefix('the ')}"
    if goal.of == "image":
        return f"the {label}"
    inside = f" in {structure_words(goal.region, 'whole')}" if goal.region else ""
    return f"the {label} of {structure}{inside}"


def structure_words(name: str | None, side: str | None) -> str:
    """ "the brain", "the left half of the brain", "the left lung", "the given region"."""
    label = STRUCTURES[name].label if name in STRUCTURES else (name or "image").replace("_", " ")
    if side not in ("left", "right"):
        return f"the {label}"
    return (
        f"the {side} {label}" if name in STRUCTURES and STRUCTURES[name].paired else f"the {side} half of the {label}"
    )


def goal_words(goal: Goal) -> str:
    """A goal in words, for "not answered (…)" and for the plan."""
    label = QUANTITIES[goal.want].label if goal.want in QUANTITIES else goal.want.replace("_", " ")
    words = label if goal.of == "image" else f"{label} of {structure_words(goal.of, goal.side)}"
    words += f" in {structure_words(goal.region, 'whole')}" if goal.region else ""
    return f"{words}, by every method" if goal.compare == METHODS and goal.want != OVERLAP else words


def _shown_words(item: EvidenceItem) -> str:
    what = structure_words(item.structure, item.side) if item.structure and item.structure != "image" else "the scan"
    kind = {"Figure": "picture", "Mask": "mask", "Region": "outline", "Cells": "outlines"}.get(item.kind)
    if kind is None:
        return f"file with the {{{item.id}.name}}"
    return f"{kind} of {what}"


def _capital(text: str) -> str:
    """A slot at the beginning stays as it is: the renderer fills it."""
    return f"{text[:1].upper()}{text[1:]}"
