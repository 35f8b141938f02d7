"""Lungs, airways and the emphysema index on a trunk phantom with lungs of different size that touch."""

from __future__ import annotations

import numpy as np
import pytest
from body_trunk_phantom import FACTS, trunk
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import body_ct, lungs


@pytest.fixture(scope="module")
def phantom():
    return trunk()


def _both(bench, image):
    body = bench.run(body_ct.body_outline, volume=image)
    airway = bench.run(lungs.airways, volume=image, body=body)
    return body, airway, bench.run(lungs.lungs, volume=image, body=body, airway=airway)


def test_the_lungs_are_found_without_gas_and_without_airways(bench, phantom):
    hu, affine, truth = phantom
    _, airway, both = _both(bench, bench.volume(hu, affine, **FACTS))
    found = bench.read(both)
    assert both.voxels == pytest.approx(truth["lungs"].sum(), rel=0.02)
    assert (found & truth["lungs"]).sum() >= 0.98 * truth["lungs"].sum()
    assert not found[truth["gas"]].any()
    assert not (found & bench.read(airway)).any()


def test_trachea_and_main_bronchi_are_found_and_are_not_lung(bench, phantom):
    hu, affine, truth = phantom
    _, airway, _ = _both(bench, bench.volume(hu, affine, **FACTS))
    found = bench.read(airway)
    assert airway.voxels == pytest.approx(truth["airway"].sum(), rel=0.10)
    assert (found & truth["airway"]).sum() >= 0.9 * truth["airway"].sum()
    assert any("superior edge" in flag for flag in airway.flags)


def test_each_lung_is_on_its_side_in_every_axis_order(bench, phantom, all_orders):
    hu, affine, truth = phantom
    sizes = set()
    for stored, turned in list(all_orders(hu, affine))[::7]:
        image = bench.volume(stored, turned, **FACTS)
        body, _, both = _both(bench, image)
        right = bench.run(lungs.lung_of_side, volume=image, body=body, lungs=both, side="right")
        left = bench.run(lungs.lung_of_side, volume=image, body=body, lungs=both, side="left")
        assert right.voxels + left.voxels == both.voxels
        assert (right.type.side, left.type.side) == ("right", "left")
        sizes.add((right.voxels, left.voxels))
    for right_voxels, left_voxels in sizes:
        assert right_voxels == pytest.approx(truth["right"].sum(), rel=0.02)
        assert left_voxels == pytest.approx(truth["left"].sum(), rel=0.02)


def test_where_one_lung_is_missing_it_is_not_found(bench):
    hu, affine, truth = trunk(left_lung=False)
    image = bench.volume(hu, affine, **FACTS)
    body, _, both = _both(bench, image)
    right = bench.run(lungs.lung_of_side, volume=image, body=body, lungs=both, side="right")
    left = bench.run(lungs.lung_of_side, volume=image, body=body, lungs=both, side="left")
    assert right.voxels == pytest.approx(truth["right"].sum(), rel=0.02)
    assert left.voxels == 0
    assert any(flag.startswith("not found") for flag in left.flags)


def test_a_side_is_refused_where_the_file_does_not_know_sides(bench, phantom):
    hu, affine, _ = phantom
    image = bench.volume(hu, affine, sides_known=False, **FACTS)
    body, _, both = _both(bench, image)
    with pytest.raises(ToolInputError, match="which side is left"):
        bench.run(lungs.lung_of_side, volume=image, body=body, lungs=both, side="left")


def test_the_emphysema_index_is_the_share_that_was_put_in(bench, phantom):
    hu, affine, truth = phantom
    thin = affine.copy()
    thin[:3, :3] *= 0.8
    image = bench.volume(hu, thin, **FACTS, contrast=False)
    result = bench.run(lungs.emphysema_index, volume=image, lungs=bench.mask(truth["lungs"], image, "lung"))
    aerated = truth["lungs"] & (hu < -500)
    assert result.value == pytest.approx(100 * truth["emphysema"].sum() / aerated.sum(), abs=0.01)
    assert result.unit == "%"
    assert result.uncertainty.low <= result.value <= result.uncertainty.high
    assert not [f for f in result.flags if "contrast" in f or "voxels are" in f]


def test_thick_slices_and_contrast_are_said_with_the_emphysema_index(bench, phantom):
    hu, affine, truth = phantom
    image = bench.volume(hu, affine, **FACTS, contrast=True)
    result = bench.run(lungs.emphysema_index, volume=image, lungs=bench.mask(truth["lungs"], image, "lung"))
    assert any("validated up to 2.5 mm" in flag for flag in result.flags)
    assert any("Contrast was given" in flag for flag in result.flags)


def test_the_threshold_of_emphysema_is_minus_950_itself(bench, phantom):
    hu, affine, truth = phantom
    image = bench.volume(np.where(truth["lungs"], -950, hu).astype(np.int16), affine, **FACTS)
    result = bench.run(lungs.emphysema_index, volume=image, lungs=bench.mask(truth["lungs"], image, "lung"))
    assert result.value == 0.0
    assert result.uncertainty.high == 100.0


def test_too_little_lung_has_no_emphysema_index(bench, phantom):
    hu, affine, truth = phantom
    image = bench.volume(hu, affine, **FACTS)
    few = truth["left"].copy()
    few[..., :-28] = False
    with pytest.raises(ToolInputError, match="needs 500 mL"):
        bench.run(lungs.emphysema_index, volume=image, lungs=bench.mask(few, image, "lung"))


def test_a_scan_without_lungs_has_none(bench, phantom):
    hu, affine, _ = phantom
    image = bench.volume(np.where(hu < -500, np.where(hu > -900, 40, hu), hu).astype(np.int16)[..., :40], affine,
                         **FACTS)  # fmt: skip
    _, airway, both = _both(bench, image)
    assert (airway.voxels, both.voxels) == (0, 0)
    assert any(flag.startswith("not found") for flag in both.flags)
    with_nothing = bench.run(lungs.emphysema_index, volume=image, lungs=both)
    assert with_nothing.value is None
