"""Exact turning of volumes, and NIfTI files that read back as they were written."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.nifti import read_nifti
from scanwright.tools.imaging.orient import canonical, onto, write_nifti
from scanwright.tools.phantoms import reoriented

ANGLES = st.floats(-0.6, 0.6)
SPACINGS = st.floats(0.2, 6.0)


def rotation(a: float, b: float, c: float) -> np.ndarray:
    """Three turns about x, y and z."""
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


@given(
    shape=st.tuples(st.integers(2, 6), st.integers(2, 6), st.integers(2, 6)),
    spacing=st.tuples(SPACINGS, SPACINGS, SPACINGS),
    angles=st.tuples(ANGLES, ANGLES, ANGLES),
    k=st.integers(0, 47),
)
def test_canonical_keeps_every_voxel_in_its_place_and_undo_brings_it_back(shape, spacing, angles, k) -> None:  # type: ignore[no-untyped-def]
    affine = np.eye(4)
    affine[:3, :3] = rotation(*angles) @ np.diag(spacing)
    affine[:3, 3] = 10, -20, 30
    voxels, affine = reoriented(np.arange(np.prod(shape)).reshape(shape), affine, k)
    geometry = Geometry.of(voxels.shape, affine, space="unknown", sides_known=False)
    turned, moved, undo = canonical(voxels, geometry)
    assert np.array_equal(undo(turned), voxels)
    assert moved.axes == (0, 1, 2)
    assert moved.flips == (False, False, False)
    assert (moved.space, moved.sides_known) == ("unknown", False)
    for index in ([0, 0, 0], [1, 0, 1], [s - 1 for s in turned.shape]):
        place = moved.matrix @ [*index, 1]
        back = np.linalg.solve(geometry.matrix, place)[:3].round().astype(int)
        assert np.allclose(geometry.matrix @ [*back, 1], place, atol=1e-6)
        assert turned[tuple(index)] == voxels[tuple(back)]


@pytest.mark.parametrize("k", range(48))
def test_every_stored_way_turns_to_the_same_canonical_array(k: int) -> None:
    voxels = np.arange(5 * 4 * 3).reshape(5, 4, 3)
    turned, affine = reoriented(voxels, np.diag([1.0, 2.0, 3.0, 1.0]), k)
    again, geometry, _ = canonical(turned, Geometry.of(turned.shape, affine))
    assert np.array_equal(again, voxels)
    assert np.allclose(geometry.matrix, np.diag([1, 2, 3, 1]))


def test_onto_refuses_what_is_not_the_same_grid() -> None:
    voxels = np.zeros((5, 4, 3))
    a, b = Geometry.of((5, 4, 3), np.eye(4)), Geometry.of((5, 4, 3), np.diag([1, 1, 1.1, 1]))
    assert onto(voxels, a, b) is None
    assert onto(voxels, a, a) is not None


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.float32, np.int64])
def test_a_written_file_reads_back_the_same(tmp_path: Path, ending: str, dtype: type) -> None:
    affine = np.eye(4)
    affine[:3, :3] = rotation(0.3, -0.2, 0.5) @ np.diag([-0.5, 1.25, 3.0])
    affine[:3, 3] = 12.5, -8, 90
    voxels = (np.arange(5 * 4 * 3).reshape(5, 4, 3) % 7).astype(dtype)
    path = tmp_path / f"v{ending}"
    write_nifti(voxels, Geometry.of(voxels.shape, affine), path)
    image = read_nifti(path)
    assert np.array_equal(image.voxels, voxels)
    assert np.allclose(image.geometry.matrix, affine, atol=1e-5)
    theirs = nibabel.load(path)
    assert np.array_equal(np.asarray(theirs.dataobj), voxels)
    assert np.allclose(theirs.get_qform(), affine, atol=1e-4)
    assert image.image.unit == "1"


@pytest.mark.parametrize(
    ("space", "name"),
    [("native", None), ("normalised", "MNI"), ("normalised", "Talairach"), ("normalised", "template")],
)
@pytest.mark.parametrize("sides_known", [True, False])
def test_space_and_sides_survive_writing(tmp_path: Path, space: str, name: str | None, sides_known: bool) -> None:
    geometry = Geometry.of((5, 4, 3), np.eye(4), space=space, space_name=name, sides_known=sides_known)  # type: ignore[arg-type]
    write_nifti(np.zeros((5, 4, 3), np.uint8), geometry, tmp_path / "v.nii.gz")
    read = read_nifti(tmp_path / "v.nii.gz").geometry
    assert (read.space, read.space_name, read.sides_known) == (space, name, sides_known)


def test_a_sheared_grid_survives_writing(tmp_path: Path) -> None:
    affine = np.array([[1, 0, 0, 0], [0, 1, 0.8, 0], [0, 0, 2.5, 0], [0, 0, 0, 1.0]])
    write_nifti(np.zeros((5, 4, 3), np.uint8), Geometry.of((5, 4, 3), affine), tmp_path / "v.nii.gz")
    assert np.allclose(read_nifti(tmp_path / "v.nii.gz").geometry.matrix, affine)


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    geometry = Geometry.of((5, 4, 3), np.eye(4))
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(np.ones((5, 4, 3), np.uint8), geometry, tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "v.nii").mkdir()
    with pytest.raises(UserInputError, match=r"v\.nii cannot be written"):
        write_nifti(np.ones((5, 4, 3), np.uint8), Geometry.of((5, 4, 3), np.eye(4)), tmp_path / "v.nii")
    assert [p.name for p in tmp_path.iterdir()] == ["v.nii"]


def test_grids_that_drift_apart_at_the_far_corner_are_not_the_same() -> None:
    near = Geometry.of((512, 512, 400), np.eye(4))
    assert not near.same_grid(Geometry.of((512, 512, 400), np.diag([1.005, 1, 1, 1])))
    assert near.same_grid(Geometry.of((512, 512, 400), np.diag([1.00001, 1, 1, 1])))


def test_minus_zero_names_the_same_grid() -> None:
    affine = np.eye(4)
    minus = affine.copy()
    minus[0, 1] = -0.0
    assert Geometry.of((5, 4, 3), affine).grid == Geometry.of((5, 4, 3), minus).grid
