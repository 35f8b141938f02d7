"""The runtime interface. The executor does not know which one it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Artifact

OnProgress: TypeAlias = Callable[[float, str], None]


@dataclass(frozen=True)
class Job:
    """One call of one tool. inputs are artifacts (or tuples of them) by name, params scalars by name."""

    job_id: str
    tool_id: str
    inputs: dict[str, Any]
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JobResult:
    """What a job gave and what it took; peak_memory_mb is of the worker process."""

    artifact: Artifact
    seconds: float
    peak_memory_mb: float


class Runtime(Protocol):
    """Runs jobs in other processes. Futures raise ToolInputError, ToolFailed, Cancelled, or a tool's own bug."""

    def submit(self, job: Job, on_progress: OnProgress | None = None) -> Future[JobResult]:
        """Starts a job as soon as a worker is free. on_progress is called from another thread."""
        ...

    def cancel(self, job_id: str) -> None:
        """Ends a job: its future raises Cancelled. A job that is over stays as it is."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Sentence vectors (n, 384), each of length one, from the packaged encoder in a worker."""
        ...

    def close(self) -> None:
        """Ends the workers; jobs that run are cancelled."""
        ...
