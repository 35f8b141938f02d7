"""The sense set: wrong plans are caught for their reason, right ones pass, and the set tells checkers apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from scanwright.evals.sense.cases import Case, Expect, cases
from scanwright.evals.sense.run import Report, judge, main, run
from scanwright.tools.registry import Registry, load_registry
from scanwright.tools.testing import ToolBench

CASES = cases()
WRONG = [c for c in CASES if not c.control]
RIGHT = [c for c in CASES if c.control]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="module")
def report(registry: Registry) -> Report:
    return run(CASES, registry)


@pytest.mark.parametrize("case", WRONG, ids=lambda c: c.id)
def test_a_wrong_plan_is_caught_for_its_reason(report: Report, case: Case) -> None:
    outcome = next(o for o in report.outcomes if o.case.id == case.id)
    assert outcome.ok, f"{case.why} {outcome.problem}; said: {[s.sentence for s in outcome.said]}"


@pytest.mark.parametrize("case", RIGHT, ids=lambda c: c.id)
def test_a_right_plan_passes(report: Report, case: Case) -> None:
    outcome = next(o for o in report.outcomes if o.case.id == case.id)
    assert outcome.ok, f"{case.why} {outcome.problem}"


def test_the_set_is_large_and_each_case_stands_once() -> None:
    assert len(WRONG) >= 48
    assert len(RIGHT) >= 20
    assert [i for i, n in Counter(c.id for c in CASES).items() if n > 1] == []
    assert [
        i for i, n in Counter(c.model_dump_json(include={"studies", "plan", "goal"}) for c in CASES).items() if n > 1
    ] == []
    assert all(c.why and "\n" not in c.why for c in CASES)
    assert all(c.expect.because and c.expect.says for c in WRONG)
    assert {c.expect.effect for c in WRONG} == {"refuse", "ask", "flag"}


def test_every_condition_that_a_tool_has_is_the_reason_of_some_case(registry: Registry) -> None:
    tests = {condition.test for tool in registry for condition in tool.card.when}
    assert tests - {c.expect.because for c in WRONG} == set()


def test_every_tool_is_right_for_some_scan(registry: Registry) -> None:
    used = {step["tool"] for case in RIGHT for step in case.plan.get("steps", ())}
    assert {tool.card.id for tool in registry if tool.card.package == "scanwright"} - used == set()


def test_tools_without_conditions_let_wrong_plans_through_and_no_right_plan_is_lost(registry: Registry) -> None:
    bare = Registry(replace(t, card=t.card.model_copy(update={"when": (), "then": ()})) for t in registry)
    on_paper = [c for c in CASES if not c.run]
    before, after = run(on_paper, registry).figures, run(on_paper, bare).figures
    assert after["passed"] == before["passed"]
    assert after["caught"] < before["caught"] / 2 + 10


def test_a_right_plan_that_should_be_refused_and_a_wrong_one_that_should_pass_are_both_misses(
    tmp_path: Path, registry: Registry
) -> None:
    bench = ToolBench(tmp_path)
    refused = Expect(effect="refuse", because="modality", says="scan")
    assert not any(judge(c.model_copy(update={"expect": refused}), bench, registry).ok for c in RIGHT)
    passed = Expect(effect="none")
    assert not any(judge(c.model_copy(update={"expect": passed}), bench, registry).ok for c in WRONG)


def test_another_reason_or_another_effect_is_a_miss(tmp_path: Path, registry: Registry) -> None:
    bench = ToolBench(tmp_path)
    case = next(c for c in WRONG if c.id == "brain_on_chest_mr")
    assert judge(case, bench, registry).ok
    for change in ({"because": "modality"}, {"effect": "flag"}, {"effect": "ask"}, {"says": "shows the knee"}):
        other = case.model_copy(update={"expect": case.expect.model_copy(update=change)})
        assert not judge(other, bench, registry).ok


def test_the_command_prints_each_case_and_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(case.id in printed for case in CASES)
    assert f"wrong plans caught for their reason: {len(WRONG)}/{len(WRONG)}" in printed
    assert f"right plans passed: {len(RIGHT)}/{len(RIGHT)}" in printed
