"""Zips of scans: read like the folder, and refused where they do what no scan does."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from dicom_writer import write_series
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.open import open_study
from scanwright.tools.imaging.zipped import unpacked

VOXELS = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)


def zip_of(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refusal(path: Path, scratch: Path) -> str:
    scratch.mkdir()
    before = sorted(p for p in path.parent.rglob("*"))
    with pytest.raises(UserInputError) as caught:
        open_study(path, scratch=scratch)
    assert path.name in str(caught.value)
    assert sorted(p for p in path.parent.rglob("*")) == before
    return str(caught.value)


def test_a_zip_of_a_series_reads_like_its_folder(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", VOXELS, np.diag([-1.0, -1.0, 2.0, 1.0]))
    zip_of(tmp_path / "s.zip", **{f"deep/er/{f.name}": f.read_bytes() for f in files}, **{"__MACOSX/x": b"noise"})
    study = open_study(tmp_path / "s.zip")
    assert study.source_format == "DICOM"
    assert np.array_equal(study.images[0].voxels, VOXELS)


def test_a_zip_of_a_nifti_takes_its_sidecar_along(tmp_path: Path) -> None:
    nifti = nibabel.Nifti1Image(VOXELS, np.eye(4)).to_bytes()
    zip_of(tmp_path / "n.zip", **{"a/scan.nii": nifti, "a/scan.json": b'{"Modality": "MR"}'})
    image = open_study(tmp_path / "n.zip").images[0]
    assert (image.name, image.image.modality) == ("scan", "MR")


@pytest.mark.parametrize(
    "name", ["../out.nii", "a/../../out.nii", "/tmp/out.nii", "..\\out.nii", "C:\\out.nii", "C:/out.nii"]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    assert "leads out of the folder" in refusal(zip_of(tmp_path / "z.zip", **{name: b"x"}), tmp_path / "scratch")


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.nii")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "link" in refusal(tmp_path / "z.zip", tmp_path / "scratch")


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.nii", "w") as out:
        for _ in range(300):
            out.write(bytes(2**20))
    assert "as no scan does" in refusal(tmp_path / "z.zip", tmp_path / "scratch")


def test_a_claim_above_the_cap_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", a=bytes(1000))
    with pytest.raises(UserInputError, match="at most 999 bytes are read"), unpacked(path, max_bytes=999):
        pass


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", a=bytes(100_000))
    data = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    refusal(path, tmp_path / "scratch")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for n in range(50_001):
            archive.writestr(str(n), b"")
    assert "50001 files" in refusal(tmp_path / "z.zip", tmp_path / "scratch")


def test_a_zip_in_a_zip_is_not_opened(tmp_path: Path) -> None:
    inner = zip_of(tmp_path / "inner.zip", **{"scan.nii": nibabel.Nifti1Image(VOXELS, np.eye(4)).to_bytes()})
    path = zip_of(tmp_path / "z.zip", **{"inner.zip": inner.read_bytes()})
    assert "holds no scan" in refusal(path, tmp_path / "scratch")


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", a=bytes(1000))
    path.write_bytes(path.read_bytes()[:60])
    assert "damaged zip" in refusal(path, tmp_path / "scratch")


def test_an_empty_zip_is_refused(tmp_path: Path) -> None:
    assert "is empty" in refusal(zip_of(tmp_path / "z.zip"), tmp_path / "scratch")


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "n.zip", **{"scan.nii": nibabel.Nifti1Image(VOXELS, np.eye(4)).to_bytes()})
    (tmp_path / "scratch").mkdir()
    open_study(path, scratch=tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []
