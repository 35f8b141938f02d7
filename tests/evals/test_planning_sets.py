"""The sets written blind: their form, golds that the compiler agrees with, and the selection over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from scanwright.agent.cohort.question import CohortQuestion
from scanwright.agent.plan import sense
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.trim import settle
from scanwright.evals.planning.run import questions
from scanwright.evals.planning.sets import HALVED, KINDS, SINGLE_TURN, bench, kind, rows
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import load_registry
from scanwright.tools.vocabulary.structures import STRUCTURES

REGISTRY = load_registry()
MAPS = {tool.card.output.structure for tool in REGISTRY if tool.card.output.kind == "LabelMap"}
SIZES = {"follow_ups": 40, "cohorts": 50, "languages": 100, "dictated": 40, "adversarial": 40, "requests": 100}
# What no goal can say: the part of the question with this reason stands in no gold goal.
WITHOUT_GOALS = {"diagnosis", "treatment", "off_topic", "not_assessed", "normative"}
STATUS = {"planned": "answer", "refused": "refuse", "needs_input": "ask"}


def _golds(file: str) -> Iterator[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]]:
    """Each row with each of its expectations and the goals of that."""
    for row in rows(file):
        if "turns" in row:
            for turn in row["turns"]:
                yield row, turn["expect"], turn["expect"]["goals"]
        elif "cohort" in row["expect"]:
            yield row, row["expect"], row["expect"]["cohort"].get("goals", [])
        else:
            yield row, row["expect"], row["expect"]["goals"]


def _without_weights(tool: Tool[..., Any]) -> str | None:
    return "Its weights are not there." if tool.card.weights else None


def _statuses(row: dict[str, Any], goals: list[dict[str, Any]]) -> list[str]:
    view = study(row["study"], row["context"])
    compiler = Compiler(REGISTRY) if row.get("weights") else Compiler(REGISTRY, _without_weights)
    plan = compiler.compile([Goal.model_validate(g) for g in goals], [view])
    return [STATUS[goal.status] for goal in settle(plan, sense.check(plan, [view], REGISTRY)).goals]


def test_every_set_has_its_size_and_no_question_or_id_stands_twice() -> None:
    assert {name: len(list(rows(name))) for name in HALVED} == SIZES
    ids = [row["id"] for name in HALVED for row in rows(name)]
    asked = [(row["study"], row["question"]) for name in HALVED for row in rows(name) if "question" in row]
    assert {n for of in (ids, asked) for n in Counter(of).values()} == {1}


@pytest.mark.parametrize("name", HALVED)
def test_the_halves_of_a_set_are_of_one_size(name: str) -> None:
    halves = Counter(row["split"] for row in rows(name))
    assert set(halves) == {"dev", "test"}
    assert halves["dev"] == halves["test"]


def test_no_question_of_a_test_half_stands_in_a_dev_half() -> None:
    asked = {half: {r["question"].lower() for r in bench(half) if "question" in r} for half in ("dev", "test")}
    assert not asked["dev"] & asked["test"]


@pytest.mark.parametrize("name", HALVED)
def test_goals_leave_out_defaults_and_use_known_words(name: str) -> None:
    for row, _, goals in _golds(name):
        for given in goals:
            goal = Goal.model_validate(given)
            assert goal.model_dump(mode="json", exclude_defaults=True) == given, row["id"]
            assert goal.want in REGISTRY.wants(), row["id"]
            assert goal.of in (MAPS if goal.want == "labelmap" else STRUCTURES), row["id"]


@pytest.mark.parametrize("name", HALVED)
def test_the_compiler_says_of_the_gold_goals_what_the_question_expects(name: str) -> None:
    for row, expect, goals in _golds(name):
        # Of an earlier exam and of a cutoff that only a condition misses the goals alone say nothing.
        beside = expect.get("exam") or (name == "cohorts" and expect["reason"] == "missing_parameter")
        if not goals or beside:
            continue
        said = _statuses(row, goals)
        if expect["outcome"] == "partly":
            assert "answer" in said, row["id"]
            assert expect["reason"] in WITHOUT_GOALS or len(set(said)) > 1, row["id"]
        else:
            assert set(said) == {expect["outcome"]}, row["id"]


@pytest.mark.parametrize("name", [*SINGLE_TURN, "cohorts"])
def test_what_is_answered_has_no_reason_and_what_is_not_has_one(name: str) -> None:
    for row, expect, goals in _golds(name):
        assert (expect["outcome"] == "answer") == (expect["reason"] is None), row["id"]
        if name != "cohorts":
            assert goals or expect["reason"] in WITHOUT_GOALS | {"no_tool", "ambiguous"}, row["id"]


def test_a_gold_cohort_question_is_one_and_leaves_out_its_defaults() -> None:
    for row in rows("cohorts"):
        said = row["expect"]["cohort"]
        assert CohortQuestion.model_validate(said).as_json() == said, row["id"]


def test_a_turn_that_explains_has_no_goals_and_one_of_the_previous_exam_asks() -> None:
    for row, expect, goals in _golds("follow_ups"):
        assert (expect["outcome"] == "explain") == (expect["reading"] in ("why", "how_sure")), row["id"]
        assert not (expect["outcome"] == "explain" and goals), row["id"]
        if expect["exam"] == "previous":
            assert expect["reading"] == "ask", row["id"]
            assert expect["outcome"] == ("answer" if row["context"]["earlier"] else "ask"), row["id"]


def test_every_conversation_has_two_to_five_turns() -> None:
    assert {len(row["turns"]) for row in rows("follow_ups")} <= {2, 3, 4, 5}


def test_the_selection_has_over_400_questions_of_every_kind_in_both_halves() -> None:
    halves = [bench("dev"), bench("test")]
    assert sum(map(len, halves)) >= 400
    for half in halves:
        counted = Counter(map(kind, half))
        assert set(counted) == set(KINDS)
        assert min(counted.values()) >= 10


def test_a_split_of_the_runner_holds_the_questions_of_its_half_alone() -> None:
    for name in SINGLE_TURN:
        assert [q["id"] for q in questions(f"{name}_dev")] == [r["id"] for r in rows(name, "dev")]
    chosen = {q["id"] for q in questions("bench_test")}
    assert chosen == {r["id"] for r in bench("test") if r["category"] not in ("follow_up", "cohort")}
