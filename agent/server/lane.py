"""Lane: work that is done one piece after the other, on one thread; what waits knows its place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from scanwright.tools.errors import Cancelled


@dataclass
class Piece:
    """One piece of work. done is its result, or what it raised."""

    name: str
    work: Callable[[], Any]
    on_place: Callable[[int], None] | None = None
    done: Future[Any] = field(default_factory=Future)


class Lane:
    """One worker thread. interrupt is called to stop the piece that is being worked on; settle after every piece."""

    def __init__(
        self, name: str, interrupt: Callable[[], None] | None = None, settle: Callable[[], None] | None = None
    ) -> None:
        self._interrupt, self._settle = interrupt, settle
        self._changed = threading.Condition()
        self._waiting: list[Piece] = []
        self._current: Piece | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"lane-{name}", daemon=True)
        self._thread.start()

    def add(self, name: str, work: Callable[[], Any], on_place: Callable[[int], None] | None = None) -> Future[Any]:
        """Adds a piece; on_place hears how many are before it, now and whenever that changes while it waits."""
        piece = Piece(name, work, on_place)
        with self._changed:
            if self._closed:
                raise Cancelled("The server is closing: ask again when it runs.")
            self._waiting.append(piece)
            before = self._before(piece)
            self._changed.notify_all()
        if before and on_place is not None:
            on_place(before)
        return piece.done

    def stop(self, name: str) -> Literal["waiting", "working"] | None:
        """Stops the piece of that name, and says whether it waited or was being worked on (it ends when it hears)."""
        with self._changed:
            for piece in self._waiting:
                if piece.name == name:
                    self._waiting.remove(piece)
                    piece.done.set_exception(Cancelled("Stopped before it began."))
                    return "waiting"
            if self._current is not None and self._current.name == name and self._interrupt is not None:
                self._interrupt()
                return "working"
        return None

    def close(self, wait_s: float = 10.0) -> None:
        """Interrupts what is being worked on and takes nothing more."""
        with self._changed:
            self._closed = True
            for piece in self._waiting:
                piece.done.set_exception(Cancelled("The server is closing: ask again when it runs."))
            self._waiting.clear()
            if self._current is not None and self._interrupt is not None:
                self._interrupt()
            self._changed.notify_all()
        self._thread.join(wait_s)

    @property
    def closing(self) -> bool:
        """True once close was called."""
        return self._closed

    @property
    def waiting(self) -> int:
        """How many pieces wait or are worked on."""
        with self._changed:
            return len(self._waiting) + (self._current is not None)

    def _before(self, piece: Piece) -> int:
        return self._waiting.index(piece) + (self._current is not None)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                piece = self._current = self._waiting.pop(0)
                told = [(p.on_place, self._before(p)) for p in self._waiting if p.on_place is not None]
            for on_place, place in told:
                on_place(place)
            try:
                result = piece.work()
            except BaseException as error:
                piece.done.set_exception(error)
            else:
                piece.done.set_result(result)
            finally:
                with self._changed:
                    self._current = None
                    if self._settle is not None:
                        self._settle()
