"""One door for everything a person gives, and a sentence for what is no scan."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from dicom_writer import write_series
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.loaded import GivenFacts
from scanwright.tools.imaging.open import open_study

VOXELS = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)


def nifti(path: Path, factor: int = 1) -> Path:
    nibabel.Nifti1Image(VOXELS * np.int16(factor), np.eye(4)).to_filename(path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UserInputError) as caught:
        open_study(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_nifti_is_opened_with_what_the_person_said(tmp_path: Path) -> None:
    study = open_study(nifti(tmp_path / "a.nii.gz"), GivenFacts(modality="mr", sides="unknown"))
    assert study.source_format == "NIfTI"
    assert study.images[0].image.modality == "MR"
    assert not study.images[0].geometry.sides_known


def test_a_gzipped_nifti_under_any_name_is_opened(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(nifti(tmp_path / "a.nii.gz").read_bytes())
    assert np.array_equal(open_study(tmp_path / "blob").images[0].voxels, VOXELS)


def test_several_nifti_in_a_folder_are_several_images(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    (folder / "deep").mkdir(parents=True)
    nifti(folder / "b.nii.gz", 1)
    nifti(folder / "deep" / "a.nii", 2)
    (folder / "notes.txt").write_text("see Dr. Who")
    images = open_study(folder).images
    assert [image.name for image in images] == ["b", "a"]
    assert np.array_equal(images[1].voxels, VOXELS * 2)


def test_each_image_is_handed_on_as_soon_as_it_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    nifti(folder / "a.nii")
    (folder / "b.nii").write_bytes(b"\x00 no scan")
    seen: list[str] = []

    def keep(image):  # type: ignore[no-untyped-def]
        seen.append(image.name)
        return image

    nifti(folder / "c.nii").write_bytes((folder / "a.nii").read_bytes()[:400])
    with pytest.raises(UserInputError, match=r"c\.nii"):
        open_study(folder, keep=keep)
    assert seen == ["a"]


def test_a_folder_of_slices_is_a_series_wherever_its_files_lie(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", VOXELS, np.diag([-1.0, -1.0, 2.0, 1.0]))
    (tmp_path / "s" / "sub").mkdir()
    files[1].rename(tmp_path / "s" / "sub" / "no_ending")
    (tmp_path / "s" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    study = open_study(tmp_path / "s")
    assert study.source_format == "DICOM"
    assert np.array_equal(study.images[0].voxels, VOXELS)


def test_a_single_dicom_file_is_told_to_bring_its_series(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", VOXELS, np.eye(4))
    assert "only slice of its series" in refusal(files[0])


def test_dicom_and_nifti_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "s", VOXELS, np.eye(4))
    nifti(tmp_path / "s" / "a.nii")
    assert "both DICOM and NIfTI" in refusal(tmp_path / "s")


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "nowhere.nii")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    assert "is empty" in refusal(tmp_path / "f")


def test_a_folder_without_scans_lists_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    for n in range(5):
        (tmp_path / "f" / f"{n}.txt").write_text("x")
    assert "0.txt, 1.txt, 2.txt and 2 more" in refusal(tmp_path / "f")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"hello world", "not a scan that can be read"),
        (b"GIF89a" + bytes(100), "GIF, which is not read yet"),
        (b"NRRD0005\n", "NRRD, which is not read yet"),
        (gzip.compress(b"some text"), "not a scan that can be read"),
    ],
)
def test_what_is_no_scan_is_refused_and_told_what_is_read(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "file.bin").write_bytes(data)
    sentence = refusal(tmp_path / "file.bin")
    assert words in sentence
    assert "NIfTI" in sentence


@pytest.mark.parametrize("data", [b"", b"hello world", b"\x1f\x8b", b"\x1f\x8bnonsense", gzip.compress(b"some text")])
def test_what_only_calls_itself_nifti_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file.nii.gz").write_bytes(data)
    refusal(tmp_path / "file.nii.gz")


def test_a_name_that_cannot_be_printed_does_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.nii").write_bytes(b"hello")
    with pytest.raises(UserInputError) as caught:
        open_study(tmp_path / "a\x1b[31m.nii")
    assert "\x1b" not in str(caught.value)


def test_a_pipe_is_refused_without_waiting_on_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    assert "neither a file nor a folder" in refusal(tmp_path / "pipe.nii")
