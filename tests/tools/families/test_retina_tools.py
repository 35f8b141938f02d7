"""Tools on fundus photographs: field of view, vessels, their measures, and the picture."""

from __future__ import annotations

import io
import itertools
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scanwright.tools.artifacts import Photograph, Region
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import retina, retina_measures, retina_picture
from scanwright.tools.morphology import vessels
from scanwright.tools.phantoms_fundus import Fundus, fundus
from scanwright.tools.registry import load_registry
from scanwright.tools.testing import ToolBench

TOOLS = (
    retina.fundus_field, retina.retinal_vessels, retina.retinal_vessels_ridges, retina_measures.vessel_density,
    retina_measures.vessel_length, retina_measures.vessel_calibre, retina_measures.fractal_dimension,
    retina_measures.photograph_facts, retina_picture.photograph_overlay,
)  # fmt: skip
MEASURES = TOOLS[3:7]
drawn = cache(fundus)


def photograph(bench: ToolBench, rgb: NDArray[np.uint8], um: float | None = None, **facts: Any) -> Photograph:
    return bench.photograph(np.ascontiguousarray(rgb), um, **{"body_part": "eye", **facts})


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))


def truth(bench: ToolBench, phantom: Fundus, um: float | None = None) -> tuple[Region, Region]:
    """The vessels and the field as they were drawn."""
    image = photograph(bench, phantom.rgb, um)
    return bench.ctx.region(phantom.vessels, image, "retinal_vessel"), bench.ctx.region(phantom.field, image, "fundus")


@pytest.mark.parametrize(
    ("diameter", "frame", "rows"),
    [(700, (760, 900), slice(None)), (420, (430, 700), slice(None)), (1300, (1400, 1500), slice(None)),
     (700, (760, 900), slice(90, 690))],
    ids=["middle", "small", "large", "cut above and below"],
)  # fmt: skip
def test_the_field_of_view_is_found_to_within_one_percent(
    bench: ToolBench, diameter: int, frame: tuple[int, int], rows: slice
) -> None:
    phantom = drawn(diameter, frame=frame)
    field = bench.run(retina.fundus_field, photograph=photograph(bench, phantom.rgb[rows]))
    wanted = phantom.field[rows]
    assert dice(bench.ctx.region_pixels(field), wanted) > 0.99
    assert field.pixels == pytest.approx(wanted.sum(), rel=0.01)
    assert field.flags == ()


def spoiled(how: str) -> NDArray[np.uint8]:
    from scipy.ndimage import gaussian_filter

    rgb = drawn().rgb
    if how == "dark":
        return (rgb * 0.14).astype(np.uint8)
    if how == "black":
        return np.zeros_like(rgb)
    if how == "blurred":
        return gaussian_filter(rgb, (5, 5, 0))
    if how == "green":
        return rgb[..., ::-1]
    if how == "small":
        return rgb[::4, ::4]
    if how == "square":
        square = np.full((700, 800, 3), 4, np.uint8)
        square[80:600, 90:700] = rgb[100:620, 120:730]
        return square
    return rgb[200:500, 250:600]


@pytest.mark.parametrize(
    ("how", "why"),
    [("dark", "too dark"), ("black", "no lit field"), ("blurred", "too blurred"), ("green", "not the colours"),
     ("small", "vessels need 300"), ("square", "not round"), ("without a frame", "look like a fundus photograph")],
)  # fmt: skip
def test_what_is_no_usable_fundus_photograph_is_refused_with_the_reason(bench: ToolBench, how: str, why: str) -> None:
    with pytest.raises(ToolInputError, match=why):
        bench.run(retina.fundus_field, photograph=photograph(bench, spoiled(how)))


