"""What other ways of planning are taken to mean: calls and free-form plans, read generously, and compared in pairs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scanwright.evals.planning.baselines import Asked, _read, as_goals, functions, matches, wanted
from scanwright.evals.planning.compare import ablation, figures, mcnemar, report, sample
from scanwright.evals.planning.sets import kind
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Quantity
from scanwright.tools.registry import load_registry

REGISTRY = load_registry()


def _meant(*steps: tuple[str, dict[str, Any]]) -> tuple[list[Any], bool]:
    return wanted(Asked(steps, True, "", 0, 0, 0.0), REGISTRY)


def _limited(low: float, region: str | None = None) -> Goal:
    return Goal(
        want="volume", of="intensity_range", region=region, params={"low": Quantity(value=low, unit="[hnsf'U]")}
    )


@pytest.mark.parametrize("named", ["liver", "the liver mask", "hepatic"])
def test_a_measurement_of_a_structure_by_any_of_its_words_is_the_goal(named: str) -> None:
    steps, valid = _meant(("mask_volume", {"mask": named}))
    assert valid
    assert matches(steps, [Goal(want="volume", of="liver")])
    assert not matches(steps, [Goal(want="volume", of="spleen")])


@pytest.mark.parametrize("reference", ["1", "$1", "step 1", "result of step 1", "organ"])
def test_a_step_that_another_takes_is_part_of_it(reference: str) -> None:
    steps, valid = _meant(("organ", {"structure": "spleen"}), ("mask_volume", {"mask": reference}))
    assert valid
    assert len(steps) == 1
    assert matches(steps, [Goal(want="volume", of="spleen")])


def test_one_call_serves_several_goals_and_a_further_measurement_is_too_much() -> None:
    steps, _ = _meant(("intensity_statistics", {"region": "bone"}))
    gold = [Goal(want="mean_intensity", of="bone"), Goal(want="sd_intensity", of="bone")]
    assert matches(steps, gold)
    more, _ = _meant(("intensity_statistics", {"region": "bone"}), ("surface_area", {"mask": "bone"}))
    assert not matches(more, gold)


def test_each_side_is_a_call_for_the_left_and_one_for_the_right() -> None:
    gold = [Goal(want="volume", of="kidney", side="each")]
    both, _ = _meant(("mask_volume", {"mask": "left kidney"}), ("mask_volume", {"mask": "right kidney"}))
    left, _ = _meant(("mask_volume", {"mask": "left kidney"}))
    assert matches(both, gold)
    assert not matches(left, gold)


def test_a_threshold_inside_a_structure_is_read_with_its_limit() -> None:
    steps, valid = _meant(("voxels_in_range", {"low": "300 HU", "region": "skull"}), ("mask_volume", {"mask": "1"}))
    assert valid
    assert matches(steps, [_limited(300, "skull")])
    assert not matches(steps, [_limited(500, "skull")])
    assert not matches(steps, [_limited(300, "bone")])
    assert as_goals(steps)[0].params == {"low": Quantity(value=300)}


def test_a_tool_that_does_not_exist_or_lacks_its_argument_makes_a_plan_invalid() -> None:
    assert _meant(("measure_everything", {}))[1] is False
    assert _meant(("mask_volume", {}))[1] is False
    assert _meant(("mask_volume", {"mask": "flux capacitor"}))[1] is False


@pytest.mark.parametrize(
    "text",
    [
        '{"steps": [{"tool": "mask_volume", "args": {"mask": "liver"}}]}',
        'Sure:\n```json\n{"name": "mask_volume", "arguments": {"mask": "liver"}}\n```',
        '[{"tool": "mask_volume", "parameters": {"mask": "liver"}}] is the plan.',
    ],
)
def test_a_plan_is_found_wherever_it_stands_in_the_text(text: str) -> None:
    assert _read([], text) == ((("mask_volume", {"mask": "liver"}),), True)


def test_a_text_without_a_plan_and_an_empty_plan_are_refusals() -> None:
    assert _read([], "I cannot diagnose.")[0] == ()
    assert _read([], '{"steps": [], "why": "a diagnosis"}') == ((), True)


def test_every_card_is_a_function_once_and_needs_only_what_the_study_does_not_give() -> None:
    offered = {f["function"]["name"]: f["function"]["parameters"] for f in functions(REGISTRY)}
    assert len(offered) >= 100
    assert offered["lungs"]["required"] == []
    assert offered["mask_volume"]["required"] == ["mask"]
    assert set(json.loads(json.dumps(offered)))


def test_the_sample_is_of_dev_halves_and_its_first_part_has_every_kind() -> None:
    rows = sample()
    assert all("test" not in row["split"] for row in rows)
    assert len({kind(row) for row in sample(13)}) == 13
    assert [r["id"] for r in sample(26)] == [r["id"] for r in rows[:26]]


def test_pairs_that_differ_one_way_only_are_told_from_chance_by_their_number() -> None:
    assert mcnemar([True] * 6 + [True], [False] * 6 + [True])["p"] == pytest.approx(2 / 64)
    assert mcnemar([True, False], [False, True])["p"] == 1.0
    assert mcnemar([True], [True]) == {"only_ours_right": 0, "only_other_right": 0, "p": 1.0}


def _record(arm: str, id_: str, right: bool, **more: Any) -> dict[str, Any]:
    return {
        "arm": arm, "id": id_, "kind": "single", "expected": "answer", "right": right, "exact": right, "false": False,
        "another": not right, "valid": True, "refused": False, "tokens_in": 10, "tokens_out": 2, "seconds": 1.0, **more,
    }  # fmt: skip


def test_arms_are_compared_on_the_questions_that_all_have_answered() -> None:
    stage = {"exact": True, "right": True, "false": True}
    forms = {"forms": [{}], "alone": stage, "compiled": {**stage, "false": False}}
    known = {("model", i): _record("model", i, True, **forms) for i in "abc"}
    known |= {("json", i): _record("json", i, False) for i in "ab"}
    said = report(known, [{"id": i} for i in "abc"], "m")
    assert said["questions"] == 2
    assert said["arms"]["json"]["right"] == 0
    assert said["mcnemar_against_model"]["json"]["only_ours_right"] == 2
    assert said["ablation"]["model_alone"]["false_answers"] == 3
    assert said["ablation"]["with_compiler"]["false_answers"] == 0


def test_figures_tell_a_right_refusal_from_a_wrong_one() -> None:
    records = [_record("json", "a", True, refused=True, expected="refuse"), _record("json", "b", False, refused=True)]
    said = figures(records)
    assert said["refused_rightly"] == "1 of 1"
    assert said["refused_wrongly"] == "1 of 1"
    assert ablation([{**records[0], "forms": []}])["whole"]["n"] == 0
