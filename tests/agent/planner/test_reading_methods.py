"""Words that ask how sure an answer is, or for every method; and words that are like them and do not."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.planner.reading.methods import without_methods
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal

HEAD = study("brain_t1", {"mask": False, "point": False})


@pytest.mark.parametrize(
    ("asked", "goal"),
    [
        ("How large is the brain, and how sure are you?", {"want": "volume", "of": "brain"}),
        ("How large is the brain? How certain is that?", {"want": "volume", "of": "brain"}),
        ("Measure the hippocampi with every method you have", {"want": "volume", "of": "hippocampus"}),
        ("brain volume with two methods", {"want": "volume", "of": "brain"}),
        ("how certain is the ventricle volume?", {"want": "volume", "of": "lateral_ventricle"}),
        ("How sure are you about the volume of the thalamus?", {"want": "volume", "of": "thalamus"}),
        ("What is the uncertainty of the brain volume?", {"want": "volume", "of": "brain"}),
        ("How large is the left hippocampus, by two methods?", {"want": "volume", "of": "hippocampus", "side": "left"}),
        ("How big is each hippocampus, using both methods?", {"want": "volume", "of": "hippocampus", "side": "each"}),
        ("Compare the methods for the brain volume.", {"want": "volume", "of": "brain"}),
        ("Do the methods agree on the volume of the brain stem?", {"want": "volume", "of": "brain_stem"}),
        ("Is the brain symmetric, and how certain is that?", {"want": "asymmetry_index", "of": "brain"}),
        ("mean intensity of the brain, with uncertainty", {"want": "mean_intensity", "of": "brain"}),
        ("Outline the brain with all the models you have", {"want": "mask", "of": "brain"}),
    ],
)
def test_every_method_is_asked_for(planner: ExemplarPlanner, asked: str, goal: dict[str, str]) -> None:
    assert planner.propose(asked, [HEAD]).items == (Goal.model_validate({**goal, "compare": "methods"}),)


@pytest.mark.parametrize(
    "asked",
    [
        "How well do the two methods agree on the brain?",
        "How well do the two outlines of the brain overlap?",
        "How closely do the two brain outlines agree?",
    ],
)
def test_an_overlap_is_one_of_methods_by_itself(planner: ExemplarPlanner, asked: str) -> None:
    assert planner.propose(asked, [HEAD]).items == (Goal(want="dice", of="brain"),)


@pytest.mark.parametrize(
    "asked",
    [
        "How large is the brain?",
        "Volume of the hippocampi by the second method?",
        "Make sure that the brain is outlined.",
        "Which of the two sides is larger?",
        "Compare the left with the right half of the brain.",
        "How bright is the brain, for the methods section?",
        "Compare the brain volume with the earlier scan.",
        "In how many ways can the brain be cut?",
    ],
)
def test_words_that_are_like_them_ask_for_one_method(planner: ExemplarPlanner, asked: str) -> None:
    assert without_methods(asked.lower()) == (asked.lower(), False)
    assert all(g.compare is None for g in planner.propose(asked, [HEAD]).goals)


def test_what_the_file_says_has_no_second_method(planner: ExemplarPlanner) -> None:
    goals = planner.propose("What modality is this, and how sure are you?", [HEAD]).goals
    assert goals == (Goal(want="modality"),)


def test_both_parts_of_a_question_are_measured_by_every_method(planner: ExemplarPlanner) -> None:
    goals = planner.propose("How large are the brain and the thalamus, and how sure are you?", [HEAD]).goals
    assert [(g.of, g.compare) for g in goals] == [("brain", "methods"), ("thalamus", "methods")]


def test_how_sure_alone_is_asked_back(planner: ExemplarPlanner) -> None:
    (item,) = planner.propose("How sure are you?", [HEAD]).items
    assert not isinstance(item, Goal)
