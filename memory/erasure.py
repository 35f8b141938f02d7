"""Eraser: removes a subject in steps, each of which can be repeated after a kill.

    tombstone "started" → key destroyed → vectors dropped → rows deleted, blobs listed in the tombstone
        → blobs deleted → "done"
"""  # fmt: skip

from __future__ import annotations

import json

from scanwright.memory import schema
from scanwright.memory.blobs import BlobStore
from scanwright.memory.cases import CaseStore
from scanwright.memory.database import Database, utc_now
from scanwright.memory.keys import KeyRing
from scanwright.memory.records import Erasure
from scanwright.tools.errors import UserInputError
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, false, insert, or_, select, update

ERASED = "erased"


class Eraser:
    """Erases subjects."""

    def __init__(self, database: Database, keys: KeyRing, blobs: BlobStore, cases: CaseStore) -> None:
        self._database = database
        self._keys = keys
        self._blobs = blobs
        self._cases = cases

    def erase(self, subject: str) -> Erasure:
        """Erases a subject. Raises UserInputError where nothing is kept of it."""
        utc = utc_now()
        with self._database.transaction() as connection:
            if not self._knows(connection, subject):
                raise UserInputError(
                    f"Nothing is kept of the subject {subject!r}: `scanwright studies` lists subjects."
                )
            row = {"subject": subject, "utc": utc, "state": "started", "report": "{}", "pending_blobs": "[]"}
            connection.execute(insert(schema.tombstones), row)
        return self._go_on(subject, utc)

    def resume(self) -> None:
        """Ends the erasures that were interrupted."""
        unfinished = select(schema.tombstones).where(schema.tombstones.c.state != "done")
        with self._database.transaction() as connection:
            rows = connection.execute(unfinished).all()
        for row in rows:
            self._go_on(row.subject, row.utc)

    def _knows(self, connection: Connection, subject: str) -> bool:
        if self._keys.key_of(subject) is not None:
            return True
        return any(
            connection.execute(select(table.c.subject).where(table.c.subject == subject).limit(1)).first()
            for table in (schema.studies, schema.sealed, schema.artifacts)
        )

    def _go_on(self, subject: str, utc: str) -> Erasure:
        stone = and_(schema.tombstones.c.subject == subject, schema.tombstones.c.utc == utc)
        self._keys.destroy(subject)
        cases = self._cases.forget_subject(subject)
        with self._database.transaction() as connection:
            row = connection.execute(select(schema.tombstones).where(stone)).one()
            if row.state == "started":
                report, pending = _delete_rows(connection, subject, utc)
                report = report.model_copy(update={"cases": cases})
                change = {
                    "state": "blobs",
                    "report": report.model_dump_json(),
                    "pending_blobs": json.dumps(sorted(pending)),
                }
                connection.execute(update(schema.tombstones).where(stone).values(change))
            else:
                report, pending = Erasure.model_validate_json(row.report), set(json.loads(row.pending_blobs))
        for sha256 in pending:
            self._blobs.delete_content(sha256)
        self._database.forget()
        with self._database.transaction() as connection:
            connection.execute(update(schema.tombstones).where(stone).values(state="done", pending_blobs="[]"))
        return report


def _delete_rows(connection: Connection, subject: str, utc: str) -> tuple[Erasure, set[str]]:
    """Deletes the subject's rows; returns the report and the blobs that nothing refers to any more."""
    studies = connection.execute(select(schema.studies.c.study_id).where(schema.studies.c.subject == subject)).scalars()
    study_ids = tuple(studies.all())
    with_them = select(schema.run_studies.c.run_id).where(schema.run_studies.c.study_id.in_(study_ids)).distinct()
    run_ids = tuple(connection.execute(with_them).scalars().all())

    doomed = tuple(
        connection.execute(select(schema.artifacts.c.hash).where(or_(_made_of(subject, run_ids), _names(study_ids))))
        .scalars()
        .all()
    )
    of_doomed = select(schema.artifact_blobs.c.sha256).where(schema.artifact_blobs.c.hash.in_(doomed))
    blobs = set(connection.execute(of_doomed).scalars().all())
    for table in (schema.step_results.c.artifact, schema.artifact_blobs.c.hash, schema.artifacts.c.hash):
        connection.execute(delete(table.table).where(table.in_(doomed)))
    still_used = select(schema.artifact_blobs.c.sha256).where(schema.artifact_blobs.c.sha256.in_(blobs))
    blobs -= set(connection.execute(still_used).scalars().all())

    # plan_key is emptied too, so that nothing resumes a run whose studies are gone.
    emptied = {"question": "", "plan": "{}", "plan_key": "", "answer": None, "status": ERASED}
    connection.execute(update(schema.runs).where(schema.runs.c.run_id.in_(run_ids)).values(emptied))
    authors = update(schema.corrections).where(schema.corrections.c.root_run.in_(run_ids))
    connection.execute(authors.values(author=""))
    comments = update(schema.feedback).where(schema.feedback.c.run_id.in_(run_ids))
    connection.execute(comments.values(comment="", correction=None))
    _empty_conversations(connection, study_ids)
    connection.execute(delete(schema.sources).where(schema.sources.c.study_id.in_(study_ids)))
    connection.execute(delete(schema.sealed).where(schema.sealed.c.subject == subject))
    connection.execute(delete(schema.studies).where(schema.studies.c.subject == subject))
    report = Erasure(
        subject=subject, utc=utc, studies=study_ids, runs=run_ids, artifacts=len(doomed), blobs=len(blobs)
    )  # fmt: skip
    return report, blobs


def _empty_conversations(connection: Connection, study_ids: tuple[str, ...]) -> None:
    """Empties what was said in conversations about one of the studies; their log of turns stays, without a word."""
    with_them = select(schema.conversation_studies.c.conversation_id).where(
        schema.conversation_studies.c.study_id.in_(study_ids)
    )
    about = tuple(connection.execute(with_them.distinct()).scalars().all())
    emptied = {"question": "", "goals": "[]", "plan": None, "answer": None}
    texts, table = schema.turn_texts, schema.conversations
    connection.execute(update(texts).where(texts.c.conversation_id.in_(about)).values(emptied))
    connection.execute(update(table).where(table.c.conversation_id.in_(about)).values(given="{}"))
    turns, said = schema.session_turns, schema.session_events
    gone = {"data": "{}", "status": "stopped"}
    connection.execute(update(turns).where(turns.c.conversation_id.in_(about)).values(gone))
    connection.execute(update(said).where(said.c.conversation_id.in_(about)).values(payload="{}"))


def _made_of(subject: str, run_ids: tuple[str, ...]) -> ColumnElement[bool]:
    """Artifacts that name the subject, and those that name nobody (a picture, a table) but come from its runs only."""
    artifact, event = schema.artifacts.c, schema.events.c
    from_its_runs = exists().where(event.artifact == artifact.hash, event.run_id.in_(run_ids))
    from_others = exists().where(event.artifact == artifact.hash, event.run_id.not_in(run_ids))
    return or_(artifact.subject == subject, and_(artifact.subject.is_(None), from_its_runs, ~from_others))


def _names(study_ids: tuple[str, ...]) -> ColumnElement[bool]:
    """Lists of similar cases, of whoever's scan, that name one of the studies."""
    artifact = schema.artifacts.c
    named = [artifact.data.contains(f'"{study_id}"', autoescape=True) for study_id in study_ids]
    return and_(artifact.kind == "CaseList", or_(false(), *named))
