"""Volumes, shares, surfaces, boxes and parts of phantoms whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import shape

STEPS = {
    "isotropic": np.diag([1.0, 1.0, 1.0]),
    "left-handed": np.diag([-0.9, 0.9, 0.9]),
    "anisotropic": np.diag([0.8, 1.0, 2.0]),
    "sheared": np.array([[1.0, 0.0, 0.3], [0.0, 1.1, 0.0], [0.0, 0.35, 1.2]]),
    "turned": np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.5]]),
}


@pytest.mark.parametrize("grid", STEPS)
def test_volume_of_an_ellipsoid_is_within_one_percent(bench, ellipsoid, grid):
    voxels, affine = ellipsoid((20.0, 26.0, 33.0), STEPS[grid])
    image = bench.volume(voxels.astype(np.int16), affine, modality="CT")
    result = bench.run(shape.mask_volume, mask=bench.mask(voxels, image))
    truth = 4 / 3 * np.pi * 20 * 26 * 33 / 1000
    assert result.value == pytest.approx(truth, rel=0.01)
    assert result.unit == "mL"
    assert result.code is not None
    assert result.bound is None
    assert result.uncertainty.low < truth < result.uncertainty.high
    assert result.type.quantity == ("volume",)
    assert result.type.structure == "lesion"


@pytest.mark.parametrize("grid", STEPS)
def test_surface_of_a_ball_is_within_two_percent(bench, ellipsoid, grid):
    radius = 10.5 * float(np.linalg.norm(STEPS[grid], axis=0).max())
    voxels, affine = ellipsoid((radius,) * 3, STEPS[grid])
    image = bench.volume(voxels.astype(np.int16), affine)
    result = bench.run(shape.surface_area, mask=bench.mask(voxels, image))
    assert result.value == pytest.approx(4 * np.pi * radius**2 / 100, rel=0.02)


def test_every_size_is_the_same_in_all_48_axis_orders(bench, ellipsoid, all_orders):
    voxels, affine = ellipsoid((9.0, 12.0, 17.0), np.diag([0.8, 1.0, 1.5]))
    voxels[2:5, 1:3, 2] = True
    seen = set()
    for stored, turned in all_orders(voxels, affine):
        mask = bench.mask(stored, bench.volume(stored.astype(np.int16), turned))
        parts = bench.run(shape.components, mask=mask).items
        values = (
            bench.run(shape.mask_volume, mask=mask).value,
            bench.run(shape.mask_volume, mask=mask).uncertainty.low,
            bench.run(shape.surface_area, mask=mask).value,
            *bench.run(shape.bounding_box, mask=mask).value,
            bench.run(shape.volume_fraction, mask=mask).value,
            parts[0].value,
            *parts[1].value,
        )
        seen.add(tuple(round(v, 4) for v in values))
    assert len(seen) == 1


def test_an_empty_mask_is_not_found_and_never_nought(bench):
    image = bench.volume(np.zeros((8, 9, 10), np.int16))
    mask = bench.mask(np.zeros((8, 9, 10), bool), image)
    for each in (shape.mask_volume, shape.surface_area, shape.bounding_box, shape.volume_fraction):
        result = bench.run(each, mask=mask)
        assert result.value is None
        assert result.bound is None
        assert any(flag.startswith("not found") for flag in result.flags)
    parts = bench.run(shape.components, mask=mask)
    assert [item.value for item in parts.items] == [None, None]


def test_a_mask_cut_by_the_field_of_view_is_a_lower_bound_and_says_where(bench):
    voxels = np.zeros((12, 13, 14), bool)
    voxels[4:8, 5:9, :6] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16)))
    for each in (shape.mask_volume, shape.surface_area, shape.bounding_box):
        result = bench.run(each, mask=mask)
        assert result.bound == "lower"
        assert any("inferior edge" in flag for flag in result.flags)


def test_the_cut_face_does_not_count_as_surface(bench):
    voxels = np.zeros((40, 40, 30), bool)
    voxels[10:30, 10:30, :20] = True
    cut = bench.run(shape.surface_area, mask=bench.mask(voxels, bench.volume(voxels.astype(np.int16)))).value
    assert cut == pytest.approx((20 * 20 + 4 * 20 * 19.5) / 100, rel=0.03)


def test_the_side_of_the_cut_is_not_named_where_sides_are_unknown(bench):
    voxels = np.zeros((12, 13, 14), bool)
    voxels[:6, 5:9, 4:8] = True
    image = bench.volume(voxels.astype(np.int16), sides_known=False)
    flags = bench.run(shape.mask_volume, mask=bench.mask(voxels, image)).flags
    assert any("lateral edge" in flag for flag in flags)
    assert not any("left" in flag or "right" in flag for flag in flags)


def test_a_size_in_template_space_says_so_and_a_share_needs_not(bench):
    voxels = np.zeros((12, 13, 14), bool)
    voxels[3:6, 5:9, 4:8] = True
    template = bench.mask(voxels, bench.volume(voxels.astype(np.int16), space="normalised"))
    unknown = bench.mask(voxels, bench.volume(voxels.astype(np.int16), space="unknown"))
    assert any("the template's size" in f for f in bench.run(shape.mask_volume, mask=template).flags)
    assert any("the file does not say" in f for f in bench.run(shape.mask_volume, mask=unknown).flags)
    assert bench.run(shape.volume_fraction, mask=template).flags == ()


def test_the_box_is_right_left_by_anterior_posterior_by_superior_inferior(bench, all_orders):
    voxels = np.zeros((20, 30, 25), bool)
    voxels[3:7, 5:16, 8:11] = True
    affine = np.diag([2.0, 1.0, 3.0, 1.0])
    for stored, turned in all_orders(voxels, affine):
        mask = bench.mask(stored, bench.volume(stored.astype(np.int16), turned))
        assert bench.run(shape.bounding_box, mask=mask).value == pytest.approx((8.0, 11.0, 9.0))


def test_share_of_a_region_counts_only_what_lies_inside(bench):
    image = bench.volume(np.zeros((20, 20, 20), np.int16))
    region, part = np.zeros((20, 20, 20), bool), np.zeros((20, 20, 20), bool)
    region[2:12, 2:12, 2:12] = True
    part[2:12, 2:12, 7:17] = True
    result = bench.run(shape.volume_fraction, mask=bench.mask(part, image), region=bench.mask(region, image, "head"))
    assert result.value == pytest.approx(50.0)
    assert result.unit == "%"
    assert any("outside the head are not counted" in f for f in result.flags)
    assert bench.run(shape.volume_fraction, mask=bench.mask(part, image)).value == pytest.approx(100 / 8)


def test_share_of_an_empty_region_or_of_another_grid_is_refused(bench):
    image = bench.volume(np.zeros((20, 20, 20), np.int16))
    other = bench.volume(np.zeros((20, 20, 20), np.int16), np.diag([2.0, 2.0, 2.0, 1.0]))
    some = np.zeros((20, 20, 20), bool)
    some[2:4, 3:6, 4:9] = True
    with pytest.raises(ToolInputError, match="No voxel of the head"):
        bench.run(shape.volume_fraction, mask=bench.mask(some, image), region=bench.mask(some & False, image, "head"))
    with pytest.raises(ToolInputError, match="grid"):
        bench.run(shape.volume_fraction, mask=bench.mask(some, image), region=bench.mask(some, other, "head"))


def test_parts_that_touch_at_a_corner_are_one_and_sizes_are_sorted(bench):
    voxels = np.zeros((20, 22, 24), bool)
    voxels[2:4, 2:4, 2:4] = True
    voxels[4:6, 4:6, 4:6] = True
    voxels[10:15, 10:15, 10:15] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16), np.diag([2.0, 1.0, 1.0, 1.0])))
    count, sizes = bench.run(shape.components, mask=mask).items
    assert count.value == 2
    assert sizes.value == pytest.approx((0.250, 0.032))


def test_one_voxel_and_one_slice_can_be_measured(bench):
    voxels = np.zeros((9, 8, 7), bool)
    voxels[4, 3, 2] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16)))
    assert bench.run(shape.mask_volume, mask=mask).value == pytest.approx(0.001)
    assert bench.run(shape.surface_area, mask=mask).value > 0
    flat = np.zeros((9, 8, 1), bool)
    flat[2:6, 3:5, 0] = True
    mask = bench.mask(flat, bench.volume(flat.astype(np.int16)))
    assert bench.run(shape.mask_volume, mask=mask).value == pytest.approx(0.008)
    assert any("single slice" in f for f in bench.run(shape.surface_area, mask=mask).flags)


def test_flags_of_a_mask_go_with_its_measurements(bench):
    voxels = np.zeros((9, 8, 7), bool)
    voxels[4, 3, 2] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16)))
    mask = mask.model_copy(update={"flags": ("outside the plausible range",)})
    assert "outside the plausible range" in bench.run(shape.mask_volume, mask=mask).flags
