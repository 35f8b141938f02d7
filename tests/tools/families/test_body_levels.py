"""Areas at a level that a person points at: discs of known area on a slice of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import level_areas

FACTS = {"modality": "CT", "body_part": "abdomen", "unit": HU}
AFFINE = np.array([[1.5, 0, 0, -70.0], [0, 1.25, 0, 10.0], [0, 0, 4.0, -33.0], [0, 0, 0, 1.0]])


@pytest.fixture
def cone():
    """A cone whose disc at index k has a radius of 20 + k mm; muscle (60 HU) in front, fat (−100) behind."""
    x, y, z = np.meshgrid(*(np.arange(n) for n in (110, 120, 12)), indexing="ij")
    mm = (1.5 * x - 83.3, 1.25 * y - 71.875)
    mask = np.hypot(*mm) <= 20 + z
    hu = np.where(mm[1] > 0, 60, -100).astype(np.int16)
    return hu, mask


def test_the_area_is_that_of_the_disc_in_every_axis_order(bench, cone, all_orders):
    hu, mask = cone
    seen = set()
    for (stored, turned), (cut, _) in list(zip(all_orders(hu, AFFINE), all_orders(mask, AFFINE), strict=True))[::5]:
        image = bench.volume(stored, turned, **FACTS)
        fat = bench.mask(cut, image, "fat")
        result = bench.run(level_areas.area_at_level, mask=fat, at=Point(x=10, y=60, z=-33 + 4 * 5 + 1.4))
        seen.add((round(result.value, 6), result.at))
    assert len(seen) == 1
    ((value, at),) = seen
    assert value == pytest.approx(np.pi * 25**2 / 100, rel=0.01)
    assert at == "axial slice 6 of 12 counted from below, at z -11.6 mm"


def test_the_range_is_that_of_the_slices_above_and_below(bench, cone):
    hu, mask = cone
    image = bench.volume(hu, AFFINE, **FACTS)
    result = bench.run(level_areas.area_at_level, mask=bench.mask(mask, image, "fat"), at=Point(x=10, y=60, z=-13))
    assert result.unit == "cm2"
    assert result.uncertainty.low == pytest.approx(np.pi * 24**2 / 100, rel=0.01)
    assert result.uncertainty.high == pytest.approx(np.pi * 26**2 / 100, rel=0.01)


def test_muscle_is_what_is_lean_inside_the_given_outline(bench, cone):
    hu, mask = cone
    image = bench.volume(hu, AFFINE, **FACTS)
    outline = bench.mask(mask, image, "given_region")
    result = bench.run(level_areas.muscle_area_at_level, volume=image, outline=outline, at=Point(x=10, y=60, z=-13))
    assert result.value == pytest.approx(np.pi * 25**2 / 200, rel=0.02)
    assert (result.type.structure, result.type.quantity) == ("muscle", ("area_at_level",))


def test_a_slice_without_the_structure_has_no_area(bench, cone):
    hu, mask = cone
    image = bench.volume(hu, AFFINE, **FACTS)
    upper = mask.copy()
    upper[..., :6] = False
    result = bench.run(level_areas.area_at_level, mask=bench.mask(upper, image, "fat"), at=Point(x=10, y=60, z=-33))
    assert result.value is None
    assert any("not found" in flag for flag in result.flags)


def test_a_structure_cut_on_that_slice_gives_a_lower_bound(bench, cone):
    hu, mask = cone
    image = bench.volume(hu[50:], AFFINE, **FACTS)
    cut = bench.mask(mask[50:], image, "fat")
    result = bench.run(level_areas.area_at_level, mask=cut, at=Point(x=10, y=60, z=-13))
    assert result.bound == "lower"
    assert any("cut by the edge" in flag for flag in result.flags)


def test_a_level_outside_the_scan_is_refused(bench, cone):
    hu, mask = cone
    image = bench.volume(hu, AFFINE, **FACTS)
    with pytest.raises(ToolInputError, match="outside the field of view"):
        bench.run(level_areas.area_at_level, mask=bench.mask(mask, image, "fat"), at=Point(x=10, y=60, z=90))
