"""OwnerLock: one owner of a home at a time; the system lets go of it when the owner dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scanwright.tools.errors import UserInputError

POLL_S = 0.05
# Files of this process: by path for a second open in the same process, by number for forked children.
_held: dict[Path, int] = {}


class OwnerLock:
    """An flock on a file that says who holds it (pid and command)."""

    def __init__(self, file: Path) -> None:
        self._file = file.resolve()
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """True from acquire to release."""
        return self._descriptor is not None

    def acquire(self, wait_s: float, on_wait: Callable[[str], None] | None = None) -> None:
        """Waits for its turn; tells on_wait once, where it has to wait.

        Raises UserInputError after wait_s seconds, where this process itself has the home open, or where the file
        cannot be made.
        """
        if self._file in _held:
            raise UserInputError(
                f"The home {self._file.parent} is already open in this process: use that one, or close it first."
            )
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UserInputError(
                f"The home folder {self._file.parent} cannot be written ({error.strerror}): choose another with --home."
            ) from error
        try:
            self._wait(descriptor, wait_s, on_wait)
            # Only the first word: the rest of a command line can hold a patient's name.
            command = [Path(sys.argv[0]).name, *(word for word in sys.argv[1:2] if word.isalpha())]
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "command": " ".join(command)}).encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = _held[self._file] = descriptor

    def release(self) -> None:
        """Lets the next one in."""
        if self._descriptor is None:
            return
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None
        _held.pop(self._file, None)

    def _wait(self, descriptor: int, wait_s: float, on_wait: Callable[[str], None] | None) -> None:
        deadline = time.monotonic() + wait_s
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                pass
            owner = _owner(descriptor)
            if time.monotonic() >= deadline:
                raise UserInputError(
                    f"Another scanwright command ({owner}) has been using the home {self._file.parent} for more than "
                    f"{wait_s:g} s: wait until it is finished, or choose another folder with --home."
                )
            if not told and on_wait is not None:
                on_wait(f"Another scanwright command ({owner}) is using this home; waiting for it to finish.")
            told = True
            time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))


def _owner(descriptor: int) -> str:
    try:
        return f"pid {json.loads(os.pread(descriptor, 4096, 0))['pid']}"
    except (ValueError, KeyError, TypeError):
        return "just starting"


def _forget_in_child() -> None:
    # A forked child shares the lock; if it outlived a killed owner, the home would stay locked.
    for descriptor in _held.values():
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)
