"""Template writer: a draft with slots for every goal, in the order they were asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scanwright.agent.answer.result import EvidenceItem, GoalStatus
from scanwright.tools.contract.goal import Goal
from scanwright.tools.vocabulary.quantities import QUANTITIES
from scanwright.tools.vocabulary.structures import STRUCTURES


@dataclass(frozen=True)
class GoalOutcome:
    """A goal with its evidence, ready to be written about."""

    goal: Goal
    status: GoalStatus
    answers: tuple[EvidenceItem, ...] = ()
    shown: tuple[EvidenceItem, ...] = ()
    reason_id: str | None = None


def write(outcomes: Sequence[GoalOutcome], remarks: Sequence[tuple[int, str]] = ()) -> str:
    """The draft: one paragraph for each goal; which part was not answered is said in it.

    remarks are (position, reason id) of parts of the question that are no goals, said before that paragraph.
    """
    several = len(outcomes) + len(remarks) > 1
    lines: list[str] = []
    for i, outcome in enumerate(outcomes):
        lines += [f"{{{name}}}" for at, name in remarks if at == i]
        lines.append(_paragraph(outcome, several))
    lines += [f"{{{name}}}" for at, name in remarks if at >= len(outcomes)]
    return "\n".join(lines)


def _paragraph(outcome: GoalOutcome, several: bool) -> str:
    if outcome.status != "answered":
        lead = f"Not answered ({goal_words(outcome.goal)}): " if several else ""
        return f"{lead}{{{outcome.reason_id}}}"
    sentences = [_sentence(outcome.goal, item) for item in outcome.answers]
    flags = [f"{{{item.id}.flags}}" for item in outcome.answers if item.flags]
    shown = [f"{_capital(_shown_words(i))}: {{{i.id}.path}} [{i.id}]" for i in outcome.shown if i.artifact]
    return "\n".join([" ".join([*sentences, *dict.fromkeys(flags)]), *shown])


def _sentence(goal: Goal, item: EvidenceItem) -> str:
    if item.kind in ("Figure", "File", "Mask"):
        words = _shown_words(item)
        if item.kind == "Mask" and any(f.startswith("not found") for f in item.flags):
            return f"The {words} is empty [{item.id}]."
        return (
            f"{_capital(words)}: {{{item.id}.path}} [{item.id}]."
            if item.artifact
            else f"{_capital(words)} [{item.id}]."
        )
    subject = quantity_words(goal, item)
    verb = "was" if item.value is None and not item.tool.startswith("acquisition_facts") else "is"
    at = f" at {{{item.id}.at}}" if item.at else ""
    return f"{_capital(subject)} {verb} {{{item.id}.value}}{at} {{{item.id}.range}} [{item.id}]."


def quantity_words(goal: Goal, item: EvidenceItem) -> str:
    """ "the volume of the brain", "the share of the head that is bone", …"""
    quantity = item.quantity or goal.want
    label = QUANTITIES[quantity].label if quantity in QUANTITIES else item.name
    structure = structure_words(goal.of, item.side if item.side in ("left", "right") else goal.side)
    if quantity == "volume_fraction":
        whole = structure_words(goal.region, "whole") if goal.region else "the field of view"
        return f"the share of {whole} that is {structure.removeprefix('the ')}"
    if goal.of == "image":
        return f"the {label}"
    inside = f" in {structure_words(goal.region, 'whole')}" if goal.region else ""
    return f"the {label} of {structure}{inside}"


def structure_words(name: str | None, side: str | None) -> str:
    """ "the brain", "the left half of the brain", "the given region"."""
    label = STRUCTURES[name].label if name in STRUCTURES else (name or "image").replace("_", " ")
    return f"the {side} half of the {label}" if side in ("left", "right") else f"the {label}"


def goal_words(goal: Goal) -> str:
    """A goal in words, for "not answered (…)" and for the plan."""
    label = QUANTITIES[goal.want].label if goal.want in QUANTITIES else goal.want.replace("_", " ")
    words = label if goal.of == "image" else f"{label} of {structure_words(goal.of, goal.side)}"
    return words + (f" in {structure_words(goal.region, 'whole')}" if goal.region else "")


def _shown_words(item: EvidenceItem) -> str:
    what = structure_words(item.structure, item.side) if item.structure and item.structure != "image" else "the scan"
    kind = {"Figure": "picture", "Mask": "mask"}.get(item.kind)
    if kind is None:
        return item.name
    return f"{kind} of {what}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
