"""Similar cases from the command line to the answer: kept, found, cited, kept up to date, erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_examples import head_ct, settings, small_scan
from click.testing import CliRunner
from scanwright.agent.answer.render import value_text
from scanwright.agent.cases import add_cases, similar
from scanwright.agent.cli.main import cli
from scanwright.agent.given import Given
from scanwright.agent.workbench import Workbench
from scanwright.tools.imaging.loaded import GivenFacts

MODULE = "case_probe_tools"


@pytest.fixture
def cases(tmp_path: Path, probe_path: str) -> Iterator[Workbench]:
    with Workbench(tmp_path / "home", settings=settings(), extra_modules=[MODULE]) as bench:
        yield bench


def heads(folder: Path, markers: list[int]) -> list[Path]:
    """Heads that differ in the HU of a marker, of different patients."""
    return [head_ct(folder, f"head{hu}", marker_hu=hu) for hu in markers]


def test_kept_cases_are_found_with_their_numbers_cited(cases: Workbench, tmp_path: Path) -> None:
    kept = [add_cases(cases, path) for path in heads(tmp_path / "scans", [60, 75, 300, 700])]
    assert [len(a.cases) for a in kept] == [1, 1, 1, 1]
    assert kept[0].cases[0].facts == {"modality": "CT", "body_part": "head"}
    asked = head_ct(tmp_path / "scans", "asked", marker_hu=320)
    result = similar(cases, asked, limit=2)
    assert result.status == "answered"
    assert [e.kind for e in result.evidence] == ["CaseList", "CaseList"]
    first = result.evidence[0]
    assert first.name == f"{kept[2].study_id}, head300 (CT, head)"
    assert isinstance(first.value, float)
    assert first.value > 0.99
    assert f"{first.name}: {value_text(first)} [E1]" in result.answer
    assert "Only 4 kept cases were compared" in result.answer
    assert "no probability" in result.answer


def test_an_answer_counts_the_cases_that_are_kept_now(cases: Workbench, tmp_path: Path) -> None:
    first, second, third = heads(tmp_path / "scans", [60, 300, 700])
    stays = add_cases(cases, first)
    assert "Only 1 kept case was compared" in similar(cases, third).answer
    added = add_cases(cases, second)
    again = similar(cases, third)
    assert "Only 2 kept cases were compared" in again.answer
    with cases.open_home() as home:
        home.identities.erase(home.studies.get(added.study_id).subject)
        assert [c.study_id for c in home.cases.list()] == [stays.study_id]
    assert "Only 1 kept case was compared" in similar(cases, third).answer


def test_without_kept_cases_the_answer_says_what_to_do(cases: Workbench, tmp_path: Path) -> None:
    result = similar(cases, head_ct(tmp_path / "scans"))
    assert result.status == "failed"
    assert "scanwright cases add" in result.answer


def test_filters_reach_the_search(cases: Workbench, tmp_path: Path) -> None:
    for path in heads(tmp_path / "scans", [60, 300]):
        add_cases(cases, path)
    asked = head_ct(tmp_path / "scans", "asked", marker_hu=310)
    assert similar(cases, asked, filters={"body_part": "same"}).status == "answered"
    missed = similar(cases, asked, filters={"body_part": "chest"})
    assert "No case with body part chest is kept" in missed.answer


def test_a_scan_that_no_encoder_reads_is_left_out_with_its_reason(cases: Workbench, tmp_path: Path) -> None:
    mr = small_scan(tmp_path / "scans")
    added = add_cases(cases, mr, Given(GivenFacts(modality="MR", body_part="head")))
    assert not added.cases
    assert "CT" in next(iter(added.left_out.values()))


def test_the_commands_list_and_forget(cases: Workbench, tmp_path: Path) -> None:
    added = add_cases(cases, head_ct(tmp_path / "scans"))
    home = ["--home", str(tmp_path / "home")]
    listed = CliRunner().invoke(cli, ["cases", "list", *home, "--json"], standalone_mode=False)
    assert [c["study_id"] for c in json.loads(listed.stdout)] == [added.study_id]
    gone = CliRunner().invoke(cli, ["cases", "forget", added.study_id, *home], standalone_mode=False)
    assert "1 case forgotten" in gone.stdout
    assert "No case is kept" in CliRunner().invoke(cli, ["cases", "list", *home], standalone_mode=False).stderr
