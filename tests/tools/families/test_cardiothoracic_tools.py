"""Cardiothoracic ratio from masks: known widths in every axis order, and what it is not told of."""

from __future__ import annotations

import io

import numpy as np
import pytest
from body_trunk_phantom import AFFINE, FACTS, SHAPE, SPACING
from PIL import Image
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.families.cardiothoracic import cardiothoracic_picture, cardiothoracic_ratio


def chest():
    """Heart and lungs (bool): the heart is 120 mm wide, the lungs 260 mm, and 250 mm on the heart's widest level."""
    x, y, z = np.meshgrid(*(AFFINE[a, 3] + SPACING[a] * np.arange(SHAPE[a]) for a in range(3)), indexing="ij")
    box = (np.abs(y + 10) < 40) & (z > 120) & (z < 300)
    lungs = box & (((x > 55) & (x < 125)) | ((x < -40) & (x > -125)))
    lungs |= (np.abs(y + 10) < 40) & (z > 90) & (z <= 120) & (x > 55) & (x < 135)
    lungs |= (np.abs(y + 10) < 40) & (z > 90) & (z <= 120) & (x < -40) & (x > -125)
    upper = (np.abs(x + 20) < 35) & (np.abs(y) < 30) & (z > 180) & (z < 220)
    lower = (np.abs(x - 5) < 60) & (np.abs(y) < 30) & (z > 140) & (z < 180)
    return upper | lower, lungs & ~upper & ~lower


@pytest.fixture
def ratio(bench):
    def run(heart, lungs, affine=AFFINE, structure="given_region", **facts):
        image = bench.volume(np.zeros(heart.shape, np.int16), affine, **{**FACTS, **facts})
        masks = {"heart": bench.mask(heart, image, structure), "lungs": bench.mask(lungs, image, "lung")}
        return bench.run(cardiothoracic_ratio, **masks)

    return run


def test_the_widths_are_those_of_the_phantom(ratio):
    found = ratio(*chest())
    assert found.value == pytest.approx(120 / 260, abs=2.5 / 120)
    assert found.uncertainty.low <= found.value <= found.uncertainty.high
    assert found.uncertainty.high >= 120 / 250
    assert any("does not carry over" in flag for flag in found.flags)


def test_the_ratio_is_the_same_in_all_axis_orders(ratio, all_orders):
    heart, lungs = chest()
    turned = zip(all_orders(heart, AFFINE), all_orders(lungs, AFFINE), strict=True)
    assert len({round(ratio(h, g, a).value, 9) for (h, a), (g, _) in list(turned)[::7]}) == 1


def test_the_heart_of_a_model_does_as_well_and_the_aorta_does_not(ratio):
    heart, lungs = chest()
    assert ratio(heart, lungs, structure="heart").type.structure == "heart"
    with pytest.raises(ToolInputError, match="mask of the heart"):
        ratio(heart, lungs, structure="aorta")


def test_a_speck_is_no_heart_and_an_empty_mask_is_not_found(ratio):
    heart, lungs = chest()
    speck = heart.copy()
    speck[:70] = False
    speck[80:] = False
    speck[:, :, :40] = False
    with pytest.raises(ToolInputError, match="mL"):
        ratio(speck, lungs)
    assert ratio(np.zeros_like(heart), lungs).value is None
    assert ratio(heart, np.zeros_like(lungs)).value is None
    lungs[:, :, :50] = False
    assert ratio(heart, lungs).value is None


def test_lungs_that_are_cut_at_the_side_give_an_upper_bound(ratio):
    heart, lungs = chest()
    assert ratio(heart, lungs).bound is None
    found = ratio(heart[30:121], lungs[30:121])
    assert found.bound == "upper"
    assert any("cut at the side" in flag for flag in found.flags)


def test_an_abdomen_or_an_mr_is_refused(ratio):
    for facts in ({"body_part": "pelvis"}, {"modality": "MR", "unit": "1"}):
        with pytest.raises(ToolInputError):
            ratio(*chest(), **facts)


def test_the_picture_has_the_heads_end_above_and_the_left_of_the_heart_on_the_right(bench):
    heart, lungs = chest()
    hu = np.where(lungs, -850, np.where(heart, 60, 40)).astype(np.int16)
    image = bench.volume(hu, AFFINE, **FACTS)
    masks = {"heart": bench.mask(heart, image, "heart"), "lungs": bench.mask(lungs, image, "lung")}
    figure = bench.run(cardiothoracic_picture, volume=image, **masks)
    picture = np.asarray(Image.open(io.BytesIO(bench.blobs.path(figure.blob).read_bytes())))[62:].astype(int)
    rows, columns = np.nonzero((abs(picture - (255, 150, 20)) < 20).all(axis=2))
    # The narrow upper part of the heart lies to the patient's left of the lower one: above, and on the right.
    upper = rows < (rows.min() + rows.max()) / 2
    assert columns[upper].mean() > columns[~upper].mean() + 5
    with pytest.raises(ToolFailed):
        bench.run(cardiothoracic_picture, volume=image, heart=masks["heart"],
                  lungs=bench.mask(np.zeros_like(lungs), image, "lung"))  # fmt: skip
