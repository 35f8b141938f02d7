"""What the executor costs for a step that does nothing, against bare LangGraph with the same saver."""

from __future__ import annotations

import operator
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Annotated, Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from scanwright.agent.plan.plan import Plan, Step, StepRef, StudyRef
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.run.checkpoints import open_saver
from scanwright.agent.run.executor import Executor
from scanwright.evals.bench.figures import Figure
from scanwright.evals.planning.studies import study
from scanwright.memory.home import Home
from scanwright.tools.artifacts import Measurement, Volume
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.registry import Registry
from scanwright.tools.runtime.base import Job, JobResult, OnProgress
from scanwright.tools.weights.store import WeightsStore

STEPS = 50
REPEATS = 5


@tool(examples=["How fast is nothing?"], reference="none")
def first_nothing(ctx: ToolContext, volume: Volume) -> Annotated[Measurement, Of("image", quantity="nothing")]:
    """Does nothing with a volume."""
    return _nothing(0)


@tool(examples=["And nothing more?"], reference="none")
def next_nothing(
    ctx: ToolContext, before: Annotated[Measurement, Of("image", quantity="nothing")], n: int = 0
) -> Annotated[Measurement, Of("image", quantity="nothing")]:
    """Does nothing with nothing."""
    return _nothing(n)


def _nothing(n: int) -> Measurement:
    type_ = ArtifactType(kind="Measurement", structure="image", quantity=("nothing",))
    return Measurement(type=type_, name="nothing", quantity="nothing", value=n)


class InlineRuntime:
    """Runs no-op tools at once in this thread, so that only the executor's own cost is left."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def submit(self, job: Job, on_progress: OnProgress | None = None) -> Future[JobResult]:
        """A future that is done already."""
        future: Future[JobResult] = Future()
        artifact = self._registry.get(job.tool_id).run(None, job.inputs, job.params)  # type: ignore[arg-type]
        future.set_result(JobResult(artifact, 0.0, 0.0))
        return future

    def cancel(self, job_id: str) -> None:
        """Nothing runs."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Not used here."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to close."""


def measure() -> list[Figure]:
    """A chain of no-op steps: bare LangGraph with SqliteSaver, ours, ours with everything kept; bytes per step."""
    with tempfile.TemporaryDirectory(prefix="scanwright-bench-") as folder:
        bare, ours, kept = [], [], []
        size = 0.0
        for i in range(REPEATS):
            bare.append(_bare(Path(folder) / f"bare-{i}.sqlite"))
            fresh, again, size = _ours(Path(folder) / f"home-{i}")
            ours.append(fresh)
            kept.append(again)
        base = sorted(bare)[REPEATS // 2]
        against = "bare LangGraph, SqliteSaver, durability sync"
        fresh_ms, kept_ms = sorted(ours)[REPEATS // 2], sorted(kept)[REPEATS // 2]
        synced = "checkpoint, event log, artifact, result; what counts is synced to disk"
        return [
            Figure("executor, per no-op step", fresh_ms, "ms", against, base, "≤ 2 ms", synced),
            Figure("executor, per step served from what is kept", kept_ms, "ms", against, base, "≤ 2 ms"),
            Figure("checkpoints and log, per step", size / 1000, "kB", "", None, "≤ 5 kB", "whatever the image size"),
        ]


def _bare(file: Path) -> float:
    """Milliseconds a step: a chain of nodes that pass a number on."""

    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        done: Annotated[list[str], operator.add]

    builder: Any = StateGraph(State)
    names = [f"n{i}" for i in range(STEPS)]
    for name in names:
        builder.add_node(name, lambda state, name=name: {"done": [name]})
    for a, b in zip([START, *names], [*names, END], strict=True):
        builder.add_edge(a, b)
    with open_saver(file) as saver:
        graph = builder.compile(checkpointer=saver)
        start = time.perf_counter()
        graph.invoke(
            {"done": []}, {"configurable": {"thread_id": "bench"}, "recursion_limit": STEPS + 10}, durability="sync"
        )
        return (time.perf_counter() - start) * 1000 / STEPS


def _ours(folder: Path) -> tuple[float, float, float]:
    """Milliseconds a step when it runs, when it is kept; bytes a step on disk."""
    registry = Registry([first_nothing, next_nothing])
    plan = _chain()
    view = study("brain_t1", {"mask": False, "point": False})
    with Home.open(folder) as home:
        fresh = _run(home, registry, plan, view, "fresh")
        size = _bytes(home.checkpoints, "fresh") + sum(
            len(e.model_dump_json()) for e in home.runs.events("fresh") if e.kind != "run.started"
        )
        again = _run(home, registry, plan, view, "again")
    return fresh, again, size / STEPS


def _run(home: Home, registry: Registry, plan: Plan, view: StudyView, run_id: str) -> float:
    home.runs.create(run_id, "bench", [], plan.model_dump(mode="json"), plan.key)
    with open_saver(home.checkpoints) as saver:
        executor = Executor(registry, InlineRuntime(registry), home.runs, WeightsStore(), saver)
        start = time.perf_counter()
        executor.run(run_id, plan, [view])
        return (time.perf_counter() - start) * 1000 / STEPS


def _chain() -> Plan:
    steps = [Step(id="s0", tool="first_nothing", version="1", inputs={"volume": StudyRef()})]
    steps += [
        Step(
            id=f"s{i}", tool="next_nothing", version="1", inputs={"before": StepRef(step=f"s{i - 1}")}, params={"n": i}
        )
        for i in range(1, STEPS)
    ]
    return Plan(question="bench", steps=tuple(steps))


def _bytes(file: Path, thread: str) -> int:
    """Bytes of everything that the saver keeps of a thread."""
    import sqlite3

    with sqlite3.connect(file) as connection:
        checkpoints = connection.execute(
            "select coalesce(sum(length(checkpoint) + length(metadata)), 0) from checkpoints where thread_id = ?",
            (thread,),
        ).fetchone()[0]
        writes = connection.execute(
            "select coalesce(sum(length(value)), 0) from writes where thread_id = ?", (thread,)
        ).fetchone()[0]
    return int(checkpoints) + int(writes)
