"""The CT encoder: it computes what the published network computes, and prepares scans as published."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ct_encoder_weights import plainly, small_state
from scanwright.tools import phantoms
from scanwright.tools.engines import ct_encoder
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging.geometry import Geometry


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def a_crop() -> np.ndarray:
    return np.random.default_rng(3).random((40, 36, 24), dtype=np.float32)


def test_folded_norms_and_one_channel_give_the_plain_networks_vector() -> None:
    state, crop = small_state(), a_crop()
    encoder = ct_encoder.CtEncoder(state)
    vector = encoder.encode(crop)
    assert vector.shape == (encoder.dimensions,) == (128,)
    assert np.allclose(vector, plainly(state, crop), rtol=1e-4, atol=1e-5)
    assert vector.std() > 0.01


def test_bfloat16_keeps_the_direction_of_the_vector() -> None:
    state, crop = small_state(), a_crop()
    exact, coarse = (ct_encoder.CtEncoder(state, p).encode(crop) for p in ("float32", "bfloat16"))
    assert exact @ coarse / np.linalg.norm(exact) / np.linalg.norm(coarse) > 0.999


def test_the_vector_tells_up_from_down_and_left_from_right() -> None:
    encoder, crop = ct_encoder.CtEncoder(small_state()), a_crop()
    vector = encoder.encode(crop)
    for axis in range(3):
        assert not np.allclose(encoder.encode(np.flip(crop, axis)), vector, rtol=1e-3)


def test_progress_is_told_block_by_block_and_can_stop_the_run() -> None:
    told: list[float] = []
    encoder = ct_encoder.CtEncoder(small_state())
    encoder.encode(a_crop(), told.append)
    assert told == [0.2, 0.4, 0.6, 0.8, 1.0]

    def stop(fraction: float) -> None:
        if fraction > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoder.encode(a_crop(), stop)


@pytest.mark.parametrize("missing", ["conv1.weight", "layer2.1.bn2.running_var", "layer3.0.conv1.weight"])
def test_weights_of_another_layout_are_refused(missing: str) -> None:
    state = small_state()
    del state[missing]
    with pytest.raises(ToolFailed, match="published layout"):
        ct_encoder.CtEncoder(state)


def a_scan(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """HU that rise to the right, to the front and, most, to the top; 100 to 700."""
    x, y, z = (np.arange(n) * s for n, s in zip(shape, spacing, strict=True))
    hu = 100 + 1.0 * x[:, None, None] + 0.5 * y[None, :, None] + 0.8 * z[None, None, :]
    return hu.astype(np.int16), np.diag([*spacing, 1.0])


@pytest.mark.parametrize("k", [0, 5, 17, 30, 47])
def test_how_the_file_stores_the_scan_does_not_matter(k: int) -> None:
    voxels, affine = a_scan((50, 60, 40), (3.0, 3.0, 6.0))
    want = ct_encoder.prepare(voxels, Geometry.of(voxels.shape, affine)).crops
    turned, moved = phantoms.reoriented(voxels, affine, k)
    assert np.allclose(ct_encoder.prepare(turned, Geometry.of(turned.shape, moved)).crops, want, atol=1e-5)


def test_values_stand_where_the_published_spacing_puts_them() -> None:
    voxels, affine = a_scan((50, 60, 40), (3.0, 3.0, 6.0))
    (crop,) = ct_encoder.prepare(voxels, Geometry.of(voxels.shape, affine)).crops[:1]
    assert crop.shape == (224, 224, 64)
    # 50 voxels of 3 mm are 99 of 1.5 mm, with 62 columns of nothing before them and 63 after.
    assert not crop[:62].any()
    assert not crop[62 + 99 :].any()
    hu = crop[62:161, (224 - 119) // 2 : (224 - 119) // 2 + 119] * 2000 - 1000
    x, y, z = np.arange(99) * 1.5, np.arange(119) * 1.5, np.arange(64) * 3.0
    want = 100 + 1.0 * x[:, None, None] + 0.5 * y[None, :, None] + 0.8 * z[None, None, :]
    assert np.abs(hu - want).max() < 1.5  # whole numbers were stored


def test_a_tall_scan_is_seen_from_its_lowest_slice_to_its_highest() -> None:
    voxels, affine = a_scan((20, 24, 150), (6.0, 6.0, 3.0))
    prepared = ct_encoder.prepare(voxels, Geometry.of(voxels.shape, affine))
    assert prepared.crops.shape == (3, 224, 224, 64)
    centre = prepared.crops[:, 112, 112]
    heights = (centre - centre[0, 0]) * 2000 / 0.8 / 3.0
    assert np.allclose(heights[:, 0], [0, 43, 86], atol=1)
    assert np.isclose(heights[2, -1], 149, atol=1)


def test_a_flat_scan_lies_in_the_middle_of_air() -> None:
    voxels, affine = a_scan((20, 24, 10), (6.0, 6.0, 3.0))
    (crop,) = ct_encoder.prepare(voxels, Geometry.of(voxels.shape, affine)).crops
    filled = np.flatnonzero(crop[112, 112])
    assert (filled[0], filled[-1]) == (27, 36)


def test_a_scan_wider_than_the_field_of_the_network_says_so() -> None:
    narrow, wide = (np.zeros((n, 50, 10), np.int16) for n in (100, 130))
    assert not ct_encoder.prepare(narrow, Geometry.of(narrow.shape, np.diag([3.0, 3.0, 3.0, 1.0]))).cut
    assert ct_encoder.prepare(wide, Geometry.of(wide.shape, np.diag([3.0, 3.0, 3.0, 1.0]))).cut


def test_values_beyond_a_thousand_hu_are_clipped() -> None:
    voxels = np.full((30, 30, 70), 3000, np.int16)
    voxels[:15] = -2000
    crop = ct_encoder.prepare(voxels, Geometry.of(voxels.shape, np.diag([1.5, 1.5, 3.0, 1.0]))).crops[0]
    assert (crop.min(), crop.max()) == (0.0, 1.0)
