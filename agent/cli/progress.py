"""Progress on stderr, when it is a terminal: one bar for each step that runs."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanwright.agent.run.executor import StepReport


class StepProgress:
    """Call it with what the executor reports."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> StepProgress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._bars = Progress(
                TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(), console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, report: StepReport, fraction: float, doing: str) -> None:
        """Moves the step's bar."""
        if self._bars is None:
            return
        name = report.step.tool.replace("_", " ")
        if report.step.id not in self._tasks:
            self._tasks[report.step.id] = self._bars.add_task(name, total=1.0)
        words = f"{name}: {doing}" if doing else f"{name} (kept)" if report.cached else name
        done = 1.0 if report.status in ("finished", "failed") else fraction
        self._bars.update(self._tasks[report.step.id], completed=done, description=words)
