"""The records that the stores give and take: plain values, cheap to import."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from scanwright.tools.artifacts import AnyImage


class Record(BaseModel):
    """A value that does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SeriesRecord(Record):
    """One series of a study. safe holds facts of the file that identify nobody."""

    name: str
    image: AnyImage = Field(validation_alias=AliasChoices("image", "volume"))
    warnings: tuple[str, ...] = ()
    safe: dict[str, Any] = Field(default_factory=dict)


class StudyRecord(Record):
    """An imported study without its identity.

    subject is a keyed pseudonym, relative_day the day of the study counted from the subject's secret anchor,
    fingerprint a hash of the pixel hashes and the facts: the same files give the same fingerprint.
    """

    study_id: str
    name: str
    subject: str
    relative_day: int | None = None
    age_band: str | None = None
    sex: str | None = None
    scanner: str | None = None
    source_format: str
    series: tuple[SeriesRecord, ...]
    created_utc: datetime
    fingerprint: str


class EventKind(StrEnum):
    """What can happen in a run. Progress is not an event: it is told while it happens and not kept."""

    RUN_STARTED = "run.started"
    PLAN_MADE = "plan.made"
    PLAN_APPROVED = "plan.approved"
    STEP_STARTED = "step.started"
    STEP_FINISHED = "step.finished"
    STEP_FAILED = "step.failed"
    STEP_CACHED = "step.cached"
    RUN_RESUMED = "run.resumed"
    RUN_INTERRUPTED = "run.interrupted"
    ANSWER_WRITTEN = "answer.written"
    RUN_FINISHED = "run.finished"
    FEEDBACK_GIVEN = "feedback.given"
    CORRECTION_MADE = "correction.made"


class Event(Record):
    """One entry of a run's log. seq counts from 1 within the run; version is of the payload's form."""

    run_id: str
    seq: int
    utc: datetime
    actor: str
    kind: EventKind
    version: int
    payload: dict[str, Any]


class RunRecord(Record):
    """One execution of a plan. status is "running" until the run is finished; answer is None until then."""

    run_id: str
    question: str
    study_ids: tuple[str, ...]
    plan: dict[str, Any]
    plan_key: str
    status: str
    answer: dict[str, Any] | None
    created_utc: datetime


class Feedback(Record):
    """What a person said of a run's plan, step output or answer.

    target names it ("answer", "plan", "step:s3", "E1"); correction is the hash of the artifact that the person
    gives in its place.
    """

    id: str
    run_id: str
    target: str
    verdict: str
    comment: str = ""
    correction: str | None = None
    utc: datetime


class KeptCase(Record):
    """A series that others are compared with: facts are those of StudyRecord and of its image, without identity."""

    encoder: str
    study_id: str
    series: str
    subject: str
    facts: dict[str, str]


class Erasure(Record):
    """What erasing a subject removed."""

    subject: str
    utc: datetime
    studies: tuple[str, ...]
    runs: tuple[str, ...]
    artifacts: int
    blobs: int
    cases: int = 0
