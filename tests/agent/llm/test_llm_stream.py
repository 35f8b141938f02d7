"""Streamed tokens: heard as they come, never twice, never after a stop; a lying server is one sentence."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from scanwright.agent.llm.attempt import Attempt
from scanwright.agent.llm.boundary import Boundary
from scanwright.agent.llm.client import EndpointFailed, LLMClient
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.tools.errors import Cancelled

sys.path.insert(0, str(Path(__file__).parent))
from scripted_llm_server import Answer, Asked, drips, event, fails, floods, is_silent, llm_server, says, sends

ASKED = [{"role": "user", "content": "How large is the brain?"}]
SCHEMA = {"type": "object", "properties": {"want": {"type": "string"}}, "required": ["want"]}


def client(url: str, **settings: Any) -> LLMClient:
    more = {k: settings.pop(k) for k in ("boundary", "heard") if k in settings}
    return LLMClient(Endpoint(base_url=url, model="m", **{"timeout_s": 5, "retries": 2, **settings}), **more)


def watches(seen: list[bytes], *first: bytes) -> Answer:
    """Sends first, then waits until the client's side of the connection is gone, and keeps what it read then."""

    def answer(asked: Asked, body: dict[str, Any]) -> None:
        if first:
            asked.start()
            asked.wfile.write(b"".join(first))
            asked.wfile.flush()
        asked.connection.settimeout(20)
        try:
            seen.append(asked.connection.recv(1))
        except ConnectionResetError:
            seen.append(b"")

    return answer


def wait_for(seen: list[bytes]) -> list[bytes]:
    deadline = time.monotonic() + 10
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    return seen


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_a_stream_yields_the_pieces_in_their_order_and_is_counted(schema: dict[str, Any] | None) -> None:
    with llm_server(says('{"want": "volume"}')) as (url, heard):
        llm = client(url)
        assert list(llm.stream(ASKED, name="plan", schema=schema)) == ['{"want": ', '"volume"}']
    assert ("response_format" in heard[0]) == (schema is not None)
    assert llm.ledger.summary()["tokens_in"] == 11


def test_a_form_is_heard_as_it_is_written_and_a_screen_is_told_what_it_is_for() -> None:
    pieces: list[str] = []
    shown: list[tuple[str, str]] = []
    with llm_server(says('{"want": "volume"}')) as (url, _):
        llm = client(url, heard=lambda name, piece: shown.append((name, piece)))
        assert llm.json(ASKED, SCHEMA, name="plan", on_token=pieces.append) == {"want": "volume"}
        llm.text(ASKED, name="answer")
    assert pieces == ['{"want": ', '"volume"}']
    assert [name for name, _ in shown] == ["plan", "plan", "answer", "answer"]


def test_the_first_piece_is_heard_before_the_last_is_written() -> None:
    go_on = threading.Event()

    def waits(asked: Asked, body: dict[str, Any]) -> None:
        asked.start()
        asked.wfile.write(event("one "))
        asked.wfile.flush()
        asked.wfile.write(event("two" if go_on.wait(10) else "nobody heard") + b"data: [DONE]\n\n")

    with llm_server(waits) as (url, _):
        pieces = []
        for piece in client(url, timeout_s=20).stream(ASKED, name="answer"):
            pieces.append(piece)
            go_on.set()
    assert pieces == ["one ", "two"]


@pytest.mark.parametrize("first", [(), (event("one "),)])
def test_a_stop_closes_the_connection_whether_or_not_the_server_has_spoken(first: tuple[bytes, ...]) -> None:
    seen: list[bytes] = []
    with llm_server(watches(seen, *first)) as (url, _):
        llm = client(url, timeout_s=30)
        threading.Timer(0.2, llm.cancelled.set).start()
        start = time.monotonic()
        with pytest.raises(Cancelled):
            llm.text(ASKED, name="answer")
        assert time.monotonic() - start < 5
        assert wait_for(seen) == [b""]
    assert [c.failed for c in llm.ledger.calls] == ["it was stopped"]


def test_a_stream_that_is_left_early_ends_the_call_and_is_no_failure_of_the_endpoint() -> None:
    seen: list[bytes] = []
    with llm_server(watches(seen, event("one "))) as (url, _):
        for _ in range(4):
            seen.clear()
            stream = client(url, timeout_s=30).stream(ASKED, name="answer")
            assert next(stream) == "one "
            stream.close()  # type: ignore[attr-defined]
            assert wait_for(seen) == [b""]


