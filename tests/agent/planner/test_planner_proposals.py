"""The offline planner as a whole: it never raises, is deterministic, and asks rather than guesses."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, Unclear
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.evals.planning.studies import study

# Words and signs of questions about scans, and what the reading itself puts into a text.
_WORDS = st.sampled_from(
    [
        *(
            "volume",
            "of",
            "the",
            "brain",
            "skull",
            "bone",
            "left",
            "right",
            "half",
            "each",
            "and",
            "or",
            "above",
            "not",
        ),
        *("between", "300", "-50", "1,400", "1e9", "hu", "mm", "ml", "no", "lower", "than", "my", "mask", "here", "at"),
        *(
            "share",
            "show",
            "save",
            "stl",
            "minus",
            "hundred",
            "two",
            "is",
            "there",
            "a",
            "fracture",
            "mean",
            "sd",
            "it",
        ),
        *(",", ".", "?", ";", ":", "(", ")", "[", "]", "-", "<", ">", "≥", "%", "⟨range⟩", "⟨given⟩", "~", "¦"),
    ]
)


@pytest.fixture(scope="session")
def brain() -> StudyView:
    return study("brain_t1", {"mask": False, "point": False})


@pytest.fixture(scope="session")
def head() -> StudyView:
    return study("head_ct", {"mask": True, "point": True})


@given(st.one_of(st.text(max_size=80), st.lists(_WORDS, max_size=14).map(" ".join)))
@example("")
@example("   ?!  ")
@example("½ ² ³ ①")
@example("٣٠٠ HU")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_makes_the_planner_raise(planner: ExemplarPlanner, head: StudyView, text: str) -> None:
    proposal = planner.propose(text, [head])
    assert proposal.items
    assert 0.0 <= proposal.confidence <= 1.0


def test_a_question_without_a_study_is_planned(planner: ExemplarPlanner) -> None:
    assert [g.want for g in planner.propose("How large is the brain?", []).goals] == ["volume"]


def test_the_same_question_gives_the_same_proposal(planner: ExemplarPlanner, brain: StudyView) -> None:
    asked = "How fine is the sampling, and what could explain the memory loss?"
    assert planner.propose(asked, [brain]) == planner.propose(asked, [brain])


@pytest.mark.parametrize(
    "asked", ["Size?", "Work your magic.", "What about this scan?", "Volume of the bone round about 300 HU plus 20"]
)
def test_what_is_not_clear_is_asked_back(planner: ExemplarPlanner, head: StudyView, asked: str) -> None:
    (item,) = planner.propose(asked, [head]).items
    assert isinstance(item, Unclear)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("Volume of the temporal bone", "no_tool"),
        ("What is the mean signal in the pons?", "no_tool"),
        ("How much of the bone is broken?", "not_assessed"),
        ("How many ml of blood are in the head?", "not_assessed"),
        ("What does the head weigh?", "no_tool"),
        ("How tall is the Eiffel Tower?", "no_tool"),
    ],
)
def test_something_near_to_what_can_be_done_is_not_answered(
    planner: ExemplarPlanner, head: StudyView, asked: str, code: str
) -> None:
    (item,) = planner.propose(asked, [head]).items
    assert isinstance(item, Declined)
    assert item.code == code


def test_a_part_that_is_not_clear_is_not_passed_over(planner: ExemplarPlanner, brain: StudyView) -> None:
    items = planner.propose("How large is the brain, and how long is the longest diameter of the gizmo?", [brain]).items
    assert len(items) == 2
    assert not isinstance(items[0], Declined | Unclear)
    assert isinstance(items[1], Declined | Unclear)
