"""Several methods for one thing: what their range is, and when they cannot be set together."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.agreement import NO_BOUND, agreement, overlap_dice
from scanwright.tools.families.intensity import intensity_statistics
from scanwright.tools.families.shape import bounding_box, mask_volume

SHAPE = (40, 31, 23)


@pytest.fixture
def image(bench):
    rng = np.random.default_rng(5)
    return bench.volume(rng.integers(0, 90, SHAPE).astype(np.int16), np.diag([1.0, 1.5, 2.0, 1.0]))


@pytest.fixture
def mask(bench, image):
    def make(n, structure="lesion", start=4, like=None):
        voxels = np.zeros(SHAPE, bool)
        voxels[start : start + n, 5:15, 6:12] = True
        return bench.mask(voxels, like or image, structure)

    return make


@pytest.fixture
def together(bench, mask):
    """What methods say of boxes of these lengths; a box of 1 is 0.18 mL."""

    def make(*lengths, methods="deepbet; mindgrab; hd-bet", quantity="volume"):
        values = tuple(bench.run(mask_volume, mask=mask(n)) for n in lengths)
        names = "; ".join(methods.split("; ")[: len(lengths)])
        return bench.run(agreement, values=values, quantity=quantity, methods=names)

    return make


def test_the_value_is_the_first_method_s_and_the_range_spans_all_of_them(together):
    found = together(20, 21, 19)
    assert found.value == pytest.approx(3.6)
    assert (found.uncertainty.low, found.uncertainty.high) == (pytest.approx(3.42), pytest.approx(3.78))
    assert (found.uncertainty.kind, found.uncertainty.n, found.uncertainty.level) == ("range", 3, None)
    assert found.uncertainty.method == "by deepbet, mindgrab and hd-bet"
    assert "the value is that of deepbet" in found.method
    assert (found.quantity, found.unit, found.type.structure) == ("volume", "mL", "lesion")
    assert together(21, 20).value == pytest.approx(3.78)


def test_a_range_of_methods_is_said_to_be_no_bound_of_the_error(together):
    assert NO_BOUND in together(20, 21).flags
    assert NO_BOUND not in together(20, 0).flags


def test_methods_that_lie_far_apart_are_flagged(together):
    assert "the methods lie 50 % apart" in together(20, 10).flags
    assert not any("apart" in f for f in together(20, 19).flags)


def test_what_one_method_did_not_find_is_no_nought_in_the_range(together):
    found = together(20, 0)
    assert found.value == pytest.approx(3.6)
    assert found.uncertainty is None
    assert "not found by mindgrab" in found.flags
    assert not any(f.startswith("not found:") for f in found.flags)
    of_three = together(20, 0, 22).uncertainty
    assert (of_three.n, of_three.low, of_three.method) == (2, pytest.approx(3.6), "by deepbet and hd-bet")


def test_what_the_first_method_did_not_find_is_not_found_and_the_others_are_told(together):
    found = together(0, 20)
    assert (found.value, found.uncertainty) == (None, None)
    assert any("not found by deepbet, and 3.6 mL by mindgrab" in f for f in found.flags)


@pytest.mark.parametrize(
    ("lengths", "methods", "quantity", "words"),
    [
        ((20,), "deepbet", "volume", "two or more values"),
        ((20, 20), "deepbet; deepbet", "volume", "each of another"),
        ((20, 20), "deepbet", "volume", "in the same order"),
        ((20, 20), "deepbet; mindgrab", "surface_area", "0 values of surface area"),
    ],
)
def test_the_same_method_twice_or_nothing_to_compare_is_refused(together, lengths, methods, quantity, words):
    with pytest.raises(ToolInputError, match=words):
        together(*lengths, methods=methods, quantity=quantity)


def test_values_of_two_structures_are_no_two_methods(bench, mask):
    values = tuple(bench.run(mask_volume, mask=mask(9, structure)) for structure in ("lesion", "brain"))
    with pytest.raises(ToolInputError, match="structure"):
        bench.run(agreement, values=values, quantity="volume", methods="deepbet; mindgrab")


def test_several_numbers_at_once_have_no_range_of_methods(bench, mask):
    values = tuple(bench.run(bounding_box, mask=mask(n)) for n in (9, 11))
    with pytest.raises(ToolInputError, match="not one number"):
        bench.run(agreement, values=values, quantity="bounding_box", methods="deepbet; mindgrab")


def test_the_asked_one_of_several_statistics_is_compared(bench, image, mask):
    values = tuple(bench.run(intensity_statistics, volume=image, region=mask(n)) for n in (9, 30))
    found = bench.run(agreement, values=values, quantity="median_intensity", methods="deepbet; mindgrab")
    medians = [np.median(bench.read(image)[bench.read(mask(n)).astype(bool)]) for n in (9, 30)]
    assert found.value == medians[0]
    assert (found.uncertainty.low, found.uncertainty.high) == (min(medians), max(medians))
    assert (found.quantity, found.type.structure) == ("median_intensity", "lesion")


@pytest.mark.parametrize(("n", "start", "dice"), [(10, 4, 1.0), (10, 9, 0.5), (5, 4, 2 / 3), (10, 14, 0.0)])
def test_dice_is_twice_the_common_voxels_over_all(bench, mask, n, start, dice):
    first, second = mask(10), mask(n, start=start)
    assert bench.run(overlap_dice, first=first, second=second).value == pytest.approx(dice)
    assert bench.run(overlap_dice, first=second, second=first).value == pytest.approx(dice)


def test_an_empty_outline_has_no_overlap_of_nought(bench, mask):
    for pair in ((mask(10), mask(0)), (mask(0), mask(10))):
        found = bench.run(overlap_dice, first=pair[0], second=pair[1])
        assert found.value is None
        assert any("not found" in f for f in found.flags)


def test_outlines_on_two_grids_do_not_overlap(bench, mask):
    other = bench.volume(np.zeros(SHAPE, np.int16), np.diag([2.0, 1.5, 2.0, 1.0]))
    with pytest.raises(ToolInputError, match="grid"):
        bench.run(overlap_dice, first=mask(10), second=mask(10, like=other))
