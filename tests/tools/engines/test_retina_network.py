"""The vessel network: its file is read as data, tiles change nothing, the picture is prepared as published."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from keras_hdf5_writer import small_unet, write_hdf5
from scanwright.tools.engines import fundus_canvas, retina_unet
from scanwright.tools.engines.hdf5_arrays import read_arrays
from scanwright.tools.errors import Cancelled, ToolFailed
from scanwright.tools.morphology.fundus import Circle
from scanwright.tools.testing import ToolBench
from scanwright.tools.weights.catalogue import CATALOGUE, by_name


def test_arrays_come_back_from_a_keras_file_by_their_path(tmp_path: Path) -> None:
    arrays = small_unet()
    write_hdf5(tmp_path / "w.h5", arrays)
    found = read_arrays(tmp_path / "w.h5")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("keep", [0, 40, 96, 700, -300])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    write_hdf5(tmp_path / "w.h5", {"a/x": np.ones((3, 4), "<f4"), "b/y": np.ones(900, "<f4")})
    (tmp_path / "w.h5").write_bytes((tmp_path / "w.h5").read_bytes()[:keep])
    with pytest.raises(ToolFailed, match="no HDF5 file of plain arrays"):
        read_arrays(tmp_path / "w.h5")


def test_numbers_of_another_kind_are_refused(tmp_path: Path) -> None:
    write_hdf5(tmp_path / "w.h5", {"a/x": np.ones((3, 4), "<f8")})
    with pytest.raises(ToolFailed, match="not of little-endian float32"):
        read_arrays(tmp_path / "w.h5")


def test_a_file_that_points_back_at_itself_ends(tmp_path: Path) -> None:
    write_hdf5(tmp_path / "w.h5", {"a": np.ones(3, "<f4")})
    data = bytearray((tmp_path / "w.h5").read_bytes())
    root = data.index(b"TREE")
    data[root + 32 : root + 40] = root.to_bytes(8, "little")
    (tmp_path / "w.h5").write_bytes(bytes(data))
    with pytest.raises(ToolFailed, match="points back at itself"):
        read_arrays(tmp_path / "w.h5")


def test_a_network_that_lacks_a_layer_or_has_other_channels_is_refused() -> None:
    arrays = small_unet()
    missing = {k: v for k, v in arrays.items() if "_7_W" not in k}
    with pytest.raises(ToolFailed, match="no convolution2d_7"):
        retina_unet.layers_of(missing)
    name = "convolution2d_9/convolution2d_9_W"
    with pytest.raises(ToolFailed, match="not those of the published network"):
        retina_unet.layers_of(arrays | {name: arrays[name][:, :-1]})


@pytest.mark.parametrize("tile", [48, 100])
def test_tiles_give_what_the_whole_picture_gives(tile: int) -> None:
    layers = retina_unet.layers_of(small_unet())
    picture = np.random.default_rng(1).random((118, 146), dtype=np.float32)
    whole = retina_unet.vessel_probability(layers, picture, tile=1000)
    assert whole.std() > 0.02
    assert np.allclose(retina_unet.vessel_probability(layers, picture, tile=tile), whole, atol=1e-6)


def test_the_network_can_be_stopped_between_tiles() -> None:
    told: list[float] = []

    def progress(done: float) -> None:
        told.append(done)
        if len(told) == 2:
            raise Cancelled("The step was stopped.")

    layers = retina_unet.layers_of(small_unet())
    with pytest.raises(Cancelled):
        retina_unet.vessel_probability(layers, np.zeros((96, 96), np.float32), progress, tile=32)
    assert told == [1 / 9, 2 / 9]


def test_local_contrast_is_evened_as_opencv_does_it() -> None:
    y, x = np.mgrid[:64, :80]
    grey = ((x * 3 + y * y // 7 + (x * y) % 23) % 200 + 20).astype(np.uint8)
    evened = retina_unet.clahe(grey)
    # Values of OpenCV's createCLAHE(2.0, (8, 8)) at these places; it rounds halves another way.
    known = {
        (0, 0): 16,
        (3, 70): 51,
        (17, 22): 128,
        (31, 40): 131,
        (45, 9): 179,
        (50, 66): 199,
        (63, 79): 19,
        (33, 5): 205,
    }
    assert all(abs(int(evened[at]) - value) <= 1 for at, value in known.items())


@pytest.mark.parametrize(("width", "height", "radius"), [(900, 700, 320.0), (2400, 1900, 930.0), (420, 400, 180.0)])
def test_the_field_is_540_pixels_wide_whatever_the_photograph(
    bench: ToolBench, width: int, height: int, radius: float
) -> None:
    middle = Circle(width * 0.52, height * 0.49, radius)
    y, x = np.ogrid[0.5:height, 0.5:width]
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[(x - middle.x) ** 2 + (y - middle.y) ** 2 <= radius**2] = 200
    canvas = fundus_canvas.canvas_of(bench.ctx, bench.photograph(rgb), middle)
    lit = np.argwhere(canvas.rgb[..., 0] > 100)
    assert np.ptp(lit, axis=0) + 1 == pytest.approx((540, 540), abs=3)
    assert lit.mean(axis=0) == pytest.approx((287.5, 287.5), abs=1.0)


@pytest.mark.parametrize("downsample", [1.0, 1.7])
def test_what_is_found_on_the_canvas_lies_at_its_place_on_the_photograph(bench: ToolBench, downsample: float) -> None:
    rgb = np.zeros((1000, 1300, 3), np.uint8)
    rgb[300:360, 700:740] = 255
    photograph = bench.photograph(rgb)
    canvas = fundus_canvas.canvas_of(bench.ctx, photograph, Circle(600.0, 520.0, 460.0))
    frame = photograph.frame.smaller(downsample)
    back = canvas.onto(canvas.rgb[..., 0].astype(np.float32), (frame.height, frame.width), downsample)
    at = (np.argwhere(back > 127) + 0.5) * downsample
    assert at.mean(axis=0) == pytest.approx((330, 720), abs=1.0)
    assert np.ptp(at, axis=0) == pytest.approx((60, 40), abs=3.5)


def test_the_weights_can_be_fetched_and_are_pinned() -> None:
    entry = by_name(CATALOGUE)[retina_unet.CARD.weights]
    assert retina_unet.CARD.commit in {getattr(p, "commit", None) for p in entry.places}
    assert [(f.role, len(f.sha256)) for f in entry.files] == [("model", 64)]


@pytest.mark.data
def test_the_published_file_is_the_pinned_one_and_has_471_thousand_numbers(data_dir: Path) -> None:
    file = data_dir / "weights_retina_vessel_unet" / "test_best_weights.h5"
    pinned = by_name(CATALOGUE)[retina_unet.CARD.weights].files[0]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == pinned.sha256
    arrays = read_arrays(file)
    assert sum(a.size for a in arrays.values()) == 471_010
    assert [tuple(k.shape[:2]) for k, _ in retina_unet.layers_of(arrays)][6] == (64, 192)
