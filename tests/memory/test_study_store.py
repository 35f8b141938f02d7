"""Studies, and what people said of runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_examples import a_measurement, a_study
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind
from scanwright.tools.errors import ToolFailed, UserInputError


def test_a_study_comes_back_as_it_was(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        study = home.studies.add(a_study(home.blobs, "st-1"))
    with Home.open(tmp_path / "home") as home:
        assert home.studies.get("st-1") == study
        assert home.studies.list() == [study]
        assert home.step_cache.artifact(study.series[0].image.hash) == study.series[0].image


def test_the_same_content_is_one_study(home: Home) -> None:
    first = home.studies.add(a_study(home.blobs, "st-1"))
    assert home.studies.add(a_study(home.blobs, "st-2")) == first
    assert home.studies.by_fingerprint(first.fingerprint) == first
    assert home.studies.by_fingerprint("f" * 64) is None
    assert len(home.studies.list()) == 1


def test_a_study_without_its_pixels_on_disk_is_not_kept(home: Home) -> None:
    study = a_study(home.blobs, "st-1")
    home.blobs.delete(study.series[0].image.blob)
    with pytest.raises(ToolFailed):
        home.studies.add(study)
    assert home.studies.list() == []


def test_studies_are_found_by_beginning_or_name_and_near_ones_are_named(home: Home) -> None:
    for seed, study_id in enumerate(("st-abc1", "st-abc2", "st-xyz")):
        home.studies.add(a_study(home.blobs, study_id, seed=seed))
    assert home.studies.get("st-x").study_id == "st-xyz"
    assert home.studies.get("head CT 1").study_id == "st-abc2"
    with pytest.raises(UserInputError, match="More than one study fits 'st-abc'"):
        home.studies.get("st-abc")
    with pytest.raises(UserInputError, match=r"near ones are .*head CT 0"):
        home.studies.get("head CT")
    with pytest.raises(UserInputError, match="There is no study"):
        home.studies.get("%")


def test_an_unchanged_file_is_not_imported_again_and_its_path_is_not_kept(home: Home) -> None:
    study = home.studies.add(a_study(home.blobs, "st-1"))
    file = Path("/scans/DOE^JANE/head.nii.gz")
    home.studies.remember_source("st-1", file, 100, 5_000, {"modality": "CT"})
    home.studies.remember_source("st-1", file, 100, 5_000, {"modality": "CT"})
    assert home.studies.by_source(file, 100, 5_000, {"modality": "CT"}) == study
    for other in (
        (file, 101, 5_000, {"modality": "CT"}),
        (file, 100, 5_001, {"modality": "CT"}),
        (file, 100, 5_000, {"modality": "MR"}),
        (file, 100, 5_000, None),
        (file.with_name("other.nii.gz"), 100, 5_000, {"modality": "CT"}),
    ):
        assert home.studies.by_source(*other) is None
    for kept in home.path.glob("scanwright.sqlite*"):
        assert b"DOE^JANE" not in kept.read_bytes()
    home.blobs.delete(study.series[0].image.blob)
    assert home.studies.by_source(file, 100, 5_000, {"modality": "CT"}) is None


def test_feedback_is_kept_and_the_log_says_that_it_was_given(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        home.runs.create("r-1", "q", [], {}, "k")
        home.runs.create("r-2", "q", [], {}, "k")
        correction = home.step_cache.keep(a_measurement(9.5))
        first = home.feedback.add("r-1", "E1", "wrong", "too small", correction)
        second = home.feedback.add("last", "answer", "right")
    with Home.open(tmp_path / "home") as home:
        assert home.feedback.list("r-1") == [first]
        assert home.feedback.list() == [first, second]
        assert second.run_id == "r-2"
        event = home.runs.events("r-1")[-1]
        assert (event.kind, event.actor) == (EventKind.FEEDBACK_GIVEN, "person")
        assert "too small" not in str(event.payload)
        assert home.step_cache.artifact(correction) == a_measurement(9.5)
        with pytest.raises(UserInputError, match="There is no run"):
            home.feedback.add("r-none", "answer", "right")
        assert len(home.feedback.list()) == 2
