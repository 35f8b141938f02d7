"""Editing a plan: what a client sends is read strictly, checked by the compiler's rules, never repaired silently."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scanwright.agent.plan import sense
from scanwright.agent.plan.handmade import with_goals
from scanwright.agent.plan.plan import Binding, Plan, PlannedGoal, Step, StepRef, StudyRef, plan_from_json
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.plan.trim import settle
from scanwright.agent.workbench import Workbench
from scanwright.tools.contract.card import IMAGES, OUTLINES, ToolCard
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.types import Mismatch, is_variable, unify
from scanwright.tools.errors import ScanwrightError, UserInputError
from scanwright.tools.registry import structures_of

TAKEN_OUT = "Its step was taken out of the plan."


def read_plan(data: dict[str, Any]) -> Plan:
    """A plan from a client. Raises UserInputError with one sentence: a cycle, an unknown step, no plan at all."""
    try:
        text = json.dumps(data, allow_nan=False)
    except ValueError:
        raise UserInputError("The plan holds a number that JSON does not know.") from None
    return plan_from_json(text, "The plan")


@dataclass(frozen=True)
class Editor:
    """Edits plans on studies, over the tools of a workbench."""

    bench: Workbench
    studies: Sequence[StudyView]

    def checked(self, plan: Plan) -> Plan:
        """The plan as it would run, with its concerns, time and memory. Raises UserInputError where it is no plan."""
        registry = self.bench.registry
        plan = with_goals(plan, registry)
        views = sorted(self.studies, key=lambda s: s.alias)
        plan = settle(plan, sense.check(plan, views, registry))
        needs = [registry.get(s.tool).card.needs for s in plan.steps if s.provided is None]
        return plan.model_copy(
            update={
                "expected_seconds": round(sum(n.seconds for n in needs), 1),
                "expected_memory_gb": max((n.memory_gb for n in needs), default=0.0),
            }
        )

    def alternatives(self, plan: Plan, step_id: str) -> list[dict[str, Any]]:
        """Tools that give what a step gives, each with why it does not fit here, or None."""
        step = _step(plan, step_id)
        own = self.bench.registry.get(step.tool)
        found = []
        for tool in self.bench.registry:
            if tool.card.id == own.card.id or not _gives_the_same(tool.card, own.card, step):
                continue
            why = self.bench.why_not(tool)
            if why is None:
                try:
                    self.swapped(plan, step_id, tool.card.id)
                except ScanwrightError as error:
                    why = str(error)
            found.append({"tool": tool.card.id, "summary": tool.card.summary, "fits": why})
        return sorted(found, key=lambda f: (f["fits"] is not None, f["tool"]))

    def swapped(self, plan: Plan, step_id: str, tool_id: str) -> Plan:
        """The plan with another tool in a step's place. Raises UserInputError where that does not fit."""
        step, tool = _step(plan, step_id), self.bench.registry.get(tool_id)
        if (why := self.bench.why_not(tool)) is not None:
            raise UserInputError(why)
        if not _gives_the_same(tool.card, self.bench.registry.get(step.tool).card, step):
            raise UserInputError(f"{tool_id} does not give what the step {step_id} gives.")
        try:
            new = self._rebound(plan, step, tool)
            steps = tuple(new if s.id == step_id else s for s in plan.steps)
            return self._fitting(self.checked(plan.model_copy(update={"steps": steps})), step_id)
        except UserInputError as error:
            return self._compiled_with(plan, step, tool, error)

    def without(self, plan: Plan, step_id: str) -> Plan:
        """The plan without a step and all that depends on it; the goals it answered say so."""
        _step(plan, step_id)
        gone = {step_id}
        for step in plan.steps:
            if step.depends_on() & gone:
                gone.add(step.id)
        left = tuple(s for s in plan.steps if s.id not in gone)
        goals = tuple(_without(g, gone) for g in plan.goals)
        live = {i for i, g in enumerate(goals) if g.status == "planned"}
        steps = tuple(s for s in left if not s.why or live & set(s.why))
        return self.checked(plan.model_copy(update={"goals": goals, "steps": steps}))

    def _fitting(self, plan: Plan, step_id: str) -> Plan:
        stopped = next((c for c in plan.concerns if c.effect != "flag" and c.step == step_id), None)
        if stopped is not None:
            raise UserInputError(stopped.sentence)
        return plan

    def _rebound(self, plan: Plan, step: Step, tool: Tool[..., Any]) -> Step:
        """The step with the tool: what it took before where that fits, the scan where one is wanted."""
        had: list[Binding] = [b for _, b in step.bindings()]
        images = [b for s in plan.steps for _, b in s.bindings() if isinstance(b, StudyRef) and b.item == "image"]
        inputs: dict[str, Binding | tuple[Binding, ...]] = {}
        for spec in tool.card.inputs:
            same = step.inputs.get(spec.name)
            fitting = [b for b in had if self._kind(plan, b) == spec.type.kind]
            if same is not None and all(self._kind(plan, b) == spec.type.kind for b in _each(same)):
                inputs[spec.name] = same
            elif fitting:
                inputs[spec.name] = (fitting[0],) if spec.many else fitting[0]
            elif spec.type.kind in IMAGES and images:
                inputs[spec.name] = images[0]
            elif not spec.optional:
                raise UserInputError(f"{tool.card.id} also needs a {spec.type.kind} as {spec.name!r}.")
        params = {k: v for k, v in step.params.items() if tool.card.param(k) is not None}
        return step.model_copy(
            update={
                "tool": tool.card.id,
                "version": tool.card.version,
                "inputs": inputs,
                "params": params,
                "provided": None,
            }
        )

    def _compiled_with(self, plan: Plan, step: Step, tool: Tool[..., Any], why: UserInputError) -> Plan:
        """The plan made anew from its goals with the tool preferred: it may need other steps before it."""
        goals = [g.goal for g in plan.goals if g.status == "planned"]
        wants = {plan.goals[i].goal.want for i in step.why if i < len(plan.goals)}
        wants |= {plan.goals[i].goal.of for i in step.why if i < len(plan.goals)}
        compiler = self.bench.compiler()
        compiler.pins = {**compiler.pins, **dict.fromkeys(wants, tool.card.id)}
        if not goals:
            raise why
        new = compiler.compile(goals, list(self.studies), question=plan.question, planner=plan.planner)
        new = self.checked(new.model_copy(update={"remarks": plan.remarks}))
        if not any(s.tool == tool.card.id for s in new.steps) or any(s.tool == step.tool for s in new.steps):
            raise why
        return new

    def _kind(self, plan: Plan, binding: Binding) -> str:
        if isinstance(binding, StepRef):
            return self.bench.registry.get(plan.step(binding.step).tool).card.output.kind
        views = {s.alias: s for s in self.studies}
        if binding.study not in views:
            raise UserInputError(f"The plan uses a study {binding.study}, which is not given.")
        return views[binding.study].get(binding).type.kind


