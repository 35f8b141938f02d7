"""Trunk CT and parts of the brain in the offline planner: pairs, levels, emphysema, label maps, what is left out."""

from __future__ import annotations

from typing import Any

import pytest
from scanwright.agent.planner.base import Declined, Unclear
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.planner.reading.beyond import unknown_body_part
from scanwright.agent.planner.reading.plain import in_words_of
from scanwright.agent.planner.reading.structures import learn, mentions, side_of, spelled_out
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.studies import study
from scanwright.tools.vocabulary.structures import BESIDE, PAIRED, STRUCTURES

NOTHING_GIVEN = {"mask": False, "point": False}


def goals_of(planner: ExemplarPlanner, asked: str, scan: str) -> list[dict[str, Any]]:
    view = study(scan, NOTHING_GIVEN)
    return [g.model_dump(mode="json", exclude_defaults=True) for g in planner.propose(asked, [view]).goals]


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("volume of each lung", "each"),
        ("both lungs", "whole"),
        ("both hippocampi", "whole"),
        ("volumes of the hippocampi separately", "each"),
        ("the left lung", "left"),
        ("mean of each mask", "whole"),
    ],
)
def test_each_of_a_pair_is_two_and_both_are_one(text: str, side: str) -> None:
    assert side_of(text) == side


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("third and the fourth ventricle", "third ventricle and the fourth ventricle"),
        ("deep and of subcutaneous fat", "deep fat and of subcutaneous fat"),
        ("subcutaneous and of deep fat", "subcutaneous and of deep fat"),
        ("grey/white matter", "grey matter/white matter"),
        ("bone and soft tissue", "bone and soft tissue"),
        ("muscles and organs together", "lean tissue"),
    ],
)
def test_a_name_shared_by_two_is_said_of_both(text: str, plain: str) -> None:
    assert spelled_out(text) == plain


def test_a_structure_that_only_a_tool_knows_is_no_unknown_body_part() -> None:
    assert unknown_body_part("volume of the pituitary stalk") == "pituitary"
    learn(["pituitary_stalk", "brain"])
    assert unknown_body_part("volume of the pituitary stalk") is None
    assert [m.name for m in mentions("brain and pituitary stalk")] == ["brain", "pituitary_stalk"]


def test_every_structure_that_a_tool_makes_can_be_named(planning_bench: Workbench) -> None:
    structures = planning_bench.registry.structures() - {"intensity_range"}
    names = {s: (STRUCTURES[s].synonyms[0] if s in STRUCTURES else s.replace("_", " ")) for s in structures}
    names["tissue"] = in_words_of("", "tissue", "SM")  # only a slide is of tissue and nothing else
    assert {s: n for s, n in names.items() if [m.name for m in mentions(n)] != [s]} == {}
    assert {s: n for s, n in names.items() if unknown_body_part(n) is not None} == {}


def test_the_groups_of_the_vocabulary_hold_its_structures() -> None:
    assert set().union(*BESIDE) | PAIRED <= STRUCTURES.keys()


@pytest.mark.parametrize(
    ("scan", "asked", "goal"),
    [
        ("chest_ct", "How large is the left lung?", {"want": "volume", "of": "lung", "side": "left"}),
        ("chest_ct", "Which lung is bigger?", {"want": "volume", "of": "lung", "side": "each"}),
        ("chest_ct", "Emphysema index of the right lung", {"want": "emphysema_index", "of": "lung", "side": "right"}),
        ("chest_ct", "How many per cent of the lungs are under -950 HU?", {"want": "emphysema_index", "of": "lung"}),
        (
            "chest_ct",
            "Area of the trachea on the slice at z = -12.5",
            {"want": "area_at_level", "of": "airway", "params": {"at": {"x": 0.0, "y": 0.0, "z": -12.5}}},
        ),
        ("abdomen_ct", "Muscle area at L3 inside my outline", {"want": "area_at_level", "of": "muscle"}),
        ("abdomen_ct", "Surface area of the bone", {"want": "surface_area", "of": "bone"}),
        ("brain_t1", "Show a cross-section of the brain", {"want": "overlay", "of": "brain"}),
        ("brain_t1", "Is the left thalamus larger than the right?", {"want": "asymmetry_index", "of": "thalamus"}),
        ("brain_t1", "Parcellate the gyri of the cortex", {"want": "labelmap", "of": "brain_regions"}),
        ("brain_t1", "Make a tissue segmentation", {"want": "labelmap", "of": "brain_tissue"}),
    ],
)
def test_a_question_becomes_this_goal(planner: ExemplarPlanner, scan: str, asked: str, goal: dict[str, Any]) -> None:
    found = goals_of(planner, asked, scan)
    if "percent" in asked.replace("per cent", "percent"):
        found = [{k: v for k, v in g.items() if k != "unit"} for g in found]
    assert found == [goal]


@pytest.mark.parametrize(
    "asked",
    [
        "Brain volume without the cerebellum",
        "Ratio of grey matter to white matter",
        "Which share of the cerebellar cortex is cerebellar white matter?",
        "Make a label map of the liver segments",
    ],
)
def test_what_would_be_another_answer_is_asked_back(planner: ExemplarPlanner, asked: str) -> None:
    (item,) = planner.propose(asked, [study("brain_t1", NOTHING_GIVEN)]).items
    assert isinstance(item, Unclear)


@pytest.mark.parametrize(
    "asked",
    [
        "How much emphysema is there under the skin?",
        "What is the total lung capacity?",
        "How much emphysema is in the left lower lobe?",
        "How wide is the aorta?",
        "How thick is the cortex?",
    ],
)
def test_what_sounds_alike_and_is_not_measured_is_declined(planner: ExemplarPlanner, asked: str) -> None:
    (item,) = planner.propose(asked, [study("chest_ct", NOTHING_GIVEN)]).items
    assert isinstance(item, Declined)


def test_airways_are_those_of_the_part_that_was_scanned() -> None:
    assert [m.name for m in mentions(in_words_of("head", "volume of the airways"))] == ["air_space"]
    assert [m.name for m in mentions(in_words_of("chest", "volume of the airways"))] == ["airway"]
