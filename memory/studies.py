"""StudyStore: imported studies, found by id, by name, by content or by the file they came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scanwright.memory import schema
from scanwright.memory.database import Database
from scanwright.memory.keys import KeyRing
from scanwright.memory.lookup import the_one
from scanwright.memory.records import SeriesRecord, StudyRecord
from scanwright.memory.steps import StepCache
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import canonical_json
from sqlalchemy import Connection, delete, insert, select

__all__ = ["SeriesRecord", "StudyRecord", "StudyStore"]

_studies = schema.studies


class StudyStore:
    """Studies without identities."""

    def __init__(self, database: Database, steps: StepCache, keys: KeyRing) -> None:
        self._database = database
        self._steps = steps
        self._keys = keys

    def add(self, record: StudyRecord) -> StudyRecord:
        """Keeps a study; where one with the same fingerprint is kept already, returns that one.

        Raises ToolFailed where pixels of it are not in the blob store.
        """
        with self._database.transaction() as connection:
            kept = _by(connection, _studies.c.fingerprint, record.fingerprint)
            volumes = (kept or record).series
            for series in volumes:
                self._steps.write(connection, series.image)
            if kept is not None:
                return kept
            connection.execute(
                insert(_studies),
                {
                    "study_id": record.study_id,
                    "name": record.name,
                    "subject": record.subject,
                    "fingerprint": record.fingerprint,
                    "created_utc": record.created_utc.isoformat(timespec="microseconds"),
                    "record": canonical_json(record.model_dump(mode="json")),
                },
            )
        return record

    def get(self, key: str) -> StudyRecord:
        """By id, by the beginning of an id, or by name. Raises UserInputError, naming near ones."""
        with self._database.transaction() as connection:
            exact = _by(connection, _studies.c.study_id, key)
            return exact or _required(_by(connection, _studies.c.study_id, self._found(connection, key)))

    def list(self, subject: str | None = None) -> list[StudyRecord]:
        """All studies, or one subject's, in the order in which they came."""
        query = select(_studies.c.record).order_by(_studies.c.created_utc, _studies.c.study_id)
        if subject is not None:
            query = query.where(_studies.c.subject == subject)
        with self._database.transaction() as connection:
            rows = connection.execute(query).scalars().all()
        return [StudyRecord.model_validate_json(row) for row in rows]

    def by_fingerprint(self, fingerprint: str) -> StudyRecord | None:
        """The study with this content."""
        with self._database.transaction() as connection:
            return _by(connection, _studies.c.fingerprint, fingerprint)

    def remember_source(
        self, study_id: str, path: Path | str, size: int, mtime_ns: int, facts: dict[str, Any] | None = None
    ) -> None:
        """Notes which file, read with which given facts, became the study. Only a keyed hash of it is kept."""
        key = self._source(path, size, mtime_ns, facts)
        with self._database.transaction() as connection:
            connection.execute(delete(schema.sources).where(schema.sources.c.key == key))
            connection.execute(insert(schema.sources), {"key": key, "study_id": study_id})

    def by_source(
        self, path: Path | str, size: int, mtime_ns: int, facts: dict[str, Any] | None = None
    ) -> StudyRecord | None:
        """The study that this unchanged file became, or None where it must be imported (again)."""
        query = (
            select(_studies.c.record)
            .join(schema.sources, schema.sources.c.study_id == _studies.c.study_id)
            .where(schema.sources.c.key == self._source(path, size, mtime_ns, facts))
        )
        with self._database.transaction() as connection:
            row = connection.execute(query).scalar()
        if row is None:
            return None
        record = StudyRecord.model_validate_json(row)
        return record if all(self._steps.is_whole(series.image) for series in record.series) else None

    def _source(self, path: Path | str, size: int, mtime_ns: int, facts: dict[str, Any] | None) -> str:
        return self._keys.keyed_hash(canonical_json([str(Path(path).absolute()), size, mtime_ns, facts or {}]))

    def _found(self, connection: Connection, key: str) -> str:
        def ids(*conditions: Any) -> Sequence[str]:
            query = select(_studies.c.study_id).where(*conditions).order_by(_studies.c.created_utc.desc()).limit(200)
            return connection.execute(query).scalars().all()

        fits = ids(_studies.c.name == key) or (ids(_studies.c.study_id.startswith(key, autoescape=True)) if key else ())
        if not fits and (utc := _erased(connection, key)):
            raise UserInputError(f"The study {key!r} was erased on {utc[:10]}: import it again if that was a mistake.")
        names = connection.execute(select(_studies.c.name).distinct().limit(200)).scalars().all()
        return the_one(key, "study", fits, [*names, *ids()], "`scanwright studies` lists all.")


def _by(connection: Connection, column: Any, value: str) -> StudyRecord | None:
    row = connection.execute(select(_studies.c.record).where(column == value)).scalar()
    return None if row is None else StudyRecord.model_validate_json(row)


def _required(record: StudyRecord | None) -> StudyRecord:
    assert record is not None
    return record


def _erased(connection: Connection, study_id: str) -> str | None:
    stones = connection.execute(select(schema.tombstones).order_by(schema.tombstones.c.utc)).all()
    return next((stone.utc for stone in stones if f'"{study_id}"' in stone.report), None)