def test_a_soft_and_a_noisy_photograph_are_flagged_and_so_are_their_vessels(bench: ToolBench) -> None:
    from scipy.ndimage import gaussian_filter

    soft = photograph(bench, gaussian_filter(drawn().rgb, (1.9, 1.9, 0)))
    field = bench.run(retina.fundus_field, photograph=soft)
    assert field.flags == (retina.SOFT,)
    found = bench.run(retina.retinal_vessels_ridges, photograph=soft, field=field)
    density = bench.run(retina_measures.vessel_density, vessel=found, field=field)
    assert retina.SOFT in density.flags
    noise = np.random.default_rng(2).normal(0, 14, drawn().rgb.shape)
    noisy = photograph(bench, np.clip(drawn().rgb + noise, 0, 255).astype(np.uint8))
    assert bench.run(retina.fundus_field, photograph=noisy).flags == (retina.NOISY,)


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"modality": "XC"}, "modality is XC, OP is wanted"), ({"body_part": "skin"}, "works on the eye")],
)
def test_other_photographs_than_of_the_eye_are_refused(bench: ToolBench, facts: dict[str, str], words: str) -> None:
    with pytest.raises(ToolInputError, match=words):
        bench.run(retina.fundus_field, photograph=photograph(bench, drawn().rgb, **facts))


@pytest.mark.parametrize("seed", [5, 8])
def test_ridges_find_the_drawn_vessels_and_nothing_on_a_plain_disc(bench: ToolBench, seed: int) -> None:
    phantom = drawn(seed=seed)
    image = photograph(bench, phantom.rgb)
    field = bench.run(retina.fundus_field, photograph=image)
    found = bench.run(retina.retinal_vessels_ridges, photograph=image, field=field)
    assert dice(bench.ctx.region_pixels(found), phantom.vessels) > 0.83
    density = bench.run(retina_measures.vessel_density, vessel=found, field=field)
    drawn_density = 100 * phantom.vessels.sum() / phantom.field.sum()
    assert density.uncertainty.low < drawn_density < density.uncertainty.high
    assert density.value == pytest.approx(drawn_density, rel=0.25)


def test_vessels_of_a_mirrored_photograph_are_mirrored(bench: ToolBench) -> None:
    found = []
    for rgb in (drawn().rgb, drawn().rgb[:, ::-1], drawn().rgb.transpose(1, 0, 2)):
        image = photograph(bench, rgb)
        field = bench.run(retina.fundus_field, photograph=image)
        region = bench.run(retina.retinal_vessels_ridges, photograph=image, field=field)
        found.append(bench.ctx.region_pixels(region))
    assert dice(found[0], found[1][:, ::-1]) > 0.97
    assert dice(found[0], found[2].T) > 0.97


def test_a_large_photograph_is_seen_at_the_same_size_and_measured_in_its_own_pixels(bench: ToolBench) -> None:
    phantom = drawn(seed=5)
    large = np.asarray(Image.fromarray(phantom.rgb).resize((1800, 1520), Image.Resampling.BICUBIC))
    values = []
    for rgb, um in ((phantom.rgb, 12.0), (large, 6.0)):
        image = photograph(bench, rgb, um)
        field = bench.run(retina.fundus_field, photograph=image)
        assert max(bench.ctx.region_pixels(field).shape) <= 1600
        found = bench.run(retina.retinal_vessels_ridges, photograph=image, field=field)
        values.append([bench.run(m, vessel=found, field=field).value for m in MEASURES])
    assert values[1] == pytest.approx(values[0], rel=0.1)


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_length_and_width_of_drawn_vessels_are_measured_to_within_a_few_percent(bench: ToolBench, seed: int) -> None:
    phantom = drawn(seed=seed)
    vessel, field = truth(bench, phantom, um=12.0)
    length = bench.run(retina_measures.vessel_length, vessel=vessel, field=field)
    width = bench.run(retina_measures.vessel_calibre, vessel=vessel, field=field)
    assert (length.unit, width.unit) == ("mm", "mm")
    assert length.value == pytest.approx(phantom.length * 0.012, rel=0.03)
    assert width.value == pytest.approx(phantom.calibre * 0.012, rel=0.05)
    assert width.uncertainty.low < phantom.calibre * 0.012 < width.uncertainty.high


def test_where_the_size_of_a_pixel_is_not_known_lengths_are_in_pixels_and_say_so(bench: ToolBench) -> None:
    vessel, field = truth(bench, drawn())
    length = bench.run(retina_measures.vessel_length, vessel=vessel, field=field)
    assert length.unit == "{pixels}"
    assert length.value == pytest.approx(drawn().length, rel=0.03)
    assert any("does not say how large a pixel is" in flag for flag in length.flags)
    assert float(length.method.split()[-3]) == pytest.approx(700, abs=1.5)


