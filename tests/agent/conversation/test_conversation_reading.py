"""Follow-ups are completed from what was asked before; whole questions are not touched by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scanwright.agent.conversation.reader import FollowUpReader, Past, Read
from scanwright.agent.planner.base import Declined, Unclear
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU, Quantity

Talk = Callable[..., list[Read]]
ABOVE_300 = {"low": Quantity(value=300, unit=HU)}


@pytest.mark.parametrize(
    ("questions", "meant"),
    [
        (("How large is the left kidney?", "and the right one?"), Goal(want="volume", of="kidney", side="right")),
        (("How large is the left kidney?", "the other side"), Goal(want="volume", of="kidney", side="right")),
        (("How large is the left kidney?", "both"), Goal(want="volume", of="kidney", side="each")),
        (("How large is the left kidney?", "what about the spleen?"), Goal(want="volume", of="spleen")),
        (("How large is the spleen?", "in litres"), Goal(want="volume", of="spleen", unit="L")),
        (("How large is the spleen?", "and its mean HU?"), Goal(want="mean_intensity", of="spleen")),
        (("How large is the spleen?", "as a table"), Goal(want="volume", of="spleen", output="table")),
        (("How large is the spleen?", "show me"), Goal(want="overlay", of="spleen")),
        (("How large is the spleen?", "by every method"), Goal(want="volume", of="spleen", compare="methods")),
        (
            ("How large is the spleen?", "only above 300 HU"),
            Goal(want="volume", of="intensity_range", region="spleen", params=ABOVE_300),
        ),
        (("How large is the spleen?", "only above 300 HU", "without the threshold"), Goal(want="volume", of="spleen")),
        (
            ("Longest diameter of the spleen?", "and in slices"),
            Goal(want="axial_diameters", of="spleen", group="slice"),
        ),
        (
            ("How large is the spleen?", "How sure are you?", "Yes please"),
            Goal(want="volume", of="spleen", compare="methods"),
        ),
    ],
    ids=lambda v: v[-1] if isinstance(v, tuple) else "",
)
def test_what_a_follow_up_leaves_out_is_taken_from_before(talk: Talk, questions: tuple[str, ...], meant: Goal) -> None:
    assert talk("abdomen_ct", *questions)[-1].proposal.goals == (meant,)


def test_a_follow_up_reaches_over_a_turn_that_it_cannot_be_about(talk: Talk) -> None:
    reads = talk("abdomen_ct", "How large is the left kidney?", "What is the slice thickness?", "and the right one?")
    assert reads[-1].proposal.goals == (Goal(want="volume", of="kidney", side="right"),)


def test_a_follow_up_of_a_refusal_goes_on_from_what_was_asked(talk: Talk) -> None:
    reads = talk("brain_t1", "How large is the liver?", "Then the brain.")
    assert reads[-1].proposal.goals == (Goal(want="volume", of="brain"),)


def test_an_answer_to_a_question_back_completes_it(talk: Talk) -> None:
    first, second = talk("abdomen_ct", "How large is it?", "the spleen")
    assert isinstance(first.proposal.items[0], Unclear)
    assert second.proposal.goals == (Goal(want="volume", of="spleen"),)


def test_a_change_that_was_refused_is_not_carried_on(reader: FollowUpReader) -> None:
    views = [study("head_ct", {"mask": False, "point": False})]
    past = [
        Past("Only the left side.", (Goal(want="volume", of="air_space", side="left"),), refused=True),
        Past("Volume of the air spaces", (Goal(want="volume", of="air_space"),)),
    ]
    read = reader.read("And their surface area.", past, views)
    assert read.proposal.goals == (Goal(want="surface_area", of="air_space"),)


def test_two_things_before_and_a_singular_word_ask_which(talk: Talk) -> None:
    item = talk("abdomen_ct", "Volumes of the liver and the spleen?", "and its mean HU?")[-1].proposal.items[0]
    assert isinstance(item, Unclear)
    assert item.offers == ("mean intensity of the liver", "mean intensity of the spleen")


def test_two_things_before_and_a_plural_word_mean_both(talk: Talk) -> None:
    goals = talk("abdomen_ct", "Volumes of the liver and the spleen?", "and their mean HU?")[-1].proposal.goals
    assert [g.of for g in goals] == ["liver", "spleen"]


def test_the_exam_before_is_meant_until_a_whole_question_comes(talk: Talk) -> None:
    reads = talk(
        "abdomen_ct", "How large is the spleen?", "same for the previous exam", "in litres", "How large is the liver?"
    )
    assert [r.exam for r in reads] == [None, "previous", "previous", None]
    assert reads[1].proposal.goals == reads[0].proposal.goals


def test_what_compares_two_exams_is_no_question_about_the_earlier_one(talk: Talk) -> None:
    read = talk("brain_t1", "How large is the brain?", "Has it grown since the last scan?")[-1]
    assert (read.exam, [g.want for g in read.proposal.goals]) == (None, ["volume_change"])


@pytest.mark.parametrize("question", ["Is that normal?", "and is it cancer?", "what about the left ureter?"])
def test_what_is_refused_alone_is_refused_after_any_question(talk: Talk, question: str) -> None:
    items = talk("abdomen_ct", "How large is the spleen?", question)[-1].proposal.items
    assert items
    assert all(isinstance(i, Declined) for i in items)


def test_another_language_is_not_read_by_english_rules(talk: Talk) -> None:
    read = talk("chest_ct", "Mean density of the right lung?", "und die linke Lunge?")[-1]
    assert Goal(want="mean_intensity", of="lung") not in read.proposal.goals


WHOLE = (
    "What is the volume of the liver in mL?", "How large is each kidney?", "What is the mean HU of the spleen?",
    "Show me the aorta.", "What is the slice thickness?", "Volume of bone above 300 HU", "Is there a fracture?",
    "Which share of the body is fat?", "Longest diameter of the left kidney", "Segment the spleen and give its volume.",
    "How sure are you of the volume of the left kidney?", "How large is the stomach, and how bright is it?",
)  # fmt: skip
FOLLOWING = (
    "and the right one?", "in litres", "only above 300 HU", "why?", "How sure are you?", "as a table", "show me",
    "same for the previous exam", "what about the spleen?", "How large is it?", "and its mean HU?", "undo that",
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.sampled_from(WHOLE + FOLLOWING), max_size=5), question=st.sampled_from(WHOLE))
def test_a_whole_question_means_after_any_history_what_it_means_alone(
    talk: Talk, offline: ExemplarPlanner, history: list[str], question: str
) -> None:
    views: list[Any] = [study("abdomen_ct", {"mask": False, "point": False})]
    read = talk("abdomen_ct", *history, question)[-1]
    assert read.reading == "ask"
    assert read.exam is None
    assert read.proposal.items == offline.propose(question, views).items
