"""Goals for a plan that a person wrote with steps alone: each step that no other step takes answers one."""

from __future__ import annotations

from scanwright.agent.plan.plan import Plan, PlannedGoal, Step
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.types import is_variable
from scanwright.tools.registry import Registry


def with_goals(plan: Plan, registry: Registry) -> Plan:
    """The plan as it is where it has goals; else with a goal for each last step. Raises UserInputError on no tool."""
    if plan.goals or not plan.steps:
        return plan
    taken = {d for s in plan.steps for d in s.depends_on()}
    last = [s for s in plan.steps if s.id not in taken]
    goals = tuple(PlannedGoal(goal=_goal(s, registry), status="planned", answers=(s.id,)) for s in last)
    return plan.model_copy(update={"goals": goals})


def _goal(step: Step, registry: Registry) -> Goal:
    card = registry.get(step.tool).card
    structure = card.output.structure
    return Goal(want=card.quantities[0], of="image" if structure is None or is_variable(structure) else structure)
