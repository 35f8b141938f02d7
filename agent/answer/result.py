"""AnswerResult: what a question gives, as a published, versioned schema (docs/answer.schema.json)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from scanwright.tools.artifacts import Coded
from scanwright.tools.contract.uncertainty import Uncertainty

ANSWER_SCHEMA_VERSION = 1
RESEARCH_USE = "Research use only: this is not a medical device."
Status = Literal["answered", "partly", "refused", "needs_input", "failed"]
GoalStatus = Literal["answered", "refused", "needs_input", "failed"]
Value = float | int | str | tuple[float, ...] | None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceItem(_Frozen):
    """One thing that an answer rests on. artifact is the path of a file (picture, mask, table), if it has one.

    value is None for "not found" and for pictures and files; unit is UCUM. flags say what a reader must know;
    bound is "lower" where the field of view cuts the structure. made_by is what outlined the structure ("deepbet").
    """

    id: str
    kind: str
    name: str
    code: Coded | None = None
    value: Value = None
    unit: str | None = None
    uncertainty: Uncertainty | None = None
    step: str
    tool: str
    method: str = ""
    made_by: str = ""
    artifact: str | None = None
    quantity: str | None = None
    structure: str | None = None
    side: str | None = None
    at: str | None = None
    bound: Literal["lower", "upper"] | None = None
    flags: tuple[str, ...] = ()
    reference: str | None = None
    artifact_hash: str | None = None


class GoalReport(_Frozen):
    """A goal and what became of it; reason says why it is not answered, or what its answer lacks."""

    goal: dict[str, Any]
    status: GoalStatus
    reason: str | None = None
    evidence: tuple[str, ...] = ()


class Refusal(_Frozen):
    """Why (part of) a question is not answered, what is missing, what can be done instead."""

    reason: str
    missing: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


class StepSummary(_Frozen):
    """A step that ran, or did not."""

    id: str
    tool: str
    version: str
    inputs: dict[str, str | list[str]]
    status: str
    seconds: float
    cached: bool


class PlanSummary(_Frozen):
    """Which planner planned, and the steps."""

    planner: str
    steps: tuple[StepSummary, ...] = ()


class AnswerResult(_Frozen):
    """The answer to a question about a study. worded_by is "template", or the language model that worded it."""

    schema_version: int = ANSWER_SCHEMA_VERSION
    run_id: str | None
    question: str
    status: Status
    goals: tuple[GoalReport, ...] = ()
    answer: str
    worded_by: str = "template"
    refusal: Refusal | None = None
    plan: PlanSummary
    evidence: tuple[EvidenceItem, ...] = ()
    warnings: tuple[str, ...] = ()
    notice: str = Field(default=RESEARCH_USE)

    @property
    def exit_code(self) -> int:
        """0 answered or partly, 3 refused or needs input, 1 failed."""
        return {"answered": 0, "partly": 0, "refused": 3, "needs_input": 3, "failed": 1}[self.status]

    def pictures(self) -> list[str]:
        """The paths of the pictures."""
        return [e.artifact for e in self.evidence if e.kind == "Figure" and e.artifact]

    def _repr_html_(self) -> str:
        from scanwright.agent.answer.notebook import answer_html

        return answer_html(self)
