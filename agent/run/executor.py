"""Executor: runs a plan's steps on a runtime, each as soon as its inputs are there, and keeps what they give.

One generic LangGraph graph runs every plan. Its state holds ids of steps and nothing else; artifacts are in the
store, the truth is the event log, and a checkpoint can be thrown away. A node submits all that is ready, waits for
the first to finish and records it, so a slow step holds up only what depends on it.
"""

from __future__ import annotations

import operator
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from threading import Event as Flag
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from scanwright.agent.plan.plan import Plan, Step, StepRef
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.run.keys import provided_key, step_key
from scanwright.agent.run.outputs import what_is_wrong
from scanwright.memory.runs import EventKind, RunStore
from scanwright.tools.artifacts import Artifact
from scanwright.tools.errors import Cancelled, ScanwrightError, ToolFailed, UserInputError
from scanwright.tools.registry import Registry
from scanwright.tools.runtime.base import Job, JobResult, Runtime
from scanwright.tools.weights.store import WeightsStore

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph


class RunState(TypedDict):
    """The graph's state: ids of the steps that are over. Nothing larger than an id ever goes in here."""

    finished: Annotated[list[str], operator.add]
    failed: Annotated[list[str], operator.add]


@dataclass
class StepReport:
    """What became of a step."""

    step: Step
    status: str = "waiting"
    seconds: float = 0.0
    cached: bool = False
    artifact: Artifact | None = None
    error: str | None = None


OnStep = Callable[[StepReport, float, str], None]


@dataclass
class Executor:
    """Runs plans. on_step hears of every change with a fraction (0..1) and what the tool is doing."""

    registry: Registry
    runtime: Runtime
    runs: RunStore
    weights: WeightsStore
    saver: BaseCheckpointSaver[Any] | None = None
    on_step: OnStep | None = None
    cancelled: Flag = field(default_factory=Flag)

    def run(self, run_id: str, plan: Plan, studies: Sequence[StudyView]) -> dict[str, StepReport]:
        """Runs what is not finished yet and returns a report of every step.

        A step that fails stops only what depends on it. Raises Cancelled where `cancelled` was set.
        """
        execution = _Execution(self, run_id, plan, {s.alias: s for s in studies})
        graph = execution.graph()
        config: Any = {"configurable": {"thread_id": run_id}, "recursion_limit": 2 * len(plan.steps) + 10}
        if self.saver is not None:
            # What an earlier attempt left is rebuilt from the event log, which is the truth.
            self.saver.delete_thread(run_id)
        done, failed = execution.from_log()
        try:
            graph.invoke({"finished": done, "failed": failed}, config, durability="sync" if self.saver else None)
        except BaseException:
            execution.abandon()
            raise
        return execution.reports


