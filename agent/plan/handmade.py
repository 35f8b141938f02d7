"""Goals for a plan that a person wrote with steps alone: each step that no other step takes answers one."""

from __future__ import annotations

from typing import Literal

from scanwright.agent.plan.plan import Plan, PlannedGoal, Step, StepRef, StudyRef
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.types import is_variable
from scanwright.tools.registry import Registry


def with_goals(plan: Plan, registry: Registry) -> Plan:
    """The plan as it is where it has goals; else with a goal for each last step. Raises UserInputError on no tool."""
    if plan.goals or not plan.steps:
        return plan
    taken = {d for s in plan.steps for d in s.depends_on()}
    last = [s for s in plan.steps if s.id not in taken]
    goals = tuple(PlannedGoal(goal=_goal(s, plan, registry), status="planned", answers=(s.id,)) for s in last)
    return plan.model_copy(update={"goals": goals})


def _goal(step: Step, plan: Plan, registry: Registry) -> Goal:
    structure = _meaning("structure", step, plan, registry, ())
    side = _meaning("side", step, plan, registry, ())
    return Goal(
        want=registry.get(step.tool).card.quantities[0],
        of="image" if structure is None else structure,
        side="left" if side == "left" else "right" if side == "right" else "whole",
    )


def _meaning(
    field: Literal["structure", "side"], step: Step, plan: Plan, registry: Registry, seen: tuple[str, ...]
) -> str | None:
    """What a step's output is of; where its signature leaves that open, what the step before it gives."""
    card = registry.get(step.tool).card
    value: str | None = getattr(card.output, field)
    if value is None or not is_variable(value) or step.id in seen:
        return None if value is None or is_variable(value) else value
    named = step.params.get(value[1:])
    if isinstance(named, str):
        return named
    takes = {i.name for i in card.inputs if getattr(i.type, field) == value}
    for name, binding in step.bindings():
        if name in takes and isinstance(binding, StepRef):
            before = next((s for s in plan.steps if s.id == binding.step), None)
            return None if before is None else _meaning(field, before, plan, registry, (*seen, step.id))
        if name in takes and isinstance(binding, StudyRef) and binding.item == "mask":
            return "given_region" if field == "structure" else None
    return None
