"""A follow-up that the rules do not read goes to a language model with the goals before it, and with nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.settings import Settings
from scanwright.agent.workbench import Workbench
from scanwright.tools.settings import ToolSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "llm"))
from scripted_llm_server import fails, llm_server, says

LIMITED = {"kind": "goal", "want": "mean_intensity", "of": "intensity_range", "side": "whole"}
FOLLOWS = json.dumps({"items": [{**LIMITED, "more": [{"inside": "skull"}, {"above": 300}, {"unit": "HU"}]}]})
STRANGER = json.dumps({"items": [{**LIMITED, "more": [{"inside": "skull"}, {"above": 987}]}]})


def bench(home: Path, url: str) -> Workbench:
    endpoint = Endpoint(base_url=url, model="m", retries=0, timeout_s=20)
    llm = LLMSettings.model_validate({"endpoint": endpoint, "planner": "auto", "writer": "template"})
    return Workbench(home, settings=Settings(tools=ToolSettings(workers=1, threads=1), llm=llm))


def talked(home: Path, head: Path, *script: Any) -> tuple[Any, list[Any], str]:
    """The turns after a question that the rules read and a German follow-up; what the server heard; the number."""
    with llm_server(*script) as (url, heard), bench(home, url) as wb:
        chat = wb.conversation([head])
        first = chat.ask("What is the volume of the skull above 300 HU?")
        assert heard == []
        chat.ask("und die mittlere Dichte davon?")
        return chat.turns, heard, first.answer


def test_the_model_reads_it_from_the_form_of_the_goals_before(tmp_path: Path, head: Path) -> None:
    turns, heard, answer = talked(tmp_path, head, says(FOLLOWS))
    limits = {"low": {"unit": "[hnsf'U]", "value": 300.0}}
    assert turns[-1].goals == (
        {"of": "intensity_range", "params": limits, "region": "skull", "want": "mean_intensity"},
    )
    messages = heard[0]["messages"]
    before = json.loads(messages[-2]["content"])
    assert before["items"][0]["of"] == "intensity_range"
    assert {"above": 300} in before["items"][0]["more"]
    assert "davon" in messages[-1]["content"]
    sent = json.dumps(messages)
    number = answer.split(" is ")[1].split()[0]
    assert number not in sent
    assert "head.nii" not in sent
    assert "What is the volume of the skull above" not in sent


def test_a_limit_that_nobody_gave_is_not_taken_from_the_model(tmp_path: Path, head: Path) -> None:
    turns, _, _ = talked(tmp_path, head, says(STRANGER))
    assert "987" not in json.dumps(turns[-1].goals)


def test_a_dead_endpoint_asks_back_and_keeps_the_turn(tmp_path: Path, head: Path) -> None:
    turns, heard, _ = talked(tmp_path, head, fails(500))
    assert heard
    assert turns[-1].question == "und die mittlere Dichte davon?"
    assert turns[-1].head == 2
