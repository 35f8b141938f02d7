"""SUV by body weight: the formula by hand, peaks of balls of known activity, and when none is told."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.artifacts import PetFacts
from scanwright.tools.contract.quantity import HU
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.suv import suv_body_weight, suv_in_region, suv_of_image
from scanwright.tools.morphology import suv

AFFINE = np.array([[2.0, 0, 0, -40.0], [0, 2.2, 0, -25.0], [0, 0, 3.0, 8.0], [0, 0, 0, 1.0]])
SHAPE = (40, 34, 28)
# One half-life after 400 MBq, 80 kg: what is left is 200 MBq, so 2,500 Bq/mL are SUV 1.
FACTS = PetFacts(dose_bq=400e6, half_life_s=6586.2, weight_kg=80.0, decay_s=6586.2)
BQ = {"modality": "PT", "unit": "Bq/mL", "pet": FACTS}


def ball(radius_mm, centre=(-2.0, 9.0, 50.0)):
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    return np.linalg.norm(grid @ AFFINE[:3, :3].T + AFFINE[:3, 3] - centre, axis=-1) <= radius_mm


def test_the_factor_is_the_weight_over_what_the_decay_left():
    assert suv.factor(FACTS) == pytest.approx(80_000 / 200e6)
    hour = PetFacts(dose_bq=370e6, half_life_s=6586.2, weight_kg=75.0, decay_s=3600.0)
    assert suv.factor(hour) == pytest.approx(75_000 / (370e6 * 0.684633), rel=1e-5)


def test_an_even_image_of_2500_bq_is_suv_1(bench):
    image = bench.volume(np.full(SHAPE, 2500, np.float32), AFFINE, **BQ)
    made = bench.run(suv_body_weight, volume=image)
    assert made.image.unit == "{SUVbw}g/mL"
    assert bench.read(made) == pytest.approx(1.0)
    again = bench.run(suv_body_weight, volume=made)
    assert bench.read(again) == pytest.approx(1.0)


def test_a_hot_ball_has_its_max_mean_and_peak_however_it_is_stored(bench, all_orders):
    hot = ball(12.0)
    bq = np.where(hot, 10_000, 1250).astype(np.float32)
    bq[tuple(np.argwhere(hot)[40])] = 20_000
    seen = set()
    for (voxels, affine), (mask, _) in list(zip(all_orders(bq, AFFINE), all_orders(hot, AFFINE), strict=True))[::7]:
        image = bench.volume(voxels, affine, **BQ)
        found = {m.quantity: m for m in bench.run(suv_in_region, volume=image, mask=bench.mask(mask, image)).items}
        seen.add(tuple(round(found[q].value, 5) for q in ("suv_max", "suv_mean", "suv_peak")))
        assert found["suv_mean"].uncertainty.low < 4.0 < found["suv_mean"].uncertainty.high
        assert "80 kg" in found["suv_max"].method
    assert len(seen) == 1
    top, mean, peak = seen.pop()
    assert top == pytest.approx(8.0)
    assert mean == pytest.approx(4.0, rel=0.01)
    # The hot voxel of 13.2 mm³ adds 4 × 0.0132 to the mean of 1 mL.
    assert peak == pytest.approx(4.0 + 4 * 0.0132, rel=0.005)


def test_the_ball_of_the_peak_holds_one_millilitre():
    from scanwright.tools.imaging.geometry import Geometry

    weights = suv.ball_weights(Geometry.of(SHAPE, AFFINE))
    assert weights.sum() == pytest.approx(1.0)
    # The voxel in the middle lies in the ball as a whole: its share is its volume over 1 mL.
    assert weights.max() == pytest.approx(2.0 * 2.2 * 3.0 / 1000, rel=0.02)


def test_a_small_hot_spot_has_a_peak_below_its_max(bench):
    image = bench.volume(np.where(ball(4.0), 25_000, 0).astype(np.float32), AFFINE, **BQ)
    found = {m.quantity: m for m in bench.run(suv_of_image, volume=image).items}
    assert found["suv_max"].value == pytest.approx(10.0)
    share = ball(4.0).sum() * 0.0132
    assert found["suv_peak"].value == pytest.approx(10 * share, rel=0.03)
    assert set(found) == {"suv_max", "suv_peak"}
    assert any("bladder" in flag for flag in found["suv_max"].flags)


def test_a_region_at_the_edge_has_no_peak(bench):
    image = bench.volume(np.full(SHAPE, 2500, np.float32), AFFINE, **BQ)
    edge = np.zeros(SHAPE, bool)
    edge[:, :, 0] = True
    found = {m.quantity: m for m in bench.run(suv_in_region, volume=image, mask=bench.mask(edge, image)).items}
    assert found["suv_max"].value == pytest.approx(1.0)
    assert found["suv_peak"].value is None


def test_an_image_in_suv_passes_through(bench):
    image = bench.volume(np.full(SHAPE, 3.5, np.float32), AFFINE, modality="PT", unit="{SUVbw}g/mL")
    assert bench.run(suv_of_image, volume=image).items[0].value == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({**BQ, "pet": None}, "DICOM"),
        ({**BQ, "pet": PetFacts(why_not="The body weight is not there.")}, "body weight is not there"),
        ({"modality": "CT", "unit": HU}, "PT"),
    ],
)
def test_what_has_no_suv_says_why(bench, facts, words):
    image = bench.volume(np.ones(SHAPE, np.float32), AFFINE, **facts)
    with pytest.raises(ToolInputError, match=words):
        bench.run(suv_of_image, volume=image)