def test_no_vessels_is_not_found_and_never_nought(bench: ToolBench) -> None:
    image = photograph(bench, drawn().rgb)
    nothing = bench.ctx.region(np.zeros(drawn().field.shape, np.bool_), image, "retinal_vessel")
    field = bench.ctx.region(drawn().field, image, "fundus")
    for measure in MEASURES:
        value = bench.run(measure, vessel=nothing, field=field)
        assert value.value is None, measure.card.id
        assert value.uncertainty is None
        assert any("not found" in flag for flag in value.flags)


def test_regions_of_two_photographs_are_not_measured_together(bench: ToolBench) -> None:
    vessel, _ = truth(bench, drawn())
    _, field = truth(bench, drawn(420, frame=(430, 700)))
    with pytest.raises(ToolInputError):
        bench.run(retina_measures.vessel_density, vessel=vessel, field=field)
    image = photograph(bench, drawn().rgb)
    with pytest.raises(ToolInputError):
        bench.run(retina.retinal_vessels_ridges, photograph=image, field=field)
    with pytest.raises(ToolInputError):
        bench.run(retina_picture.photograph_overlay, photograph=image, region=field)


def koch(level: int) -> NDArray[np.bool_]:
    """The Koch curve over 1,200 pixels; its dimension is log 4 / log 3."""
    points = np.array([0j, 1 + 0j])
    turn = np.exp(1j * np.pi / 3)
    for _ in range(level):
        a, step = points[:-1], np.diff(points) / 3
        points = np.append(np.column_stack((a, a + step, a + step + step * turn, a + 2 * step)).ravel(), points[-1])
    dense = np.concatenate([np.linspace(p, q, 12) for p, q in itertools.pairwise(points)]) * 1200
    grid = np.zeros((420, 1210), np.bool_)
    grid[np.rint(dense.imag + 5).astype(int), np.rint(dense.real + 5).astype(int)] = True
    return grid


def sierpinski(levels: int) -> NDArray[np.bool_]:
    """The Sierpinski triangle of binomials modulo two; its dimension is log 3 / log 2."""
    i = np.arange(2**levels)
    return (i[:, None] & i) == 0


@pytest.mark.parametrize(
    ("figure", "across", "dimension"),
    [(koch(5), 1200, np.log(4) / np.log(3)), (sierpinski(10), 1024, np.log(3) / np.log(2)),
     (np.ones((320, 320), np.bool_), 320, 2.0), (np.eye(800, dtype=np.bool_), 800, 1.0)],
    ids=["Koch", "Sierpinski", "square", "line"],
)  # fmt: skip
def test_box_counting_gives_the_dimension_of_known_figures(
    figure: NDArray[np.bool_], across: float, dimension: float
) -> None:
    found = vessels.box_dimension(figure, across)
    assert found is not None
    assert found.dimension == pytest.approx(dimension, abs=0.06)
    assert found.error < 0.05


def test_the_fit_of_the_fractal_dimension_says_its_error(bench: ToolBench) -> None:
    vessel, field = truth(bench, drawn())
    found = bench.run(retina_measures.fractal_dimension, vessel=vessel, field=field)
    assert 1.05 < found.value < 1.4
    assert "standard error of the slope 0.0" in found.method


def test_facts_of_a_photograph_are_columns_rows_and_what_the_file_states(bench: ToolBench) -> None:
    facts = bench.run(retina_measures.photograph_facts, photograph=photograph(bench, drawn().rgb, 12.0))
    values = {item.quantity: item.value for item in facts.items}
    assert values == {
        "dimensions": (900, 760), "spacing": (0.012, 0.012), "field_of_view": pytest.approx((10.8, 9.12)),
        "modality": "OP", "body_part": "eye",
    }  # fmt: skip
    unknown = bench.run(retina_measures.photograph_facts, photograph=photograph(bench, drawn().rgb))
    spacing = next(item for item in unknown.items if item.quantity == "spacing")
    assert (spacing.value, spacing.flags) == (None, ("not stated in the file",))


