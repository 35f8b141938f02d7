"""The relational database: one connection, one writer, every write on disk before it returns."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scanwright.memory import schema
from scanwright.tools.errors import UserInputError
from sqlalchemy import Connection, Delete, Engine, Update, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

SQLITE_WAIT_MS = 30_000


class AppendOnlyError(RuntimeError):
    """Something tried to change the log of events or of turns."""


class Database:
    """One connection that threads take turns on.

    A home has one owner, so a second connection would only wait for the first; one connection keeps prepared
    statements warm. Raises UserInputError where the database cannot be opened, or was written by newer code.
    """

    def __init__(self, url: str) -> None:
        self._turn = threading.RLock()
        self._depth = 0
        try:
            self.engine = _engine(url)
        except (ImportError, ArgumentError) as error:
            raise UserInputError(
                f"The database_url of the settings cannot be used ({error}): check it and that its driver is there."
            ) from error
        try:
            self._connection = self.engine.connect()
            _check_readable(self._connection)
        except DBAPIError as error:
            known = _explained(error, self.engine)
            if known is None:
                raise
            raise known from error

    @contextmanager
    def transaction(self, *, synced: bool = True) -> Iterator[Connection]:
        """A transaction: committed and synced when the block ends, rolled back where it raises.

        A block within a block joins it. synced False is for notes that a power cut may take: they survive a kill, and
        the next synced transaction takes them to disk. Raises UserInputError where the disk is full.
        """
        with self._turn:
            if self._depth:
                yield self._connection
                return
            self._depth = 1
            try:
                with self._unsynced(not synced), self._connection.begin():
                    yield self._connection
            except DBAPIError as error:
                known = _explained(error, self.engine)
                if known is None:
                    raise
                raise known from error
            finally:
                self._depth = 0

    @contextmanager
    def _unsynced(self, wanted: bool) -> Iterator[None]:
        driver: Any = self._connection.connection.driver_connection
        if not wanted or not isinstance(driver, sqlite3.Connection):
            yield
            return
        driver.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            driver.execute("PRAGMA synchronous=FULL")

    def upgrade(self) -> None:
        """Brings the tables to the newest form; costs one small query where they are."""
        revision = _revision(self._connection)
        if revision == schema.HEAD:
            return
        if revision is not None and revision not in schema.KNOWN:
            raise UserInputError(
                f"This home was written by a newer version of Scanwright (its database is at {revision}): "
                "update Scanwright, or choose another folder with --home."
            )
        # Alembic takes a third of a second to import, and most opens do not need it.
        from alembic import command
        from scanwright.memory.migrations.config import migration_config

        with self.transaction() as connection:
            command.upgrade(migration_config(connection), "head")

    def forget(self) -> None:
        """Makes deleted rows unreadable: empties SQLite's write-ahead log, which still holds them."""
        with self._turn:
            if self.engine.dialect.name == "sqlite":
                raw = self._connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def close(self) -> None:
        """Lets go of the database."""
        with self._turn:
            self._connection.close()
            self.engine.dispose()


def utc_now() -> str:
    """The present moment as ISO text in UTC, with microseconds, so that text order is time order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file; makes it readable by its owner alone before anything is in it."""
    file.touch(mode=0o600, exist_ok=True)
    return f"sqlite:///{file}"


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_pre_ping=True)
    else:
        from sqlalchemy.pool import StaticPool

        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})

        @event.listens_for(engine, "connect")
        def _configure(connection: sqlite3.Connection, _record: Any) -> None:
            # Python's own transactions would leave DDL outside them; we begin them ourselves.
            connection.isolation_level = None
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "foreign_keys=ON",
                "recursive_triggers=ON",
                "secure_delete=ON",
                f"busy_timeout={SQLITE_WAIT_MS}",
            ):
                connection.execute(f"PRAGMA {pragma}").close()

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "before_execute")
    def _append_only(_connection: Connection, statement: Any, *_: Any) -> None:
        if isinstance(statement, Update | Delete) and statement.table in (schema.events, schema.turns):
            raise AppendOnlyError("The log is append-only: write a new event or turn instead.")

    return engine


def _check_readable(connection: Connection) -> None:
    with connection.begin():
        _has_versions(connection)


def _revision(connection: Connection) -> str | None:
    with connection.begin():
        if not _has_versions(connection):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _has_versions(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        return connection.exec_driver_sql(query).scalar() is not None
    from sqlalchemy import inspect

    return inspect(connection).has_table("alembic_version")


def _explained(error: DBAPIError, engine: Engine) -> UserInputError | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    where = engine.url.render_as_string(hide_password=True)
    if code == sqlite3.SQLITE_FULL:
        return UserInputError(
            f"There is no room left for the database ({where}): free some space and ask again; nothing was lost."
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return UserInputError(
            f"The database ({where}) is damaged: put back a copy of the home, or choose another folder with --home."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return UserInputError(f"The database ({where}) cannot be written: choose another folder with --home.")
    if engine.dialect.name != "sqlite" and isinstance(error, OperationalError):
        return UserInputError(f"The database ({where}) does not answer: check that it runs, then ask again.")
    return None
