"""Thresholds and ranges of voxel values."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.thresholds import read_threshold
from scanwright.tools.contract.quantity import HU

LOW = [
    "hu>300", "volume >= 300 hu", "300+ hu", "over 300 hu", "north of 300 hu", "no lower than 300 hu",
    "not below 300 hounsfield units", "at or above 300 hu", "300 hu or more", "from 300 hu upwards",
    "a threshold of 300 hu", "the lower limit is 300 hu", "voxels that surpass 300 hu", "exceeding 300hu",
    "brighter than 300 hu", "in excess of 300 hu", "with a density greater than or equal to 300 hu",
]  # fmt: skip
HIGH = [
    "< -50 hu", "below -50 hu", "not above -50 hu", "does not go beyond -50 hu", "no more than -50 hu",
    "at most -50 hu", "up to -50 hu", "-50 hu or less", "less dense than -50 hu", "the upper limit is -50 hu",
    "stays under -50 hu", "below a threshold of -50 hu",
]  # fmt: skip
BOTH = [
    "between -50 ~ 300 hu", "from -50 to 300 hu", "-50..300 hu", "-50 - 300 hu", "[-50 ~ 300] hu",
    "-50 hu through 300 hu", "(-50, 300) hu", "-50 < hu < 300", "above -50 hu ~ below 300 hu", "between 300 and -50 hu",
    "-50 hu up to 300 hu",
    "lower limit -50 hu and upper limit 300 hu", "no less than -50 hu yet darker than 300 hu",
]  # fmt: skip


@pytest.mark.parametrize("text", LOW)
def test_a_lower_bound_is_read(text: str) -> None:
    read = read_threshold(text)
    assert read is not None
    assert (read.low and (read.low.value, read.low.unit), read.high) == ((300, HU), None)


@pytest.mark.parametrize("text", HIGH)
def test_an_upper_bound_is_read(text: str) -> None:
    read = read_threshold(text)
    assert read is not None
    assert (read.low, read.high and (read.high.value, read.high.unit)) == (None, (-50, HU))


@pytest.mark.parametrize("text", BOTH)
def test_a_range_is_read(text: str) -> None:
    read = read_threshold(text)
    assert read is not None
    assert [(n, q.value, q.unit) for n, q in read.params.items()] == [("low", -50, HU), ("high", 300, HU)]


@pytest.mark.parametrize(("text", "unit"), [("above 5 mm", "mm"), ("below 10 ml", "mL"), ("more than 40", "1")])
def test_the_unit_of_a_bound_is_the_one_that_is_said(text: str, unit: str) -> None:
    read = read_threshold(text)
    assert read is not None
    assert [q.unit for q in read.params.values()] == [unit]


@pytest.mark.parametrize(
    "text", ["volume of the brain", "the 5th and 95th percentile", "over the whole brain", "recist 1.1", "in 3d"]
)
def test_what_is_no_threshold_is_left(text: str) -> None:
    assert read_threshold(text) is None
