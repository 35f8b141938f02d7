"""RECIST 1.1: sums of diameters, and the response between two exams at and around every threshold."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.recist import recist_response, target_lesion_sum, target_lesions_picture

SPACING = (0.5, 0.5, 2.0)
AFFINE = np.array([[0.5, 0, 0, -60.0], [0, 0.5, 0, -35.0], [0, 0, 2.0, 12.0], [0, 0, 0, 1.0]])
SHAPE = (250, 150, 16)
FACTS = {"modality": "CT", "body_part": "chest", "unit": "[hnsf'U]"}


def rods(*lengths, thick=3, start=6):
    """Rods of n voxels along x and `thick` along y, one below the other, 0.5 mm voxels."""
    voxels = np.zeros(SHAPE, bool)
    for row, (n, wide) in enumerate((n, thick) if isinstance(n, int) else n for n in lengths):
        voxels[start : start + n, 8 + 24 * row : 8 + 24 * row + wide, 3 + row : 5 + row] = True
    return voxels


def discs(*sizes_mm):
    """Ellipses of (length, breadth) in mm along x and y, two slices thick, one behind the other."""
    x, y = np.meshgrid(np.arange(SHAPE[0]) * 0.5, np.arange(SHAPE[1]) * 0.5, indexing="ij")
    voxels = np.zeros(SHAPE, bool)
    for row, (long, broad) in enumerate(sizes_mm):
        inside = ((x - 60) / (long / 2)) ** 2 + ((y - 15 - 30 * row) / (broad / 2)) ** 2 <= 1
        voxels[:, :, 4 + 3 * row : 6 + 3 * row] |= inside[:, :, None]
    return voxels


@pytest.fixture
def marked(bench):
    """A mask of rods in an exam of a given time."""

    def make(*lengths, time="t0", structure="given_region", ovals=()):
        voxels = rods(*lengths) | discs(*ovals)
        image = bench.volume(np.where(voxels, 60, -40).astype(np.int16), AFFINE, **FACTS)
        image = image.model_copy(update={"type": image.type.model_copy(update={"time": time})})
        return bench.mask(voxels, image, structure)

    return make


def test_the_sum_is_of_the_measurable_lesions_and_each_is_listed(bench, marked):
    found = bench.run(target_lesion_sum, mask=marked(60, 40, 19))
    total, *each = found.items
    assert total.quantity == "sum_of_diameters"
    # A rod of n voxels of 0.5 mm is n/2 mm long between its end faces.
    assert total.value == pytest.approx(50.0, abs=0.1)
    assert total.uncertainty.low == pytest.approx(49.0, abs=0.1)
    assert [m.value for m in each] == pytest.approx([30.0, 20.0, 9.5], abs=0.1)
    assert "under 10 mm" in each[2].flags[0]
    assert any("1 of 3 lesions are under 10 mm" in flag for flag in total.flags)


def test_six_lesions_are_five_targets(bench, marked):
    total = bench.run(target_lesion_sum, mask=marked(60, 50, 40, 30, 24, 22)).items[0]
    assert total.value == pytest.approx(30 + 25 + 20 + 15 + 12, abs=0.2)
    assert any("6 lesions are measurable" in flag for flag in total.flags)


def test_nodes_are_measured_across_and_must_reach_15_mm(bench, marked):
    mask = marked(ovals=((40.0, 22.0), (30.0, 12.0)))
    assert bench.run(target_lesion_sum, mask=mask).items[0].value == pytest.approx(70.0, abs=1.0)
    nodes = bench.run(target_lesion_sum, mask=mask, nodes=True)
    assert nodes.items[0].value == pytest.approx(22.0, abs=0.7)
    assert nodes.items[2].value == pytest.approx(12.0, abs=0.7)
    assert "15 mm" in nodes.items[2].flags[0]


def test_a_mask_with_no_voxel_is_not_found(bench, marked):
    assert bench.run(target_lesion_sum, mask=marked()).items[0].value is None


def test_diameters_are_the_same_in_all_axis_orders(bench, all_orders):
    sums = set()
    for voxels, affine in list(all_orders(rods(60, 44), AFFINE))[::5]:
        image = bench.volume(voxels.astype(np.int16), affine, **FACTS)
        sums.add(round(bench.run(target_lesion_sum, mask=bench.mask(voxels, image)).items[0].value, 4))
    assert len(sums) == 1


@pytest.mark.parametrize(
    ("before", "after", "category"),
    [
        ((100, 60), (98, 66), "SD"),
        ((100, 60), (60, 30), "PR"),
        ((100, 60), (130, 80), "PD"),
        ((100, 60), (), "CR"),
        ((100, 60), (30, 19), "PR"),
        # +25 %, but only 3 mm: no progression.
        ((24,), (30,), "SD"),
        ((100, 60), (60,), "PR"),
    ],
)
def test_the_category_goes_by_the_sums(bench, marked, before, after, category):
    found = bench.run(recist_response, earlier=marked(*before), later=marked(*after, time="t1"))
    assert found.value.endswith(f"({category})")
    assert any("new and non-target lesions are not assessed" in flag for flag in found.flags)
    assert any("baseline and as nadir" in flag for flag in found.flags)
    assert found.type.quantity == ("recist_response",)
    assert (found.type.time, found.type.grid) == (None, None)


@pytest.mark.parametrize(
    ("before", "after", "possible"),
    [
        # 50 mm to 35.5 mm is −29 %, to 61 mm is +22 %.
        ((100,), (71,), "partial response (PR) or stable disease (SD)"),
        ((100,), (122,), "stable disease (SD) or progressive disease (PD)"),
        ((100,), (40,), None),
    ],
)
def test_a_change_near_a_threshold_names_what_is_possible(bench, marked, before, after, possible):
    flags = bench.run(recist_response, earlier=marked(*before), later=marked(*after, time="t1")).flags
    said = [flag for flag in flags if "it may be" in flag]
    assert [possible in flag for flag in said] == ([True] if possible else [])


def test_nodes_under_10_mm_are_a_complete_response(bench, marked):
    earlier = marked(ovals=((40.0, 20.0),))
    later = marked(ovals=((24.0, 8.5),), time="t1")
    assert bench.run(recist_response, earlier=earlier, later=later, nodes=True).value.endswith("(CR)")
    assert not bench.run(recist_response, earlier=earlier, later=later).value.endswith("(CR)")


def test_more_parts_than_targets_widen_what_is_possible(bench, marked):
    found = bench.run(recist_response, earlier=marked(100), later=marked(66, 60, time="t1"))
    assert found.value.endswith("(PR)")
    assert "progressive disease" in found.flags[0]
    assert any("new lesions" in flag and "2 parts" in flag for flag in found.flags)


@pytest.mark.parametrize(
    ("earlier", "later", "words"),
    [
        ({"lengths": (60,)}, {"lengths": (60,), "time": "t0"}, "same exam"),
        ({"lengths": (16,)}, {"lengths": (60,), "time": "t1"}, "no measurable target"),
        ({"lengths": (60,), "structure": "tumour"}, {"lengths": (), "time": "t1", "structure": "tumour"}, "not found"),
    ],
)
def test_what_has_no_response_is_refused(bench, marked, earlier, later, words):
    masks = [marked(*each.pop("lengths"), **each) for each in (earlier, later)]
    with pytest.raises(ToolInputError, match=words):
        bench.run(recist_response, earlier=masks[0], later=masks[1])


def test_a_mask_of_specks_is_no_mask_of_lesions(bench):
    voxels = np.zeros(SHAPE, bool)
    voxels[::6, ::6, ::4] = True
    image = bench.volume(voxels.astype(np.int16), AFFINE, **FACTS)
    with pytest.raises(ToolInputError, match="100"):
        bench.run(target_lesion_sum, mask=bench.mask(voxels, image))


def test_the_line_is_drawn_where_the_lesion_is(bench):
    voxels = rods(60, start=150)
    image = bench.volume(np.where(voxels, 60, -40).astype(np.int16), AFFINE, **FACTS)
    figure = bench.run(target_lesions_picture, volume=image, mask=bench.mask(voxels, image))
    picture = np.asarray(Image.open(io.BytesIO(bench.blobs.path(figure.blob).read_bytes())))[62:].astype(int)
    rows, columns = np.nonzero((abs(picture - (255, 205, 40)) < 12).all(axis=2))
    # The lesion lies to the patient's right, which is on the left, and far behind.
    assert columns.min() < 130
    assert np.median(rows) > 180