def test_a_stop_while_connecting_leaves_no_connection() -> None:
    seen: list[bytes] = []
    with llm_server(watches(seen)) as (url, _):
        attempt = Attempt(Endpoint(base_url=url, model="m"), ASKED, "plan", None, time.monotonic() + 20, None)
        thread = threading.Thread(target=attempt.run)
        thread.start()
        attempt.stop()
        thread.join(10)
        assert not thread.is_alive()
    assert attempt.reply is None


def cut_short(asked: Asked, body: dict[str, Any]) -> None:
    """Promises more bytes than it sends."""
    asked.start(Content_Length="100000")
    asked.wfile.write(event("The brain is"))


def fast_forever(asked: Asked, body: dict[str, Any]) -> None:
    asked.start()
    while True:
        asked.wfile.write(event("the brain " * 20))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (drips, "longer than 1 s"),
        (is_silent, "silent for 1 s|longer than 1 s"),
        (fast_forever, "bytes|longer than"),
        (floods, "bytes"),
        (sends(event("a") + b"data: {\"choices\": [{\"del\n\n"), "no answer"),
        (sends(event("a") + b"data: null\n\ndata: [DONE]\n\n"), "no answer"),
        (sends(event("a") + b"\xff\xfe\x00data: \xc3\x28\n\n"), "no answer|broke off"),
        (sends(b"data: " + b"x" * 3_000_000), "bytes"),
        (sends(event("The brain is")), "broke off before its end"),
        (sends(b'data: {"error": {"message": "out of memory"}}\n\n'), "no answer"),
        (cut_short, "broke off|cannot be reached"),
    ],
)  # fmt: skip
def test_a_lying_stream_ends_in_one_sentence_and_is_not_asked_twice(script: Answer, words: str) -> None:
    heard_pieces: list[str] = []
    with llm_server(script) as (url, heard):
        llm = client(url, timeout_s=1)
        with pytest.raises(EndpointFailed, match=words):
            llm.text(ASKED, name="answer", on_token=heard_pieces.append)
    assert len(heard) == 1
    assert llm.ledger.summary()["failed"] == 1
    assert sum(map(len, heard_pieces)) < 2_100_000


def test_a_failure_before_the_first_piece_is_tried_again_and_nothing_is_heard_twice() -> None:
    with llm_server(fails(503), says("The brain.")) as (url, heard):
        assert "".join(client(url).stream(ASKED, name="answer")) == "The brain."
    assert len(heard) == 2


def test_a_stream_that_fails_says_so_after_its_pieces() -> None:
    with llm_server(sends(event("The brain is"))) as (url, _):
        stream = client(url).stream(ASKED, name="answer")
        assert next(stream) == "The brain is"
        with pytest.raises(EndpointFailed, match="broke off"):
            next(stream)


@pytest.mark.parametrize("count", [-5, 10**12, "many", 1.5])
def test_a_count_of_tokens_that_cannot_be_is_not_believed(count: object) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": count, "total_tokens": count}
    text = "The brain is large, they say."
    with llm_server(sends(event(text) + event("", usage=usage) + b"data: [DONE]\n\n")) as (url, _):
        llm = client(url, price_in=1, price_out=1)
        assert llm.text(ASKED, name="answer") == text
    assert llm.ledger.summary()["tokens_out"] == len(text) // 4


def test_a_stream_keeps_the_boundary() -> None:
    with llm_server(says("yes")) as (url, heard):
        llm = client(url, inside=False, boundary=Boundary([{"PatientName": "Doe^Jane"}]))
        list(llm.stream([{"role": "user", "content": "Is Jane Doe's brain large?"}], name="answer"))
    assert "doe" not in str(heard).lower()


def test_an_error_of_the_screen_is_its_own_and_no_failure_of_the_endpoint() -> None:
    def broken(piece: str) -> None:
        raise ZeroDivisionError

    with llm_server(says("The brain.")) as (url, _):
        llm = client(url)
        with pytest.raises(ZeroDivisionError):
            llm.text(ASKED, name="answer", on_token=broken)
        assert llm.text(ASKED, name="answer") == "The brain."


def test_text_of_a_report_goes_to_an_endpoint_inside_and_to_no_other() -> None:
    with llm_server(says("yes")) as (url, heard):
        inside = LLMClient(Endpoint(base_url=url, model="m"), report=True)
        assert inside.text(ASKED, name="report") == "yes"
        outside = LLMClient(Endpoint(base_url=url, model="m", inside=False), report=True)
        with pytest.raises(EndpointFailed, match="inside the trust boundary only"):
            outside.text(ASKED, name="report")
    assert len(heard) == 1