@pytest.mark.parametrize("size", [(700, 900), (2600, 2200)])
def test_the_outline_in_the_picture_lies_where_the_region_lies(bench: ToolBench, size: tuple[int, int]) -> None:
    image = photograph(bench, np.full((*size, 3), 90, np.uint8))
    mask = np.zeros(size, np.bool_)
    mask[size[0] // 5 : size[0] // 3, size[1] // 2 : size[1] * 3 // 4] = True
    figure = bench.run(retina_picture.photograph_overlay, photograph=image, region=bench.ctx.region(mask, image, "x"))
    png = np.asarray(Image.open(io.BytesIO(bench.blobs.path(figure.blob).read_bytes())))
    scale = 1.0 if max(size) <= 1100 else 1100 / max(size)
    at = np.argwhere((png == retina_picture.CONTOUR).all(axis=2)) - (retina_picture.HEAD, 0)
    assert at.min(axis=0) == pytest.approx((size[0] // 5 * scale, size[1] // 2 * scale), abs=2)
    assert at.max(axis=0) == pytest.approx((size[0] // 3 * scale, size[1] * 3 // 4 * scale), abs=2)
    assert figure.type.structure == "x"


def test_a_photograph_alone_is_shown_as_it_is_stored(bench: ToolBench) -> None:
    figure = bench.run(retina_picture.photograph_overlay, photograph=photograph(bench, drawn().rgb))
    png = np.asarray(Image.open(io.BytesIO(bench.blobs.path(figure.blob).read_bytes())))
    shown = png[retina_picture.HEAD : retina_picture.HEAD + 760, :900]
    assert np.abs(shown.astype(int) - drawn().rgb).mean() < 1
    assert figure.type.structure == "image"


def test_every_tool_is_registered_and_its_quantities_are_words_of_the_vocabulary() -> None:
    from scanwright.tools.vocabulary.quantities import QUANTITIES

    registry = load_registry()
    for tool in TOOLS:
        assert tool.card.id in registry
        assert set(tool.card.quantities) <= set(QUANTITIES), tool.card.id
        assert len(tool.card.examples) >= 6


@pytest.fixture
def real(tmp_path: Path, data_dir: Path) -> ToolBench:
    """A bench with the published weights."""
    (tmp_path / "real").mkdir()
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "retina-vessel-unet").symlink_to(data_dir / "weights_retina_vessel_unet")
    return ToolBench(tmp_path / "real", weights_dir=tmp_path / "weights")


@pytest.mark.data
def test_the_network_finds_the_vessels_of_a_photograph_and_the_ridges_agree(real: ToolBench) -> None:
    from skimage.data import retina as packaged

    image = photograph(real, packaged()[::2, ::2])
    field = real.run(retina.fundus_field, photograph=image)
    assert field.pixels == pytest.approx(np.pi * 348.5**2, rel=0.01)
    found = [
        real.run(t, photograph=image, field=field) for t in (retina.retinal_vessels, retina.retinal_vessels_ridges)
    ]
    network, ridges = (real.ctx.region_pixels(f) for f in found)
    assert dice(network, ridges) > 0.78
    density, length, width, dimension = (real.run(m, vessel=found[0], field=field).value for m in MEASURES)
    assert density == pytest.approx(14.7, abs=0.5)
    assert length / 697 == pytest.approx(17.8, abs=1.0)
    assert width == pytest.approx(4.5, abs=0.3)
    assert dimension == pytest.approx(1.50, abs=0.03)


@pytest.mark.data
def test_the_network_finds_drawn_vessels_and_its_range_holds_their_density(real: ToolBench) -> None:
    phantom = drawn(seed=6)
    image = photograph(real, phantom.rgb)
    field = real.run(retina.fundus_field, photograph=image)
    found = real.run(retina.retinal_vessels, photograph=image, field=field)
    assert dice(real.ctx.region_pixels(found), phantom.vessels) > 0.87
    density = real.run(retina_measures.vessel_density, vessel=found, field=field)
    assert density.uncertainty.low < 100 * phantom.vessels.sum() / phantom.field.sum() < density.uncertainty.high
