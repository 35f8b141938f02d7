"""Files that nobody vouches for: what goes wrong in the child is told in a sentence, and stays there."""

from __future__ import annotations

import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel
import numpy as np
import psutil
import pytest
from dicom_writer import IDENTITY, write_series
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.loaded import GivenFacts
from scanwright.tools.imaging.open import open_study
from scanwright.tools.imaging.sandbox import open_study_safely, read_mask_safely

VOXELS = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / "staging"
    folder.mkdir()
    return folder


def test_a_series_comes_back_as_it_would_in_process(tmp_path: Path, staging: Path) -> None:
    write_series(tmp_path / "s", VOXELS, np.diag([-1.0, -1.0, 2.0, 1.0]), PatientSex="F", RescaleType="US")
    here, there = open_study(tmp_path / "s"), open_study_safely(tmp_path / "s", None, staging)
    assert there.source_format == "DICOM"
    (a,), (b,) = here.images, there.images
    assert np.array_equal(a.voxels, b.voxels)
    assert a.voxels.dtype == b.voxels.dtype
    assert b.voxels.flags.f_contiguous
    assert not b.voxels.flags.writeable
    assert (a.geometry, a.image, a.name, a.identity, a.safe) == (b.geometry, b.image, b.name, b.identity, b.safe)
    assert a.warnings == b.warnings != ()
    assert b.identity["PatientName"] == IDENTITY["PatientName"]


def test_what_the_person_said_reaches_the_child(tmp_path: Path, staging: Path) -> None:
    nibabel.Nifti1Image(VOXELS, np.eye(4)).to_filename(tmp_path / "a.nii")
    study = open_study_safely(tmp_path / "a.nii", GivenFacts(modality="PT", sides="unknown"), staging)
    assert study.images[0].image.modality == "PT"
    assert not study.images[0].geometry.sides_known


def test_a_zip_is_unpacked_in_staging_and_cleared(tmp_path: Path, staging: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.nii", nibabel.Nifti1Image(VOXELS, np.eye(4)).to_bytes())
    study = open_study_safely(tmp_path / "a.zip", None, staging)
    assert np.array_equal(study.images[0].voxels, VOXELS)
    assert sorted(p.name for p in staging.iterdir()) == ["image0.npy", "reply.json"]


def test_a_refusal_in_the_child_comes_back_as_itself(tmp_path: Path, staging: Path) -> None:
    with pytest.raises(UserInputError, match=r"nowhere\.nii is not there"):
        open_study_safely(tmp_path / "nowhere.nii", None, staging)


def test_100_kb_of_nested_sequences_is_a_sentence(tmp_path: Path, staging: Path) -> None:
    (file,) = write_series(tmp_path / "s", VOXELS[:, :, :1], np.eye(4))
    data = file.read_bytes()
    at = data.index(b"\x08\x00\x60\x00CS")
    level = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    file.write_bytes(data[:at] + level * 5000 + data[at:])
    assert 99_000 < file.stat().st_size < 103_000
    with pytest.raises(UserInputError, match=r"0001\.dcm nests its sequences too deeply"):
        open_study_safely(file, None, staging)


def test_more_memory_than_allowed_is_a_sentence(tmp_path: Path, staging: Path) -> None:
    path = tmp_path / "large.nii.gz"
    nibabel.Nifti1Image(np.zeros((512, 512, 700), np.int16), np.eye(4)).to_filename(path)
    with pytest.raises(UserInputError, match=r"large\.nii\.gz needs .* memory"):
        open_study_safely(path, None, staging, memory_gb=0.5)


def test_a_child_that_takes_too_long_is_stopped(tmp_path: Path, staging: Path) -> None:
    nibabel.Nifti1Image(VOXELS, np.eye(4)).to_filename(tmp_path / "a.nii")
    with pytest.raises(UserInputError, match=r"a\.nii was still being read after 0\.01 s"):
        open_study_safely(tmp_path / "a.nii", None, staging, seconds=0.01)


def test_a_child_that_is_killed_is_a_sentence(tmp_path: Path, staging: Path) -> None:
    nibabel.Nifti1Image(VOXELS, np.eye(4)).to_filename(tmp_path / "a.nii")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(open_study_safely, tmp_path / "a.nii", None, staging)
        while not future.done():
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.Error):  # it may have ended while we looked
                    if "scanwright.tools.imaging.sandbox" in child.cmdline():
                        child.kill()
    with pytest.raises(UserInputError, match=r"a\.nii made its reader stop"):
        future.result()


def test_an_old_reply_in_staging_is_not_taken_for_the_new_one(tmp_path: Path, staging: Path) -> None:
    (staging / "reply.json").write_text(json.dumps({"images": [], "source_format": "NIfTI", "warnings": []}))
    with pytest.raises(UserInputError):
        open_study_safely(tmp_path / "nowhere.nii", None, staging)


def test_a_path_relative_to_here_is_found(tmp_path: Path, staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nibabel.Nifti1Image(VOXELS, np.eye(4)).to_filename(tmp_path / "a.nii")
    monkeypatch.chdir(tmp_path)
    assert len(open_study_safely(Path("a.nii"), None, Path(os.path.relpath(staging))).images) == 1


def test_a_mask_is_read_in_the_child(tmp_path: Path, staging: Path) -> None:
    nibabel.Nifti1Image((VOXELS % 3).astype(np.uint8), np.eye(4)).to_filename(tmp_path / "m.nii.gz")
    mask = read_mask_safely(tmp_path / "m.nii.gz", 2, Geometry.of(VOXELS.shape, np.eye(4)), staging)
    assert mask.dtype == np.bool_
    assert np.array_equal(mask, VOXELS % 3 == 2)
