"""Cohorts: named sets of studies, and what an erasure leaves of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_examples import a_study
from scanwright.memory.home import Home
from scanwright.tools.errors import UserInputError


def keep(home: Home, name: str, subject: str = "P-aaaaaaaaaaaa") -> str:
    return home.studies.add(a_study(home.blobs, name, seed=len(home.studies.list()), subject=subject)).study_id


def test_a_cohort_holds_each_study_once_in_the_order_of_adding(home: Home) -> None:
    first, second = keep(home, "st-b"), keep(home, "st-a")
    home.cohorts.create("lungs", [first])
    assert home.cohorts.add("lungs", [second, first]).study_ids == (first, second)
    assert home.cohorts.remove("lungs", [first]).study_ids == (second,)
    assert [c.name for c in home.cohorts.list()] == ["lungs"]


def test_a_cohort_is_there_after_the_home_was_closed(tmp_path: Path) -> None:
    with Home.open(tmp_path / "kept") as opened:
        study = keep(opened, "st-a")
        opened.cohorts.create("lungs", [study])
    with Home.open(tmp_path / "kept") as again:
        assert again.cohorts.get("lungs").study_ids == (study,)


def test_an_erased_patient_leaves_every_cohort(home: Home) -> None:
    anna, ben = keep(home, "st-1", "P-anna"), keep(home, "st-2", "P-ben")
    home.cohorts.create("all", [anna, ben])
    home.identities.erase("P-anna")
    assert home.cohorts.get("all").study_ids == (ben,)


def test_a_deleted_cohort_leaves_its_studies(home: Home) -> None:
    study = keep(home, "st-1")
    home.cohorts.create("all", [study])
    home.cohorts.delete("all")
    assert home.studies.get(study).study_id == study
    assert home.cohorts.list() == []


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_a_name_that_cannot_be_typed_is_refused(home: Home, name: str) -> None:
    with pytest.raises(UserInputError, match="printable"):
        home.cohorts.create(name)


def test_a_wrong_name_is_told_the_near_one_and_a_taken_one_is_refused(home: Home) -> None:
    home.cohorts.create("lungs")
    with pytest.raises(UserInputError, match="near ones are lungs"):
        home.cohorts.get("lung")
    with pytest.raises(UserInputError, match="already"):
        home.cohorts.create("lungs")
    with pytest.raises(UserInputError, match="not in the cohort"):
        home.cohorts.remove("lungs", ["st-9"])
