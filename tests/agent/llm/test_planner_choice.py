"""Which planner plans, what it costs, and what the answer and the run's record say of it."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.planner.base import Declined, Item, Proposal, Unclear
from scanwright.agent.planner.model.choice import SurestPlanner, is_sure
from scanwright.agent.settings import Settings, load_settings
from scanwright.agent.workbench import Workbench
from scanwright.memory.records import EventKind
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import Cancelled, UserInputError
from scanwright.tools.settings import ToolSettings

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from agent_examples import head_ct
from scripted_llm_server import Answer, fails, is_silent, llm_server, says

SURE = "How large is the skull?"
UNSURE = "Bitte sag mir, wie groß der Schädel ist."
ABOUT = {"kind": "goal", "of": "skull", "side": "whole", "more": []}
SKULL = json.dumps({"items": [{**ABOUT, "want": "volume"}]})


def bench(home: Path, url: str | None, planner: str = "auto", **endpoint: Any) -> Workbench:
    known = None if url is None else Endpoint(base_url=url, model="m", retries=0, **{"timeout_s": 20, **endpoint})
    llm = LLMSettings.model_validate({"endpoint": known, "planner": planner, "writer": "template"})
    return Workbench(home, settings=Settings(tools=ToolSettings(workers=1, threads=1), llm=llm))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan")
    head_ct(folder)
    return folder / "head.nii.gz"


def ask(home: Path, scan: Path, question: str, planner: str, *script: Answer) -> tuple[Any, list[Any], Any]:
    """The result, what the server heard, and what the run's record says of the model."""
    with llm_server(*script) as (url, heard), bench(home, url, planner) as wb:
        result = wb.ask([scan], question)
        with wb.open_home() as opened:
            assert result.run_id is not None
            made = next(e for e in opened.runs.events(result.run_id) if e.kind == EventKind.PLAN_MADE)
    return result, heard, made.payload.get("llm")


def test_a_sure_question_costs_no_token(tmp_path: Path, scan: Path) -> None:
    result, heard, recorded = ask(tmp_path, scan, SURE, "auto", says(SKULL))
    assert heard == []
    assert recorded is None
    assert "exemplar" in result.plan.planner


def test_an_unsure_question_is_the_models_and_its_tokens_are_in_the_record(tmp_path: Path, scan: Path) -> None:
    result, heard, recorded = ask(tmp_path, scan, UNSURE, "auto", says(SKULL))
    assert len(heard) == 1
    assert recorded["tokens_in"] == 11
    assert result.plan.planner == "model (m)"
    assert result.status == "answered"
    assert not result.warnings


class Says:
    """A planner that says one thing."""

    name = "says"

    def __init__(self, *items: Item) -> None:
        self.items = items

    def propose(self, question: str, studies: object) -> Proposal:
        return Proposal(self.items, self.name, 0.5)


def test_a_question_back_stands_where_the_model_finds_nothing_to_measure_either() -> None:
    asks, declines = Unclear("that", "What?"), Declined("that", "no_tool", "No.")
    vague = SurestPlanner(Says(asks), Says(declines))
    assert vague.propose("How is it?", ()).items == (asks,)
    assert vague.propose("Wie groß?", ()).items == (declines,)
    assert SurestPlanner(Says(asks), Says(VOLUME)).propose("Skull, eh?", ()).items == (VOLUME,)


def test_with_the_setting_model_every_question_is_the_models(tmp_path: Path, scan: Path) -> None:
    result, heard, _ = ask(tmp_path, scan, SURE, "model", says(SKULL))
    assert len(heard) == 1
    assert result.plan.planner == "model (m)"


def test_with_the_setting_offline_no_model_is_asked(tmp_path: Path, scan: Path) -> None:
    result, heard, _ = ask(tmp_path, scan, SURE, "offline", says(SKULL))
    assert heard == []
    assert "exemplar" in result.plan.planner


def test_a_dead_endpoint_ends_in_the_offline_plan_and_a_warning(tmp_path: Path, scan: Path) -> None:
    result, _, recorded = ask(tmp_path, scan, SURE, "model", fails(401))
    assert result.status == "answered"
    assert "exemplar" in result.plan.planner
    assert [w for w in result.warnings if "Planned without the language model" in w]
    assert recorded["failed"] == 1


def test_a_warning_survives_a_plan_that_a_person_changed(tmp_path: Path, scan: Path) -> None:
    with llm_server(fails(401)) as (url, _), bench(tmp_path, url, "model") as wb:
        result = wb.ask([scan], SURE, review=lambda plan: plan.model_copy(update={"expected_seconds": 1.0}))
    assert [w for w in result.warnings if "Planned without the language model" in w]


def test_a_stop_while_the_model_is_asked_stops_this_question_and_not_the_next(tmp_path: Path, scan: Path) -> None:
    with llm_server(is_silent) as (url, _), bench(tmp_path, url, "model", timeout_s=50) as wb:
        threading.Timer(1.0, wb.cancelled.set).start()
        with pytest.raises(Cancelled):
            wb.plan([scan], SURE)
        assert not wb.cancelled.is_set()


def test_the_model_is_never_the_setting_without_an_endpoint(tmp_path: Path, scan: Path) -> None:
    with bench(tmp_path, None, "model") as wb, pytest.raises(UserInputError, match=r"add \[llm.endpoint\]"):
        wb.plan([scan], SURE)


def test_a_patients_name_that_was_given_never_reaches_an_endpoint_outside(tmp_path: Path, scan: Path) -> None:
    from scanwright.agent.given import Given

    with llm_server(says(SKULL)) as (url, heard), bench(tmp_path, url, "model", inside=False) as wb:
        planned = wb.plan([scan], "How large is Erika Mustermann's skull?", Given(patient="Mustermann^Erika"))
    assert planned.plan.goals[0].status == "planned"
    assert "mustermann" not in json.dumps(heard).lower()
    assert planned.llm is not None
    assert planned.llm["hidden"] == ["name"]


def test_a_wrong_address_in_the_settings_is_named(tmp_path: Path) -> None:
    (tmp_path / "scanwright.toml").write_text('[llm.endpoint]\nbase_url = "nowhere"\nmodel = "m"\n')
    with pytest.raises(UserInputError, match=r"llm\.endpoint\.base_url"):
        load_settings(tmp_path)


VOLUME = Goal(want="volume", of="skull")


@pytest.mark.parametrize(
    ("proposal", "question", "sure"),
    [
        (Proposal((VOLUME,), "p", 0.95), SURE, True),
        (Proposal((VOLUME,), "p", 0.79), SURE, False),
        (Proposal((VOLUME, Unclear("that", "What?")), "p", 0.95), SURE, False),
        (Proposal((), "p"), SURE, False),
        (Proposal((Declined("x", "off_topic", "No."),), "p"), "What is the capital of France?", True),
        (Proposal((Declined("x", "off_topic", "No."),), "p"), UNSURE, False),
        (Proposal((VOLUME,), "p", 0.95), "volumen cerebral izquierdo", False),
        (Proposal((VOLUME,), "p", 0.95), "大脑的体积是多少？", False),
        (Proposal((VOLUME,), "p", 0.95), "skull vol", True),
        (Proposal((Declined("x", "diagnosis", "No."),), "p"), "Is it cancer?", True),
    ],
)
def test_the_offline_planner_is_sure_of(proposal: Proposal, question: str, sure: bool) -> None:
    assert is_sure(proposal, question) is sure
