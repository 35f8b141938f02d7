"""Evans index, midline shift, parenchymal fraction and ventricular system on phantoms with known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scanwright.evals.accuracy.brain_phantom import NAMES, VentriclePhantom, given, ventricle_phantom
from scanwright.tools import phantoms
from scanwright.tools.engines.brainchop import TISSUE_5
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.families.brain_measure_pictures import evans_picture, midline_picture
from scanwright.tools.families.brain_measures import (
    brain_parenchymal_fraction,
    evans_index,
    midline_shift,
    ventricular_system,
)
from scanwright.tools.morphology import septum
from scanwright.tools.testing import ToolBench

COARSE = (1.5, 1.6, 1.7)


def stored(phantom: VentriclePhantom, k: int) -> VentriclePhantom:
    image, affine = phantoms.reoriented(phantom.image, phantom.affine, k)
    labels, brain = (phantoms.reoriented(a, phantom.affine, k)[0] for a in (phantom.labels, phantom.brain))
    return VentriclePhantom(image, labels, brain, affine, phantom.evans, phantom.shift_mm)


def without(phantom: VentriclePhantom, *names: str) -> VentriclePhantom:
    labels = np.where(np.isin(phantom.labels, [NAMES.index(n) for n in names]), 1, phantom.labels).astype(np.uint8)
    return VentriclePhantom(phantom.image, labels, phantom.brain, phantom.affine, phantom.evans, phantom.shift_mm)


@pytest.fixture(scope="module")
def turned() -> VentriclePhantom:
    return ventricle_phantom(-9.0, horns_mm=(18.0, 9.0), turn_degrees=(6.0, 8.0, 12.0), move_mm=(3.0, -4.0, 2.0))


@pytest.fixture(scope="module")
def straight() -> VentriclePhantom:
    return ventricle_phantom(0.0, horns_mm=(20.0, 24.0), spacing_mm=COARSE)


def test_the_evans_index_of_a_turned_head_is_that_of_its_horns_and_not_of_the_wider_atria(
    bench: ToolBench, turned: VentriclePhantom
) -> None:
    inputs = given(bench, turned)
    index = bench.run(evans_index, labels=inputs["labels"], brain=inputs["brain"])
    assert index.value == pytest.approx(turned.evans, abs=0.008)
    assert index.uncertainty.low < turned.evans < index.uncertainty.high
    assert (index.unit, index.type.structure) == ("1", "brain")
    assert any("brain mask" in flag for flag in index.flags)


def test_a_septum_pushed_to_the_left_is_measured_and_its_side_said(bench: ToolBench, turned: VentriclePhantom) -> None:
    shift = bench.run(midline_shift, **given(bench, turned))
    assert shift.value == pytest.approx(9.0, abs=0.5)
    assert shift.uncertainty.low <= 9.0 <= shift.uncertainty.high
    assert "septum pellucidum to the patient's left" in shift.at
    assert shift.unit == "mm"


@pytest.mark.parametrize("k", [38])
def test_the_same_head_stored_in_another_axis_order_measures_the_same(
    bench: ToolBench, straight: VentriclePhantom, k: int
) -> None:
    one, other = given(bench, straight), given(bench, stored(straight, k))
    for tool, names in ((evans_index, ("labels", "brain")), (midline_shift, ("volume", "labels", "brain"))):
        first, second = (bench.run(tool, **{n: g[n] for n in names}) for g in (one, other))
        assert second.value == pytest.approx(first.value, abs=1e-6)
        assert second.at == first.at


def test_a_septum_in_the_middle_is_given_no_side_and_a_range_from_nought(
    bench: ToolBench, straight: VentriclePhantom
) -> None:
    shift = bench.run(midline_shift, **given(bench, straight))
    assert shift.value < 0.5
    assert shift.uncertainty.low == 0.0
    assert "patient's" not in shift.at


def test_where_sides_are_not_known_no_side_is_said(bench: ToolBench) -> None:
    phantom = ventricle_phantom(6.0, spacing_mm=COARSE)
    shift = bench.run(midline_shift, **given(bench, phantom, sides_known=False))
    assert shift.value == pytest.approx(6.0, abs=0.7)
    assert "patient's" not in shift.at
    assert "sides not known" in shift.at


def test_without_a_septum_the_third_ventricle_stands_in_and_it_is_said(bench: ToolBench) -> None:
    phantom = ventricle_phantom(6.0, spacing_mm=COARSE)
    flat = VentriclePhantom(
        np.full_like(phantom.image, 50.0), without(phantom, "Lateral-Ventricle").labels, phantom.brain,
        phantom.affine, phantom.evans, phantom.shift_mm,
    )  # fmt: skip
    shift = bench.run(midline_shift, **given(bench, flat))
    assert shift.value == pytest.approx(6.0, abs=0.7)
    assert "third ventricle" in shift.at
    assert any("septum pellucidum was not seen" in flag for flag in shift.flags)


def test_without_ventricles_nothing_is_found_and_never_nought(bench: ToolBench, straight: VentriclePhantom) -> None:
    inputs = given(bench, without(straight, "Lateral-Ventricle", "3rd-Ventricle"))
    index = bench.run(evans_index, labels=inputs["labels"], brain=inputs["brain"])
    shift = bench.run(midline_shift, **inputs)
    assert (index.value, shift.value) == (None, None)
    assert all(any("not found" in flag for flag in m.flags) for m in (index, shift))
    with pytest.raises(ToolFailed, match="nothing to draw"):
        bench.run(evans_picture, **inputs)


def test_an_empty_brain_mask_is_not_found(bench: ToolBench, straight: VentriclePhantom) -> None:
    inputs = given(bench, straight)
    inputs["brain"] = bench.mask(np.zeros_like(straight.brain), inputs["volume"], "brain")
    assert bench.run(evans_index, labels=inputs["labels"], brain=inputs["brain"]).value is None
    assert bench.run(midline_shift, **inputs).value is None


def test_an_outline_unlike_its_mirror_image_has_no_midline(bench: ToolBench, straight: VentriclePhantom) -> None:
    inputs = given(bench, straight)
    x, y, _ = np.indices(straight.brain.shape, sparse=True)
    middle, across = straight.brain.shape[0] / 2, straight.brain.shape[1] / 2
    wedge = straight.brain & ((x > middle) == (y > across))
    inputs["brain"] = bench.mask(wedge, inputs["volume"], "brain")
    with pytest.raises(ToolFailed, match="not like its mirror image"):
        bench.run(midline_shift, **inputs)


def test_a_head_ct_is_refused(bench: ToolBench, straight: VentriclePhantom) -> None:
    inputs = given(bench, straight, modality="CT")
    with pytest.raises(ToolInputError, match="works on MR"):
        bench.run(evans_index, labels=inputs["labels"], brain=inputs["brain"])


def test_pictures_show_the_lines_on_a_slice(bench: ToolBench, turned: VentriclePhantom) -> None:
    from io import BytesIO

    from PIL import Image

    inputs = given(bench, turned)
    for tool, colours in ((evans_picture, [(255, 205, 40), (70, 220, 240)]), (midline_picture, [(255, 90, 80)])):
        figure = bench.run(tool, **inputs)
        pixels = np.asarray(Image.open(BytesIO(bench.blobs.path(figure.blob).read_bytes())))
        for colour in colours:
            assert (pixels == colour).all(axis=-1).sum() > 20
        assert "right is on the left" in figure.caption
    # The septum lies on the patient's left, which is the right half of the picture.
    red = np.argwhere((pixels == (255, 90, 80)).all(axis=-1))
    assert red[:, 1].mean() > pixels.shape[1] / 2 + 10


def test_the_parenchymal_fraction_is_the_share_of_tissue_and_its_range_two_networks(bench: ToolBench) -> None:
    brain = np.zeros((40, 50, 30), np.bool_)
    brain[5:35, 5:45, 5:25] = True
    tissue = np.zeros(brain.shape, np.uint8)
    tissue[5:35, 5:37, 5:25] = 1
    tissue[5:35, 5:20, 5:25] = 2
    parts = np.where(tissue, 1, 0).astype(np.uint8)
    parts[5:35, 5:7, 5:25] = NAMES.index("4th-Ventricle")
    image = bench.volume(brain.astype(np.int16), modality="MR", body_part="head")
    maps = {
        "tissue": bench.ctx.label_map(tissue, image, "brain_tissue", TISSUE_5.classes, name="tissue"),
        "parts": bench.ctx.label_map(parts, image, "brain_parts", NAMES, name="parts"),
    }
    found = bench.run(brain_parenchymal_fraction, brain=bench.mask(brain, image, "brain"), **maps)
    assert found.value == pytest.approx(80.0)
    assert (found.uncertainty.low, found.uncertainty.high) == (pytest.approx(75.0), pytest.approx(80.0))
    empty: Any = bench.mask(np.zeros_like(brain), image, "brain")
    assert bench.run(brain_parenchymal_fraction, brain=empty, **maps).value is None


def test_the_ventricular_system_is_all_four_and_nothing_else(bench: ToolBench, straight: VentriclePhantom) -> None:
    labels = straight.labels.copy()
    labels[2:5, 2, 2], labels[9, 9, 5:7], labels[20, 20, 20] = 4, 12, 14
    image = bench.volume(straight.image, straight.affine, modality="MR", body_part="head", sequence="T1w")
    made = bench.ctx.label_map(labels, image, "brain_parts", NAMES, name="parts")
    mask = bench.run(ventricular_system, labels=made)
    assert np.array_equal(bench.read(mask), np.isin(labels, (3, 4, 11, 12)))


def test_the_septum_is_the_bright_sheet_and_not_the_middle_of_unlike_horns() -> None:
    image = np.full((60, 40, 40), 100.0, np.float32)
    ventricles = np.zeros(image.shape, np.float32)
    ventricles[20:45, 5:35, 5:35] = 1.0
    image[20:45, 5:35, 5:35] = 30.0
    image[27, 5:35, 5:35] = 70.0
    found = septum.septum(image, ventricles, 6.0, 8, 100.0)
    assert found is not None
    assert np.abs(found.points[:, 0] - 27.0).max() < 0.1
    assert found.by_gap == 0


def test_a_ventricle_without_a_sheet_shows_no_septum() -> None:
    image = np.full((60, 40, 40), 30.0, np.float32)
    ventricles = np.zeros(image.shape, np.float32)
    ventricles[20:45, 5:35, 5:35] = 1.0
    assert septum.septum(image, ventricles, 6.0, 8, 100.0) is None
