"""Time points: which exam a question speaks of, found among the exams of one patient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from exam_phantoms import block_ml, write_exam
from scanwright.agent.planner.reading.exams import and_now, dates_marked, exams_said, without
from scanwright.agent.settings import Settings
from scanwright.agent.workbench import Workbench
from scanwright.tools.settings import ToolSettings

EXAMS = {"20230310": 3, "20240312": 5, "20240905": 9, "20250301": 11}
ASKED = "volume above 200 HU"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workbench, dict[str, str]]]:
    """A workbench with four exams of a patient and one of another, and the ids by day."""
    folder = tmp_path_factory.mktemp("exams")
    settings = Settings(tools=ToolSettings(workers=1, threads=1))
    settings.agent.pictures = False
    with Workbench(folder / "home", settings=settings) as bench:
        ids = {day: bench.import_study(write_exam(folder / day, day, n)).study_id for day, n in EXAMS.items()}
        bench.import_study(write_exam(folder / "other", "20240601", 7, patient="ID-8"))
        yield bench, ids


@pytest.mark.parametrize(
    ("text", "code", "comparing"),
    [
        ("has it grown since march", "--03", True),
        ("grown since the exam of 12 march 2024", "2024-03-12", True),
        ("volume on march 12th, 2024", "2024-03-12", False),
        ("volume on 12/03/2024", "2024-12-03|2024-03-12", False),
        ("volume on 12.03.2024", "2024-03-12", False),
        ("smaller than 2 exams ago", "previous:2", True),
        ("since the first scan", "first", True),
        ("volume on the third exam", "exam:3", False),
        ("how large was it 6 months ago", "-6mo", False),
        ("larger than a year ago", "-1y", True),
        ("since last year's scan", "year-1", True),
        ("the volume last summer", "unclear", False),
        ("on the exam before the previous one", "previous:2", False),
    ],
)
def test_an_exam_is_read_as_one_word(text: str, code: str, comparing: bool) -> None:
    said = exams_said(dates_marked(text))
    assert [(set(s.code.split("|")), s.comparing) for s in said] == [(set(code.split("|")), comparing)]


@pytest.mark.parametrize(
    "text",
    ["may i see the liver", "how much is denser than 2000 hu", "the volume of a lesion in the scan", "one piece"],
)
def test_what_names_no_exam_is_left_alone(text: str) -> None:
    assert dates_marked(text) == text
    assert exams_said(text) == []


def test_the_words_for_an_exam_are_taken_out() -> None:
    text = "volume at the first exam of the lesion"
    assert without(text, exams_said(text)) == "volume of the lesion"
    assert and_now("the volume and now") == "the volume"


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("at the first exam", "20230310"),
        ("on the previous exam", "20240905"),
        ("two exams ago", "20240312"),
        ("in March 2024", "20240312"),
        ("on 12.03.2024", "20240312"),
        ("six months ago", "20240905"),
        ("on the third exam", "20240905"),
    ],
)
def test_a_value_of_another_exam_is_measured_there(
    followed: tuple[Workbench, dict[str, str]], when: str, day: str
) -> None:
    bench, ids = followed
    result = bench.ask([ids["20250301"]], f"{ASKED} {when}")
    volume = next(e for e in result.evidence if e.quantity == "volume")
    assert volume.value == pytest.approx(block_ml(EXAMS[day]), rel=0.01)
    assert ids[day] in result.answer
    assert " days before this one" in result.answer


def test_then_and_now_are_two_goals(followed: tuple[Workbench, dict[str, str]]) -> None:
    bench, ids = followed
    result = bench.ask([ids["20250301"]], f"What was the {ASKED} in March 2024 and now?")
    values = [e.value for e in result.evidence if e.quantity == "volume"]
    assert values == pytest.approx([block_ml(5), block_ml(11)], rel=0.01)


def test_a_change_is_told_since_the_exam_that_is_named(followed: tuple[Workbench, dict[str, str]]) -> None:
    bench, ids = followed
    for since, before in (("since March 2024", 5), ("since the first exam", 3), ("since the previous exam", 9)):
        result = bench.ask([ids["20250301"]], f"Did the {ASKED} change {since}?")
        change = next(e for e in result.evidence if e.quantity == "volume_change")
        assert change.value == pytest.approx(100 * (11 - before) / before, rel=0.01), since


def test_a_time_without_an_exam_is_refused_and_says_what_there_is(
    followed: tuple[Workbench, dict[str, str]],
) -> None:
    bench, ids = followed
    # Another patient's exam is of that month.
    result = bench.ask([ids["20250301"]], f"{ASKED} in June 2024")
    assert result.status == "refused"
    assert "one 722 days before this one, one 354 days before this one and one 177" in result.answer
    assert bench.ask([ids["20250301"]], f"{ASKED} at the seventh exam").status == "refused"


def test_a_time_that_several_exams_fit_is_asked_about(followed: tuple[Workbench, dict[str, str]]) -> None:
    bench, ids = followed
    for when in ("last year", "last summer"):
        result = bench.ask([ids["20250301"]], f"{ASKED} {when}")
        assert result.status == "needs_input", when
        assert result.refusal is not None
        assert any(offer.startswith(ids["20240312"]) for offer in result.refusal.offers)


def test_exams_beside_the_question_go_before_imported_ones(followed: tuple[Workbench, dict[str, str]]) -> None:
    bench, ids = followed
    asked = [ids["20230310"], ids["20250301"]]
    change = next(
        e for e in bench.ask(asked, f"Did the {ASKED} change since the previous exam?").evidence
        if e.quantity == "volume_change"
    )  # fmt: skip
    assert change.value == pytest.approx(100 * 8 / 3, rel=0.01)
    assert bench.ask(asked, f"Did the {ASKED} change since March 2024?").status == "refused"


def test_no_calendar_date_stands_in_the_plan(followed: tuple[Workbench, dict[str, str]]) -> None:
    bench, ids = followed
    plan = bench.plan([ids["20250301"]], f"{ASKED} on 12.03.2024").plan
    assert plan.goals[0].goal.time == "S2"
    told = json.dumps(plan.model_dump(mode="json", exclude={"question"}))
    assert "2024" not in told
    assert "12.03" not in told


def test_what_cannot_be_compared_is_refused_and_not_answered_of_one_exam(
    followed: tuple[Workbench, dict[str, str]],
) -> None:
    bench, ids = followed
    result = bench.ask([ids["20250301"]], "mean HU of the voxels above 200 HU compared with the first exam")
    assert result.status == "refused"
    assert "No tool compares" in result.answer


def test_without_another_exam_it_is_asked_for(tmp_path: Path) -> None:
    with Workbench(tmp_path / "home") as bench:
        result = bench.ask([write_exam(tmp_path / "one", "20240301", 4)], f"{ASKED} at the previous exam")
    assert result.status == "needs_input"
    assert "give it as well" in result.answer
