"""vLLM as `scanwright llm serve` starts it: `make test-vllm` names its Python and a small model's folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scanwright.agent.llm import attempt, serving
from scanwright.agent.llm.client import LLMClient
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.settings import Settings
from scanwright.agent.workbench import Workbench
from scanwright.tools.errors import Cancelled
from scanwright.tools.settings import ToolSettings

sys.path.insert(0, str(Path(__file__).parents[1]))
from agent_examples import head_ct

PORT = 8099
SCHEMA = {
    "type": "object",
    "properties": {"side": {"enum": ["left", "right"]}, "number": {"type": "integer"}},
    "required": ["side", "number"],
    "additionalProperties": False,
}
ASKED = [{"role": "user", "content": "Name a side of the body and a number, as JSON."}]
pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        not {"SCANWRIGHT_VLLM_PYTHON", "SCANWRIGHT_VLLM_MODEL"} <= os.environ.keys(),
        reason="SCANWRIGHT_VLLM_PYTHON (a Python with vLLM) and SCANWRIGHT_VLLM_MODEL (a folder) are not set",
    ),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    home = tmp_path_factory.mktemp("vllm")
    python, model = os.environ["SCANWRIGHT_VLLM_PYTHON"], os.environ["SCANWRIGHT_VLLM_MODEL"]
    words = ["llm", "serve", "--python", python, "--model", model, "--port", str(PORT), "--detach", "--home", str(home)]
    command = [sys.executable, "-c", "from scanwright.agent.cli.main import main; main()", *words]
    subprocess.run(command, check=True, timeout=500)
    try:
        yield Endpoint(base_url=f"http://127.0.0.1:{PORT}/v1", model=Path(model).name, timeout_s=120, retries=0)
    finally:
        stopped = serving.stop(home)
        assert stopped is not None
        assert serving.running(home) is None


@pytest.mark.parametrize("way", [0, 1])
def test_it_holds_a_model_to_a_schema_in_both_of_its_ways(served: Endpoint, way: int) -> None:
    attempt._understood[(served.base_url, served.model)] = way
    llm = LLMClient(served)
    form = llm.json(ASKED, SCHEMA, name="sides")
    assert form["side"] in ("left", "right")
    assert isinstance(form["number"], int)
    assert attempt._understood[(served.base_url, served.model)] == way
    assert llm.ledger.calls[0].tokens_in > 5
    assert llm.ledger.calls[0].tokens_out > 3


def test_tokens_come_one_by_one_and_a_stop_is_heard(served: Endpoint) -> None:
    heard: list[str] = []
    llm = LLMClient(served)

    def on_token(piece: str) -> None:
        heard.append(piece)
        if len(heard) == 3:
            llm.cancelled.set()

    with pytest.raises(Cancelled):
        llm.text(
            [{"role": "user", "content": "Count from one to a thousand in words."}], name="count", on_token=on_token
        )
    assert 3 <= len(heard) < 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/tokenize", {}),
        ("/v1/load_lora_adapter", {}),
        ("/pause", {}),
        ("/v1/chat/completions", {"Origin": "https://elsewhere.example"}),
        ("/v1/chat/completions", {"Host": "elsewhere.example"}),
    ],
)
def test_what_is_not_used_is_not_there_and_a_page_elsewhere_gets_nothing(
    served: Endpoint, path: str, headers: dict[str, str]
) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=b"{}", headers=headers, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    assert refused.value.code == 404


def test_a_question_ends_in_the_models_plan_or_in_the_offline_one_that_says_so(
    served: Endpoint, tmp_path: Path
) -> None:
    head_ct(tmp_path)
    llm = LLMSettings(endpoint=served, planner="model", writer="template")
    settings = Settings(tools=ToolSettings(workers=1, threads=1), llm=llm)
    result: list[Any] = []
    with Workbench(tmp_path / "home", settings=settings) as bench:
        asked = threading.Thread(
            target=lambda: result.append(bench.plan([tmp_path / "head.nii.gz"], "How large is the skull?"))
        )
        asked.start()
        asked.join(300)
    assert result
    planned = result[0]
    assert planned.llm["calls"] >= 1
    assert planned.plan.planner.startswith("model") or planned.warnings
