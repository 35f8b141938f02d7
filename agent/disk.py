"""A full or failing disk, told to the person in one sentence wherever it is met."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanwright.tools.errors import UserInputError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def room_on(folder: Path | None) -> Iterator[None]:
    """Raises UserInputError where the block fails because there is no room, or the disk fails under SQLite."""
    try:
        yield
    except Exception as error:
        why = _why(error)
        if why is None:
            raise
        where = "the home folder" if folder is None else f"the home folder {folder}"
        raise UserInputError(
            f"There is no room left in {where} ({why}): free some space and ask again; what was finished is kept."
        ) from error


def _why(error: Exception) -> str | None:
    if isinstance(error, OSError):
        return error.strerror if error.errno in NO_ROOM else None
    # SQLAlchemy carries the driver's own error. SQLite tells a full disk as an I/O error where it grows its index.
    cause = getattr(error, "orig", error)
    code = getattr(cause, "sqlite_errorcode", None) if isinstance(cause, sqlite3.Error) else None
    return str(cause) if code is not None and code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) else None
