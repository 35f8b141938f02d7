"""The checkpoint saver of LangGraph on a SQLite file; strict about what it unpacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def open_saver(file: Path) -> Iterator[Any]:
    """A SqliteSaver. The file can be thrown away: the event log, which is synced, is the truth.

    So a checkpoint is written through to the kernel (a kill leaves it whole) and not synced to the disk each time.
    """
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    from langgraph.checkpoint.sqlite import SqliteSaver

    with SqliteSaver.from_conn_string(str(file)) as saver:
        saver.setup()
        saver.conn.execute("PRAGMA synchronous=NORMAL")
        yield saver
