"""Faithful: does the step that answers a goal give what the goal asks for? A plan file can say one and do the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanwright.agent.plan.plan import Plan, PlannedGoal, Step, StudyRef
from scanwright.agent.plan.second_method import OVERLAP, VALUE
from scanwright.tools.contract.types import ArtifactType, is_variable
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import canonical_json
from scanwright.tools.registry import Registry, structures_of

_OF_SIDES = ("each", "both")


def check_goals(plan: Plan, types: Mapping[str, ArtifactType], registry: Registry) -> None:
    """types are the outputs of the plan's steps. Raises UserInputError where a goal is answered by something else."""
    for number, goal in enumerate(plan.goals, start=1):
        if goal.status != "planned":
            continue
        for answer in goal.answers:
            swapped = _swapped(goal, plan, plan.step(answer), types[answer], registry)
            if swapped is not None:
                raise UserInputError(
                    f"Goal {number} of the plan asks for {swapped[0]}, and the step {answer!r} that answers it gives "
                    f"{swapped[1]}: mend the plan, or plan the question again."
                )


def _swapped(
    planned: PlannedGoal, plan: Plan, step: Step, type_: ArtifactType, registry: Registry
) -> tuple[str, str] | None:
    """What was asked for and what is given, where they differ."""
    goal, offered = planned.goal, registry.get(step.tool).card.quantities
    if goal.want not in offered and not {VALUE, OVERLAP} & set(offered):
        return goal.want, " or ".join(offered)
    # A goal of the image as a whole names nothing that could be another thing.
    given = None if goal.of == "image" or type_.structure is None or is_variable(type_.structure) else type_.structure
    if given is not None and given != goal.of:
        return goal.of, given
    side = type_.side if type_.side in ("left", "right") else "whole"
    if (
        goal.of != "image"
        and side != goal.side
        and not (goal.side in _OF_SIDES and type_.side in ("left", "right", "both"))
    ):
        return f"the {goal.side} side", f"the {side}"
    before = list(_with_what_it_needs(plan, step))
    for name, value in goal.params.items():
        taken = [s.params[name] for s in before if name in s.params]
        if taken and _plain(value) not in [_plain(t) for t in taken]:
            return f"{name} {_said(value)}", f"{name} {_said(taken[0])}"
    if goal.series is not None:
        read = {b.series for s in before for _, b in s.bindings() if isinstance(b, StudyRef) and b.series}
        if read and goal.series not in read:
            return f"the series {goal.series}", f"the series {sorted(read)[0]}"
    if goal.region is not None and goal.region != goal.of:
        made = {types_structure for s in before for types_structure in _structures(s, registry)}
        if not made & {goal.region, None}:
            return f"something inside {goal.region}", "it of elsewhere"
    return None


def _with_what_it_needs(plan: Plan, step: Step) -> Iterator[Step]:
    waiting, seen = [step.id], set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            found = plan.step(name)
            waiting += sorted(found.depends_on())
            yield found


def _structures(step: Step, registry: Registry) -> set[str | None]:
    """What a step can have to do with; None where it takes the mask that a person gave."""
    given = {None} if any(isinstance(b, StudyRef) and b.item == "mask" for _, b in step.bindings()) else set()
    texts = {v for v in step.params.values() if isinstance(v, str)}
    return {*structures_of(registry.get(step.tool).card), *texts, *given}


def _plain(value: Any) -> str:
    return canonical_json(_numbers(value.model_dump(mode="json") if hasattr(value, "model_dump") else value))


def _numbers(data: Any) -> Any:
    """300 as a person writes it is 300.0 as a plan does."""
    if isinstance(data, dict):
        return {k: _numbers(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [_numbers(v) for v in data]
    return float(data) if isinstance(data, int) and not isinstance(data, bool) else data


def _said(value: Any) -> str:
    data = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
    return " ".join(str(v) for v in data.values()) if isinstance(data, dict) else str(data)
