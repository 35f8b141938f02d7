"""The case store: nearest cases by centred vectors, filters, and what forgetting and erasing leave."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from memory_examples import a_volume
from scanwright.memory import schema
from scanwright.memory.cases import CENTRED_FROM, FEW
from scanwright.memory.home import Home
from scanwright.memory.records import SeriesRecord, StudyRecord
from scanwright.tools.artifacts import CaseList, Embedding, ImageFacts
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import ToolInputError
from sqlalchemy import update

DIM = 24
COMMON = 40 * np.random.default_rng(99).random(DIM)


def vector(seed: int) -> np.ndarray:
    """As an encoder makes them: much that all share, and a little of its own."""
    return COMMON + np.random.default_rng(seed).normal(size=DIM)


def embedding(values: np.ndarray, study: str, subject: str, **facts: str) -> Embedding:
    kind = ArtifactType(kind="Embedding", structure="image", side="whole", subject=subject, time=study)
    image = ImageFacts(**{"modality": "CT", "body_part": "chest", **facts})  # type: ignore[arg-type]
    return Embedding(type=kind, name="vector", encoder="toy-1", vector=tuple(values.tolist()), image=image)


def keep(home: Home, number: int, *, subject: str | None = None, values: np.ndarray | None = None,
         sex: str | None = "F", body_part: str = "chest") -> str:  # fmt: skip
    """A study with one series, kept as a case; returns its id."""
    study, subject = f"S-{number:012x}", subject or f"P-{number:012x}"
    volume = a_volume(home.blobs, number, subject)
    volume = volume.model_copy(update={"image": ImageFacts(modality="CT", body_part=body_part)})
    record = StudyRecord(
        study_id=study, name="ct", subject=subject, sex=sex, age_band="40-49", source_format="nifti",
        series=(SeriesRecord(name="axial", image=volume),), created_utc=datetime(2026, 1, 1, tzinfo=UTC),
        fingerprint=f"{number:064x}",
    )  # fmt: skip
    home.studies.add(record)
    home.cases.add(record, "axial", embedding(vector(number) if values is None else values, study, subject))
    return study


def near(home: Home, values: np.ndarray, limit: int = 3, study: str = "S-new", subject: str = "P-new",
         **filters: str) -> CaseList:  # fmt: skip
    return home.cases.nearest(embedding(values, study, subject), limit, filters)


def test_the_nearest_case_is_found_among_vectors_that_all_point_the_same_way(home: Home) -> None:
    studies = [keep(home, n) for n in range(12)]
    noise = 0.1 * np.random.default_rng(5).normal(size=DIM)
    found = near(home, vector(7) + noise)
    raw = [vector(n) @ (vector(7) + noise) / np.linalg.norm(vector(n)) for n in range(12)]
    assert np.ptp(np.array(raw) / np.linalg.norm(vector(7) + noise)) < 0.02
    assert found.cases[0].study_id == studies[7]
    assert found.cases[0].score > 0.9 > 0.8 > found.cases[1].score
    assert (found.searched, len(found.cases)) == (12, 3)
    assert "less the mean of the 12 kept ones (version 1" in found.method


def test_scores_are_the_cosines_of_the_centred_vectors(home: Home) -> None:
    for n in range(8):
        keep(home, n)
    asked = vector(50)
    mean = np.mean([vector(n) for n in range(8)], axis=0)
    for case in near(home, asked, limit=8).cases:
        other = vector(int(case.study_id[2:], 16)) - mean
        truth = other @ (asked - mean) / np.linalg.norm(other) / np.linalg.norm(asked - mean)
        assert case.score == pytest.approx(truth, abs=1e-4)


def test_a_new_case_makes_a_new_mean_with_a_new_version(home: Home) -> None:
    for n in range(8):
        keep(home, n)
    near(home, vector(50))
    assert "version 1" in near(home, vector(50)).method
    keep(home, 8)
    assert "of the 9 kept ones (version 2" in near(home, vector(50)).method


def test_few_cases_are_not_centred_and_said_to_be_few(home: Home) -> None:
    for n in range(CENTRED_FROM - 1):
        keep(home, n)
    found = near(home, vector(2))
    assert "not centred" in found.method
    assert found.cases[0].score == pytest.approx(1.0, abs=1e-5)
    assert found.flags == ("only 4 kept cases were compared, so the nearest may still be unlike this scan",)
    assert FEW > 4


def test_the_scans_own_patient_is_left_out_unless_asked_for(home: Home) -> None:
    own = [keep(home, n, subject="P-anna") for n in range(3)]
    others = [keep(home, n) for n in range(3, 9)]
    found = near(home, vector(0), limit=20, study=own[0], subject="P-anna")
    assert {c.study_id for c in found.cases} == set(others)
    assert found.searched == 6
    found = near(home, vector(0), limit=20, study=own[0], subject="P-anna", patient="any")
    assert {c.study_id for c in found.cases} == {*own[1:], *others}


def test_filters_choose_and_same_means_as_in_the_scans_own_study(home: Home) -> None:
    women = [keep(home, n) for n in range(4)]
    men = [keep(home, n, sex="M") for n in range(4, 7)]
    heads = [keep(home, n, body_part="head") for n in range(7, 9)]
    assert {c.study_id for c in near(home, vector(50), 20, sex="M").cases} == set(men)
    assert {c.study_id for c in near(home, vector(50), 20, body_part="head").cases} == set(heads)
    found = near(home, vector(50), 20, women[0], "P-000000000000", sex="same", body_part="same")
    assert {c.study_id for c in found.cases} == set(women[1:])
    with pytest.raises(ToolInputError, match="own sex is not known"):
        near(home, vector(50), sex="same")
    with pytest.raises(ToolInputError, match="cannot be chosen by diagnosis"):
        near(home, vector(50), diagnosis="x")


def test_nothing_to_compare_with_is_said(home: Home) -> None:
    with pytest.raises(ToolInputError, match="No case is kept yet"):
        near(home, vector(0))
    own = keep(home, 0, subject="P-anna")
    with pytest.raises(ToolInputError, match="of this patient"):
        near(home, vector(0), study=own, subject="P-anna")
    with pytest.raises(ToolInputError, match="with body part knee"):
        near(home, vector(0), body_part="knee")


def test_cases_survive_a_new_start_and_a_collection_that_was_half_built(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        studies = [keep(home, n) for n in range(8)]
        assert near(home, vector(3)).cases[0].study_id == studies[3]
        before = near(home, vector(3)).cases
    with Home.open(tmp_path / "home") as home:
        assert near(home, vector(3)).cases == before
        # As after a kill between the vectors and the note that they are whole.
        home.vectors().drop("cases-toy-1")
        with home._database.transaction() as connection:
            connection.execute(update(schema.case_collections).values(built=0, mean=None))
        assert near(home, vector(3)).cases == before


def test_a_forgotten_study_is_found_no_longer_and_stays_a_study(home: Home) -> None:
    studies = [keep(home, n) for n in range(7)]
    assert near(home, vector(3)).cases[0].study_id == studies[3]
    assert home.cases.forget(studies[3]) == 1
    assert studies[3] not in {c.study_id for c in near(home, vector(3), 20).cases}
    assert home.studies.get(studies[3]).study_id == studies[3]
    assert home.cases.forget(studies[3]) == 0


def test_adding_a_series_again_replaces_its_vector(home: Home) -> None:
    studies = [keep(home, n) for n in range(6)]
    home.cases.add(home.studies.get(studies[0]), "axial", embedding(vector(70), studies[0], "P-000000000000"))
    assert len(home.cases.list()) == 6
    assert near(home, vector(70)).cases[0].study_id == studies[0]


def test_erasing_a_patient_takes_the_vectors_from_every_file_and_the_lists_that_name_them(home: Home) -> None:
    anna = keep(home, 1, subject="P-anna")
    for n in range(2, 8):
        keep(home, n)
    found = near(home, vector(1))
    assert found.cases[0].study_id == anna
    kept = home.step_cache.keep(found)
    other = home.step_cache.keep(near(home, vector(2), 1))
    raw = vector(1).astype("<f4").tobytes()
    mean = np.mean([vector(n).astype(np.float32) for n in range(1, 8)], axis=0, dtype=np.float32)
    report = home.identities.erase("P-anna")
    assert report.cases == 1
    files = [f.read_bytes() for f in home.path.rglob("*") if f.is_file()]
    centred = (vector(1).astype(np.float32) - mean).astype(np.float32)
    unit = (centred / np.linalg.norm(centred)).astype("<f4").tobytes()
    assert not any(raw in content or unit[:8] in content for content in files)
    vectors = [f.read_bytes() for f in (home.path / "vectors").rglob("*") if f.is_file()]
    assert not any(anna.encode() in content or b"P-anna" in content for content in vectors)
    assert home.step_cache.artifact(kept) is None
    assert home.step_cache.artifact(other) is not None
    assert anna not in {c.study_id for c in near(home, vector(1), 20).cases}


def test_an_erasure_that_was_killed_before_its_rows_went_ends_at_the_next_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Home.open(tmp_path / "home") as home:
        keep(home, 1, subject="P-anna")
        for n in range(2, 8):
            keep(home, n)
        near(home, vector(1))

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("scanwright.memory.erasure._delete_rows", killed)
            with pytest.raises(KeyboardInterrupt):
                home.identities.erase("P-anna")
    with Home.open(tmp_path / "home") as home:
        assert "P-anna" not in {c.subject for c in home.cases.list()}
        assert near(home, vector(1), 20).searched == 6
