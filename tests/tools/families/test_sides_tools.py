"""Left and right: planes of symmetry that are known, sides that are known, and sides that are not."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.artifacts import Plane
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.families.shape import mask_volume
from scanwright.tools.families.sides import asymmetry_index, midsagittal_plane, one_side


def _head(offset_mm: float, roll: float, yaw: float):
    """A head that is symmetric about a plane offset from the middle and turned; 2×2×2.5 mm."""
    shape = (90, 110, 70)
    affine = np.diag([2.0, 2.0, 2.5, 1.0])
    affine[:3, 3] = (-90.0, -105.0, -80.0)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    points = grid @ affine[:3, :3].T + affine[:3, 3]
    normal = np.array([np.cos(roll) * np.cos(yaw), np.cos(roll) * np.sin(yaw), np.sin(roll)])
    across = points @ normal - offset_mm
    forward = points[..., 1] - across * normal[1]
    up = points[..., 2] - across * normal[2]
    inside = (across / 65) ** 2 + (forward / 85) ** 2 + (up / 70) ** 2
    image = np.where(inside < 1, 100.0, 0.0)
    image[(inside < 1) & (inside > 0.85)] = 250
    image[((np.abs(across) - 22) / 9) ** 2 + ((forward - 20) / 22) ** 2 + ((up - 8) / 12) ** 2 < 1] = 30
    image[((np.abs(across) - 30) / 12) ** 2 + ((forward - 62) / 12) ** 2 + ((up + 30) / 12) ** 2 < 1] = 180
    rng = np.random.default_rng(5)
    return (image + rng.normal(0, 4, shape)).astype(np.float32), affine, normal


def _plane(x_mm: float, like) -> Plane:
    return Plane(
        type=ArtifactType(kind="Plane", structure="midsagittal_plane", grid=like.type.grid),
        name="midsagittal plane",
        point_mm=(x_mm, 0.0, 0.0),
        normal=(1.0, 0.0, 0.0),
        uncertainty=Uncertainty(kind="range", low=-0.5, high=0.5, method="given", n=1),
    )


@pytest.mark.parametrize(("offset", "roll", "yaw"), [(0.0, 0.0, 0.0), (7.0, 6.0, -4.0), (-12.0, -9.0, 12.0)])
def test_the_plane_of_a_turned_head_is_found(bench, offset, roll, yaw):
    image, affine, normal = _head(offset, np.radians(roll), np.radians(yaw))
    plane = bench.run(midsagittal_plane, volume=bench.volume(image, affine, modality="MR", body_part="head"))
    assert np.dot(plane.point_mm, normal) == pytest.approx(offset, abs=0.5)
    assert np.degrees(np.arccos(min(1.0, np.dot(plane.normal, normal)))) < 0.5
    assert plane.uncertainty.low <= 0 <= plane.uncertainty.high
    assert plane.type.structure == "midsagittal_plane"


def test_the_plane_is_the_same_however_the_scan_is_stored(bench, all_orders):
    image, affine, _ = _head(7.0, 0.1, -0.05)
    found = []
    for stored, turned in list(all_orders(image, affine))[::9]:
        plane = bench.run(midsagittal_plane, volume=bench.volume(stored, turned, body_part="head"))
        found.append([np.dot(plane.point_mm, plane.normal), *plane.normal])
    assert np.ptp(np.array(found), axis=0).max() < 1e-6


def test_noise_has_no_plane_of_symmetry(bench):
    image = np.random.default_rng(2).random((40, 45, 50)).astype(np.float32)
    with pytest.raises(ToolFailed, match="plane of symmetry"):
        bench.run(midsagittal_plane, volume=bench.volume(image, np.diag([4.0, 4.0, 4.0, 1.0]), body_part="head"))


@pytest.fixture
def lopsided():
    """Left of x = 0 twelve columns, right of it eight; the affine puts the plane between two voxels."""
    voxels = np.zeros((40, 20, 16), bool)
    voxels[8:28, 4:15, 3:9] = True
    affine = np.diag([1.0, 1.5, 2.0, 1.0])
    affine[0, 3] = -19.5
    return voxels, affine


def test_sides_are_the_patients_and_asymmetry_is_positive_where_the_left_is_larger(bench, lopsided, all_orders):
    voxels, affine = lopsided
    for stored, turned in all_orders(voxels, affine):
        image = bench.volume(stored.astype(np.int16), turned)
        mask, plane = bench.mask(stored, image, "brain"), _plane(0.0, image)
        left = bench.run(one_side, mask=mask, plane=plane, side="left")
        right = bench.run(one_side, mask=mask, plane=plane, side="right")
        assert left.voxels == 12 * 11 * 6
        assert right.voxels == 8 * 11 * 6
        assert (left.type.structure, left.type.side) == ("brain", "left")
        index = bench.run(asymmetry_index, mask=mask, plane=plane)
        assert index.value == pytest.approx(40.0)
        assert index.uncertainty.low == pytest.approx(20.0)
        assert index.uncertainty.high == pytest.approx(60.0)


def test_the_measurement_of_a_half_says_which_half(bench, lopsided):
    voxels, affine = lopsided
    image = bench.volume(voxels.astype(np.int16), affine)
    left = bench.run(one_side, mask=bench.mask(voxels, image, "brain"), plane=_plane(0.0, image), side="left")
    volume = bench.run(mask_volume, mask=left)
    assert volume.type.side == "left"
    assert volume.name == "volume of the left half of the brain"


def test_a_voxel_that_the_plane_halves_counts_to_both_sides(bench):
    voxels = np.zeros((21, 9, 9), bool)
    voxels[4:17, 3:6, 3:6] = True
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[0, 3] = -10.0
    image = bench.volume(voxels.astype(np.int16), affine)
    index = bench.run(asymmetry_index, mask=bench.mask(voxels, image), plane=_plane(0.0, image))
    assert index.value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("tool", [one_side, asymmetry_index, midsagittal_plane])
def test_nothing_is_said_of_sides_where_they_are_not_known(bench, lopsided, tool):
    voxels, affine = lopsided
    image = bench.volume(voxels.astype(np.int16), affine, sides_known=False)
    given = {"volume": image} if tool is midsagittal_plane else {
        "mask": bench.mask(voxels, image), "plane": _plane(0.0, image)
    }  # fmt: skip
    if tool is one_side:
        given["side"] = "left"
    with pytest.raises(ToolInputError, match="which side is left"):
        bench.run(tool, **given)


def test_an_empty_mask_has_no_asymmetry(bench, lopsided):
    voxels, affine = lopsided
    image = bench.volume(voxels.astype(np.int16), affine)
    result = bench.run(asymmetry_index, mask=bench.mask(voxels & False, image), plane=_plane(0.0, image))
    assert result.value is None


@pytest.mark.data
def test_the_midline_of_colin_27_lies_at_the_templates_middle(bench, real_scan):
    plane = bench.run(midsagittal_plane, volume=real_scan("brain_t1"))
    assert plane.normal[0] > 0.999
    assert np.dot(plane.point_mm, plane.normal) == pytest.approx(0.0, abs=1.5)
