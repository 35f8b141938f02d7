"""Figures of a benchmark: medians of interleaved repeats, with the alternative they are compared with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, ours, the alternative's, the goal. ratio is ours over the alternative."""

    what: str
    ours: float
    unit: str
    against: str = ""
    theirs: float | None = None
    goal: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        return None if self.theirs in (None, 0) else self.ours / float(self.theirs or 1)

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        return asdict(self) | {"ratio": self.ratio}


def interleaved(runs: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median seconds of each, run in turns so that noise of the machine falls on all alike."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for kept, run in zip(times, runs, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return [statistics.median(kept) for kept in times]


def table(figures: Sequence[Figure]) -> str:
    """Markdown."""
    lines = ["| what | ours | against | theirs | ratio | goal | note |", "|---|---|---|---|---|---|---|"]
    for f in figures:
        theirs = "" if f.theirs is None else f"{f.theirs:.3g} {f.unit}"
        ratio = "" if f.ratio is None else f"{f.ratio:.2f}"
        lines.append(f"| {f.what} | {f.ours:.3g} {f.unit} | {f.against} | {theirs} | {ratio} | {f.goal} | {f.note} |")
    return "\n".join(lines)
