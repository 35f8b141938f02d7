"""The questions on measures, organs, retina and histology: their form, and golds that the compiler agrees with."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from scanwright.agent.plan import sense
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.plan import PlannedGoal
from scanwright.agent.plan.trim import settle
from scanwright.evals.planning.run import questions
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import load_registry
from scanwright.tools.vocabulary.structures import STRUCTURES

REGISTRY = load_registry()
HALVES = {split: list(questions(split)) for split in ("eyes_dev", "eyes_test")}
ROWS = [row for rows in HALVES.values() for row in rows]
# What no goal can say: the part of the question with this reason stands in no gold goal.
WITHOUT_GOALS = {"diagnosis", "treatment", "off_topic", "not_assessed", "normative"}
# The compiler's test of the goal that stops, by the reason that the question gives.
TESTS = {
    "wrong_modality": {"modality", "kind"}, "wrong_stain": {"stain"}, "contrast": {"contrast"},
    "pixel_size_unknown": {"pixel_size"}, "gating_unknown": {"gated"}, "missing_mask": {"missing_mask"},
    "missing_study": {"missing_study"},
}  # fmt: skip


def _without_weights(tool: Tool[..., Any]) -> str | None:
    return "Its weights are not there." if tool.card.weights else None


def _planned(row: dict[str, Any]) -> tuple[PlannedGoal, ...]:
    view = study(row["study"], row["context"])
    compiler = Compiler(REGISTRY) if row.get("weights") else Compiler(REGISTRY, _without_weights)
    plan = compiler.compile([Goal.model_validate(g) for g in row["expect"]["goals"]], [view])
    return settle(plan, sense.check(plan, [view], REGISTRY)).goals


def test_the_halves_are_alike_in_mixture_and_no_question_stands_twice() -> None:
    mixtures = [Counter(row["category"] for row in rows) for rows in HALVES.values()]
    assert mixtures[0] == mixtures[1]
    assert {n for key in ("id", "question") for n in Counter(row[key] for row in ROWS).values()} == {1}
    assert {row["study"] for row in HALVES["eyes_dev"]} == {row["study"] for row in HALVES["eyes_test"]}


def test_every_row_is_of_its_half_and_an_image_that_is_flat_has_neither_mask_nor_point() -> None:
    for split, rows in HALVES.items():
        assert {row["split"] for row in rows} == {split}
    for row in ROWS:
        view = study(row["study"], row["context"])
        assert (view.mask is not None) == row["context"]["mask"], row["id"]
        assert (view.at is not None) == row["context"]["point"], row["id"]


def test_goals_leave_out_defaults_and_use_known_words() -> None:
    for row in ROWS:
        for given in row["expect"]["goals"]:
            goal = Goal.model_validate(given)
            assert goal.model_dump(mode="json", exclude_defaults=True) == given, row["id"]
            assert goal.want in REGISTRY.wants(), row["id"]
            assert goal.of in STRUCTURES, row["id"]


def test_what_is_answered_has_no_reason_and_what_is_not_has_one() -> None:
    for row in ROWS:
        expect = row["expect"]
        assert (expect["outcome"] == "answer") == (expect["reason"] is None), row["id"]
        assert expect["goals"] or expect["reason"] in WITHOUT_GOALS | {"no_tool"}, row["id"]


@pytest.mark.parametrize("row", [r for r in ROWS if r["expect"]["goals"]], ids=lambda row: str(row["id"]))
def test_the_compiler_says_of_the_gold_goals_what_the_question_expects(row: dict[str, Any]) -> None:
    outcome, reason = row["expect"]["outcome"], row["expect"]["reason"]
    goals = _planned(row)
    statuses = {goal.status for goal in goals}
    if outcome == "answer" or (outcome == "partly" and reason in WITHOUT_GOALS):
        assert statuses == {"planned"}
    elif outcome == "partly":
        assert "planned" in statuses
        assert len(statuses) > 1
    elif reason == "contrast":
        # The compiler asks where the liver is before it looks whether contrast was given; the gold is the refusal.
        assert "planned" not in statuses
        return
    else:
        assert statuses == {"refused" if outcome == "refuse" else "needs_input"}
    stopped = {goal.test for goal in goals if goal.status != "planned"}
    assert stopped <= TESTS.get(reason, set())
