"""One worker process as its parent sees it: started, spoken to, measured, ended by its own process id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, BinaryIO, cast

from scanwright.tools.runtime.messages import Outbox, Start, inbox

_COMMAND = "import sys; from scanwright.tools.runtime.worker import main; main(int(sys.argv[1]), sys.argv[2:])"
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    "RAYON_NUM_THREADS",
)
_LOG_TAIL = 4000


class WorkerProcess:
    """Starts a worker. Must be made by a thread that outlives the worker: Linux ends a child that asked to die with
    its parent when the thread that started it ends.
    """

    def __init__(self, start: Start, paths: Sequence[str] = ()) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="scanwright-worker-")  # noqa: SIM115
        # -P: the folder that the program happens to be called in is no place to import from.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _COMMAND, str(os.getpid()), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **_environment(start.settings.threads)},
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._outbox = Outbox(cast(BinaryIO, self._process.stdin))
        self.send(start)

    def send(self, message: Any) -> None:
        """Sends a message; a worker that is gone is seen by whoever reads messages()."""
        with contextlib.suppress(OSError, ValueError):
            self._outbox.send(message)

    def messages(self) -> Iterator[Any]:
        """What the worker says, until it is gone."""
        yield from inbox(cast(BinaryIO, self._process.stdout))

    def memory_bytes(self) -> int:
        """Resident memory now; 0 once it is gone."""
        import psutil

        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def dismiss(self) -> None:
        """Asks it to go: an idle worker does so at once."""
        with contextlib.suppress(OSError, ValueError):
            self._outbox.close()

    def kill(self) -> None:
        """Ends it and what it started, now."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(self.pid, signal.SIGKILL)
                else:
                    self._process.kill()

    def wait(self, timeout_s: float | None = None) -> int:
        """The exit status once it is gone; negative for a signal. Kills it after timeout_s."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def end_in_words(self) -> str:
        """How it ended: "signal 11, SIGSEGV" or "exit status 3"."""
        status = self.wait(5)
        if status >= 0:
            return f"exit status {status}"
        with contextlib.suppress(ValueError):
            return f"signal {-status}, {signal.Signals(-status).name}"
        return f"signal {-status}"

    def log_tail(self) -> str:
        """The last of what it wrote to stderr and stdout."""
        with contextlib.suppress(OSError, ValueError):
            size = self._log.seek(0, os.SEEK_END)
            self._log.seek(max(0, size - _LOG_TAIL))
            return self._log.read().decode(errors="replace").strip()
        return ""

    def release(self) -> None:
        """Closes pipes and log of a worker that is gone."""
        self.dismiss()
        for file in (self._process.stdout, self._log):
            if file is not None:
                file.close()


def _environment(threads: int) -> dict[str, str]:
    """What has to be known before numpy, torch and the like are imported."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        **dict.fromkeys(_THREAD_VARIABLES, str(threads or cores)),
        "HF_HUB_OFFLINE": "1",  # weights come from the store, never from a hub in the middle of a run
        "MPLBACKEND": "Agg",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONIOENCODING": "utf-8",
    }
