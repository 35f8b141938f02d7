"""One attempt at asking an endpoint: a streamed call over a guarded connection, and what its end means."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.structured import FORMS, Form
from scanwright.tools.errors import ScanwrightError

OnToken: TypeAlias = Callable[[str], None]
# More than any server can have read or written in one call: such a count is a lie.
_TOKENS_AT_MOST = 10_000_000
# Which way of asking for JSON a server understood last; asked in this order at first.
_understood: dict[tuple[str, str], int] = {}


def way_of_asking(endpoint: Endpoint) -> str | None:
    """Which way of asking for JSON a server understood last in this process; None where it was not asked."""
    number = _understood.get((endpoint.base_url, endpoint.model))
    return None if number is None else FORMS[number].__name__.strip("_")


class EndpointFailed(ScanwrightError):
    """The endpoint gave nothing that can be used: the offline planner and the templates take over."""


class Again(Exception):
    """An attempt failed in a way that another may not."""


@dataclass(frozen=True)
class Reply:
    """What a model wrote, and what it took."""

    text: str
    tokens_in: int
    tokens_out: int


class Attempt:
    """Asks once. run keeps reply or error, in a thread of its own; stop ends it from another."""

    def __init__(
        self, endpoint: Endpoint, messages: list[dict[str, str]], name: str, schema: Mapping[str, Any] | None,
        deadline: float, on_token: OnToken | None,
    ) -> None:  # fmt: skip
        self._endpoint, self._messages, self._name, self._schema = endpoint, messages, name, schema
        self._deadline, self._on_token = deadline, on_token
        self._client: Any = None
        self._transport: Any = None
        self._stopped = False
        self._heard = False
        self.reply: Reply | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Sends the request and keeps reply or error."""
        import httpx2 as httpx
        import openai
        from scanwright.agent.llm.transport import AnswerTooLarge, GuardedTransport

        left = max(self._deadline - time.monotonic(), 0.1)
        trusted = self._endpoint.trusted
        inner = httpx.HTTPTransport(retries=0, trust_env=not trusted)
        self._transport = GuardedTransport(inner, self._endpoint.max_answer_bytes, self._deadline)
        if self._stopped:
            self._transport.cut()
        # A redirect would carry what was said to a place that nobody vouched for.
        http = httpx.Client(
            transport=self._transport,
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
            self.error = self._lost(error.__cause__, isinstance(error.__cause__, AnswerTooLarge))
        except (openai.RateLimitError, openai.InternalServerError) as error:
            self.error = Again(f"it answered with status {error.status_code}")
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
        """Ends the connection, so that the server hears it; the thread ends with it."""
        self._stopped = True
        if self._transport is not None:
            self._transport.cut()

    def _lost(self, cause: BaseException | None, too_large: bool) -> Exception:
        if too_large:
            return EndpointFailed(f"it sent {cause}")
        # What somebody has heard cannot be taken back, so it is not said a second time.
        return EndpointFailed("it broke off in the middle") if self._heard else Again("it cannot be reached")

    def _ask(self) -> Reply:
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

    def _send(self, form: Form) -> Reply:
        endpoint = self._endpoint
        messages = [*self._messages[:-1], self._with_schema(form)]
        request: dict[str, Any] = {
            "model": endpoint.model, "messages": messages, "max_tokens": endpoint.max_tokens, "temperature": 0,
            "stream": True, "stream_options": {"include_usage": True},
        }  # fmt: skip
        options = {k: v for k, v in form.items() if k in ("response_format", "extra_body")}
        parts: list[str] = []
        usage: Any = None
        finished = False
        stream: Iterator[Any] = self._client.chat.completions.create(**request, **options)
        for chunk in stream:
            if self._stopped:
                break
            usage = chunk.usage or usage
            for choice in chunk.choices[:1]:
                finished = finished or choice.finish_reason is not None
                piece = choice.delta.content or ""
                parts.append(piece)
                if piece and self._on_token is not None:
                    self._heard = True
                    self._on_token(piece)
        text = "".join(parts)
        if not text.strip():
            raise EndpointFailed("what it sent holds no text")
        if not (finished or self._transport.said_done):
            raise EndpointFailed("it broke off before its end")
        # Servers that do not count, or count what cannot be, are counted roughly: no run seems free.
        sent = sum(len(m["content"]) for m in messages)
        return Reply(text, _count(usage, "prompt_tokens", sent), _count(usage, "completion_tokens", len(text)))

    def _with_schema(self, form: Form) -> dict[str, str]:
        last = self._messages[-1]
        if not form.get("in_words"):
            return last
        schema = json.dumps(self._schema, separators=(",", ":"))
        return {**last, "content": f"{last['content']}\n\nAnswer with one JSON object that fits this schema:\n{schema}"}


def _count(usage: Any, kind: str, characters: int) -> int:
    said = getattr(usage, kind, None)
    known = isinstance(said, int) and not isinstance(said, bool) and 0 < said <= _TOKENS_AT_MOST
    return int(said) if known and said is not None else characters // 4