class _Execution:
    """One run in progress: what is ready, what is in flight."""

    def __init__(self, executor: Executor, run_id: str, plan: Plan, views: Mapping[str, StudyView]) -> None:
        self.executor = executor
        self.run_id = run_id
        self.plan = plan
        self.views = views
        self.reports = {s.id: StepReport(s) for s in plan.steps}
        # A job that was cancelled a moment ago may not be over when the run goes on.
        self.attempt = secrets.token_hex(4)
        self.flying: dict[Future[JobResult], tuple[Step, str, float]] = {}

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """START → advance → (advance | END)."""
        from langgraph.graph import END, START, StateGraph

        builder: StateGraph[Any, Any, Any, Any] = StateGraph(RunState)
        builder.add_node("advance", self.advance)
        builder.add_edge(START, "advance")
        builder.add_conditional_edges("advance", self.next, {"advance": "advance", "end": END})
        return builder.compile(checkpointer=self.executor.saver)

    def next(self, state: RunState) -> str:
        """ "end" where every step is over."""
        return "end" if len(state["finished"]) + len(state["failed"]) >= len(self.plan.steps) else "advance"

    def from_log(self) -> tuple[list[str], list[str]]:
        """The steps that an earlier attempt finished, where they would be the same call today.

        A step whose tool, weights or inputs have changed since has another key, and runs again.
        """
        runs = self.executor.runs
        keys = {
            str(e.payload["step"]): str(e.payload["key"])
            for e in runs.events(self.run_id)
            if e.kind in (EventKind.STEP_FINISHED, EventKind.STEP_CACHED)
        }
        kept = runs.finished_steps(self.run_id)
        done: list[str] = []
        for step in self.plan.steps:
            if step.id in kept and step.depends_on() <= set(done) and self._key(step) == keys[step.id]:
                self._report(self.reports[step.id], "finished", artifact=kept[step.id], cached=True)
                done.append(step.id)
        return done, []

    def _key(self, step: Step) -> str:
        executor = self.executor
        if step.provided is not None:
            return provided_key(step)
        return step_key(executor.registry.get(step.tool), step, self._inputs(step), executor.weights)

    def advance(self, state: RunState) -> dict[str, list[str]]:
        """Starts all that is ready; records at least one step as over."""
        over = {*state["finished"], *state["failed"]}
        failed_before = set(state["failed"])
        finished: list[str] = []
        failed: list[str] = []
        progress = True
        while progress:
            progress = False
            in_flight = {step.id for step, _, _ in self.flying.values()}
            for step in self.plan.steps:
                if step.id in over or step.id in in_flight:
                    continue
                needs = step.depends_on()
                if needs & ({*failed_before, *failed}):
                    self._skip(step, needs)
                    failed.append(step.id)
                elif needs <= over - failed_before - set(failed):
                    if not self._start(step):
                        continue
                    finished.append(step.id)
                else:
                    continue
                over.add(step.id)
                progress = True
        if not finished and not failed and self.flying:
            for step, ok in self._land():
                (finished if ok else failed).append(step.id)
        return {"finished": finished, "failed": failed}

    def _start(self, step: Step) -> bool:
        """True where the result was there already; else the step is in flight."""
        executor = self.executor
        tool = executor.registry.get(step.tool)
        inputs = self._inputs(step)
        if step.provided is not None:
            self._provide(step, step.provided, inputs)
            return True
        key = step_key(tool, step, inputs, executor.weights)
        kept = None if tool.card.fresh else executor.runs.cached(key)
        if kept is not None:
            executor.runs.finish_step(self.run_id, step.id, key, kept, 0.0, True, self._provenance(step, inputs))
            self._report(self.reports[step.id], "finished", artifact=kept, cached=True)
            return True
        started = {"step": step.id, "tool": step.tool, "key": key}
        executor.runs.append(self.run_id, EventKind.STEP_STARTED, started, synced=False)
        report = self.reports[step.id]
        self._report(report, "running")
        job = Job(self._job_id(step), step.tool, dict(inputs), tool.params(step.params))
        future = executor.runtime.submit(job, lambda fraction, doing: self._progress(report, fraction, doing))
        self.flying[future] = (step, key, time.perf_counter())
        return False

    def _provide(self, step: Step, artifact_hash: str, inputs: Mapping[str, Artifact | tuple[Artifact, ...]]) -> None:
        """What a person gave stands in for the step's own output; the tool is not called."""
        given = self.executor.runs.artifact(artifact_hash)
        if given is None:
            raise UserInputError(
                f"What was given in place of the step {step.id} is not kept here any more: give it again, or take "
                "`provided` out of the plan."
            )
        if given.type.kind != self.executor.registry.get(step.tool).card.output.kind:
            raise UserInputError(f"A {given.type.kind} cannot stand in for what the step {step.id} gives.")
        provenance = self._provenance(step, inputs) | {"provided": artifact_hash}
        self.executor.runs.finish_step(self.run_id, step.id, provided_key(step), given, 0.0, True, provenance)
        self._report(self.reports[step.id], "finished", artifact=given, cached=True)

    def _land(self) -> list[tuple[Step, bool]]:
        """Waits for the first step in flight and records all that are over."""
        over: set[Future[JobResult]] = set()
        while not over:
            if self.executor.cancelled.is_set():
                raise Cancelled("Stopped; what was finished is kept.")
            over, _ = wait(self.flying, timeout=0.1, return_when=FIRST_COMPLETED)
        return [self._record(future) for future in over]

    def _record(self, future: Future[JobResult]) -> tuple[Step, bool]:
        step, key, started = self.flying.pop(future)
        report = self.reports[step.id]
        runs = self.executor.runs
        try:
            result = future.result()
            if wrong := what_is_wrong(result.artifact, self._inputs(step)):
                raise ToolFailed(f"{step.tool} gave what cannot be. {wrong}")
        except (Cancelled, UserInputError):
            # What only the person can mend (no room on the disk) ends the run; it can be resumed after.
            raise
        except ScanwrightError as error:
            runs.append(self.run_id, EventKind.STEP_FAILED, {"step": step.id, "error": str(error)})
            self._report(report, "failed", error=str(error), seconds=time.perf_counter() - started)
            return step, False
        provenance = self._provenance(step, self._inputs(step)) | {"peak_memory_mb": round(result.peak_memory_mb, 1)}
        runs.finish_step(self.run_id, step.id, key, result.artifact, result.seconds, False, provenance)
        self._report(report, "finished", artifact=result.artifact, seconds=result.seconds)
        return step, True

    def _skip(self, step: Step, needs: set[str]) -> None:
        causes = [self.reports[n].error for n in sorted(needs) if self.reports[n].error]
        error = f"Not run, because a step it needs failed: {causes[0] if causes else 'see above'}"
        self.executor.runs.append(self.run_id, EventKind.STEP_FAILED, {"step": step.id, "error": error})
        self._report(self.reports[step.id], "failed", error=causes[0] if causes else error)

    def _inputs(self, step: Step) -> dict[str, Artifact | tuple[Artifact, ...]]:
        def one(binding: Any) -> Artifact:
            if isinstance(binding, StepRef):
                artifact = self.reports[binding.step].artifact
                if artifact is None:  # pragma: no cover - the order of steps rules it out
                    raise ToolFailed(f"Step {binding.step} has no result.")
                return artifact
            return self.views[binding.study].get(binding)

        return {n: tuple(one(b) for b in v) if isinstance(v, tuple) else one(v) for n, v in step.inputs.items()}

    def _provenance(self, step: Step, inputs: Mapping[str, Artifact | tuple[Artifact, ...]]) -> dict[str, Any]:
        card = self.executor.registry.get(step.tool).card
        return {
            "tool": card.id,
            "version": card.version,
            "package": card.package,
            "code_hash": card.code_hash,
            "weights": list(card.weights),
            "params": step.params,
            "inputs": {k: [a.hash for a in v] if isinstance(v, tuple) else [v.hash] for k, v in inputs.items()},
        }

    def _progress(self, report: StepReport, fraction: float, doing: str) -> None:
        if self.executor.on_step is not None and report.status == "running":
            self.executor.on_step(report, fraction, doing)

    def _report(self, report: StepReport, status: str, **changes: Any) -> None:
        report.status = status
        for name, value in changes.items():
            setattr(report, name, value)
        if self.executor.on_step is not None:
            self.executor.on_step(report, 0.0 if status == "running" else 1.0, "")

    def abandon(self) -> None:
        """Cancels what is in flight."""
        for step, _, _ in self.flying.values():
            self.executor.runtime.cancel(self._job_id(step))

    def _job_id(self, step: Step) -> str:
        return f"{self.run_id}/{step.id}/{self.attempt}"
