"""Plans and cards as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanwright.agent.plan.plan import Plan
    from scanwright.tools.contract.card import ToolCard


def plan_lines(plan: Plan) -> Iterator[str]:
    """What is wanted, the steps, and what is doubtful."""
    from scanwright.agent.answer.writer import goal_words

    yield f"Planned by {plan.planner}; expected {plan.expected_seconds:g} s, {plan.expected_memory_gb:g} GB."
    for i, goal in enumerate(plan.goals, start=1):
        why = goal.reason or goal.note
        yield f"  goal {i}: {goal_words(goal.goal)}: {goal.status}" + (f" ({why})" if why else "")
        for rejected in goal.rejected:
            yield f"          not {rejected.tool}: {rejected.reason}"
    for step in plan.steps:
        inputs = ", ".join(f"{n}={b}" for n, b in step.bindings())
        params = "".join(f", {k}={v}" for k, v in step.params.items())
        yield f"  {step.id}: {step.tool}({inputs}{params})"
    for concern in plan.concerns:
        yield f"  {concern.effect}: {concern.sentence}"


def card_lines(card: ToolCard, why_not: str | None) -> Iterator[str]:
    """A tool's card."""
    yield f"{card.id} {card.version} ({card.family}, {card.package}, {card.licence})"
    yield ""
    yield card.description
    yield ""
    for spec in card.inputs:
        yield f"takes {spec.name}: {spec.type}{' (may be left out)' if spec.optional else ''}"
    for param in card.params:
        default = "" if param.required else f", default {param.default}"
        yield f"takes {param.name}: {param.kind}{' of ' + ', '.join(param.choices) if param.choices else ''}{default}"
    yield f"gives {card.output}"
    yield f"needs {card.needs.memory_gb:g} GB, about {card.needs.seconds:g} s" + (
        f", weights {', '.join(card.weights)}" if card.weights else ""
    )
    for condition in (*card.when, *card.then):
        facts = {k: v for k, v in condition.model_dump(exclude_none=True).items() if k != "test"}
        yield f"condition {condition.test}: {facts}" if facts else f"condition {condition.test}"
    yield f"reference: {card.reference}"
    for error in card.error:
        yield f"measured: {error.text}"
    yield f"offered: {'yes' if why_not is None else 'no: ' + why_not}"
    yield ""
    for example in card.examples:
        yield f"  “{example}”"
    for near in card.near_misses:
        yield f"  not: {near}"
