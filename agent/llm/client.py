"""The one client for language models: every call of every part goes through here.

It keeps the trust boundary, limits what an answer may take, tries again where that helps, leaves a failing endpoint
alone, counts tokens and money, and can be stopped.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from scanwright.agent.llm.boundary import Boundary, BoundaryCrossed
from scanwright.agent.llm.breaker import Breaker, breaker_of
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.ledger import Call, Ledger
from scanwright.agent.llm.structured import FORMS, Form, json_in
from scanwright.tools.errors import Cancelled, ScanwrightError

Message: TypeAlias = Mapping[str, str]
OnToken: TypeAlias = Callable[[str], None]
_WAIT_S = 0.3
# Which way of asking for JSON a server understood last; asked in this order at first.
_understood: dict[tuple[str, str], int] = {}


def way_of_asking(endpoint: Endpoint) -> str | None:
    """Which way of asking for JSON a server understood last in this process; None where it was not asked."""
    number = _understood.get((endpoint.base_url, endpoint.model))
    return None if number is None else FORMS[number].__name__.strip("_")


class EndpointFailed(ScanwrightError):
    """The endpoint gave nothing that can be used: the offline planner and the templates take over."""


@dataclass(frozen=True)
class LLMClient:
    """Calls one endpoint for one run. cancelled stops a call that is under way."""

    endpoint: Endpoint
    boundary: Boundary = field(default_factory=Boundary)
    ledger: Ledger = field(default_factory=Ledger)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def json(self, messages: Sequence[Message], schema: Mapping[str, Any], *, name: str) -> dict[str, Any]:
        """An object that a model wrote under a JSON schema; name says what it is ("plan").

        The server is asked to hold the model to the schema in the way that it knows; what comes is parsed, and checked
        by the caller. Raises EndpointFailed where no object comes, Cancelled where the person stops it.
        """
        text = self._call(messages, name, schema, None)
        try:
            return json_in(text)
        except ValueError as error:
            raise EndpointFailed(
                f"{self.endpoint.shown} did not write the form that it was asked for ({error})."
            ) from None

    def text(self, messages: Sequence[Message], *, name: str, on_token: OnToken | None = None) -> str:
        """What a model writes; on_token hears it as it comes. Raises EndpointFailed and Cancelled."""
        return self._call(messages, name, None, on_token)

    def _call(
        self, messages: Sequence[Message], name: str, schema: Mapping[str, Any] | None, on_token: OnToken | None
    ) -> str:
        breaker = breaker_of(self.endpoint.base_url)
        if breaker.rests_s > 0:
            raise EndpointFailed(
                f"{self.endpoint.shown} failed several times and is left alone for {breaker.rests_s:.0f} s more."
            )
        said, hidden = self._said(messages)
        start = time.monotonic()
        deadline = start + self.endpoint.timeout_s
        why = ""
        for attempt in range(self.endpoint.retries + 1):
            if attempt:
                self._rest(attempt, deadline)
            try:
                reply = self._stoppable(said, name, schema, deadline, on_token)
            except _Again as error:
                why = str(error)
                if time.monotonic() < deadline:
                    continue
            except EndpointFailed as error:
                why = str(error)
            else:
                self._book(name, reply, start, hidden, breaker)
                return reply.text
            break
        breaker.failed()
        self.ledger.calls.append(
            Call(self.endpoint.shown, name, 0, 0, time.monotonic() - start, failed=why, hidden=hidden)
        )
        raise EndpointFailed(f"{self.endpoint.shown} gave no answer: {why}.")

    def _said(self, messages: Sequence[Message]) -> tuple[list[dict[str, str]], tuple[str, ...]]:
        """The messages as they may leave, and the kinds of identifiers that were taken out."""
        if self.endpoint.trusted:
            return [dict(m) for m in messages], ()
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

    def _book(self, name: str, reply: _Reply, start: float, hidden: tuple[str, ...], breaker: Breaker) -> None:
        breaker.succeeded()
        cost = self.endpoint.cost(reply.tokens_in, reply.tokens_out)
        seconds = time.monotonic() - start
        self.ledger.calls.append(
            Call(self.endpoint.shown, name, reply.tokens_in, reply.tokens_out, seconds, cost, hidden=hidden)
        )

    def _rest(self, attempt: int, deadline: float) -> None:
        wait = min(_WAIT_S * 2**attempt * random.uniform(0.5, 1.5), max(0.0, deadline - time.monotonic()))
        if self.cancelled.wait(wait):
            raise Cancelled("The question was stopped while the language model was asked.")

    def _stoppable(
        self, messages: list[dict[str, str]], name: str, schema: Mapping[str, Any] | None, deadline: float,
        on_token: OnToken | None,
    ) -> _Reply:  # fmt: skip
        """One attempt in a thread of its own, so that a stop is heard while the server is silent."""
        attempt = _Attempt(self.endpoint, messages, name, schema, deadline, on_token)
        thread = threading.Thread(target=attempt.run, daemon=True, name="llm-call")
        thread.start()
        while thread.is_alive():
            thread.join(0.02)
            if self.cancelled.is_set():
                attempt.stop()
                raise Cancelled("The question was stopped while the language model was asked.")
            if time.monotonic() > deadline + 1:
                attempt.stop()
                raise EndpointFailed(f"it was silent for {self.endpoint.timeout_s:g} s")
        if attempt.error is not None:
            raise attempt.error
        assert attempt.reply is not None
        return attempt.reply


@dataclass(frozen=True)
class _Reply:
    text: str
    tokens_in: int
    tokens_out: int


class _Again(Exception):
    """An attempt failed in a way that another may not."""


class _Attempt:
    def __init__(
        self, endpoint: Endpoint, messages: list[dict[str, str]], name: str, schema: Mapping[str, Any] | None,
        deadline: float, on_token: OnToken | None,
    ) -> None:  # fmt: skip
        self._endpoint, self._messages, self._name, self._schema = endpoint, messages, name, schema
        self._deadline, self._on_token = deadline, on_token
        self._client: Any = None
        self._stopped = False
        self.reply: _Reply | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Sends the request and keeps reply or error."""
        import httpx2 as httpx
        import openai
        from scanwright.agent.llm.transport import AnswerTooLarge, GuardedTransport

        left = max(self._deadline - time.monotonic(), 0.1)
        trusted = self._endpoint.trusted
        inner = httpx.HTTPTransport(retries=0, trust_env=not trusted)
        transport = GuardedTransport(inner, self._endpoint.max_answer_bytes, self._deadline)
        # A redirect would carry what was said to a place that nobody vouched for.
        http = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(left, connect=min(left, 10)),
            follow_redirects=False,
            trust_env=False,
        )
        try:
            self._client = openai.OpenAI(
                base_url=self._endpoint.base_url, api_key=self._endpoint.api_key, http_client=http, max_retries=0
            )
            self.reply = self._ask()
        except AnswerTooLarge as error:
            self.error = EndpointFailed(f"it sent {error}")
        except openai.APITimeoutError:
            self.error = EndpointFailed(f"it took longer than {self._endpoint.timeout_s:g} s")
        except openai.APIConnectionError as error:
            cause = error.__cause__
            too_large = isinstance(cause, AnswerTooLarge)
            self.error = EndpointFailed(f"it sent {cause}") if too_large else _Again("it cannot be reached")
        except (openai.RateLimitError, openai.InternalServerError) as error:
            self.error = _Again(f"it answered with status {error.status_code}")
        except openai.APIStatusError as error:
            self.error = EndpointFailed(f"it answered with status {error.status_code}")
        except (
            httpx.HTTPError,
            openai.OpenAIError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
        ) as error:
            self.error = EndpointFailed(f"what it sent is no answer ({type(error).__name__})")
        except Exception as error:
            self.error = error
        finally:
            http.close()

    def stop(self) -> None:
        """Ends the connection; the thread ends with it."""
        self._stopped = True
        if self._client is not None:
            self._client.close()

    def _ask(self) -> _Reply:
        import openai

        if self._schema is None:
            return self._send({})
        key = (self._endpoint.base_url, self._endpoint.model)
        for number in range(_understood.get(key, 0), len(FORMS)):
            try:
                reply = self._send(FORMS[number](self._name, self._schema))
            except (openai.BadRequestError, openai.UnprocessableEntityError, openai.NotFoundError):
                if number + 1 == len(FORMS):
                    raise
                continue
            _understood[key] = number
            return reply
        raise EndpointFailed("it takes none of the known ways of asking for JSON")  # pragma: no cover

    def _send(self, form: Form) -> _Reply:
        endpoint = self._endpoint
        messages = [*self._messages[:-1], self._with_schema(form)]
        request: dict[str, Any] = {
            "model": endpoint.model, "messages": messages, "max_tokens": endpoint.max_tokens, "temperature": 0,
            "stream": True, "stream_options": {"include_usage": True},
        }  # fmt: skip
        options = {k: v for k, v in form.items() if k in ("response_format", "extra_body")}
        parts: list[str] = []
        tokens_in = tokens_out = 0
        stream: Iterator[Any] = self._client.chat.completions.create(**request, **options)
        for chunk in stream:
            if self._stopped:
                break
            if chunk.usage is not None:
                tokens_in, tokens_out = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
            for choice in chunk.choices[:1]:
                piece = choice.delta.content or ""
                parts.append(piece)
                if piece and self._on_token is not None:
                    self._on_token(piece)
        text = "".join(parts)
        if not text.strip():
            raise EndpointFailed("what it sent holds no text")
        # Servers that do not count are counted roughly, so that no run seems free.
        sent = sum(len(m["content"]) for m in messages)
        return _Reply(text, tokens_in or sent // 4, tokens_out or len(text) // 4)

    def _with_schema(self, form: Form) -> dict[str, str]:
        last = self._messages[-1]
        if not form.get("in_words"):
            return last
        schema = json.dumps(self._schema, separators=(",", ":"))
        return {**last, "content": f"{last['content']}\n\nAnswer with one JSON object that fits this schema:\n{schema}"}
