"""The second set of questions on measures, organs, retina and histology: its form, and golds that can be planned."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from scanwright.agent.plan.compiler import Compiler
from scanwright.evals.planning.run import questions
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import load_registry

REGISTRY = load_registry()
HALVES = {split: list(questions(split)) for split in ("eyes_more_dev", "eyes_more_test")}
ROWS = [row for rows in HALVES.values() for row in rows]


def _without_weights(tool: Tool[..., Any]) -> str | None:
    return "Its weights are not there." if tool.card.weights else None


def test_the_halves_are_of_one_size_and_no_question_stands_twice() -> None:
    assert [len(rows) for rows in HALVES.values()] == [60, 60]
    assert {n for key in ("id", "question") for n in Counter(row[key] for row in ROWS).values()} == {1}


def test_goals_leave_out_defaults_and_use_known_words() -> None:
    for row in ROWS:
        assert (row["expect"]["outcome"] == "answer") == (row["expect"]["reason"] is None), row["id"]
        for given in row["expect"]["goals"]:
            goal = Goal.model_validate(given)
            assert goal.model_dump(mode="json", exclude_defaults=True) == given, row["id"]
            assert goal.want in REGISTRY.wants(), row["id"]


@pytest.mark.parametrize("row", [r for r in ROWS if r["expect"]["goals"]], ids=lambda row: str(row["id"]))
def test_the_compiler_says_of_the_gold_goals_what_the_question_expects(row: dict[str, Any]) -> None:
    view = study(row["study"], row["context"])
    compiler = Compiler(REGISTRY) if row.get("weights") else Compiler(REGISTRY, _without_weights)
    plan = compiler.compile([Goal.model_validate(g) for g in row["expect"]["goals"]], [view])
    statuses = {goal.status for goal in plan.goals}
    expected = {"answer": {"planned"}, "partly": {"planned"}, "refuse": {"refused"}, "ask": {"needs_input"}}
    assert statuses == expected[row["expect"]["outcome"]]
