"""Where things land in the picture, and which marks are drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scanwright.tools.contract.quantity import HU
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import pictures
from scanwright.tools.families.pictures import overlay


@pytest.fixture
def block():
    """A bright block at the patient's left, anterior, superior corner; anisotropic."""
    voxels = np.full((60, 80, 40), -1000, np.int16)
    voxels[8:18, 60:72, 28:35] = 1000
    return voxels, np.diag([2.0, 1.5, 3.0, 1.0])


def _pixels(bench, figure):
    return np.asarray(Image.open(io.BytesIO(bench.blobs.path(figure.blob).read_bytes()))).astype(int)


def _bright_boxes(pixels):
    """Per panel (thirds of the width): the middle of the white block relative to the panel's middle, in pixels."""
    body = pixels[pictures.HEAD : pixels.shape[0] - pictures.FOOT - 22]
    white = (body.min(axis=2) > 250) & (body.max(axis=2) > 250)
    columns = np.flatnonzero(white.sum(axis=0) > 10)
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 20) + 1)
    rows = [np.flatnonzero(white[:, g].sum(axis=1) > 10) for g in groups]
    return [(g.mean(), g.size, r.mean(), r.size) for g, r in zip(groups, rows, strict=True)]


def test_left_anterior_superior_lands_where_a_radiologist_expects_it(bench, block):
    voxels, affine = block
    image = bench.volume(voxels, affine, modality="CT", unit=HU)
    pixels = _pixels(bench, bench.run(overlay, volume=image, mask=bench.mask(voxels > 0, image)))
    assert pixels.shape[1] == pictures.WIDTH
    scale = (pictures.WIDTH - 4 * pictures.GAP) / (120 + 120 + 120)
    tallest = 120 * scale
    axial, coronal, sagittal = _bright_boxes(pixels)
    for panel, (x_mm, y_mm, w_mm, h_mm) in zip(
        (axial, coronal, sagittal),
        ((120 - 26, 120 - 99, 20, 18), (120 - 26, 120 - 94.5, 20, 21), (120 - 99, 120 - 94.5, 18, 21)),
        strict=True,
    ):
        x, width, y, height = panel
        start = pictures.GAP + (0, 1, 2)[(axial, coronal, sagittal).index(panel)] * (120 * scale + pictures.GAP)
        assert x - start == pytest.approx(x_mm * scale, abs=3)
        assert y - (tallest - 120 * scale) / 2 == pytest.approx(y_mm * scale, abs=3)
        assert width == pytest.approx(w_mm * scale, abs=8)
        assert height == pytest.approx(h_mm * scale, abs=8)


def test_the_picture_is_the_same_however_the_scan_is_stored(bench, block, all_orders):
    voxels, affine = block
    seen = set()
    for stored, turned in all_orders(voxels, affine):
        image = bench.volume(stored, turned, modality="CT", unit=HU)
        seen.add(bench.run(overlay, volume=image, mask=bench.mask(stored > 0, image)).blob.sha256)
    assert len(seen) == 1


def test_the_contour_is_drawn_around_the_mask_in_all_three_planes(bench, block):
    voxels, affine = block
    image = bench.volume(voxels, affine, modality="CT", unit=HU)
    pixels = _pixels(bench, bench.run(overlay, volume=image, mask=bench.mask(voxels > 0, image)))
    drawn = np.flatnonzero((pixels == pictures.CONTOUR).all(axis=2).any(axis=0))
    assert len(np.split(drawn, np.flatnonzero(np.diff(drawn) > 20) + 1)) == 3
    plain = _pixels(bench, bench.run(overlay, volume=image))
    assert not (plain == pictures.CONTOUR).all(axis=2).any()


def test_sides_are_marked_only_where_they_are_known(bench, block):
    voxels, affine = block
    known = bench.run(overlay, volume=bench.volume(voxels, affine, modality="CT", unit=HU))
    unknown = bench.run(overlay, volume=bench.volume(voxels, affine, sides_known=False, modality="CT", unit=HU))
    scale = (pictures.WIDTH - 4 * pictures.GAP) / 360
    middle = round(pictures.HEAD + 60 * scale)
    edge = (slice(middle - 12, middle + 12), slice(pictures.GAP, pictures.GAP + 25))
    assert (_pixels(bench, known)[edge] > 150).any()
    assert not (_pixels(bench, unknown)[edge] > 150).any()
    assert "patient's right is on the left" in known.caption
    assert "no right or left is marked" in unknown.caption
    for figure in (known, unknown):
        assert figure.caption.endswith("Research use: not a medical device.")
        assert figure.type.quantity == ("overlay",)


def test_an_empty_mask_gives_the_image_and_says_so(bench, block):
    voxels, affine = block
    image = bench.volume(voxels, affine, modality="CT", unit=HU)
    assert "not found" in bench.run(overlay, volume=image, mask=bench.mask(voxels > 5000, image)).caption


def test_an_image_with_one_value_or_none_that_is_finite_still_gives_a_picture(bench):
    for value in (0.0, 7.0, np.nan):
        figure = bench.run(overlay, volume=bench.volume(np.full((10, 12, 14), value, np.float32), modality="MR"))
        assert figure.blob.size > 1000


def test_a_mask_on_another_grid_is_refused(bench, block):
    voxels, affine = block
    image, other = bench.volume(voxels, affine), bench.volume(voxels, affine @ np.diag([2.0, 2.0, 2.0, 1.0]))
    with pytest.raises(ToolInputError, match="grid"):
        bench.run(overlay, volume=image, mask=bench.mask(voxels > 0, other))
