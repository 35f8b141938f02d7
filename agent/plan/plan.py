"""Plan: a DAG of steps with the goals it serves. A plan file has its own versioned schema and can be run again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import sha256_json

PLAN_SCHEMA_VERSION = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudyRef(_Frozen):
    """Something the study holds: its "image" (a series by name where there are several) or the given "mask"."""

    study: str = "S1"
    item: Literal["image", "mask"] = "image"
    series: str | None = None

    @field_validator("item", mode="before")
    @classmethod
    def _renamed(cls, item: Any) -> Any:
        # What plans of the first version say.
        return "image" if item == "volume" else item

    def __str__(self) -> str:
        return f"{self.study}.{self.item}" + (f":{self.series}" if self.series else "")


class StepRef(_Frozen):
    """The output of an earlier step."""

    step: str

    def __str__(self) -> str:
        return self.step


Binding = StudyRef | StepRef


class Step(_Frozen):
    """One call of one tool. why names the goals (by position, from 0) that it serves.

    provided is the hash of an artifact by a person that stands in for the tool's own output.
    """

    id: str
    tool: str
    version: str
    inputs: dict[str, Binding | tuple[Binding, ...]] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    why: tuple[int, ...] = ()
    provided: str | None = None

    def bindings(self) -> Iterator[tuple[str, Binding]]:
        """Every binding with the name of its input."""
        for name, value in self.inputs.items():
            for binding in value if isinstance(value, tuple) else (value,):
                yield name, binding

    def depends_on(self) -> set[str]:
        """The ids of the steps whose outputs this one takes."""
        return {b.step for _, b in self.bindings() if isinstance(b, StepRef)}


class PlanConcern(_Frozen):
    """What is wrong or doubtful about a step, or about the plan where step is None."""

    step: str | None
    effect: Literal["refuse", "ask", "flag"]
    sentence: str
    test: str = ""
    missing: str | None = None
    offers: tuple[str, ...] = ()


class Rejected(_Frozen):
    """A tool that was considered for a goal and not taken."""

    tool: str
    reason: str


class PlannedGoal(_Frozen):
    """A goal with what the compiler made of it.

    answers are the steps whose output answers it (two for "each side"), pictures those that show it.
    Where it is not planned, reason is a sentence, test a short code, missing what would help. note is a sentence
    that its answer has to hold.
    """

    goal: Goal
    status: Literal["planned", "refused", "needs_input"]
    answers: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    note: str | None = None
    reason: str | None = None
    test: str | None = None
    missing: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()


class Remark(_Frozen):
    """A part of the question that is no goal: declined, or not clear. It stands before the goal at that position."""

    asked: str
    status: Literal["refused", "needs_input"]
    reason: str
    offers: tuple[str, ...] = ()
    before: int = 0


class Plan(_Frozen):
    """Goals, steps in an order that can be run, and what the sense check found."""

    schema_version: int = PLAN_SCHEMA_VERSION
    question: str = ""
    planner: str = "person"
    goals: tuple[PlannedGoal, ...] = ()
    remarks: tuple[Remark, ...] = ()
    steps: tuple[Step, ...] = ()
    concerns: tuple[PlanConcern, ...] = ()
    expected_seconds: float = 0.0
    expected_memory_gb: float = 0.0

    @property
    def key(self) -> str:
        """Equal for plans that do the same, whoever made them."""
        return sha256_json([s.model_dump(mode="json", exclude={"why"}) for s in self.steps])

    def step(self, step_id: str) -> Step:
        """The step of that id. Raises KeyError."""
        return next(s for s in self.steps if s.id == step_id)

    def studies(self) -> tuple[str, ...]:
        """The aliases of the studies that the steps use, sorted."""
        return tuple(sorted({b.study for s in self.steps for _, b in s.bindings() if isinstance(b, StudyRef)}))

    def to_json(self) -> str:
        """The plan file."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def load_plan(file: Path) -> Plan:
    """Reads and checks a plan file. Raises UserInputError with one sentence."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UserInputError(f"The plan file {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UserInputError(
            f"{file} is not a plan file: it is not text; make one with `scanwright plan --json`."
        ) from None
    return plan_from_json(text, str(file))


def plan_from_json(text: str, name: str) -> Plan:
    """A plan from its JSON. Raises UserInputError that says what is wrong: newer version, cycle, unknown step."""
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UserInputError(
            f"{name} is not a plan file: it is not JSON; make one with `scanwright plan --json`."
        ) from None
    if not isinstance(data, dict):
        raise UserInputError(f"{name} is not a plan file: it holds no object; make one with `scanwright plan --json`.")
    version = data.get("schema_version", PLAN_SCHEMA_VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UserInputError(
            f"{name} is not a valid plan: its schema_version is {version!r}, and this Scanwright reads "
            f"{PLAN_SCHEMA_VERSION}; make one with `scanwright plan --json`."
        )
    if version > PLAN_SCHEMA_VERSION:
        raise UserInputError(
            f"{name} was written by a newer Scanwright (plan version {version}; this one reads {PLAN_SCHEMA_VERSION}): "
            "update Scanwright."
        )
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserInputError(f"{name} is not a valid plan: at {where or 'the top'}: {first['msg']}.") from None
    plan = plan.model_copy(update={"steps": ordered(plan.steps, name)})
    _check_references(plan, name)
    return plan


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number that JSON knows")


def _check_references(plan: Plan, name: str) -> None:
    """Raises UserInputError where goals and steps point at what is not there."""
    known = {s.id for s in plan.steps}
    for i, goal in enumerate(plan.goals, start=1):
        unknown = sorted({*goal.answers, *goal.pictures, *goal.files} - known)
        if unknown:
            raise UserInputError(f"{name}: goal {i} is answered by the step {unknown[0]!r}, which is not in the plan.")
        if goal.status == "planned" and not goal.answers:
            raise UserInputError(f"{name}: goal {i} is planned and names no step that answers it: add one to answers.")
        if goal.status != "planned" and not goal.reason:
            raise UserInputError(f"{name}: goal {i} is {goal.status} and gives no reason: add one.")
    for step in plan.steps:
        if any(not 0 <= i < len(plan.goals) for i in step.why):
            raise UserInputError(f"{name}: step {step.id!r} serves a goal that is not in the plan: mend its why.")


def ordered(steps: tuple[Step, ...], name: str = "The plan") -> tuple[Step, ...]:
    """The steps so that each comes after what it depends on, otherwise in their own order.

    Raises UserInputError on a repeated id, an unknown step, or a cycle.
    """
    by_id: dict[str, Step] = {}
    for step in steps:
        if step.id in by_id:
            raise UserInputError(f"{name} has two steps called {step.id!r}: give each its own id.")
        by_id[step.id] = step
    for step in steps:
        unknown = sorted(step.depends_on() - by_id.keys())
        if unknown:
            raise UserInputError(
                f"{name}: step {step.id!r} takes the output of {unknown[0]!r}, which is not in the plan."
            )
    result: dict[str, Step] = {}
    waiting = list(steps)
    while waiting:
        ready = next((s for s in waiting if s.depends_on() <= result.keys()), None)
        if ready is None:
            ring = " → ".join(s.id for s in waiting)
            raise UserInputError(f"{name} goes round in a circle ({ring}): a step cannot need its own output.")
        result[ready.id] = ready
        waiting.remove(ready)
    return tuple(result.values())
