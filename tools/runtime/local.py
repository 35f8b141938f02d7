"""LocalRuntime: jobs in warm worker processes on this machine."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.contract.context import Blobs, Cases
from scanwright.tools.errors import Cancelled, ScanwrightError, ToolFailed
from scanwright.tools.registry import Registry
from scanwright.tools.runtime.base import Job, JobResult, OnProgress
from scanwright.tools.runtime.messages import (
    AskCases,
    CancelTask,
    EncodeTexts,
    Ended,
    FoundCases,
    Progress,
    Ready,
    RunJob,
    Start,
    Started,
)
from scanwright.tools.runtime.process import WorkerProcess
from scanwright.tools.settings import ToolSettings

POLL_S = 0.1
CANCEL_GRACE_S = 1.0
START_GRACE_S = 60.0
ENCODER = "sentence encoder"
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Task:
    """A job, or texts to encode, from submit() until its future is set."""

    serial: int
    job_id: str | None
    tool: str
    needs_torch: bool
    message: RunJob | EncodeTexts
    on_progress: OnProgress | None = None
    future: Future[Any] = field(default_factory=Future)
    deadline: float | None = None
    cancelled_at: float | None = None
    verdict: ScanwrightError | None = None


@dataclass(eq=False)
class _Worker:
    """A worker and what it has loaded. sent: it has been told of its task; retired: it gets no other."""

    process: WorkerProcess
    task: _Task | None = None
    ready: bool = False
    sent: bool = False
    torch: bool = False
    retired: bool = False
    ear: threading.Thread | None = None
    loaded: set[str] = field(default_factory=set)


class LocalRuntime:
    """Runs jobs in at most settings.workers processes at a time, started when first needed and kept warm.

    The encoder has a place of its own beside them, so that a question can be planned while long jobs run.
    registry tells where tools stand and which need torch; without it a worker loads every family to find one.
    extra_modules are further modules with tools, extra_paths folders to import them from. cases is what tools that
    look for similar scans ask, here and not in the worker.
    """

    def __init__(
        self,
        settings: ToolSettings,
        blobs: Blobs,
        *,
        registry: Registry | None = None,
        cases: Cases | None = None,
        extra_modules: Sequence[str] = (),
        extra_paths: Sequence[str] = (),
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._cases = cases
        self._start = Start(settings, blobs, tuple(extra_modules))
        self._paths = tuple(extra_paths)
        self._serials = itertools.count(1)
        self._changed = threading.Condition()
        self._dirty = False
        self._closed = False
        self._queue: list[_Task] = []
        self._workers: list[_Worker] = []
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> LocalRuntime:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, job: Job, on_progress: OnProgress | None = None) -> Future[JobResult]:
        """Starts a job as soon as a worker is free. Raises ValueError where a job of this id is not over yet."""
        module, needs_torch = None, False
        if self._registry is not None and job.tool_id in self._registry:
            tool = self._registry.get(job.tool_id)
            module, needs_torch = tool.function.__module__, tool.card.needs.torch
        serial = next(self._serials)
        message = RunJob(serial, job, module)
        return self._enqueue(_Task(serial, job.job_id, job.tool_id, needs_torch, message, on_progress))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Sentence vectors (n, 384), each of length one; waits for them."""
        vectors: NDArray[np.float32] = self._encode(texts).result()
        return vectors

    def prepare_encoder(self) -> None:
        """Starts to load the encoder and does not wait: for a program that will encode after other work."""
        self._encode(())

    def cancel(self, job_id: str) -> None:
        """Asks a running job to stop, and ends its worker after a second; a queued job is dropped."""
        with self._changed:
            task = self._find(job_id)
            if task is None or task.cancelled_at is not None:
                return
            task.cancelled_at = time.monotonic()
            task.verdict = Cancelled(f"{task.tool} was stopped.")
            worker = next((w for w in self._workers if w.task is task), None)
            running = worker is not None and worker.sent
            if not running:
                self._forget(task, worker)
            self._wake()
        if worker is not None and running:
            worker.process.send(CancelTask(task.serial))
        else:
            _settle(task)

    def close(self) -> None:
        """Ends the workers; jobs that run or wait are cancelled. A closed runtime takes no more jobs."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            waiting, self._queue = self._queue, []
            workers = list(self._workers)
            for task in [*waiting, *(w.task for w in workers if w.task)]:
                task.verdict = Cancelled(f"{task.tool} was stopped because the program ends.")
            self._wake()
        for task in waiting:
            _settle(task)
        for worker in workers:
            if worker.task is None:
                worker.process.dismiss()
            else:
                worker.process.kill()
        for worker in workers:
            worker.process.wait(CANCEL_GRACE_S)
            if worker.ear is not None and worker.ear is not threading.current_thread():
                worker.ear.join(CANCEL_GRACE_S)

    def _encode(self, texts: Sequence[str]) -> Future[Any]:
        serial = next(self._serials)
        return self._enqueue(_Task(serial, None, ENCODER, True, EncodeTexts(serial, tuple(texts))))

    def _enqueue(self, task: _Task) -> Future[Any]:
        with self._changed:
            if self._closed:
                raise RuntimeError("this runtime is closed: make a new one")
            if task.job_id is not None and self._find(task.job_id) is not None:
                raise ValueError(f"a job called {task.job_id!r} is not over yet")
            self._queue.append(task)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="scanwright-runtime", daemon=True)
                self._keeper.start()
            self._wake()
        return task.future

    def _find(self, job_id: str) -> _Task | None:
        running = (w.task for w in self._workers if w.task is not None)
        return next((t for t in (*self._queue, *running) if t.job_id == job_id), None)

    def _wake(self) -> None:
        self._dirty = True
        self._changed.notify_all()

    def _forget(self, task: _Task, worker: _Worker | None) -> None:
        if task in self._queue:
            self._queue.remove(task)
        if worker is not None:
            worker.task, worker.sent = None, False

    # The keeper: the one thread that starts workers, gives them tasks and watches their limits.

    def _keep(self) -> None:
        while True:
            with self._changed:
                busy = any(w.task is not None for w in self._workers)
                if not self._dirty:
                    self._changed.wait(POLL_S if busy else None)
                self._dirty = False
                if self._closed:
                    return
            try:
                self._give_out()
                self._watch()
            except Exception:
                _log.exception("the runtime's keeper met a bug and goes on")
                time.sleep(POLL_S)

    def _give_out(self) -> None:
        while (given := self._next_pair()) is not None:
            worker, task = given
            if worker is not None:
                worker.process.send(task.message)

    def _next_pair(self) -> tuple[_Worker | None, _Task] | None:
        """A task that can run now and the warm worker that was chosen; None for a worker that has yet to start."""
        with self._changed:
            task = next((t for t in self._queue if self._may_run(t)), None)
            if task is None or self._closed:
                return None
            self._queue.remove(task)
            if not task.future.set_running_or_notify_cancel():
                return None, task
            idle = [w for w in self._workers if w.task is None and not w.retired]
            worker = max(idle, key=lambda w: _fitness(w, task)) if idle else self._hire()
            worker.task, worker.sent = task, worker.ready
            task.deadline = time.monotonic() + START_GRACE_S + self._settings.step_timeout_s
            return (worker if worker.ready else None), task

    def _may_run(self, task: _Task) -> bool:
        running = [w.task for w in self._workers if w.task is not None]
        encoding = sum(t.tool == ENCODER for t in running)
        return encoding < 1 if task.tool == ENCODER else len(running) - encoding < self._settings.workers

    def _hire(self) -> _Worker:
        worker = _Worker(WorkerProcess(self._start, self._paths))
        self._workers.append(worker)
        name = f"worker-{worker.process.pid}"
        worker.ear = threading.Thread(target=self._hear, args=(worker,), name=name, daemon=True)
        worker.ear.start()
        return worker

    def _watch(self) -> None:
        with self._changed:
            busy = [(w, w.task) for w in self._workers if w.task is not None]
        now = time.monotonic()
        for worker, task in busy:
            if task.cancelled_at is not None:
                if now - task.cancelled_at >= CANCEL_GRACE_S:
                    self._end(worker, task, Cancelled(f"{task.tool} was stopped."))
                continue
            limit = self._settings.memory_limit_gb
            used = worker.process.memory_bytes() / 1e9
            if used > limit:
                self._end(worker, task, ToolFailed(
                    f"{task.tool} was stopped at {used:.2g} GB of memory, and a step may take {limit:g} GB: "
                    "use a smaller region, or raise memory_limit_gb in the settings."
                ))  # fmt: skip
            elif task.deadline is not None and now > task.deadline:
                self._end(worker, task, ToolFailed(
                    f"{task.tool} was stopped after {self._settings.step_timeout_s:g} s, the most a step may take: "
                    "use a smaller region, or raise step_timeout_s in the settings."
                ))  # fmt: skip

    def _end(self, worker: _Worker, task: _Task, verdict: ScanwrightError) -> None:
        with self._changed:
            if worker.task is not task:
                return
            task.verdict = task.verdict or verdict
            worker.retired = True
        worker.process.kill()

    # One thread for each worker: hears what it says, and sees it go.

    def _hear(self, worker: _Worker) -> None:
        try:
            for message in worker.process.messages():
                if isinstance(message, Ready):
                    self._on_ready(worker)
                elif isinstance(message, Ended):
                    self._on_ended(worker, message)
                elif isinstance(message, AskCases):
                    worker.process.send(self._found(message))
                elif (task := worker.task) is not None and task.serial == message.serial:
                    self._on_news(task, message)
        except Exception:
            _log.exception("a worker said something that cannot be read")
            worker.process.kill()
        self._on_gone(worker)

    def _on_ready(self, worker: _Worker) -> None:
        with self._changed:
            worker.ready = True
            task, worker.sent = worker.task, worker.task is not None
        if task is not None:
            worker.process.send(task.message)

    def _on_news(self, task: _Task, message: Started | Progress) -> None:
        if isinstance(message, Started):
            task.deadline = time.monotonic() + self._settings.step_timeout_s
        elif task.on_progress is not None and task.cancelled_at is None:
            try:
                task.on_progress(message.fraction, message.doing)
            except Exception:
                _log.exception("a progress callback failed; the job goes on")

    def _found(self, asked: AskCases) -> FoundCases:
        if self._cases is None:
            return FoundCases(asked.serial, error=ToolFailed("This run has no kept cases to search."))
        try:
            return FoundCases(asked.serial, self._cases.nearest(asked.embedding, asked.limit, asked.filters))
        except ScanwrightError as error:
            return FoundCases(asked.serial, error=error)
        except Exception:
            _log.exception("the kept cases could not be searched")
            return FoundCases(asked.serial, error=ToolFailed("The kept cases could not be searched: see the log."))

    def _on_ended(self, worker: _Worker, message: Ended) -> None:
        # A worker that stays large would make the next step fail for what this one left behind.
        large = worker.process.memory_bytes() > self._settings.memory_limit_gb * 1e9 / 2
        with self._changed:
            task = worker.task
            if task is None or task.serial != message.serial:
                return
            worker.torch = message.torch
            worker.loaded.add(task.tool)
            worker.retired = large
            self._forget(task, worker)
            self._wake()
        if large:
            worker.process.dismiss()
        _settle(task, message.value, message.error)

    def _on_gone(self, worker: _Worker) -> None:
        how = worker.process.end_in_words()
        with self._changed:
            if worker in self._workers:
                self._workers.remove(worker)
            task, worker.task = worker.task, None
            self._wake()
        if task is not None:
            did = "stopped unexpectedly" if worker.ready else "could not start"
            error = ToolFailed(
                f"{task.tool} {did} ({how}): its step ends and nothing else does; run it again or choose another tool."
            )
            if tail := worker.process.log_tail():
                error.add_note(tail)
            _settle(task, None, error)
        worker.process.release()


def _fitness(worker: _Worker, task: _Task) -> tuple[bool, bool, bool]:
    """How well an idle worker suits: it ran this tool, it has torch exactly if that is wanted, it is up."""
    return task.tool in worker.loaded, worker.torch == task.needs_torch, worker.ready


def _settle(task: _Task, value: Any = None, error: ScanwrightError | None = None) -> None:
    """Sets the future; a verdict of ours (cancelled, over a limit) stands above what the worker said."""
    error = task.verdict or error
    if error is None:
        task.future.set_result(value)
        return
    if not task.future.done():
        task.future.set_exception(error)
