"""Masks that a person gives: turned exactly onto the scan's grid, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.mask_file import read_mask_file
from scanwright.tools.imaging.orient import canonical
from scanwright.tools.phantoms import reoriented

AFFINE = np.array([[-1.5, 0, 0, 40], [0, 2.0, 0.3, -50], [0, -0.2, 3.0, 10], [0, 0, 0, 1.0]])
SCAN = Geometry.of((9, 7, 5), AFFINE)


def labels() -> NDArray[np.uint8]:
    """Labels 0, 1, 2 and 7, with no symmetry."""
    return np.random.default_rng(7).choice(np.array([0, 1, 2, 7], np.uint8), size=(9, 7, 5))


def write(path: Path, voxels: NDArray[Any], affine: NDArray[np.float64] = AFFINE) -> Path:
    nibabel.Nifti1Image(voxels, affine).to_filename(path)
    return path


def test_one_label_and_all_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "m.nii.gz", labels())
    assert np.array_equal(read_mask_file(path, 2, SCAN), labels() == 2)
    everything = read_mask_file(path, None, SCAN)
    assert np.array_equal(everything, labels() > 0)
    assert everything.dtype == np.bool_
    assert everything.flags.f_contiguous


@pytest.mark.parametrize("k", range(48))
def test_the_same_grid_stored_in_any_other_way_is_turned_exactly(tmp_path: Path, k: int) -> None:
    turned, affine = reoriented(labels(), AFFINE, k)
    path = write(tmp_path / "m.nii", turned, affine)
    assert np.array_equal(read_mask_file(path, 7, SCAN), labels() == 7)


@pytest.mark.parametrize("k", [0, 5, 11, 23, 30, 47])
def test_a_scan_stored_in_any_other_way_gets_the_mask_in_its_own_order(tmp_path: Path, k: int) -> None:
    turned, affine = reoriented(labels(), AFFINE, k)
    path = write(tmp_path / "m.nii", labels())
    assert np.array_equal(read_mask_file(path, 7, Geometry.of(turned.shape, affine)), turned == 7)


def test_whole_numbers_in_floats_are_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "m.nii", labels().astype(np.float32))
    assert np.array_equal(read_mask_file(path, 7, SCAN), labels() == 7)


def refusal(path: Path, label: int | None = None, like: Geometry = SCAN) -> str:
    with pytest.raises(UserInputError) as caught:
        read_mask_file(path, label, like)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "m.nii", labels()[:8])
    assert "(8×7×5 against 9×7×5): resample it" in refusal(path)


@pytest.mark.parametrize("change", [(0, 3, 0.1), (0, 0, 0.01), (2, 2, -0.05), (1, 3, -2.0)])
def test_another_place_is_refused(tmp_path: Path, change: tuple[int, int, float]) -> None:
    row, column, by = change
    moved = AFFINE.copy()
    moved[row, column] += by
    assert "placed elsewhere" in refusal(write(tmp_path / "m.nii", labels(), moved))


def test_a_rounding_of_the_affine_is_the_same_grid(tmp_path: Path) -> None:
    path = write(tmp_path / "m.nii", labels(), AFFINE + 1e-5 * np.eye(4)[[1, 0, 2, 3]] * [[1], [1], [1], [0]])
    assert read_mask_file(path, 7, SCAN).any()


def test_a_label_that_is_absent_is_refused_with_those_present(tmp_path: Path) -> None:
    assert "no label 5; it has 1, 2, 7" in refusal(write(tmp_path / "m.nii", labels()), 5)


def test_the_background_is_no_label(tmp_path: Path) -> None:
    assert "no label 0" in refusal(write(tmp_path / "m.nii", labels()), 0)


def test_an_empty_mask_is_refused(tmp_path: Path) -> None:
    assert "is empty" in refusal(write(tmp_path / "m.nii", np.zeros((9, 7, 5), np.uint8)))


def test_a_probability_map_is_refused(tmp_path: Path) -> None:
    assert "not whole numbers" in refusal(write(tmp_path / "m.nii", labels() / np.float32(10)))


def test_a_missing_mask_is_refused(tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "m.nii")


def test_canonical_masks_and_scans_agree(tmp_path: Path) -> None:
    turned, geometry, _ = canonical(labels(), SCAN)
    assert np.array_equal(read_mask_file(write(tmp_path / "m.nii", labels()), 7, geometry), turned == 7)
