"""Training data: what a row says is what the compiler can plan, and no evaluation question is in it."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from scanwright.agent.learning.compact import compact, expand, schema
from scanwright.agent.learning.data import Maker, Row, exemplars, fingerprint, load, manifest_path, write
from scanwright.agent.learning.noise import varied, with_typos
from scanwright.agent.learning.questions import is_held_out, questions
from scanwright.agent.learning.scenes import SCENES, is_volume, scene
from scanwright.agent.planner.model.form import filled
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import Registry, load_registry

COUNT, SEED = 120, 5


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The real tools."""
    return load_registry()


@pytest.fixture(scope="module")
def maker(registry: Registry) -> Maker:
    """A maker that has made rows."""
    return Maker(registry, SEED, exemplars=exemplars())


@pytest.fixture(scope="module")
def rows(maker: Maker) -> list[Row]:
    """Rows of templates."""
    return maker.rows(COUNT)


def _goals(maker: Maker, row: Row) -> list[Goal]:
    return [i for i in maker.choices.read(expand(row.form), row.question) if isinstance(i, Goal)]


def test_each_goal_of_each_row_compiles_on_a_scene(maker: Maker, rows: list[Row]) -> None:
    views = [scene(s, mask=is_volume(s), point=is_volume(s)) for s in SCENES]
    for row in rows:
        for goal in _goals(maker, row):
            assert any(maker.compiles([goal], [view]) for view in views), row.question


def test_each_form_is_valid_and_read_back_as_itself(maker: Maker, rows: list[Row]) -> None:
    valid = Draft202012Validator(schema(maker.choices))
    for row in rows:
        assert valid.is_valid(row.form), row.question
        assert compact(filled(maker.choices.read(expand(row.form), row.question)) or {"items": []}) == row.form


def test_no_question_stands_twice_and_every_kind_is_there(rows: list[Row]) -> None:
    assert len({fingerprint(r.question) for r in rows}) == COUNT
    assert {"single", "side", "threshold", "share", "multi", "declined", "region"} <= {r.category for r in rows}
    assert {"en", "de"} <= {r.language for r in rows}


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(registry: Registry, rows: list[Row]) -> None:
    assert Maker(registry, SEED, exemplars=exemplars()).rows(30) == rows[:30]
    assert Maker(registry, SEED + 1, exemplars=exemplars()).rows(30) != rows[:30]


def test_what_is_trained_on_shares_no_template_with_what_is_held_out() -> None:
    asked = list(islice(questions(1), 400))
    trained = {t for a in asked if a.split == "train" for t in a.templates}
    held = {t for a in asked if a.split == "held_out" for t in a.templates}
    assert trained
    assert held
    assert not trained & held
    assert all(is_held_out(t) for t in held)


def test_an_evaluation_question_is_left_out_however_it_is_written(registry: Registry, rows: list[Row]) -> None:
    shouted = [fingerprint(f"  {r.question.upper()}!!") for r in rows[:10]]
    again = Maker(registry, SEED, shouted, exemplars()).rows(60)
    assert not {fingerprint(r.question) for r in again} & {*shouted}


def test_a_fingerprint_looks_at_letters_digits_and_signs_only() -> None:
    assert fingerprint("Volume above −50 HU?") == fingerprint("volume ABOVE -50 hu")
    assert fingerprint("volume above -50 HU") != fingerprint("volume above 50 HU")
    assert fingerprint("Größe") == fingerprint("große")


def test_the_prompt_of_a_row_holds_no_answer_and_the_manifest_counts_what_is_there(
    rows: list[Row], registry: Registry, tmp_path: Path
) -> None:
    file = tmp_path / "plans.jsonl"
    manifest = write(rows, file, seed=SEED, registry=registry, dropped={})
    assert all([m["role"] for m in r.messages] == ["system", "user"] for r in rows)
    assert load(file) == rows
    assert manifest == json.loads(manifest_path(file).read_text("utf-8"))
    assert (
        manifest["rows"] == sum(manifest["category"].values()) == len(load(file, "train")) + len(load(file, "held_out"))
    )
    assert not list(tmp_path.glob("*.partial"))


@given(st.integers(0, 10_000))
def test_no_way_of_writing_changes_a_number(seed: int) -> None:
    text = "What is the volume between -150 and 1250 HU in the left kidney, in mL?"
    for changed in (varied(text, random.Random(seed)), with_typos(text, random.Random(seed))):
        assert "-150" in changed
        assert "1250" in changed
        assert "left" in changed.lower()


def test_a_goal_says_the_same_in_short_and_at_length() -> None:
    long = {
        "kind": "goal", "want": "volume", "of": "intensity_range", "side": "left",
        "more": [{"inside": "liver"}, {"above": -20}, {"below": 40}, {"unit": "mL"}, {"add": "table"}],
    }  # fmt: skip
    rows = [long, {"kind": "decline", "why": "diagnosis"}, {"kind": "unclear"}]
    short = compact({"items": rows})
    assert short["items"][0] == {
        "w": "volume", "o": "intensity_range", "s": "left", "i": "liver", "lo": -20, "hi": 40, "u": "mL",
        "a": ["table"],
    }  # fmt: skip
    assert expand(short) == {"items": rows}
