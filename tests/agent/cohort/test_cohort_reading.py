"""What is read of a question about many studies: which rows, in which order, which statistics; or why not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scanwright.agent.cohort.question import CohortQuestion
from scanwright.agent.cohort.reading import CohortReading, read_cohort, read_where
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Planner
from scanwright.agent.settings import Settings
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.studies import study
from scanwright.tools.settings import ToolSettings

CHEST = {"mask": False, "point": False}


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planner]:
    settings = Settings(tools=ToolSettings(workers=1, threads=1))
    home = tmp_path_factory.mktemp("home")
    with Workbench(home, settings=settings) as bench, bench.open_home() as opened:
        yield bench.offline_planner(opened)


def read(planner: Planner, question: str) -> CohortReading:
    view: StudyView = study("chest_ct", CHEST)
    return read_cohort(question, planner, [view])


LUNG = {"want": "volume", "of": "lung"}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Mean lung volume by sex", {"goals": [LUNG], "summaries": [{"of": "g1", "how": "mean", "by": "sex"}]}),
        (
            "Plot the lung volume against age",
            {"goals": [LUNG], "plot": {"kind": "scatter", "x": "age", "y": "g1"}},
        ),
        (
            "Which of these patients have a lung volume above 4000 mL, sorted by volume?",
            {
                "goals": [LUNG],
                "where": [{"column": "g1", "op": ">", "value": {"value": 4000, "unit": "mL"}}],
                "sort": {"by": "g1"},
                "show": "list",
            },
        ),
        (
            "The five with the largest lung volume",
            {"goals": [LUNG], "sort": {"by": "g1", "descending": True}, "limit": 5, "show": "list"},
        ),
    ],
)
def test_rows_order_statistics_and_plots_are_read(planner: Planner, question: str, expected: dict[str, object]) -> None:
    found = read(planner, question)
    assert found.outcome == "answer", found.reason
    assert found.question.canonical() == CohortQuestion.model_validate(expected).canonical()


@pytest.mark.parametrize(
    "question",
    ["Is there a significant difference in lung volume between men and women?", "Does lung volume predict survival?"],
)
def test_a_test_that_is_not_computed_is_refused_with_what_can_be_asked(planner: Planner, question: str) -> None:
    found = read(planner, question)
    assert found.outcome == "refuse"
    assert "ask for the statistics of each group" in (found.reason or "")


def test_a_choice_of_studies_is_read_from_facts_alone() -> None:
    columns = {(c.column, c.op) for c in read_where("CT of the chest of women over 60")}
    assert columns == {("modality", "=="), ("body_part", "=="), ("sex", "=="), ("age", ">")}
    with pytest.raises(ValueError, match="splenomegaly"):
        read_where("women with splenomegaly")
