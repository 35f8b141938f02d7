"""FeedbackStore: what people said of plans, steps and answers."""

from __future__ import annotations

import uuid

from scanwright.memory import schema
from scanwright.memory.database import Database, utc_now
from scanwright.memory.records import EventKind, Feedback
from scanwright.memory.runs import RunStore
from sqlalchemy import insert, select

__all__ = ["Feedback", "FeedbackStore"]


class FeedbackStore:
    """Feedback is on disk before it is acknowledged."""

    def __init__(self, database: Database, runs: RunStore) -> None:
        self._database = database
        self._runs = runs

    def add(
        self,
        run_id: str,
        target: str,
        verdict: str,
        comment: str = "",
        correction: str | None = None,
        actor: str = "person",
    ) -> Feedback:
        """Keeps a verdict, and says so in the run's log (feedback.given, without the comment).

        correction is the hash of an artifact that StepCache.keep has kept. Raises UserInputError where there is no
        such run.
        """
        run_id = self._runs.get(run_id).run_id
        row = {
            "id": f"f-{uuid.uuid4().hex[:16]}",
            "run_id": run_id,
            "target": target,
            "verdict": verdict,
            "comment": comment,
            "correction": correction,
            "utc": utc_now(),
        }
        given = {name: row[name] for name in ("id", "target", "verdict", "correction")}
        with self._database.transaction() as connection:
            connection.execute(insert(schema.feedback), row)
            self._runs.append(run_id, EventKind.FEEDBACK_GIVEN, given, actor)
        return Feedback.model_validate(row)

    def list(self, run_id: str | None = None, limit: int = 1000) -> list[Feedback]:
        """Feedback of one run, or of all, oldest first."""
        query = select(schema.feedback).order_by(schema.feedback.c.utc).limit(limit)
        if run_id is not None:
            query = query.where(schema.feedback.c.run_id == run_id)
        with self._database.transaction() as connection:
            rows = connection.execute(query).all()
        return [Feedback.model_validate(row._asdict()) for row in rows]
