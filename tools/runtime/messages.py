"""What the runtime and a worker say to each other: pickled messages, each after its length, over two pipes.

Both ends are ours, so pickle is safe here; nothing that comes from a file or a network is ever read this way.
A serial names one task; it is never used again, so a late message cannot meet the wrong task.
"""

from __future__ import annotations

import pickle
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import CaseList, Embedding
from scanwright.tools.contract.context import Blobs
from scanwright.tools.errors import ScanwrightError
from scanwright.tools.runtime.base import Job, JobResult
from scanwright.tools.settings import ToolSettings

_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Start:
    """First message to a worker: where it gets pixels and weights, and which modules have tools besides ours."""

    settings: ToolSettings
    blobs: Blobs
    extra_modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunJob:
    """Run a tool. module is where it stands, if that is known: then nothing else has to be imported."""

    serial: int
    job: Job
    module: str | None = None


@dataclass(frozen=True)
class EncodeTexts:
    """Make sentence vectors."""

    serial: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class CancelTask:
    """Stop a task at its next sign of progress."""

    serial: int


@dataclass(frozen=True)
class Ready:
    """The worker can take tasks."""


@dataclass(frozen=True)
class Started:
    """The task runs from now on."""

    serial: int


@dataclass(frozen=True)
class Progress:
    """How far a task is."""

    serial: int
    fraction: float
    doing: str


@dataclass(frozen=True)
class AskCases:
    """The task waits for the nearest cases: the worker's question to its parent, see contract.context.Cases."""

    serial: int
    embedding: Embedding
    limit: int
    filters: Mapping[str, str]


@dataclass(frozen=True)
class FoundCases:
    """The parent's answer: cases or an error."""

    serial: int
    cases: CaseList | None = None
    error: ScanwrightError | None = None


@dataclass(frozen=True)
class Ended:
    """The task is over: with a value or an error. torch says whether the worker has torch loaded now."""

    serial: int
    value: JobResult | NDArray[np.float32] | None = None
    error: ScanwrightError | None = None
    torch: bool = False


class Outbox:
    """Sends messages into a pipe; may be used by several threads. Raises OSError when the other end is gone."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Sends one message, whole."""
        data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._pipe.write(_LENGTH.pack(len(data)))
            self._pipe.write(data)
            self._pipe.flush()

    def close(self) -> None:
        """Ends the conversation: the other end sees the end of its inbox."""
        with self._lock:
            self._pipe.close()


def inbox(pipe: BinaryIO) -> Iterator[Any]:
    """Messages as they come, until the other end is gone (also in the middle of one)."""
    while len(head := pipe.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        data = pipe.read(length)
        if len(data) < length:
            return
        yield pickle.loads(data)
