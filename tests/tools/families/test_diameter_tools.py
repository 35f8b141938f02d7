"""Diameters of phantoms whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.families import diameters

GRIDS = {
    "isotropic": np.diag([1.0, 1.0, 1.0]),
    "anisotropic": np.diag([0.8, 1.0, 2.0]),
    "sheared": np.array([[1.0, 0.0, 0.3], [0.0, 1.1, 0.0], [0.0, 0.35, 1.2]]),
}


@pytest.mark.parametrize("grid", GRIDS)
def test_longest_diameter_of_an_ellipsoid_is_within_one_voxel(bench, ellipsoid, grid):
    voxels, affine = ellipsoid((11.0, 31.0, 14.0), GRIDS[grid])
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16), affine))
    result = bench.run(diameters.longest_diameter, mask=mask)
    assert result.value == pytest.approx(62.0, abs=1.1)
    assert result.uncertainty.low < 62.0 < result.uncertainty.high


@pytest.mark.parametrize("grid", ["isotropic", "anisotropic"])
def test_longest_axial_diameter_is_the_longest_in_plane_and_not_the_longest_of_all(bench, ellipsoid, grid):
    voxels, affine = ellipsoid((19.0, 12.0, 40.0), GRIDS[grid])
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16), affine))
    result = bench.run(diameters.longest_axial_diameter, mask=mask)
    assert result.value == pytest.approx(38.0, abs=1.0)
    across = float(result.at.rsplit("across it ", 1)[1].split()[0])
    assert across == pytest.approx(24.0, abs=1.3)


def test_a_row_of_voxels_is_as_long_as_its_voxels(bench):
    voxels = np.zeros((10, 40, 12), bool)
    voxels[5, 4:24, 6] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16), np.diag([2.0, 1.5, 3.0, 1.0])))
    assert bench.run(diameters.longest_diameter, mask=mask).value == pytest.approx(30.0)
    assert bench.run(diameters.longest_axial_diameter, mask=mask).value == pytest.approx(30.0)


def test_a_slanted_rod_has_its_true_length(bench):
    grid = np.stack(np.meshgrid(*(np.arange(60.0),) * 3, indexing="ij"), axis=-1)
    start, end = np.array([10.0, 12.0, 14.0]), np.array([44.0, 50.0, 30.0])
    along = (end - start) / np.linalg.norm(end - start)
    t = (grid - start) @ along
    near = np.linalg.norm(grid - start - t[..., None] * along, axis=-1) <= 1.0
    voxels = near & (t >= 0) & (t <= np.linalg.norm(end - start))
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16)))
    truth = float(np.hypot(np.linalg.norm(end - start), 0.0))
    assert bench.run(diameters.longest_diameter, mask=mask).value == pytest.approx(truth, abs=1.0)


def test_diameters_and_their_places_are_the_same_in_all_48_axis_orders(bench, ellipsoid, all_orders):
    voxels, affine = ellipsoid((9.0, 14.0, 12.0), np.diag([0.8, 1.0, 1.5]))
    voxels[:4, :6, 3:5] |= np.random.default_rng(3).random((4, 6, 2)) > 0.5
    seen = set()
    for stored, turned in all_orders(voxels, affine):
        mask = bench.mask(stored, bench.volume(stored.astype(np.int16), turned))
        axial = bench.run(diameters.longest_axial_diameter, mask=mask)
        slices = bench.run(diameters.axial_diameters, mask=mask).items
        longest = bench.run(diameters.longest_diameter, mask=mask)
        seen.add(
            (
                round(longest.value, 4),
                round(axial.value, 4),
                axial.at.split(",")[0],
                tuple(round(item.value, 4) for item in slices),
            )
        )
    assert len(seen) == 1


def test_one_diameter_for_each_slice_from_below(bench, all_orders):
    voxels = np.zeros((30, 30, 12), bool)
    for k, length in ((3, 5), (4, 9), (5, 13), (7, 6)):
        voxels[4 : 4 + length, 10, k] = True
    for stored, turned in all_orders(voxels, np.diag([1.0, 1.0, 2.0, 1.0])):
        mask = bench.mask(stored, bench.volume(stored.astype(np.int16), turned))
        result = bench.run(diameters.axial_diameters, mask=mask)
        assert [item.value for item in result.items] == pytest.approx([5.0, 9.0, 13.0, 6.0])
        assert [item.at.split(",")[0] for item in result.items] == [
            f"axial slice {n} of 12 counted from below" for n in (4, 5, 6, 8)
        ]
        assert result.type.quantity == ("axial_diameters",)


def test_an_axial_diameter_lies_within_one_part_and_a_3d_one_spans_all_and_says_so(bench):
    voxels = np.zeros((60, 20, 9), bool)
    voxels[3:13, 5:8, 4] = True
    voxels[40:54, 5:8, 4] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16)))
    assert bench.run(diameters.longest_axial_diameter, mask=mask).value == pytest.approx(np.hypot(14, 2), abs=0.2)
    spans = bench.run(diameters.longest_diameter, mask=mask)
    assert spans.value == pytest.approx(np.hypot(51, 2), abs=0.2)
    assert any("2 separate parts" in flag for flag in spans.flags)


def test_an_empty_mask_has_no_diameter(bench):
    mask = bench.mask(np.zeros((5, 6, 7), bool), bench.volume(np.zeros((5, 6, 7), np.int16)))
    assert bench.run(diameters.longest_diameter, mask=mask).value is None
    assert bench.run(diameters.longest_axial_diameter, mask=mask).value is None
    (only,) = bench.run(diameters.axial_diameters, mask=mask).items
    assert only.value is None
    assert any(flag.startswith("not found") for flag in only.flags)


def test_a_cut_mask_gives_a_lower_bound(bench):
    voxels = np.zeros((12, 13, 14), bool)
    voxels[4:, 5:9, 4:8] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16)))
    assert bench.run(diameters.longest_diameter, mask=mask).bound == "lower"
    assert bench.run(diameters.longest_axial_diameter, mask=mask).bound == "lower"
