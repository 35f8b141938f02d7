"""The one client for language models: every call of every part goes through here.

It keeps the trust boundary, limits what an answer may take, tries again where that helps, leaves a failing endpoint
alone, counts tokens and money, and can be stopped.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeAlias

from scanwright.agent.llm.attempt import Again, Attempt, EndpointFailed, OnToken, Reply, way_of_asking
from scanwright.agent.llm.boundary import Boundary, BoundaryCrossed
from scanwright.agent.llm.breaker import Breaker, breaker_of
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.ledger import Call, Ledger
from scanwright.agent.llm.structured import json_in
from scanwright.tools.errors import Cancelled

__all__ = ["EndpointFailed", "LLMClient", "Message", "OnToken", "way_of_asking"]

Message: TypeAlias = Mapping[str, str]
_WAIT_S = 0.3
_STOPPED = "The question was stopped while the language model was asked."


@dataclass(frozen=True)
class LLMClient:
    """Calls one endpoint for one run.

    cancelled stops a call that is under way, and its connection with it. heard is told what each call is for and each
    piece as it comes, for a screen that shows that something comes: a piece is neither whole nor checked. report says
    that messages may hold text of a report: such a call is refused outside of the trust boundary, since patterns alone
    do not find every name in free text.
    """

    endpoint: Endpoint
    boundary: Boundary = field(default_factory=Boundary)
    ledger: Ledger = field(default_factory=Ledger)
    cancelled: threading.Event = field(default_factory=threading.Event)
    heard: Callable[[str, str], None] | None = None
    report: bool = False

    def json(
        self, messages: Sequence[Message], schema: Mapping[str, Any], *, name: str, on_token: OnToken | None = None
    ) -> dict[str, Any]:
        """An object that a model wrote under a JSON schema; name says what it is ("plan").

        The server is asked to hold the model to the schema in the way that it knows; what comes is parsed, and checked
        by the caller. Raises EndpointFailed where no object comes, Cancelled where the person stops it.
        """
        text = self._call(messages, name, schema, on_token)
        try:
            return json_in(text)
        except ValueError as error:
            raise EndpointFailed(
                f"{self.endpoint.shown} did not write the form that it was asked for ({error})."
            ) from None

    def text(self, messages: Sequence[Message], *, name: str, on_token: OnToken | None = None) -> str:
        """What a model writes; on_token hears it as it comes. Raises EndpointFailed and Cancelled."""
        return self._call(messages, name, None, on_token)

    def stream(
        self, messages: Sequence[Message], *, name: str, schema: Mapping[str, Any] | None = None
    ) -> Iterator[str]:
        """The pieces of what a model writes (JSON under schema), as they come; an iterator left early ends the call.

        Raises EndpointFailed where what came before is not the whole, and Cancelled.
        """
        pieces: SimpleQueue[str | None] = SimpleQueue()
        ended: list[Exception] = []
        left = threading.Event()

        def call() -> None:
            try:
                self._call(messages, name, schema, pieces.put, left)
            except Exception as error:
                ended.append(error)
            finally:
                pieces.put(None)

        thread = threading.Thread(target=call, daemon=True, name="llm-stream")
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                yield piece
        finally:
            left.set()
            thread.join()
        if ended:
            raise ended[0]

    def _call(
        self, messages: Sequence[Message], name: str, schema: Mapping[str, Any] | None, on_token: OnToken | None,
        left: threading.Event | None = None,
    ) -> str:  # fmt: skip
        breaker = breaker_of(self.endpoint.base_url)
        if breaker.rests_s > 0:
            raise EndpointFailed(
                f"{self.endpoint.shown} failed several times and is left alone for {breaker.rests_s:.0f} s more."
            )
        said, hidden = self._said(messages)
        start = time.monotonic()
        deadline = start + self.endpoint.timeout_s
        why = ""
        try:
            for attempt in range(self.endpoint.retries + 1):
                if attempt:
                    self._rest(attempt, deadline)
                try:
                    reply = self._stoppable(said, name, schema, deadline, self._hearing(name, on_token), left)
                except Again as error:
                    why = str(error)
                    if time.monotonic() < deadline:
                        continue
                except EndpointFailed as error:
                    why = str(error)
                else:
                    self._book(name, reply, start, hidden, breaker)
                    return reply.text
                break
        except Cancelled:
            self._lost(name, "it was stopped", start, hidden)
            raise
        breaker.failed()
        self._lost(name, why, start, hidden)
        raise EndpointFailed(f"{self.endpoint.shown} gave no answer: {why}.")

    def _hearing(self, name: str, on_token: OnToken | None) -> OnToken | None:
        if self.heard is None:
            return on_token
        heard = self.heard

        def hear(piece: str) -> None:
            heard(name, piece)
            if on_token is not None:
                on_token(piece)

        return hear

    def _said(self, messages: Sequence[Message]) -> tuple[list[dict[str, str]], tuple[str, ...]]:
        """The messages as they may leave, and the kinds of identifiers that were taken out."""
        if self.endpoint.trusted:
            return [dict(m) for m in messages], ()
        if self.report:
            raise EndpointFailed(
                f"{self.endpoint.shown} was not asked: text of a report goes to an endpoint inside the trust boundary "
                "only."
            )
        said: list[dict[str, str]] = []
        hidden: list[str] = []
        for message in messages:
            text, kinds = self.boundary.scrub(message["content"])
            try:
                self.boundary.check(text)
            except BoundaryCrossed as error:
                raise EndpointFailed(f"{self.endpoint.shown} was not asked: {error}") from None
            said.append({**message, "content": text})
            hidden += kinds
        return said, tuple(dict.fromkeys(hidden))

    def _book(self, name: str, reply: Reply, start: float, hidden: tuple[str, ...], breaker: Breaker) -> None:
        breaker.succeeded()
        cost = self.endpoint.cost(reply.tokens_in, reply.tokens_out)
        seconds = time.monotonic() - start
        self.ledger.calls.append(
            Call(self.endpoint.shown, name, reply.tokens_in, reply.tokens_out, seconds, cost, hidden=hidden)
        )

    def _lost(self, name: str, why: str, start: float, hidden: tuple[str, ...]) -> None:
        self.ledger.calls.append(
            Call(self.endpoint.shown, name, 0, 0, time.monotonic() - start, failed=why, hidden=hidden)
        )

    def _rest(self, attempt: int, deadline: float) -> None:
        wait = min(_WAIT_S * 2**attempt * random.uniform(0.5, 1.5), max(0.0, deadline - time.monotonic()))
        if self.cancelled.wait(wait):
            raise Cancelled(_STOPPED)

    def _stoppable(
        self, messages: list[dict[str, str]], name: str, schema: Mapping[str, Any] | None, deadline: float,
        on_token: OnToken | None, left: threading.Event | None,
    ) -> Reply:  # fmt: skip
        """One attempt in a thread of its own, so that a stop is heard while the server is silent."""
        attempt = Attempt(self.endpoint, messages, name, schema, deadline, on_token)
        thread = threading.Thread(target=attempt.run, daemon=True, name="llm-call")
        thread.start()
        while thread.is_alive():
            thread.join(0.02)
            if self.cancelled.is_set() or (left is not None and left.is_set()):
                attempt.stop()
                raise Cancelled(_STOPPED)
            if time.monotonic() > deadline + 1:
                attempt.stop()
                raise EndpointFailed(f"it was silent for {self.endpoint.timeout_s:g} s")
        if attempt.error is not None:
            raise attempt.error
        assert attempt.reply is not None
        return attempt.reply
