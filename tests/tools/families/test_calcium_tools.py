"""Calcium score: the Agatston score worked out by hand, and the scans that it is not told of."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.families.calcium import calcium_picture, calcium_score

FACTS = {"modality": "CT", "body_part": "heart", "unit": "[hnsf'U]", "contrast": False, "gated": True}
SHAPE = (60, 52, 20)


def heart(slice_mm=3.0, pixel_mm=0.5):
    """HU with blocks of calcium of known size, bone outside, and the region (bool) around the blocks."""
    affine = np.array(
        [[pixel_mm, 0, 0, -10.0], [0, pixel_mm, 0, -30.0], [0, 0, slice_mm, 5.0], [0, 0, 0, 1.0]], dtype=float
    )
    hu = np.full(SHAPE, 40, np.int16)
    hu[10:14, 12:17, 4:6] = 150  # 20 pixels in two slices, weight 1
    hu[11, 13, 4] = 250  # weight 2 in the lower of them
    hu[30:36, 20:24, 9] = 320  # 24 pixels in one slice, weight 3
    hu[32, 21, 9] = 400  # weight 4
    hu[40:43, 40, 12] = 500  # three pixels of 0.25 mm²: under 1 mm²
    hu[50:58, :, :] = 600  # bone beside the region
    region = np.zeros(SHAPE, bool)
    region[6:46, 8:46, 2:16] = True
    return hu, region, affine


@pytest.fixture
def scored(bench):
    def run(hu, region, affine, structure="given_region", **facts):
        image = bench.volume(hu, affine, **{**FACTS, **facts})
        found = bench.run(calcium_score, volume=image, mask=bench.mask(region, image, structure))
        return {m.quantity: m for m in found.items}

    return run


@pytest.mark.parametrize("slice_mm", [1.5, 2.5, 3.0])
def test_the_score_is_what_is_worked_out_by_hand(scored, slice_mm):
    found = scored(*heart(slice_mm))
    # 20 pixels of 0.25 mm² are 5 mm²: weights 2 and 1; 24 are 6 mm²: weight 4.
    assert found["agatston_score"].value == pytest.approx((5 * 2 + 5 * 1 + 6 * 4) * slice_mm / 3)
    assert found["calcium_volume_score"].value == pytest.approx((5 + 5 + 6) * slice_mm)
    assert found["calcium_volume_score"].unit == "mm3"
    assert found["calcified_lesion_count"].value == 2
    spread = found["agatston_score"].uncertainty
    assert spread.low <= found["agatston_score"].value <= spread.high


def test_the_score_is_the_same_in_all_axis_orders(scored, all_orders):
    hu, region, affine = heart(2.5)
    turned = zip(all_orders(hu, affine), all_orders(region, affine), strict=True)
    scores = {round(scored(v, r, a)["agatston_score"].value, 9) for (v, a), (r, _) in list(turned)[::5]}
    assert scores == {round(39 * 2.5 / 3, 9)}


def test_nothing_calcified_is_0_and_an_empty_region_is_not_found(scored):
    hu, region, affine = heart()
    assert scored(np.minimum(hu, 129), region, affine)["agatston_score"].value == 0
    assert scored(hu, np.zeros_like(region), affine)["agatston_score"].value is None


def test_a_region_that_cuts_bone_says_so(scored):
    hu, region, affine = heart()
    assert not any("bone" in flag for flag in scored(hu, region, affine)["agatston_score"].flags)
    region[46:54] = region[45:46]
    assert any("bone" in flag for flag in scored(hu, region, affine)["agatston_score"].flags)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gated": None}, "ECG-gated"),
        ({"gated": False}, "was not"),
        ({"contrast": True}, "Contrast was given"),
        ({"modality": "MR", "unit": "1"}, "CT"),
        ({"slice_thickness_mm": 5.0}, "5 mm thick"),
        ({"structure": "bone"}, "bone"),
    ],
)
def test_what_it_is_not_told_of_is_refused(scored, changes, words):
    with pytest.raises(ToolInputError, match=words):
        scored(*heart(), **changes)


def test_slices_over_3_mm_and_regions_larger_than_a_heart_are_refused(scored):
    with pytest.raises(ToolInputError, match=r"validated up to 3\.05 mm"):
        scored(*heart(5.0))
    hu, _, affine = heart(3.0, 3.0)
    wide = np.tile(hu, (2, 2, 1))
    with pytest.raises(ToolInputError, match="more than any heart"):
        scored(wide, np.ones(wide.shape, np.bool_), affine)


def test_the_picture_has_the_slices_with_calcium(bench):
    hu, region, affine = heart()
    image = bench.volume(hu, affine, **FACTS)
    mask = bench.mask(region, image, "given_region")
    assert bench.run(calcium_picture, volume=image, mask=mask).caption.startswith("Axial slices")
    soft = bench.volume(np.minimum(hu, 100), affine, **FACTS)
    with pytest.raises(ToolFailed, match="calcified"):
        bench.run(calcium_picture, volume=soft, mask=mask)
