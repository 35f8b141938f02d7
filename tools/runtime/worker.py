"""The worker process: takes tasks from a pipe one after another, keeps models loaded, and ends with its parent.

The pipes are the process's stdin and stdout; both are moved aside first, so that what a tool prints goes to
stderr (which the parent keeps) and never into the conversation.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from scanwright.tools import errors
from scanwright.tools.artifacts import CaseList, Embedding
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.registry import Registry, load_registry
from scanwright.tools.runtime.base import JobResult
from scanwright.tools.runtime.context import WorkerContext
from scanwright.tools.runtime.memory import peak_memory_mb, reset_peak_memory
from scanwright.tools.runtime.messages import (
    AskCases,
    CancelTask,
    EncodeTexts,
    Ended,
    FoundCases,
    Outbox,
    Progress,
    Ready,
    RunJob,
    Start,
    Started,
    inbox,
)
from scanwright.tools.weights.store import WeightsStore

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PROGRESS_STEPS = 200


def main(parent: int, paths: Sequence[str] = ()) -> None:
    """Runs until the parent (its process id) closes the pipe or dies. paths are further folders to import from."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    _die_with(parent)
    source, sink = _take_pipes()
    sys.path.extend(p for p in paths if p not in sys.path)
    messages = inbox(source)
    start = next(messages)
    worker = Worker(start, Outbox(sink))
    threading.Thread(target=worker.listen, args=(messages,), name="inbox", daemon=True).start()
    worker.work()


class Worker:
    """One worker: a thread that listens, and the main thread that works."""

    def __init__(self, start: Start, outbox: Outbox) -> None:
        self._start = start
        self._outbox = outbox
        self._tasks: queue.SimpleQueue[RunJob | EncodeTexts] = queue.SimpleQueue()
        self._found: queue.SimpleQueue[FoundCases] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._residents: dict[str, Any] = {}
        self._weights = WeightsStore(start.settings.weights_dir, cache=start.settings.cache_dir)
        self._registry = Registry()
        self._all_loaded = False

    def listen(self, messages: Any) -> None:
        """Takes messages in while a task runs; the end of the pipe is the end of the process."""
        try:
            for message in messages:
                if isinstance(message, CancelTask):
                    self._cancelled.add(message.serial)
                elif isinstance(message, FoundCases):
                    self._found.put(message)
                else:
                    self._tasks.put(message)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def work(self) -> None:
        """Runs tasks for ever."""
        self._outbox.send(Ready())
        while True:
            task = self._tasks.get()
            ended = self._run(task)
            try:
                self._outbox.send(ended)
            except OSError:
                os._exit(0)
            except Exception as error:  # what the tool gave back cannot be pickled
                self._outbox.send(Ended(task.serial, error=_portable(error, _name(task))))

    def _run(self, task: RunJob | EncodeTexts) -> Ended:
        serial = task.serial
        try:
            self._outbox.send(Started(serial))
            self._check(serial)
            value = self._encode(task) if isinstance(task, EncodeTexts) else self._call(task)
            return Ended(serial, value=value, torch="torch" in sys.modules)
        except Exception as error:
            return Ended(serial, error=_portable(error, _name(task)), torch="torch" in sys.modules)

    def _call(self, task: RunJob) -> JobResult:
        job = task.job
        tool = self._tool(job.tool_id, task.module)
        cache = self._start.settings.cache_dir
        ctx = WorkerContext(
            self._start.blobs,
            weights=self._weights.resolve,
            progress=self._reporter(task.serial),
            residents=self._residents,
            cases=_AskedCases(self, task.serial),
            scratch=None if cache is None else cache / "unfinished",
        )
        reset_peak_memory()
        began = time.perf_counter()
        artifact = tool.run(ctx, job.inputs, job.params)
        return JobResult(artifact, time.perf_counter() - began, peak_memory_mb())

    def _encode(self, task: EncodeTexts) -> Any:
        from scanwright.tools.runtime.encoder import SentenceEncoder

        key = "sentence encoder"
        if key not in self._residents:
            self._residents[key] = SentenceEncoder(self._weights.resolve("all-minilm-l6-v2"))
        return self._residents[key].encode(task.texts)

    def _tool(self, tool_id: str, module: str | None) -> Tool[..., Any]:
        if tool_id not in self._registry and module is not None:
            self._registry.add_module(importlib.import_module(module))
        if tool_id not in self._registry and not self._all_loaded:
            for each in load_registry():
                self._registry.add(each)
            for name in self._start.extra_modules:
                self._registry.add_module(importlib.import_module(name))
            self._all_loaded = True
        return self._registry.get(tool_id)

    def _reporter(self, serial: int) -> Any:
        last: tuple[int, str] | None = None

        def report(fraction: float, doing: str) -> None:
            nonlocal last
            self._check(serial)
            now = (int(fraction * _PROGRESS_STEPS), doing)
            if now != last:  # a tool may report for every voxel row: half a percent is all that anyone sees
                last = now
                self._outbox.send(Progress(serial, fraction, doing))

        return report

    def ask_cases(self, question: AskCases) -> FoundCases:
        """Asks the parent and waits; a late answer to another task's question is passed over."""
        self._outbox.send(question)
        while (found := self._found.get()).serial != question.serial:
            pass
        return found

    def _check(self, serial: int) -> None:
        if serial in self._cancelled:
            self._cancelled.discard(serial)
            raise errors.Cancelled("The step was stopped.")


class _AskedCases:
    """The cases of the parent's home, for one task."""

    def __init__(self, worker: Worker, serial: int) -> None:
        self._worker = worker
        self._serial = serial

    def nearest(self, embedding: Embedding, limit: int, filters: Mapping[str, str]) -> CaseList:
        """See contract.context.Cases."""
        found = self._worker.ask_cases(AskCases(self._serial, embedding, limit, dict(filters)))
        if found.cases is None:
            raise found.error or errors.ToolFailed("The kept cases could not be searched: ask again.")
        return found.cases


def _portable(error: Exception, tool: str) -> errors.ScanwrightError:
    """The error as one that any process can read: of our own classes, with its sentence."""
    if isinstance(error, MemoryError):
        return errors.ToolFailed(
            f"{tool} found no memory for what it was asked to do: use a smaller region, or free memory."
        )
    if isinstance(error, errors.NeedsInput):
        return errors.NeedsInput(str(error), error.missing, error.offers)
    if isinstance(error, errors.ScanwrightError):
        ours = next(c for c in type(error).__mro__ if c.__module__ == errors.__name__)
        return ours(str(error)) if ours is not errors.ScanwrightError else errors.ToolFailed(str(error))
    text = "".join(traceback.format_exception(error))
    first = (str(error).splitlines() or ["no message"])[0]
    return errors.ToolBug(
        f"{tool} has a bug ({type(error).__name__}: {first}): its step ends, and the traceback is kept for its author.",
        text,
    )


def _name(task: RunJob | EncodeTexts) -> str:
    return task.job.tool_id if isinstance(task, RunJob) else "The sentence encoder"


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def _die_with(parent: int) -> None:
    """Ends this process with its parent, also while a tool holds the interpreter and the pipe is not read."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")  # where memory runs out, a worker goes before the program that holds the run
