"""CohortStore: named sets of studies. An erased study leaves its cohorts by itself."""

from __future__ import annotations

from collections.abc import Sequence

from scanwright.memory import schema
from scanwright.memory.database import Database, utc_now
from scanwright.memory.lookup import the_one
from scanwright.memory.records import Record
from scanwright.tools.errors import UserInputError
from sqlalchemy import Connection, delete, insert, select

NAME_AT_MOST = 100
_cohorts, _members = schema.cohorts.c, schema.cohort_members.c


class Cohort(Record):
    """A named set of studies, in the order in which they were added."""

    name: str
    study_ids: tuple[str, ...]
    created_utc: str


class CohortStore:
    """The cohorts of one home. What is written is on disk before the call returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, study_ids: Sequence[str] = ()) -> Cohort:
        """Makes a cohort. Raises UserInputError where the name is taken or cannot be used."""
        if not name.strip() or len(name) > NAME_AT_MOST or not name.isprintable():
            raise UserInputError(f"A cohort's name is 1 to {NAME_AT_MOST} printable characters: choose another.")
        with self._database.transaction() as connection:
            if connection.execute(select(_cohorts.name).where(_cohorts.name == name)).first() is not None:
                raise UserInputError(f"There is a cohort {name!r} already: add to it, or choose another name.")
            connection.execute(insert(schema.cohorts), {"name": name, "created_utc": utc_now()})
            _put(connection, name, study_ids)
            return _get(connection, name)

    def add(self, name: str, study_ids: Sequence[str]) -> Cohort:
        """Adds studies; those that are in it already stay where they are. Raises UserInputError."""
        with self._database.transaction() as connection:
            _put(connection, _get(connection, name).name, study_ids)
            return _get(connection, name)

    def remove(self, name: str, study_ids: Sequence[str]) -> Cohort:
        """Takes studies out of the cohort; the studies themselves stay. Raises UserInputError for one not in it."""
        with self._database.transaction() as connection:
            missing = sorted(set(study_ids) - set(_get(connection, name).study_ids))
            if missing:
                raise UserInputError(f"The study {missing[0]} is not in the cohort {name!r}.")
            gone = delete(schema.cohort_members).where(_members.name == name, _members.study_id.in_(study_ids))
            connection.execute(gone)
            return _get(connection, name)

    def delete(self, name: str) -> None:
        """Forgets the cohort, not its studies. Raises UserInputError."""
        with self._database.transaction() as connection:
            _get(connection, name)
            connection.execute(delete(schema.cohort_members).where(_members.name == name))
            connection.execute(delete(schema.cohorts).where(_cohorts.name == name))

    def get(self, name: str) -> Cohort:
        """The cohort of that name. Raises UserInputError, naming near ones."""
        with self._database.transaction() as connection:
            return _get(connection, name)

    def list(self) -> list[Cohort]:
        """All cohorts, in the order in which they were made."""
        with self._database.transaction() as connection:
            names = connection.execute(select(_cohorts.name).order_by(_cohorts.created_utc, _cohorts.name)).scalars()
            return [_get(connection, name) for name in names.all()]


def _put(connection: Connection, name: str, study_ids: Sequence[str]) -> None:
    kept = set(connection.execute(select(_members.study_id).where(_members.name == name)).scalars())
    for study_id in dict.fromkeys(study_ids):
        if study_id not in kept:
            row = {"name": name, "study_id": study_id, "added_utc": utc_now()}
            connection.execute(insert(schema.cohort_members), row)


def _get(connection: Connection, name: str) -> Cohort:
    row = connection.execute(select(schema.cohorts).where(_cohorts.name == name)).first()
    if row is None:
        known = connection.execute(select(_cohorts.name)).scalars().all()
        raise UserInputError(str(_unknown(name, known)))
    members = select(_members.study_id).where(_members.name == name).order_by(_members.added_utc, _members.study_id)
    ids = connection.execute(members).scalars().all()
    return Cohort(name=row.name, study_ids=tuple(ids), created_utc=row.created_utc)


def _unknown(name: str, known: Sequence[str]) -> UserInputError:
    try:
        the_one(name, "cohort", (), known, "`scanwright cohort list` lists all.")
    except UserInputError as error:
        return error
    raise AssertionError  # pragma: no cover - nothing was found, so it raises
