"""Conforming: where each voxel goes, how bright it becomes, and how labels come back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scanwright.tools import phantoms
from scanwright.tools.engines import conform as conforming
from scanwright.tools.engines.conform import conform
from scanwright.tools.engines.intensity import box_of, normalised
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging.geometry import Geometry


@pytest.fixture
def small_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cube of 80 mm instead of 256: 48 runs take seconds."""
    monkeypatch.setattr(conforming, "SIZE", 80)


def ramp(shape: tuple[int, int, int] = (41, 50, 37)) -> np.ndarray:
    """uint8, different in every direction, with no symmetry."""
    i, j, k = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    return ((3 * i + 5 * j + 7 * k) % 251).astype(np.uint8)


def test_the_cube_runs_left_inferior_anterior_with_the_middle_voxel_at_128() -> None:
    voxels = np.zeros((61, 80, 55), np.uint8)
    middle = (30, 40, 27)
    voxels[middle] = 100
    voxels[middle[0] + 9, middle[1], middle[2]] = 150  # right
    voxels[middle[0], middle[1] + 7, middle[2]] = 200  # anterior
    voxels[middle[0], middle[1], middle[2] + 5] = 250  # superior
    cube = conform(voxels, Geometry.of(voxels.shape, np.eye(4))).cube
    assert {tuple(int(v) for v in at): int(cube[tuple(at)]) for at in np.argwhere(cube)} == {
        (128, 128, 128): 100, (119, 128, 128): 150, (128, 128, 135): 200, (128, 123, 128): 250,
    }  # fmt: skip


def test_a_scan_of_one_millimetre_is_moved_and_not_blurred() -> None:
    voxels = ramp()
    cube = conform(voxels, Geometry.of(voxels.shape, np.diag([1.0, 1.0, 1.0, 1.0]))).cube
    assert np.array_equal(np.sort(cube[cube > 0]), np.sort(voxels[voxels > 0]))


def test_the_cube_is_the_same_in_all_48_orders_and_labels_come_back_to_their_voxels(small_cube: None) -> None:
    voxels, affine = ramp(), np.diag([1.25, 1.0, 1.4, 1.0])
    affine[:3, 3] = (-20.5, 31.0, 4.25)
    first = conform(voxels, Geometry.of(voxels.shape, affine))
    expected = first.back(first.cube)
    for k in range(48):
        turned, moved = phantoms.reoriented(voxels, affine, k)
        there = conform(turned, Geometry.of(turned.shape, moved))
        assert np.array_equal(there.cube, first.cube), k
        assert np.array_equal(there.back(there.cube), phantoms.reoriented(expected, affine, k)[0]), k


@pytest.mark.parametrize("k", [0, 13, 29, 47])
def test_labels_on_a_grid_of_one_millimetre_come_back_exactly(small_cube: None, k: int) -> None:
    voxels, affine = phantoms.reoriented(ramp(), np.eye(4), k)
    there = conform(voxels, Geometry.of(voxels.shape, affine))
    assert np.array_equal(there.back(there.cube), voxels)


@pytest.mark.parametrize("spacing", [(0.957, 0.957, 1.5), (1.3, 0.8, 1.1), (2.0, 1.0, 1.0), (0.5, 0.6, 0.7)])
@pytest.mark.parametrize("turn", [0.0, 17.0])
def test_a_volume_on_the_scans_grid_is_that_on_the_cube_within_one_percent(
    spacing: tuple[float, float, float], turn: float
) -> None:
    shape = tuple(round(90 / s) for s in spacing)
    angle = np.deg2rad(turn)
    affine = np.diag([*spacing, 1.0])
    affine[:3, :3] = (
        np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]) @ affine[:3, :3]
    )
    geometry = Geometry.of((shape[0], shape[1], shape[2]), affine)
    there = conform(np.zeros(geometry.shape, np.uint8), geometry)
    middle = geometry.matrix[:3, :3] @ [n / 2 for n in geometry.shape] + geometry.matrix[:3, 3]
    grid = np.stack(np.meshgrid(*(np.arange(256),) * 3, indexing="ij"), -1).astype(np.float32)
    world = grid @ there.affine[:3, :3].T.astype(np.float32) + there.affine[:3, 3].astype(np.float32)
    ball = (((world - middle.astype(np.float32) + [3, -4, 2]) / [29, 37, 33]) ** 2).sum(-1) <= 1
    back = there.back(ball.astype(np.uint8))
    assert back.sum() * geometry.voxel_ml == pytest.approx(ball.sum() / 1000, rel=0.01)
    assert not there.cut(ball.astype(np.uint8))


