"""CorrectionStore: what people put in the place of a step's output, and the runs that go on from there."""

from __future__ import annotations

import uuid

from scanwright.memory import schema
from scanwright.memory.database import Database, utc_now
from scanwright.memory.records import EventKind, Record
from scanwright.memory.runs import RunStore
from sqlalchemy import Row, insert, select

_table = schema.corrections


class Correction(Record):
    """One override: (run, step) → artifact, by its author.

    root_run is the run that the chain of corrections began with, run_id the one that was looked at, base the hash of
    the output that was replaced, child_run the run that goes on with the artifact.
    """

    correction_id: str
    root_run: str
    run_id: str
    step: str
    base: str
    artifact: str
    author: str
    child_run: str
    utc: str = ""


class CorrectionStore:
    """Corrections are on disk before they are acknowledged; a later one never removes an earlier one."""

    def __init__(self, database: Database, runs: RunStore) -> None:
        self._database = database
        self._runs = runs

    def add(
        self, root_run: str, run_id: str, step: str, base: str, artifact: str, author: str, child: str
    ) -> Correction:
        """Keeps a correction whose artifact and child run are kept already, and says so in the log of both runs."""
        made = Correction(
            correction_id=f"k-{uuid.uuid4().hex[:16]}", root_run=root_run, run_id=run_id, step=step, base=base,
            artifact=artifact, author=author, child_run=child, utc=utc_now(),
        )  # fmt: skip
        said = {"step": step, "base": base, "artifact": artifact, "parent": run_id, "child": child}
        with self._database.transaction() as connection:
            connection.execute(insert(_table), made.model_dump())
            for run in dict.fromkeys((run_id, child)):
                self._runs.append(run, EventKind.CORRECTION_MADE, said, "person")
        return made

    def of_root(self, root_run: str) -> list[Correction]:
        """All corrections of the runs that began with this one, oldest first."""
        return self._read(_table.c.root_run == root_run)

    def root_of(self, run_id: str) -> str:
        """The run that a chain of corrections began with: run_id itself where it corrects nothing."""
        found = self._read(_table.c.child_run == run_id)
        return found[0].root_run if found else run_id

    def open_children(self) -> list[str]:
        """The child runs that have no answer yet, oldest first."""
        runs = schema.runs
        query = (
            select(_table.c.child_run)
            .join(runs, runs.c.run_id == _table.c.child_run)
            .where(runs.c.answer.is_(None), runs.c.status == "running")
            .order_by(_table.c.utc)
        )
        with self._database.transaction() as connection:
            return list(dict.fromkeys(connection.execute(query).scalars().all()))

    def _read(self, condition: object) -> list[Correction]:
        query = select(_table).where(condition).order_by(_table.c.utc, _table.c.correction_id)  # type: ignore[arg-type]
        with self._database.transaction() as connection:
            return [_correction(row) for row in connection.execute(query).all()]


def _correction(row: Row[tuple[object, ...]]) -> Correction:
    return Correction.model_validate(row._asdict())
