"""A home's questions become training data only where its owner agreed, and only those that a person accepted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_examples import head_ct, settings
from scanwright.agent.learning.accepted import accepted_rows
from scanwright.agent.learning.data import Maker
from scanwright.agent.learning.settings import LearningSettings
from scanwright.agent.workbench import Workbench
from scanwright.memory.home import Home
from scanwright.tools.errors import UserInputError

ASKED = "How much bone is there?"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench whose home holds a head CT and three runs: called right, called wrong, not judged."""
    folder = tmp_path_factory.mktemp("learning")
    with Workbench(folder / "home", settings=settings()) as bench, bench.open_home() as home:
        head_ct(folder)
        study = bench.import_study(folder / "head.nii.gz").study_id
        for run_id, question, verdict in (
            ("r1", ASKED, "right"),
            ("r2", "What is the surface area of the skull?", "wrong"),
            ("r3", "What is the volume of the head?", None),
            ("r4", "What is the volume of the skull of the patient born 03.04.1961?", "right"),
        ):
            plan = bench.plan([study], question).plan
            home.runs.create(run_id, question, [study], plan.model_dump(mode="json"), plan.key)
            if verdict:
                home.feedback.add(run_id, "plan", verdict)
        yield bench


def _rows(bench: Workbench, home: Home, **consent: bool) -> list[str]:
    return [r.question for r in accepted_rows(home, Maker(bench.registry, 1), **consent)]


def test_nothing_is_taken_unless_the_settings_say_so(bench: Workbench) -> None:
    assert LearningSettings().use_runs is False
    with bench.open_home() as home, pytest.raises(UserInputError, match="use_runs = true"):
        _rows(bench, home, use_runs=bench.settings.learning.use_runs)


def test_only_what_a_person_called_right_is_taken_and_nothing_with_a_birth_date(bench: Workbench) -> None:
    with bench.open_home() as home:
        assert _rows(bench, home, use_runs=True) == [ASKED]


def test_a_row_of_a_run_holds_no_name_of_its_study(bench: Workbench, tmp_path: Path) -> None:
    with bench.open_home() as home:
        (row,) = accepted_rows(home, Maker(bench.registry, 1), use_runs=True)
        (study,) = home.studies.list()
    assert study.study_id not in row.json()
    assert study.subject not in row.json()
    assert row.source == "home"
    assert row.form == {"items": [{"w": "volume", "o": "bone"}]}
