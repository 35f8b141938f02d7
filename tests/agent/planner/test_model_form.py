"""The form that a model fills: what it may name, what counts as asked, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from scanwright.agent.planner.base import Declined, Item, Unclear
from scanwright.agent.planner.model.form import Choices, FormWrong, filled
from scanwright.tools.contract.goal import Goal

CHOICES = Choices(
    ("volume", "volume_fraction", "dimensions", "overlay"),
    ("image", "given_region", "intensity_range", "brain", "head"),
)


def form(*more: dict[str, Any], want: str = "volume", of: str = "brain", side: str = "whole") -> dict[str, Any]:
    return {"items": [{"kind": "goal", "want": want, "of": of, "side": side, "more": list(more)}]}


def read(question: str, filled_in: dict[str, Any]) -> Item:
    assert Draft202012Validator(CHOICES.schema()).is_valid(filled_in)
    return CHOICES.read(filled_in, question)[0]


def goal(question: str, *more: dict[str, Any], **said: str) -> str:
    item = read(question, form(*more, **said))
    assert isinstance(item, Goal)
    return item.canonical()


def test_what_nobody_asked_for_is_no_part_of_the_goal() -> None:
    plain = goal("How large is the brain?")
    assert goal("How large is the brain?", {"unit": "cm2"}, {"add": "table"}, {"add": "each_slice"}) == plain
    assert goal("How large is the brain?", side="left") == plain
    assert goal("How large is the brain?", {"inside": "head"}) == plain


@pytest.mark.parametrize(
    ("question", "side"),
    [("How large is the left half of the brain?", "left"), ("Wie groß ist die rechte Hirnhälfte?", "right"),
     ("volumen cerebral izquierdo", "left"), ("左脑的体积", "left"), ("Brain volume of each hemisphere?", "each")],
)  # fmt: skip
def test_a_side_that_was_said_is_kept_in_five_languages(question: str, side: str) -> None:
    item = read(question, form(side=side))
    assert isinstance(item, Goal)
    assert item.side in (side, "both" if side == "each" else side)


@pytest.mark.parametrize(
    ("question", "unit"),
    [("brain in mL?", "mL"), ("Brain, in litres?", "L"), ("Gehirn in Milliliter", "mL"),
     ("brain, cubic centimetres", "cm3")],
)  # fmt: skip
def test_a_unit_that_was_said_is_kept(question: str, unit: str) -> None:
    item = read(question, form({"unit": unit}))
    assert isinstance(item, Goal)
    assert item.unit == unit


def test_millilitres_are_no_litres() -> None:
    item = read("Brain volume in millilitres", form({"unit": "L"}))
    assert isinstance(item, Goal)
    assert item.unit is None


@pytest.mark.parametrize("question", ["How much lies below −950 HU?", "voxels under minus 950 Hounsfield"])
def test_a_limit_keeps_its_sign(question: str) -> None:
    for written in (-950, 950):
        item = read(question, form({"below": written}, {"unit": "HU"}, of="image"))
        assert isinstance(item, Goal)
        assert item.of == "intensity_range"
        assert item.params["high"].model_dump()["value"] == -950  # type: ignore[union-attr]


def test_a_limit_that_does_not_stand_in_the_question_is_refused() -> None:
    with pytest.raises(FormWrong, match="stands in the question"):
        CHOICES.read(form({"above": 300}, of="image"), "How much bone is there?")


def test_a_dash_between_numbers_is_no_sign_and_a_thousand_may_have_a_comma() -> None:
    item = read("Volume between 40–1,000 HU", form({"above": 40}, {"below": 1000}, of="image"))
    assert isinstance(item, Goal)
    assert {name: q.model_dump()["value"] for name, q in item.params.items()} == {"low": 40, "high": 1000}  # type: ignore[union-attr]


def test_limits_and_answer_have_units_of_their_own() -> None:
    asked = "Share of the brain above 130 HU, in %?"
    more = ({"above": 130}, {"unit": "HU"}, {"unit": "%"}, {"inside": "brain"})
    item = read(asked, form(*more, want="volume_fraction", of="image"))
    assert isinstance(item, Goal)
    assert item.unit == "%"
    assert item.region == "brain"
    assert item.params["low"].model_dump()["unit"] == "[hnsf'U]"  # type: ignore[union-attr]


def test_facts_of_the_image_are_of_the_image() -> None:
    assert goal("Matrix size of the head scan?", want="dimensions", of="head") == Goal(want="dimensions").canonical()


def test_a_refusal_beside_a_goal_counts_only_where_two_things_were_asked() -> None:
    both = {"items": [*form()["items"], {"kind": "decline", "why": "not_assessed"}]}
    assert len(CHOICES.read(both, "What is the volume of the brain?")) == 1
    assert len(CHOICES.read(both, "How large is the brain? Is there a bleed?")) == 2
    assert len(CHOICES.read(both, "Wie groß ist das Gehirn, und blutet es?")) == 2


def test_no_word_of_the_model_reaches_the_person() -> None:
    lie = {
        "items": [{"kind": "decline", "why": "off_topic", "part": "Call 0900"}, {"kind": "unclear", "ask": "Your PIN?"}]
    }
    declined, unclear = CHOICES.read(lie, "How large?")
    assert isinstance(declined, Declined)
    assert isinstance(unclear, Unclear)
    assert "0900" not in f"{declined}"
    assert "PIN" not in f"{unclear}"


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"items": []}, {"items": "volume"}, {"items": [{"kind": "export"}]},
        {"items": [{"kind": "decline", "why": "x"}]},
        form(want="delete"), form(of="liver"), form({"above": "1"}), form({"path": "/etc"}), form({"above": True}),
        {"items": [{"kind": "goal", "want": "volume", "of": "brain", "side": "whole", "more": [{"a": 1, "b": 2}]}]},
        {"items": [form()["items"][0]] * 9},
    ],
)  # fmt: skip
def test_what_does_not_fit_the_form_is_no_goal(wrong: dict[str, Any]) -> None:
    with pytest.raises(FormWrong):
        CHOICES.read(wrong, "above 1")


def test_every_form_of_an_example_is_one_that_the_schema_allows_and_reads_back() -> None:
    item = read(
        "Share of the brain above 130 HU, in %, as a table?",
        form(
            {"inside": "brain"}, {"above": 130}, {"unit": "HU"}, {"unit": "%"}, {"add": "table"},
            of="image", want="volume_fraction",
        ),
    )  # fmt: skip
    said = filled([item])
    assert said is not None
    assert read("Share of the brain above 130 HU, in %, as a table?", json.loads(json.dumps(said))) == item
