"""Settling a plan: what the sense check refuses is taken out, and the goals it served are told why."""

from __future__ import annotations

from collections.abc import Sequence

from scanwright.agent.plan.plan import Plan, PlanConcern, PlannedGoal, Step


def settle(plan: Plan, concerns: Sequence[PlanConcern]) -> Plan:
    """The plan without steps that must not run, its goals marked, its concerns attached.

    A concern that is about the scan as a whole (step None) refuses everything. Steps that served only refused goals
    go too.
    """
    # A refusal goes before a question: nobody is asked for a fact that would not help.
    stops = sorted((c for c in concerns if c.effect != "flag"), key=lambda c: c.effect != "refuse")
    blocked: dict[str, PlanConcern] = {}
    for concern in stops:
        if concern.step is not None:
            blocked.setdefault(concern.step, concern)
    for step in plan.steps:
        cause = next((blocked[d] for d in sorted(step.depends_on()) if d in blocked), None)
        if cause is not None:
            blocked.setdefault(step.id, cause)
    for_all = next((c for c in stops if c.step is None), None)
    goals = tuple(_settled(g, blocked, for_all) for g in plan.goals)
    live = {i for i, g in enumerate(goals) if g.status == "planned"}
    steps = tuple(s for s in plan.steps if s.id not in blocked and for_all is None and (not s.why or live & set(s.why)))
    return plan.model_copy(update={"goals": goals, "steps": _whole(steps), "concerns": tuple(concerns)})


def _settled(goal: PlannedGoal, blocked: dict[str, PlanConcern], for_all: PlanConcern | None) -> PlannedGoal:
    if goal.status != "planned":
        return goal
    concern = for_all or next((blocked[a] for a in goal.answers if a in blocked), None)
    if concern is None:
        kept = [tuple(s for s in group if s not in blocked) for group in (goal.pictures, goal.files)]
        return goal.model_copy(update={"pictures": kept[0], "files": kept[1]})
    return goal.model_copy(
        update={
            "status": "needs_input" if concern.effect == "ask" else "refused",
            "answers": (),
            "pictures": (),
            "files": (),
            "reason": concern.sentence,
            "test": concern.test,
            "missing": (concern.missing,) if concern.missing else (),
            "offers": concern.offers,
        }
    )


def _whole(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Without steps that need one that is gone."""
    kept: dict[str, Step] = {}
    for step in steps:
        if step.depends_on() <= kept.keys():
            kept[step.id] = step
    return tuple(kept.values())
