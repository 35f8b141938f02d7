"""The JSON beside a NIfTI, and who wins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.loaded import GivenFacts, LoadedImage
from scanwright.tools.imaging.nifti import read_nifti


def load(folder: Path, sidecar: Any = None, *, sform: int = 1, **given: Any) -> LoadedImage:
    """Air at −1000 in one half, 40 in the other."""
    voxels = np.full((6, 5, 4), 40, np.int16)
    voxels[:3] = -1000
    image = nibabel.Nifti1Image(voxels, None)
    image.set_sform(np.diag([2.0, 2, 2, 1]), code=sform)
    image.set_qform(None, code=0)
    image.to_filename(folder / "a.b.nii.gz")
    if sidecar is not None:
        (folder / "a.b.json").write_text(sidecar if isinstance(sidecar, str) else json.dumps(sidecar))
    return read_nifti(folder / "a.b.nii.gz", GivenFacts(**given))


def test_without_a_word_from_anybody_nothing_is_guessed(tmp_path: Path) -> None:
    image = load(tmp_path).image
    assert (image.modality, image.body_part, image.unit, image.contrast) == (None, None, "1", None)


def test_the_sidecar_is_read(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {"Modality": "CT", "BodyPartExamined": "HEAD", "SidesKnown": False, "SequenceName": "helical",
         "SliceThickness": 1.5, "ContrastBolusAgent": "Iohexol", "Space": "MNI", "Manufacturer": "ignored"},
    )  # fmt: skip
    image = loaded.image
    assert (image.modality, image.body_part, image.unit) == ("CT", "head", "[hnsf'U]")
    assert (image.sequence, image.slice_thickness_mm, image.contrast) == ("helical", 1.5, True)
    assert (loaded.geometry.space, loaded.geometry.space_name) == ("normalised", "MNI")
    assert not loaded.geometry.sides_known


def test_the_person_wins_over_the_sidecar_and_is_told(tmp_path: Path) -> None:
    sidecar = {"Modality": "CT", "BodyPartExamined": "HEAD", "SidesKnown": False}
    loaded = load(tmp_path, sidecar, modality="mri", body_part="Chest", sides="known")
    assert (loaded.image.modality, loaded.image.body_part, loaded.image.unit) == ("MR", "chest", "1")
    assert loaded.geometry.sides_known
    assert "You said MR; the sidecar says CT" in loaded.warnings[0]


def test_the_sidecar_wins_over_the_header(tmp_path: Path) -> None:
    assert load(tmp_path, {"Space": "native"}, sform=4).geometry.space == "native"


def test_nobody_can_make_sides_known_that_the_file_does_not_have(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"SidesKnown": True}, sform=0, sides="known")
    assert not loaded.geometry.sides_known
    assert any("stay unknown" in warning for warning in loaded.warnings)


@pytest.mark.parametrize(("agent", "contrast"), [("", False), ("none", False), ("Gadovist", True), (True, True)])
def test_contrast_is_a_yes_for_any_agent(tmp_path: Path, agent: Any, contrast: bool) -> None:
    assert load(tmp_path, {"ContrastAgent": agent}).image.contrast is contrast


def test_units_are_translated_to_ucum(tmp_path: Path) -> None:
    assert load(tmp_path, {"Modality": "MR", "Units": "HU"}).image.unit == "[hnsf'U]"


def test_a_unit_that_is_not_known_is_said(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"Units": "furlong"})
    assert loaded.image.unit == "1"
    assert "not known" in loaded.warnings[0]


def test_a_ct_without_air_is_doubted(tmp_path: Path) -> None:
    voxels = np.full((6, 5, 4), 1024, np.int16)
    nibabel.Nifti1Image(voxels, np.eye(4)).to_filename(tmp_path / "ct.nii")
    assert "may not be HU" in read_nifti(tmp_path / "ct.nii", GivenFacts(modality="CT")).warnings[0]


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "7", '{"Modality": 5}', '{"SidesKnown": "no"}', '{"SliceThickness": -1}', "[" * 100_000, "\xff"],
)
def test_a_bad_sidecar_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserInputError, match=r"a\.b\.json"):
        load(tmp_path, text)


@pytest.mark.parametrize(("age", "band"), [(67, "60-69"), (67.9, "60-69"), ("067Y", "60-69")])
def test_sex_age_band_and_scanner_are_kept_and_the_age_itself_is_not(
    tmp_path: Path, age: float | str, band: str
) -> None:
    sidecar = {"PatientSex": "F", "PatientAge": age, "ManufacturersModelName": "Prisma"}
    safe = load(tmp_path, sidecar).safe
    assert safe["sex"] == "F"
    assert safe["age_band"] == band
    assert "67" not in json.dumps(safe)
