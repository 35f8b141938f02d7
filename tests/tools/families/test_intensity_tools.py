"""Voxel values of phantoms that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.contract.quantity import HU, Point, Quantity
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.intensity import intensity_at_point, intensity_statistics, voxels_in_range


@pytest.fixture
def numbered():
    """A different value in every voxel, and an affine that is no identity."""
    affine = np.diag([2.0, 1.0, 3.0, 1.0])
    affine[:3, 3] = (-7.0, 4.0, 11.0)
    return np.arange(10 * 11 * 12, dtype=np.int16).reshape(10, 11, 12), affine


def _by_name(result):
    return {item.quantity: item for item in result.items}


def test_statistics_of_a_region_are_those_of_its_voxels(bench, numbered, all_orders):
    voxels, affine = numbered
    inside = np.zeros(voxels.shape, bool)
    inside[2:5, 3:9, 4:6] = True
    truth = voxels[inside].astype(float)
    for (stored, turned), (part, _) in zip(all_orders(voxels, affine), all_orders(inside, affine), strict=True):
        image = bench.volume(stored, turned, modality="CT", unit=HU)
        found = _by_name(bench.run(intensity_statistics, volume=image, region=bench.mask(part, image)))
        assert found["mean_intensity"].value == pytest.approx(truth.mean())
        assert found["sd_intensity"].value == pytest.approx(truth.std())
        assert found["median_intensity"].value == pytest.approx(np.median(truth))
        assert found["minimum_intensity"].value == truth.min()
        assert found["maximum_intensity"].value == truth.max()
        assert found["intensity_percentiles"].value == pytest.approx(tuple(np.percentile(truth, (5, 95))))
        assert found["minimum_intensity"].at == "(-3.0, 7.0, 23.0) mm RAS"
        assert found["maximum_intensity"].at == "(1.0, 12.0, 26.0) mm RAS"
        assert found["mean_intensity"].unit == HU
        assert found["mean_intensity"].type.structure == "lesion"


def test_statistics_without_a_region_are_of_the_whole_image(bench, numbered):
    voxels, affine = numbered
    result = bench.run(intensity_statistics, volume=bench.volume(voxels, affine))
    assert _by_name(result)["mean_intensity"].value == pytest.approx(voxels.mean())
    assert result.type.structure == "image"
    assert any("arbitrary units" in flag for flag in result.flags)


def test_voxels_that_are_not_finite_are_left_out_and_counted(bench):
    voxels = np.full((5, 6, 7), 3.0, np.float32)
    voxels[1, 2, 3], voxels[2, 2, 2] = np.nan, np.inf
    result = bench.run(intensity_statistics, volume=bench.volume(voxels))
    assert _by_name(result)["mean_intensity"].value == 3.0
    assert any(flag.startswith("2 voxels are not finite") for flag in result.flags)


def test_an_empty_region_has_no_statistics(bench, numbered):
    image = bench.volume(*numbered)
    result = bench.run(intensity_statistics, volume=image, region=bench.mask(numbered[0] < 0, image))
    assert {item.value for item in result.items} == {None}
    assert any(flag.startswith("not found") for flag in result.flags)


def test_an_extreme_that_many_voxels_share_has_a_count_and_no_place(bench):
    voxels = np.full((5, 6, 7), -1024, np.int16)
    voxels[1, 2, 3] = 50
    found = _by_name(bench.run(intensity_statistics, volume=bench.volume(voxels, modality="CT", unit=HU)))
    assert found["minimum_intensity"].at == "in 209 voxels"


def test_a_point_reads_the_nearest_voxel(bench, numbered, all_orders):
    voxels, affine = numbered
    x, y, z = affine[:3, :3] @ (3, 4, 5) + affine[:3, 3]
    for stored, turned in all_orders(voxels, affine):
        image = bench.volume(stored, turned, modality="CT", unit=HU)
        result = bench.run(intensity_at_point, volume=image, at=Point(x=x + 0.7, y=y - 0.4, z=z + 1.2))
        assert result.value == voxels[3, 4, 5]
        around = voxels[2:5, 3:6, 4:7].astype(float)
        assert result.uncertainty.low == pytest.approx(around.mean() - around.std())
        assert result.uncertainty.n == 27


def test_a_point_outside_the_field_of_view_is_refused_in_a_sentence(bench, numbered):
    with pytest.raises(ToolInputError, match="outside the field of view"):
        bench.run(intensity_at_point, volume=bench.volume(*numbered), at=Point(x=-9.0, y=5.0, z=20.0))
    edge = bench.run(intensity_at_point, volume=bench.volume(*numbered), at=Point(x=-7.9, y=4.0, z=11.0))
    assert edge.uncertainty.n == 8


def test_a_range_holds_both_limits(bench, numbered):
    voxels, affine = numbered
    image = bench.volume(voxels, affine, modality="CT", unit=HU)
    found = bench.run(voxels_in_range, volume=image, low=Quantity(value=100, unit=HU), high=Quantity(value=120))
    assert found.voxels == 21
    assert found.name == "voxels from 100 to 120 HU"
    above = bench.run(voxels_in_range, volume=image, low=Quantity(value=1300, unit=HU))
    assert above.voxels == 20
    inside = np.zeros(voxels.shape, bool)
    inside[9, 10] = True
    part = bench.run(voxels_in_range, volume=image, region=bench.mask(inside, image), low=Quantity(value=1310, unit=HU))
    assert part.voxels == 10
    assert part.type.structure == "intensity_range"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "value is not said"),
        ({"low": Quantity(value=300, unit="mm")}, "not a voxel value"),
        ({"high": Quantity(value=-5000, unit=HU)}, "outside what a CT can hold"),
        ({"low": Quantity(value=300, unit=HU), "high": Quantity(value=100, unit=HU)}, "swap the two"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(bench, numbered, limits, words):
    image = bench.volume(*numbered, modality="CT", unit=HU)
    with pytest.raises(ToolInputError, match=words):
        bench.run(voxels_in_range, volume=image, **limits)


def test_a_range_that_nothing_lies_in_is_empty(bench, numbered):
    image = bench.volume(*numbered, modality="CT", unit=HU)
    assert bench.run(voxels_in_range, volume=image, low=Quantity(value=2500, unit=HU)).voxels == 0
