"""Change between two exams, and when none can be told."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.change import NO_CHANGE, volume_change
from scanwright.tools.families.shape import mask_volume


@pytest.fixture
def exam(bench):
    """The volume of a box of n×10×8 mm in an exam of a given time."""

    def make(n, time, *, start=4, subject="P-test", structure="lesion", **geometry):
        voxels = np.zeros((60, 24, 20), bool)
        voxels[start : start + n, 5:15, 6:14] = True
        image = bench.volume(voxels.astype(np.int16), **geometry)
        image = image.model_copy(update={"type": image.type.model_copy(update={"time": time, "subject": subject})})
        return bench.run(mask_volume, mask=bench.mask(voxels, image, structure))

    return make


def test_growth_is_in_percent_of_the_earlier_and_its_range_holds_it(bench, exam):
    change = bench.run(volume_change, earlier=exam(10, "t0"), later=exam(40, "t1"))
    assert change.value == pytest.approx(300.0)
    assert change.unit == "%"
    assert change.uncertainty.low < 300 < change.uncertainty.high
    assert NO_CHANGE not in change.flags
    assert change.type.structure == "lesion"
    assert (change.type.time, change.type.grid) == (None, None)
    assert bench.run(volume_change, earlier=exam(40, "t0"), later=exam(10, "t1")).value == pytest.approx(-75.0)


def test_a_change_within_the_ranges_is_none_that_can_be_claimed(bench, exam):
    assert NO_CHANGE in bench.run(volume_change, earlier=exam(20, "t0"), later=exam(21, "t1")).flags


def test_exams_on_different_grids_can_be_compared(bench, exam):
    later = exam(20, "t1", affine=np.diag([2.0, 1.0, 1.0, 1.0]))
    assert bench.run(volume_change, earlier=exam(20, "t0"), later=later).value == pytest.approx(100.0)


def test_two_exams_in_template_space_say_that_the_template_hides_change(bench, exam):
    change = bench.run(
        volume_change, earlier=exam(10, "t0", space="normalised"), later=exam(40, "t1", space="normalised")
    )
    assert any("hides change" in flag for flag in change.flags)


@pytest.mark.parametrize(
    ("earlier", "later", "words"),
    [
        ({"n": 10, "time": "t0"}, {"n": 20, "time": "t1", "subject": "P-other"}, "subject"),
        ({"n": 10, "time": "t0"}, {"n": 20, "time": "t1", "structure": "brain"}, "structure"),
        ({"n": 10, "time": "t0"}, {"n": 20, "time": "t0"}, "same exam"),
        ({"n": 0, "time": "t0"}, {"n": 20, "time": "t1"}, "not found"),
        ({"n": 10, "time": "t0"}, {"n": 20, "time": "t1", "start": 0}, "lower bound"),
        ({"n": 10, "time": "t0"}, {"n": 20, "time": "t1", "space": "normalised"}, "one space"),
        ({"n": 10, "time": "t0", "space": "unknown"}, {"n": 20, "time": "t1"}, "space that is not known"),
    ],
)
def test_what_cannot_be_compared_is_refused(bench, exam, earlier, later, words):
    with pytest.raises(ToolInputError, match=words):
        bench.run(volume_change, earlier=exam(**earlier), later=exam(**later))
