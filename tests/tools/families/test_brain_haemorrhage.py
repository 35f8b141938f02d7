"""ABC/2 on boxes and ellipsoids whose every number is known."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.brain_haemorrhage import abc2_picture, haematoma_abc2
from scanwright.tools.testing import ToolBench

CT = {"modality": "CT", "body_part": "head", "unit": "[hnsf'U]"}


def stack(bench: ToolBench, sides: list[int], step: float = 5.0, **facts: object):
    """Slices of square cross-section, n×(n+4) voxels of 1 mm, off the middle of the array."""
    voxels = np.zeros((60, 64, len(sides) + 5), np.bool_)
    for z, n in enumerate(sides):
        voxels[20 : 20 + n, 14 : 14 + (n + 4 if n else 0), z + 3] = True
    image = bench.volume(np.where(voxels, 70, 30).astype(np.int16), np.diag([1.0, 1.0, step, 1.0]), **{**CT, **facts})
    return image, bench.mask(voxels, image, "given_region"), voxels


def test_slices_count_whole_half_or_not_at_all_by_their_area(bench: ToolBench) -> None:
    # Areas 45, 320, 480 (largest), 396, 140 and 96 mm²: shares 9, 67, 100, 83, 29 and 20 %.
    _, mask, voxels = stack(bench, [5, 16, 20, 18, 10, 8])
    found = bench.run(haematoma_abc2, mask=mask)
    kothari, whole, counted, difference = found.items
    a = np.hypot(20.0, 23.0)
    assert f"C {3.0 * 5:.1f} mm (3 slices of 5 mm)" in kothari.at
    assert kothari.value == pytest.approx(whole.value * 3 / 6)
    assert counted.value == pytest.approx(voxels.sum() * 5 / 1000)
    assert difference.value == pytest.approx(kothari.value - counted.value)
    assert f"A {a:.0f}"[:4] in kothari.at
    assert kothari.uncertainty.low < kothari.value < kothari.uncertainty.high
    assert [i.quantity for i in found.items] == ["abc2_volume", "abc2_volume", "volume", "abc2_difference"]


def test_an_ellipsoid_with_every_slice_whole_is_known_to_be_five_per_cent_short(bench: ToolBench, ellipsoid) -> None:
    voxels, affine = ellipsoid((26.0, 15.0, 18.0), np.diag([0.6, 0.65, 1.2]))
    image = bench.volume(np.where(voxels, 70, 30).astype(np.int16), affine, **CT)
    kothari, whole, counted, _ = bench.run(haematoma_abc2, mask=bench.mask(voxels, image, "given_region")).items
    truth = 4 / 3 * np.pi * 26 * 15 * 18 / 1000
    assert counted.value == pytest.approx(truth, rel=0.01)
    assert whole.value == pytest.approx(truth * 3 / np.pi, rel=0.05)
    # Whole where the area is above three quarters (half the height), half where above one quarter.
    assert kothari.value == pytest.approx(truth * 3 / np.pi * (0.5 + 0.5 * (np.sqrt(0.75) - 0.5)), rel=0.06)


def test_the_numbers_are_the_same_in_every_axis_order(bench: ToolBench, ellipsoid, all_orders) -> None:
    voxels, affine = ellipsoid((13.0, 8.0, 10.0), np.diag([0.9, 1.0, 2.5]))
    seen = set()
    for turned, moved in list(all_orders(voxels, affine))[::7]:
        image = bench.volume(turned.astype(np.int16), moved, **CT)
        found = bench.run(haematoma_abc2, mask=bench.mask(turned, image, "given_region"))
        seen.add(tuple(round(i.value, 6) for i in found.items))
    assert len(seen) == 1


def test_separate_parts_are_said_and_an_empty_mask_is_not_found(bench: ToolBench) -> None:
    image, _, voxels = stack(bench, [10, 12])
    two = voxels.copy()
    two[45:55, 40:50, 4] = True
    assert any("2 separate parts" in f for f in bench.run(haematoma_abc2, mask=bench.mask(two, image)).items[0].flags)
    empty = bench.run(haematoma_abc2, mask=bench.mask(np.zeros_like(voxels), image))
    assert [i.value for i in empty.items] == [None, None]
    assert "not found" in empty.items[0].flags[0]


def test_only_a_head_ct_is_measured(bench: ToolBench) -> None:
    for facts, words in (({"modality": "MR", "unit": "1"}, "works on CT"), ({"body_part": "chest"}, "shows the chest")):
        _, mask, _ = stack(bench, [10, 12], **facts)
        with pytest.raises(ToolInputError, match=words):
            bench.run(haematoma_abc2, mask=mask)


def test_the_picture_lies_where_the_bleed_is_with_right_on_the_left(bench: ToolBench) -> None:
    from io import BytesIO

    from PIL import Image

    image, mask, _ = stack(bench, [10, 14, 12], sides_known=True)
    figure = bench.run(abc2_picture, volume=image, mask=mask)
    pixels = np.asarray(Image.open(BytesIO(bench.blobs.path(figure.blob).read_bytes())))
    yellow = np.argwhere((pixels == (255, 205, 40)).all(axis=-1))
    # The box spans x 20 to 34 of 60 and y 14 to 32 of 64: left of the middle, so right in the picture, and posterior.
    assert yellow[:, 1].mean() > pixels.shape[1] / 2
    assert yellow[:, 0].mean() > 40 + 620 / 2
    assert (pixels == (70, 220, 240)).all(axis=-1).sum() > 20
    assert "A " not in figure.caption
    assert "ABC/2" in figure.caption
