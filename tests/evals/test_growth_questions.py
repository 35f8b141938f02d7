"""The questions on trunk CT and parts of the brain: their form, and words that the vocabulary and the tools know."""

from __future__ import annotations

from collections import Counter

from scanwright.evals.planning.run import questions
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import load_registry
from scanwright.tools.vocabulary.structures import STRUCTURES

ROWS = list(questions("growth"))
GOALS = [(row, goal) for row in ROWS for goal in row["expect"]["goals"]]


def test_there_are_eighty_and_each_stands_once() -> None:
    assert Counter(row["study"] == "brain_t1" for row in ROWS) == {True: 40, False: 40}
    assert {n for key in ("id", "question") for n in Counter(row[key] for row in ROWS).values()} == {1}


def test_only_questions_on_the_brain_take_weights_for_granted() -> None:
    assert all(bool(row.get("weights")) == (row["study"] == "brain_t1") for row in ROWS)


def test_goals_leave_out_defaults_and_use_known_words() -> None:
    registry = load_registry()
    maps = {t.card.output.structure for t in registry if t.card.output.kind == "LabelMap"}
    for row, given in GOALS:
        goal = Goal.model_validate(given)
        assert goal == Goal.model_validate(goal.model_dump(exclude_defaults=True)), row["id"]
        assert goal.want in registry.wants(), row["id"]
        assert goal.of in (maps if goal.want == "labelmap" else STRUCTURES), row["id"]
        assert goal.region is None or goal.region in STRUCTURES, row["id"]


def test_what_is_answered_has_goals_and_what_is_refused_or_asked_a_reason() -> None:
    for row in ROWS:
        assert (row["expect"]["outcome"] == "answer") == (row["expect"]["reason"] is None), row["id"]
        assert row["expect"]["goals"] or row["expect"]["outcome"] == "refuse", row["id"]


def test_a_level_that_is_named_lies_in_the_scan() -> None:
    for row, goal in ((r, g) for r, g in GOALS if "at" in g.get("params", {})):
        geometry = study(row["study"], row["context"]).image().geometry
        half_mm = geometry.extent_mm[2] / 2
        assert abs(goal["params"]["at"]["z"]) < half_mm, row["id"]
