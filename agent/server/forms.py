"""The forms of what the server answers with, so that a client's types can be made from the description of the API."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel
from scanwright.agent.answer.result import AnswerResult, EvidenceItem
from scanwright.agent.plan.plan import Binding, Plan, PlanConcern
from scanwright.agent.server.answers import Problem
from scanwright.memory.corrections import Correction
from scanwright.memory.sessions import TurnStatus
from scanwright.tools.contract.card import ToolCard
from scanwright.tools.contract.uncertainty import Uncertainty


class ReadingView(BaseModel):
    """How a question was read; goals are those it asks for, completed from the turns before."""

    reading: Literal["ask", "why", "how_sure", "undo", "redo", "fork"]
    exam: Literal["previous"] | None = None
    goals: list[dict[str, Any]] = []


class TurnView(BaseModel):
    """A turn of a session. corrected_run is the newest run that people's corrections led to, with its answer."""

    session_id: str
    turn_id: str
    number: int
    parent: str | None
    question: str
    request: dict[str, Any]
    reading: ReadingView | None
    status: TurnStatus
    plan: Plan | None
    run_id: str | None
    answer: AnswerResult | None
    error: Problem | None
    conversation_turn: int | None
    utc: str
    corrected_run: str | None = None
    corrected_answer: AnswerResult | None = None


class SessionView(BaseModel):
    """A session with its turns; head is the turn whose state holds now."""

    session_id: str
    studies: list[str]
    created_utc: str
    turns: list[TurnView]
    head: str | None
    can_undo: bool
    can_redo: bool


class SessionShort(BaseModel):
    """A session in a list; question is its first."""

    session_id: str
    studies: list[str]
    created_utc: str
    turns: int
    question: str | None


class PlanView(BaseModel):
    """A plan as it would run."""

    plan: Plan
    concerns: list[PlanConcern]
    expected_seconds: float
    expected_memory_gb: float


class AlternativeView(BaseModel):
    """A tool that gives what a step gives; fits is why it cannot be taken here, or null."""

    tool: str
    summary: str
    fits: str | None


class FileOffset(BaseModel):
    """How much of a file is here, in bytes."""

    index: int
    offset: int
    size: int | None = None


class UploadView(BaseModel):
    """An upload; study_id once it is finished."""

    upload_id: str
    study_id: str | None = None
    files: list[FileOffset]


class Offset(BaseModel):
    """Where the next piece begins."""

    offset: int


class ArtifactShort(BaseModel):
    """An artifact with the addresses of its pixels."""

    hash: str
    kind: str
    name: str
    flags: list[str]
    structure: str | None
    side: str | None
    address: str
    mask: str | None = None
    voxels: int | None = None
    value: float | int | str | tuple[float, ...] | None = None
    unit: str | None = None


class StepView(BaseModel):
    """A step of a run: its call, what it gave, and how."""

    id: str
    tool: str
    version: str
    inputs: dict[str, Binding | list[Binding]]
    params: dict[str, Any]
    why: list[int]
    provided: str | None
    summary: str
    provenance: dict[str, Any] | None
    seconds: float | None
    cached: bool | None
    artifact: ArtifactShort | None


class StudyUsed(BaseModel):
    """A study that a plan uses, under its alias."""

    alias: str
    study_id: str | None
    series: str | None
    item: str


class EvidenceView(BaseModel):
    """Where a piece of evidence comes from, down to the study; overrides are people's corrections on the way."""

    item: EvidenceItem
    step: StepView
    card: ToolCard | None
    uncertainty: Uncertainty | None
    inputs: list[StepView]
    studies: list[StudyUsed]
    overrides: list[Correction]


class RunShort(BaseModel):
    """A run in a list; corrects is the run that its chain of corrections began with."""

    run_id: str
    question: str
    studies: list[str]
    status: str
    created_utc: str
    session_id: str | None
    corrects: str | None


class RunView(RunShort):
    """A run. plan is empty where its patient was erased."""

    plan: dict[str, Any]
    answer: AnswerResult | None
    steps: list[StepView]
    corrections: list[Correction]


class CorrectionView(BaseModel):
    """A correction that was taken: the mask, and the run that answers anew with it."""

    artifact: str
    child_run_id: str


class ChangedProblem(Problem):
    """Somebody else was first: kept is the hash of the mask that was sent, newest of theirs."""

    kept: str | None = None
    newest: str | None = None
    author: str | None = None


class FeedbackView(BaseModel):
    """What a person said of a run."""

    id: str
    run_id: str
    target: str
    verdict: str
    comment: str
    correction: str | None
    right_answer: str | None
    utc: str


class MaskView(BaseModel):
    """A mask that is kept: its hash is the `mask` of a turn."""

    artifact: str
    voxels: int
    flags: list[str] = []
    run_id: str | None = None


class DemoView(BaseModel):
    """A demo scan."""

    name: str
    about: str


class LlmView(BaseModel):
    """The language model that is asked, and whether it lies inside the trust boundary."""

    planner: str
    writer: str
    endpoint: str
    trusted: bool


class AboutView(BaseModel):
    """What runs here."""

    version: str
    notice: str
    llm: LlmView | None
    home: dict[str, int | str]
    privacy: dict[str, bool]
    limits: dict[str, int]
    auth: Literal["none", "token", "oidc"]
