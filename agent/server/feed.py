"""Feed: a session's events, live to everyone who listens and kept for those who come back."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from scanwright.memory.sessions import SessionEvent, SessionStore

HEARTBEAT_S = 15.0
MOST_BEHIND = 5000


@dataclass(frozen=True)
class Said:
    """What goes over the wire. seq None: told while it happens and not kept (progress)."""

    kind: str
    payload: dict[str, Any]
    seq: int | None = None
    utc: str = ""

    def as_text(self) -> str:
        """One server-sent event."""
        number = "" if self.seq is None else f"id: {self.seq}\n"
        data = json.dumps({**self.payload, "utc": self.utc} if self.utc else self.payload, ensure_ascii=False)
        return f"{number}event: {self.kind}\ndata: {data}\n\n"


class Feed:
    """Tells the events of sessions. Any thread may speak; listeners sit on the server's event loop."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._ears: dict[str, set[_Ear]] = {}
        self._closed = False

    def say(self, session: str, kind: str, payload: dict[str, Any], *, synced: bool = True) -> None:
        """Keeps an event, then tells it. synced False is for what can be made again after a power cut."""
        # One at a time, so that everyone hears events in the order of their numbers.
        with self._turn:
            event = self._store.say(session, kind, payload, synced=synced)
            self._tell(session, _said(event))

    def murmur(self, session: str, kind: str, payload: dict[str, Any]) -> None:
        """Tells an event that nobody needs later."""
        with self._turn:
            self._tell(session, Said(kind, payload))

    def close(self) -> None:
        """Ends all streams."""
        with self._turn:
            self._closed = True
            for ears in self._ears.values():
                for ear in ears:
                    ear.hear(None)

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        with self._turn:
            return sum(len(ears) for ears in self._ears.values())

    async def listen(self, session: str, after: int) -> AsyncIterator[str]:
        """Events after `after`: the kept ones first, then live ones, none missing and none twice."""
        ear = _Ear(asyncio.get_running_loop())
        with self._turn:
            if self._closed:
                return
            self._ears.setdefault(session, set()).add(ear)
        try:
            yield "retry: 1000\n\n"
            for event in await asyncio.to_thread(self._store.events, session, after):
                after = event.seq
                yield _said(event).as_text()
            while True:
                try:
                    said = await asyncio.wait_for(ear.queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if said is None:
                    return
                if said.seq is None or said.seq > after:
                    after = after if said.seq is None else said.seq
                    yield said.as_text()
        finally:
            with self._turn:
                self._ears.get(session, set()).discard(ear)

    def _tell(self, session: str, said: Said) -> None:
        for ear in self._ears.get(session, ()):
            ear.hear(said)


class _Ear:
    """One listener. Who does not keep up is cut off, and comes back with the last id that it heard."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.queue: asyncio.Queue[Said | None] = asyncio.Queue()
        self._loop = loop

    def hear(self, said: Said | None) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._put, said)

    def _put(self, said: Said | None) -> None:
        behind = self.queue.qsize()
        if behind >= MOST_BEHIND:
            said = None
        if behind <= MOST_BEHIND:
            self.queue.put_nowait(said)


def _said(event: SessionEvent) -> Said:
    return Said(event.kind, event.payload, event.seq, event.utc)