def _each(value: Binding | tuple[Binding, ...]) -> tuple[Binding, ...]:
    return value if isinstance(value, tuple) else (value,)


def _step(plan: Plan, step_id: str) -> Step:
    found = next((s for s in plan.steps if s.id == step_id), None)
    if found is None:
        raise UserInputError(f"The plan has no step {step_id[:32]!r}.")
    return found


def _gives_the_same(card: ToolCard, own: ToolCard, step: Step) -> bool:
    fixed = own.output.structure
    if is_variable(fixed) and fixed is not None:
        named = step.params.get(fixed[1:])
        own_type = own.output.model_copy(update={"structure": named if isinstance(named, str) else None})
    else:
        own_type = own.output
    blank = {"grid": None, "time": None, "subject": None}
    if own_type.kind == "Measurement" and own_type.quantity and not set(card.quantities) & set(own_type.quantity):
        return False
    if own_type.kind in OUTLINES and own_type.structure and own_type.structure not in structures_of(card):
        return False
    return not isinstance(unify(card.output.model_copy(update=blank), own_type.model_copy(update=blank), {}), Mismatch)


def _without(goal: PlannedGoal, gone: set[str]) -> PlannedGoal:
    kept = {n: tuple(s for s in getattr(goal, n) if s not in gone) for n in ("answers", "pictures", "files")}
    if goal.status == "planned" and len(kept["answers"]) < len(goal.answers):
        if kept["answers"]:
            return goal.model_copy(update=kept | {"note": TAKEN_OUT})
        return goal.model_copy(
            update={"status": "refused", "reason": TAKEN_OUT, "test": "taken_out"} | dict.fromkeys(kept, ())
        )
    return goal.model_copy(update=kept)
