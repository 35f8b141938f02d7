"""Breaker: an endpoint that fails again and again is left alone for a while, so that nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 3
REST_S = 30.0


class Breaker:
    """Closed (calls go through) until FAILURES calls in a row have failed; then open for REST_S, then one may try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._opened: float | None = None

    @property
    def rests_s(self) -> float:
        """Seconds until the next call may go through; 0 where it may now."""
        with self._lock:
            return 0.0 if self._opened is None else max(0.0, self._opened + REST_S - self._clock())

    def succeeded(self) -> None:
        """Closes it."""
        with self._lock:
            self._failed, self._opened = 0, None

    def failed(self) -> None:
        """Counts a failure, and opens it at the third in a row."""
        with self._lock:
            self._failed += 1
            if self._failed >= FAILURES:
                self._opened = self._clock()


_breakers: dict[str, Breaker] = {}
_lock = threading.Lock()


def breaker_of(base_url: str) -> Breaker:
    """The one breaker of an address in this process."""
    with _lock:
        return _breakers.setdefault(base_url, Breaker())
