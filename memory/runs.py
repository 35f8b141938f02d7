"""RunStore: runs and their append-only log of events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from scanwright.memory import schema
from scanwright.memory.database import Database, utc_now
from scanwright.memory.lookup import the_one
from scanwright.memory.records import Event, EventKind, RunRecord
from scanwright.memory.steps import StepCache
from scanwright.tools.artifacts import Artifact
from scanwright.tools.hashing import canonical_json, sha256_json
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

__all__ = ["Event", "EventKind", "RunRecord", "RunStore"]

RUNNING = "running"
PAYLOAD_VERSION = 1
_STEP_DONE = (EventKind.STEP_FINISHED, EventKind.STEP_CACHED)

_events = schema.events
_runs = schema.runs
_NEXT_SEQ = select(func.coalesce(func.max(_events.c.seq), 0) + 1).where(_events.c.run_id == bindparam("of_run"))
_APPEND = insert(_events)
_EVENTS = (
    select(_events)
    .where(_events.c.run_id == bindparam("of_run"), _events.c.seq > bindparam("after"))
    .order_by(_events.c.seq)
)
_STEPS = (
    select(_events.c.payload, _events.c.artifact)
    .where(_events.c.run_id == bindparam("of_run"), _events.c.kind.in_(_STEP_DONE))
    .order_by(_events.c.seq)
)


class RunStore:
    """Runs. Everything that is written is on disk before the call returns.

    What people wrote (question, plan, answer) lies in the run's row, which an erasure empties; the log holds
    hashes of it and stays as it is.
    """

    def __init__(self, database: Database, steps: StepCache) -> None:
        self._database = database
        self._steps = steps

    def create(
        self, run_id: str, question: str, study_ids: Sequence[str], plan: dict[str, Any], plan_key: str
    ) -> RunRecord:
        """Begins a run: writes it and its run.started."""
        row = {
            "run_id": run_id,
            "question": question,
            "plan": canonical_json(plan),
            "plan_key": plan_key,
            "study_ids": canonical_json(list(study_ids)),
            "status": RUNNING,
            "answer": None,
            "created_utc": utc_now(),
        }
        with self._database.transaction() as connection:
            connection.execute(insert(_runs), row)
            for study_id in dict.fromkeys(study_ids):
                connection.execute(insert(schema.run_studies), {"run_id": run_id, "study_id": study_id})
            started = {"plan_key": plan_key, "study_ids": list(study_ids)}
            self._append(connection, run_id, EventKind.RUN_STARTED, started, "system")
        return self.get(run_id)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is kept whole or not at all."""
        with self._database.transaction():
            yield

    def append(
        self, run_id: str, kind: EventKind | str, payload: dict[str, Any], actor: str = "system", *, synced: bool = True
    ) -> Event:
        """Adds an event to the log. Raises ValueError for a kind that is not an EventKind, or a payload with NaN.

        synced False is for what can be lost in a power cut (a step was started): see Database.transaction.
        """
        with self._database.transaction(synced=synced) as connection:
            return self._append(connection, run_id, EventKind(kind), payload, actor)

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        """The log in order, from the event that follows seq `after`."""
        with self._database.transaction() as connection:
            rows = connection.execute(_EVENTS, {"of_run": run_id, "after": after}).all()
        return [_event(row) for row in rows]

    def finish_step(
        self,
        run_id: str,
        step_id: str,
        key: str,
        artifact: Artifact,
        seconds: float,
        cached: bool,
        provenance: dict[str, Any],
    ) -> Event:
        """Writes artifact, result and event in one transaction: all of it is kept, or nothing.

        The event is step.finished, or step.cached where the result came from the cache. Its blobs must be in the
        store already. Raises ToolFailed where they are not.
        """
        with self._database.transaction() as connection:
            artifact_hash = self._steps.write(connection, artifact, key)
            payload = {
                "step": step_id,
                "key": key,
                "artifact": artifact_hash,
                "seconds": seconds,
                "cached": cached,
                "provenance": provenance,
            }
            kind = EventKind.STEP_CACHED if cached else EventKind.STEP_FINISHED
            return self._append(connection, run_id, kind, payload, "system", artifact_hash)

    def cached(self, key: str) -> Artifact | None:
        """The artifact that a step with this key gave, or None where there is none whose blobs are all there."""
        return self._steps.get(key)

    def artifact(self, artifact_hash: str) -> Artifact | None:
        """The artifact with this hash, or None where it is not kept or its pixels are gone."""
        return self._steps.artifact(artifact_hash)

    def finished_steps(self, run_id: str) -> dict[str, Artifact]:
        """What each finished step gave, by step, as the log tells it. A step whose blobs are gone is left out."""
        with self._database.transaction() as connection:
            rows = connection.execute(_STEPS, {"of_run": run_id}).all()
        hashes = {str(json.loads(row.payload)["step"]): str(row.artifact) for row in rows}
        found = {step: self._steps.artifact(artifact_hash) for step, artifact_hash in hashes.items()}
        return {step: artifact for step, artifact in found.items() if artifact is not None}

    def open_run(self, plan_key: str, study_ids: Sequence[str]) -> str | None:
        """The newest run of this plan on these studies that was not finished, for example because it was killed."""
        query = (
            select(_runs.c.run_id)
            .where(
                _runs.c.plan_key == plan_key,
                _runs.c.study_ids == canonical_json(list(study_ids)),
                _runs.c.status == RUNNING,
            )
            .order_by(_runs.c.created_utc.desc())
            .limit(1)
        )
        with self._database.transaction() as connection:
            return connection.execute(query).scalar()

    def finish(
        self, run_id: str, status: str, answer: dict[str, Any], *, llm: dict[str, Any] | None = None
    ) -> RunRecord:
        """Ends a run: writes the answer, answer.written with its hash, and run.finished.

        llm is what a language model took to word the answer, for the record.
        """
        change = update(_runs).where(_runs.c.run_id == run_id).values(status=status, answer=canonical_json(answer))
        with self._database.transaction() as connection:
            connection.execute(change)
            written: dict[str, Any] = {"sha256": sha256_json(answer)}
            if llm is not None:
                written["llm"] = llm
            self._append(connection, run_id, EventKind.ANSWER_WRITTEN, written, "system")
            self._append(connection, run_id, EventKind.RUN_FINISHED, {"status": status}, "system")
        return self.get(run_id)

    def get(self, key: str) -> RunRecord:
        """The run with this id, with an id that begins so, or the "last". Raises UserInputError, naming near ones."""
        with self._database.transaction() as connection:
            row = connection.execute(select(_runs).where(_runs.c.run_id == key)).first()
            if row is None:
                row = connection.execute(select(_runs).where(_runs.c.run_id == _found(connection, key))).one()
        return _run(row)

    def list(self, limit: int = 20) -> list[RunRecord]:
        """The newest runs, newest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(_runs).order_by(_runs.c.created_utc.desc()).limit(limit)).all()
        return [_run(row) for row in rows]

    def _append(
        self,
        connection: Connection,
        run_id: str,
        kind: EventKind,
        payload: dict[str, Any],
        actor: str,
        artifact: str | None = None,
    ) -> Event:
        row = {
            "run_id": run_id,
            "seq": connection.execute(_NEXT_SEQ, {"of_run": run_id}).scalar_one(),
            "utc": utc_now(),
            "actor": actor,
            "kind": kind.value,
            "version": PAYLOAD_VERSION,
            "payload": canonical_json(payload),
        }
        connection.execute(_APPEND, {**row, "artifact": artifact})
        return Event.model_validate({**row, "payload": payload})


def _found(connection: Connection, key: str) -> str:
    newest = select(_runs.c.run_id).order_by(_runs.c.created_utc.desc())
    if key == "last":
        last = connection.execute(newest.limit(1)).scalars().all()
        return the_one(key, "run", last, (), "")
    fits = connection.execute(newest.where(_runs.c.run_id.startswith(key, autoescape=True)).limit(9)).scalars().all()
    known = connection.execute(newest.limit(200)).scalars().all()
    return the_one(key, "run", fits if key else (), known, "`scanwright show last` shows the newest.")


def _event(row: Row[Any]) -> Event:
    data = row._asdict()
    del data["artifact"]
    return Event.model_validate({**data, "payload": json.loads(row.payload)})


def _run(row: Row[Any]) -> RunRecord:
    data = row._asdict()
    for name in ("plan", "study_ids", "answer"):
        data[name] = None if data[name] is None else json.loads(data[name])
    return RunRecord.model_validate(data)