def test_whole_numbers_are_scaled_by_the_histogram_and_hounsfield_units_padded_with_the_minimum() -> None:
    voxels = np.full((40, 50, 45), -1000, np.int16)
    voxels[5:35, 5:45, 5:40] = 40
    voxels[10, 10, 10:14] = 30000  # metal: four voxels, fewer than 0.1 %
    cube = conform(voxels, Geometry.of(voxels.shape, np.eye(4))).cube
    assert cube[0, 0, 0] == 0
    assert cube.max() == 255
    # The top is the lower edge of the bin above 40 HU: what lies at 40 HU is bright, not 8 of 255.
    assert np.median(cube[cube > 0]) > 240


def test_a_scan_of_bytes_is_only_moved_down_to_zero() -> None:
    voxels = np.full((30, 30, 30), 20, np.uint8)
    voxels[4:9, 3:20, 5:25] = 90
    cube = conform(voxels, Geometry.of(voxels.shape, np.eye(4))).cube
    assert set(np.unique(cube)) == {0, 70}


@pytest.mark.parametrize(("axis", "end"), list(itertools.product(range(3), (0, -1))))
def test_labels_at_a_face_beyond_which_the_scan_goes_on_are_cut(axis: int, end: int) -> None:
    shape = [20, 20, 20]
    shape[(0, 2, 1)[axis]] = 300  # the cube's axes run along right–left, superior–inferior, anterior–posterior
    there = conform(np.zeros(shape, np.uint8), Geometry.of(tuple(shape), np.eye(4)))
    labels = np.zeros((256, 256, 256), np.uint8)
    index: list[int] = [128, 128, 128]
    labels[tuple(index)] = 1
    assert not there.cut(labels)
    index[axis] = end
    labels[tuple(index)] = 1
    assert there.cut(labels)


def test_quantiles_are_sorted_positions_and_nothing_is_clipped() -> None:
    cube = np.random.default_rng(5).integers(0, 200, (40, 41, 42)).astype(np.uint8)
    n, ordered = cube.size, np.sort(cube.ravel()).astype(np.float32)
    low, high = ordered[int(np.floor(0.05 * n))], ordered[int(np.ceil(0.95 * n)) - 1]
    got = normalised(cube, "quantile")
    assert np.allclose(got, (cube - low) / (high - low), atol=1e-6)
    assert got.min() < 0 < 1 < got.max()
    assert np.allclose(normalised(cube, "min_max"), cube / 199, atol=1e-6)


def test_a_scan_with_one_value_is_refused() -> None:
    with pytest.raises(ToolFailed, match="hardly more than one value"):
        normalised(np.full((4, 4, 4), 9, np.uint8), "min_max")


def test_the_box_holds_what_is_bright_and_its_margin_stays_inside() -> None:
    volume = np.zeros((30, 40, 50), np.float32)
    volume[3:9, 20:31, 44:47] = 1.0
    volume[15, 5, 2] = 0.3
    assert box_of(volume, 0.5, 5) == (slice(0, 14), slice(15, 36), slice(39, 50))
    assert box_of(volume, 0.2, 0) == (slice(3, 16), slice(5, 31), slice(2, 47))
