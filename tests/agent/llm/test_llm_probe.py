"""What `scanwright llm` says of an endpoint, against scripted servers; and the 30 questions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from scanwright.agent.cli.main import main
from scanwright.agent.llm import probe
from scanwright.agent.llm.client import EndpointFailed, LLMClient
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.planner.base import Proposal
from scanwright.agent.settings import Settings
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.run import questions
from scanwright.evals.planning.studies import study
from scanwright.tools.settings import ToolSettings

sys.path.insert(0, str(Path(__file__).parent))
from scripted_llm_server import Answer, fails, llm_server, says

STORY = says("A radiologist reads images.", tokens=(20, 40))


def checked(*script: Answer) -> probe.Checked:
    with llm_server(*script) as (url, _):
        return probe.check(LLMClient(Endpoint(base_url=url, model="m", timeout_s=10, retries=0)))


def test_a_server_that_is_held_to_the_schema_is_told_from_one_that_is_not() -> None:
    assert checked(says('{"code": "plover-17"}'), STORY).held
    assert not checked(says('{"code": "banana"}'), STORY).held
    assert not checked(says("banana"), STORY).held


def test_the_way_that_the_server_understood_is_named() -> None:
    assert checked(says('{"code": "plover-17"}'), STORY).way == "json_schema"
    assert checked(fails(400), fails(400), says('{"code": "banana"}'), STORY).way == "json_object"


def test_a_dead_endpoint_is_an_error_and_no_figure() -> None:
    with pytest.raises(EndpointFailed, match="401"):
        checked(fails(401))


def test_the_command_prints_what_it_found(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with llm_server(says('{"code": "plover-17"}'), STORY) as (url, _), pytest.raises(SystemExit) as end:
        main(["llm", "check", "--endpoint", url, "--model", "m", "--no-plans", "--json", "--home", str(tmp_path)])
    report = json.loads(capfd.readouterr().out)
    assert end.value.code == 0
    assert report["schema_held"]
    assert report["trusted"]


def test_without_an_endpoint_the_command_says_how_to_get_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["llm", "check", "--home", str(tmp_path)])
    assert end.value.code == 3
    assert "llm serve --cpu --register" in capfd.readouterr().err


def test_the_30_questions_are_those_of_the_development_half_on_the_same_scans() -> None:
    known = {q["id"]: q for q in questions("dev")}
    asked = list(probe.questions())
    assert len({q["id"] for q in asked}) == 30
    for each in asked:
        gold = known[each["id"]]
        assert (each["question"], each["outcome"]) == (gold["question"], gold["expect"]["outcome"])
        assert each["goals"] == gold["expect"]["goals"]
        ours, theirs = probe.study(each["study"], each["context"]), study(gold["study"], gold["context"])
        # The type holds the grid: shape, spacing, orientation, place.
        assert (ours.image().type, ours.image().image) == (theirs.image().type, theirs.image().image)
        assert (ours.mask is None) == (theirs.mask is None)
        assert ours.at == theirs.at


def test_a_planner_that_is_right_gets_30_of_30_and_one_that_always_asks_the_same_does_not(tmp_path: Path) -> None:
    one = Settings(tools=ToolSettings(workers=1, threads=1))
    with Workbench(tmp_path, settings=one) as bench, bench.open_home() as home:
        offline = bench.planner(home)
        good = probe.accuracy(offline, bench.compiled)

        class Parrot:
            name = "parrot"

            def propose(self, question: str, studies: object) -> Proposal:
                return Proposal(offline.propose("How large is the brain?", ()).items, self.name)

        bad = probe.accuracy(Parrot(), bench.compiled)
    assert good.exact >= 29
    assert good.interval[0] > 0.8
    assert bad.exact <= 3
    assert len(bad.wrong) == 30 - bad.exact
