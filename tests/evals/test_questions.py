"""The planner's question set: its form, its balance, and the conventions that a program can check."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU, Point, Quantity
from scanwright.tools.vocabulary.quantities import QUANTITIES
from scanwright.tools.vocabulary.structures import STRUCTURES

FILE = Path(__file__).parents[2] / "evals" / "planning" / "questions.jsonl"

CATEGORIES = {
    "single", "unit", "threshold", "share", "side", "multi", "typo", "dictated", "terse", "acquisition", "statistics",
    "picture_export", "mask_context", "point", "wrong_modality", "no_tool", "not_assessed", "diagnosis_treatment",
    "off_topic", "impossible", "ambiguous", "normative",
}  # fmt: skip
REASONS: dict[str, set[str | None]] = {
    "answer": {None},
    "ask": {"missing_parameter", "missing_mask", "missing_point", "ambiguous"},
    "refuse": {
        "diagnosis", "treatment", "off_topic", "not_assessed", "no_tool", "wrong_modality", "wrong_body_part",
        "sides_unknown", "impossible_value", "wrong_unit", "normative",
    },
    "partly": {
        "diagnosis", "treatment", "not_assessed", "no_tool", "wrong_modality", "wrong_body_part", "sides_unknown",
        "impossible_value", "wrong_unit", "normative",
    },
}  # fmt: skip
WITHOUT_GOALS = {"diagnosis", "treatment", "off_topic", "not_assessed", "ambiguous", "normative"}
CT_ONLY = {"head", "bone", "skull", "air_space", "soft_tissue"}
ANSWERABLE = {
    "brain_t1": {"brain", "given_region", "intensity_range", "image"},
    "head_ct": CT_ONLY | {"given_region", "intensity_range", "image"},
}
WITH_TOOL = ANSWERABLE["brain_t1"] | ANSWERABLE["head_ct"]
UNITS_OF = {
    "volume": {"L", "mL", "cm3", "mm3"},
    "component_volumes": {"L", "mL", "cm3", "mm3"},
    "surface_area": {"cm2", "mm2"},
    "longest_diameter": {"cm", "mm"},
    "longest_axial_diameter": {"cm", "mm"},
    "axial_diameters": {"cm", "mm"},
    "spacing": {"cm", "mm"},
    "field_of_view": {"cm", "mm"},
    "volume_fraction": {"%"},
    "midline_shift": {"cm", "mm"},
}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def goals_of(row: Row) -> list[Goal]:
    return [Goal.model_validate(goal) for goal in row["expect"]["goals"]]


def bounds_of(goal: Goal) -> list[Quantity]:
    return [value for value in goal.params.values() if isinstance(value, Quantity)]


def plain(question: str) -> str:
    return re.sub(r"[^\w<>%#≥−-]+", " ", question.casefold()).strip()


def obstacles(row: Row, goal: Goal) -> set[str]:
    """The reasons for which this goal cannot be answered on its study, as far as its fields tell."""
    found = set()
    structures = {goal.of, goal.region or goal.of}
    if structures - WITH_TOOL or goal.want == "volume_change":
        found.add("no_tool")
    if structures & WITH_TOOL - ANSWERABLE[row["study"]]:
        found.add("wrong_modality")
    if row["study"] == "head_ct" and (goal.side != "whole" or goal.want == "asymmetry_index"):
        found.add("sides_unknown")
    allowed = {"1", HU} if row["study"] == "head_ct" else {"1"}
    if any(bound.unit not in allowed for bound in bounds_of(goal)):
        found.add("wrong_unit")
    if goal.unit is not None and goal.unit not in UNITS_OF.get(goal.want, set()):
        found.add("wrong_unit")
    if row["study"] == "head_ct" and any(b.unit == HU and not -1024 <= b.value <= 30000 for b in bounds_of(goal)):
        found.add("impossible_value")
    if "given_region" in structures and not row["context"]["mask"]:
        found.add("missing_mask")
    if goal.want == "intensity_at_point" and not (row["context"]["point"] or "at" in goal.params):
        found.add("missing_point")
    if goal.of == "intensity_range" and not bounds_of(goal):
        found.add("missing_parameter")
    return found


def test_every_line_has_the_same_form(rows: list[Row]) -> None:
    for row in rows:
        assert list(row) == ["id", "split", "category", "study", "context", "question", "expect"], row["id"]
        assert row["split"] in {"dev", "test"}
        assert row["category"] in CATEGORIES
        assert row["study"] in ANSWERABLE
        assert {key: type(value) for key, value in row["context"].items()} == {"mask": bool, "point": bool}
        assert row["question"] == row["question"].strip() != ""
        assert set(row["expect"]) == {"outcome", "goals", "reason"}
        assert row["expect"]["reason"] in REASONS[row["expect"]["outcome"]], row["id"]


def test_ids_are_unique(rows: list[Row]) -> None:
    assert max(Counter(row["id"] for row in rows).values()) == 1


def test_no_question_stands_twice(rows: list[Row]) -> None:
    assert [text for text, count in Counter(plain(row["question"]) for row in rows).items() if count > 1] == []


def test_both_splits_are_large_and_cover_every_category_alike(rows: list[Row]) -> None:
    counts = Counter((row["split"], row["category"]) for row in rows)
    for split in ("dev", "test"):
        assert sum(row["split"] == split for row in rows) >= 120
    for category in CATEGORIES:
        assert counts["dev", category] >= 3
        assert abs(counts["dev", category] - counts["test", category]) <= 1, category


def test_goals_are_goals_with_defaults_left_out(rows: list[Row]) -> None:
    for row in rows:
        for given, goal in zip(row["expect"]["goals"], goals_of(row), strict=True):
            assert goal.model_dump(mode="json", exclude_defaults=True) == given, row["id"]


def test_goals_use_the_words_of_the_vocabulary(rows: list[Row]) -> None:
    for row in rows:
        for goal in goals_of(row):
            assert goal.want in QUANTITIES, row["id"]
            assert goal.of in STRUCTURES, row["id"]
            assert goal.region is None or goal.region in STRUCTURES, row["id"]
            assert (goal.group == "slice") == (goal.want == "axial_diameters"), row["id"]
            assert goal.output in {None, "table"}, row["id"]
            assert goal.side != "both", row["id"]


def test_parameters_stand_only_where_they_mean_something(rows: list[Row]) -> None:
    for row in rows:
        for goal in goals_of(row):
            allowed = {"low", "high"} if goal.of == "intensity_range" else set()
            allowed |= {"at"} if goal.want == "intensity_at_point" else set()
            assert set(goal.params) <= allowed, row["id"]
            assert all(isinstance(goal.params[name], Point if name == "at" else Quantity) for name in goal.params)


def test_what_is_answered_has_no_obstacle(rows: list[Row]) -> None:
    for row in (r for r in rows if r["expect"]["outcome"] == "answer"):
        assert row["expect"]["goals"], row["id"]
        for goal in goals_of(row):
            assert obstacles(row, goal) == set(), row["id"]


def test_what_is_refused_or_asked_has_the_obstacle_that_is_its_reason(rows: list[Row]) -> None:
    for row in (r for r in rows if r["expect"]["outcome"] in {"refuse", "ask"}):
        reason = row["expect"]["reason"]
        if reason in WITHOUT_GOALS:
            assert row["expect"]["goals"] == [], row["id"]
        elif not (reason == "wrong_unit" and goals_of(row)[0].want == "mean_intensity"):
            # A mean asked for in Hounsfield units on MR is refused for words that no goal carries.
            assert all(obstacles(row, goal) == {reason} for goal in goals_of(row)), row["id"]
            assert row["expect"]["goals"] or reason == "no_tool", row["id"]


def test_what_is_partly_answered_has_a_goal_that_can_be_answered(rows: list[Row]) -> None:
    for row in (r for r in rows if r["expect"]["outcome"] == "partly"):
        found = [obstacles(row, goal) for goal in goals_of(row)]
        assert set() in found, row["id"]
        expected = set() if row["expect"]["reason"] in WITHOUT_GOALS else {row["expect"]["reason"]}
        assert set().union(*found) == expected, row["id"]


def test_thresholds_in_hounsfield_units_are_asked_for_in_those_words(rows: list[Row]) -> None:
    for row in rows:
        says_hu = re.search(r"\bh ?u\b|h[ou]u?nsf\w+", row["question"].casefold()) is not None
        for goal in goals_of(row):
            for bound in bounds_of(goal):
                assert (bound.unit == HU) == says_hu, row["id"]
