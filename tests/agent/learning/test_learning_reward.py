"""Rewards: right is worth most, and neither junk nor a refusal is worth trying."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scanwright.agent.learning.data import Maker
from scanwright.agent.learning.reward import Reward
from scanwright.tools.registry import load_registry

ROW: dict[str, Any] = {
    "question": "What is the volume of the left kidney and its mean HU?",
    "form": {"items": [{"w": "volume", "o": "kidney", "s": "left"}, {"w": "mean_intensity", "o": "kidney"}]},
    "scene": "abdomen CT", "mask": False, "point": False,
}  # fmt: skip
REFUSED: dict[str, Any] = {**ROW, "question": "Is it cancer?", "form": {"items": [{"no": "diagnosis"}]}}


@pytest.fixture(scope="module")
def reward() -> Reward:
    """Rewards over the real tools."""
    return Reward(Maker(load_registry(), 1))


def _of(reward: Reward, items: list[dict[str, Any]], row: dict[str, Any] = ROW) -> float:
    return reward.of(json.dumps({"items": items}), row)


def test_right_is_worth_more_than_half_right_than_wrong_than_not_planned_than_junk(reward: Reward) -> None:
    right = _of(reward, ROW["form"]["items"])
    half = _of(reward, ROW["form"]["items"][:1])
    wrong = _of(reward, [{"w": "surface_area", "o": "kidney"}])
    cannot = _of(reward, [{"w": "evans_index", "o": "kidney"}])
    junk = reward.of("The kidney is large.", ROW)
    assert right > half > wrong > cannot > junk
    assert (right, junk) == (1.0, 0.0)


def test_a_refusal_is_worth_less_than_any_goal_where_goals_were_asked(reward: Reward) -> None:
    refusals = [_of(reward, [{"no": why}]) for why in ("diagnosis", "no_tool", "unclear")]
    assert max(refusals) < _of(reward, [{"w": "evans_index", "o": "kidney"}])


def test_an_answer_where_a_refusal_was_right_is_worth_less_than_another_refusal(reward: Reward) -> None:
    right = _of(reward, [{"no": "diagnosis"}], REFUSED)
    other = _of(reward, [{"no": "treatment"}], REFUSED)
    answered = _of(reward, [{"w": "volume", "o": "kidney"}], REFUSED)
    assert right > other > answered


def test_naming_many_goals_is_worth_less_than_naming_the_right_ones(reward: Reward) -> None:
    spread = [{"w": w, "o": "kidney"} for w in ("volume", "surface_area", "longest_diameter", "bounding_box", "mask")]
    assert _of(reward, [*ROW["form"]["items"], *spread]) < _of(reward, ROW["form"]["items"][:1])


@pytest.mark.parametrize("text", ["", "{}", '{"items":[]}', '{"items":[{"w":"volume","o":"unicorn"}]}', "[1]", "null"])
def test_what_the_schema_forbids_is_worth_nothing(reward: Reward, text: str) -> None:
    assert reward.of(text, ROW) == 0.0


def test_a_batch_is_rewarded_one_by_one_as_text_or_as_a_chat(reward: Reward) -> None:
    text = json.dumps(ROW["form"])
    columns = {name: [value, value] for name, value in {**ROW, "form": text}.items()}
    assert reward([text, [{"role": "assistant", "content": "no"}]], **columns) == [1.0, 0.0]
