"""The client against real servers on loopback that answer, lie, drip, flood and die."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from scanwright.agent.llm.boundary import Boundary
from scanwright.agent.llm.client import EndpointFailed, LLMClient
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.tools.errors import Cancelled, UserInputError

sys.path.insert(0, str(Path(__file__).parent))
from scripted_llm_server import (
    Answer,
    drips,
    fails,
    floods,
    is_silent,
    llm_server,
    packed_bomb,
    says,
    sends,
)

SCHEMA = {"type": "object", "properties": {"want": {"type": "string"}}, "required": ["want"]}
ASKED = [{"role": "system", "content": "Fill the form."}, {"role": "user", "content": "How large is the brain?"}]


def client(url: str, **settings: Any) -> LLMClient:
    boundary = settings.pop("boundary", Boundary())
    return LLMClient(Endpoint(base_url=url, model="m", **{"timeout_s": 5, "retries": 1, **settings}), boundary)


def failure(*script: Answer, **settings: Any) -> str:
    with llm_server(*script) as (url, _), pytest.raises(EndpointFailed) as error:
        client(url, **settings).json(ASKED, SCHEMA, name="plan")
    return str(error.value)


def test_a_form_comes_back_and_is_counted() -> None:
    with llm_server(says('{"want": "volume"}')) as (url, heard):
        llm = client(url, price_in=10, price_out=100)
        assert llm.json(ASKED, SCHEMA, name="plan") == {"want": "volume"}
    assert heard[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert llm.ledger.summary()["tokens_in"] == 11
    assert llm.ledger.summary()["cost"] == pytest.approx((110 + 700) / 1e6)


@pytest.mark.parametrize(
    "text",
    ['```json\n{"want": "volume"}\n```', '<think>Is it {"want": "mass"}?</think>{"want": "volume"}',
     'Here you are: {"want": "volume"} I hope this helps.'],
)  # fmt: skip
def test_a_form_amid_words_is_found(text: str) -> None:
    with llm_server(says(text)) as (url, _):
        assert client(url).json(ASKED, SCHEMA, name="plan") == {"want": "volume"}


def test_a_server_without_schemas_is_asked_in_words_and_remembered() -> None:
    with llm_server(fails(400), fails(422), fails(404), says('{"want": "volume"}')) as (url, heard):
        llm = client(url)
        llm.json(ASKED, SCHEMA, name="plan")
        llm.json(ASKED, SCHEMA, name="plan")
    assert [("response_format" in h, "structured_outputs" in h) for h in heard] == [
        (True, False), (False, True), (True, False), (False, False), (False, False),
    ]  # fmt: skip
    assert '"required":["want"]' in heard[-1]["messages"][-1]["content"]


def test_tokens_are_heard_as_they_come() -> None:
    pieces: list[str] = []
    with llm_server(says("The brain is large.")) as (url, _):
        assert client(url).text(ASKED, name="answer", on_token=pieces.append) == "The brain is large."
    assert len(pieces) == 2


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    with llm_server(fails(status), says('{"want": "volume"}')) as (url, heard):
        assert client(url).json(ASKED, SCHEMA, name="plan") == {"want": "volume"}
    assert len(heard) == 2


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (says("I cannot do that."), "did not write the form"),
        (says('{"want": '), "its JSON is not whole"),
        (says("[1, 2]"), "no JSON object"),
        (says('{"a":' * 300 + "1" + "}" * 300), "no form"),
        (says("   "), "no text"),
        (sends(b"<html>It works!</html>"), "no text"),
        (sends(b"data: {not json}\n\n"), "no answer"),
        (sends(b"data: [1, 2, 3]\n\n"), "no answer"),
        (floods, "bytes"),
        (packed_bomb, "packed"),
        (fails(401), "status 401"),
        (fails(500), "status 500"),
    ],
)
def test_what_is_no_answer_ends_in_one_sentence(script: Answer, words: str) -> None:
    assert words in failure(script)


@pytest.mark.parametrize("script", [drips, is_silent])
def test_a_slow_server_is_left_after_the_time_it_has(script: Answer) -> None:
    start = time.monotonic()
    said = failure(script, timeout_s=1)
    assert "longer than 1 s" in said or "silent" in said
    assert time.monotonic() - start < 20


def test_a_redirect_is_not_followed() -> None:
    with llm_server(says('{"want": "stolen"}')) as (elsewhere, stolen):
        assert "status 307" in failure(fails(307, Location=f"{elsewhere}/chat/completions"))
    assert stolen == []


def test_nobody_there_is_said() -> None:
    with llm_server(says("")) as (url, _):
        pass
    with pytest.raises(EndpointFailed, match="cannot be reached"):
        client(url).json(ASKED, SCHEMA, name="plan")


def test_an_endpoint_that_fails_three_times_is_left_alone() -> None:
    with llm_server(fails(401)) as (url, heard):
        for _ in range(3):
            with pytest.raises(EndpointFailed, match="401"):
                client(url).json(ASKED, SCHEMA, name="plan")
        with pytest.raises(EndpointFailed, match="left alone"):
            client(url).json(ASKED, SCHEMA, name="plan")
    assert len(heard) == 3


def test_a_stop_is_heard_while_the_server_is_silent() -> None:
    with llm_server(is_silent) as (url, _):
        llm = client(url, timeout_s=50)
        threading.Timer(0.3, llm.cancelled.set).start()
        start = time.monotonic()
        with pytest.raises(Cancelled):
            llm.json(ASKED, SCHEMA, name="plan")
        assert time.monotonic() - start < 10


def test_identifiers_never_reach_an_endpoint_outside() -> None:
    identity = {"PatientName": "Doe^Jane", "PatientID": "4711-X", "PatientBirthDate": "19610503"}
    asked = [{"role": "user", "content": "How large is Jane DOE's brain (4711-X, born 3 May 1961, tel 0171 5551234)?"}]
    with llm_server(says('{"want": "volume"}')) as (url, heard):
        llm = client(url, inside=False, boundary=Boundary([identity]))
        llm.json(asked, SCHEMA, name="plan")
    sent = str(heard[0]).lower()
    assert not [word for word in ("jane", "doe", "4711", "1961", "5551234") if word in sent]
    assert "how large is [name]'s brain" in sent
    assert {"name", "record_number", "birth_date", "telephone"} <= set(llm.ledger.summary()["hidden"])


def test_an_endpoint_on_this_machine_is_inside_unless_said_otherwise() -> None:
    assert Endpoint(base_url="http://localhost:8000/v1", model="m").trusted
    assert not Endpoint(base_url="http://localhost:8000/v1", model="m", inside=False).trusted
    assert not Endpoint(base_url="https://models.example.org/v1", model="m").trusted


def test_a_missing_key_is_asked_for_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(UserInputError, match="SOME_KEY"):
        _ = Endpoint(base_url="https://models.example.org/v1", model="m", api_key_env="SOME_KEY").api_key
