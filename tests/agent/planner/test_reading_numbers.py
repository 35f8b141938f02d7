"""Numbers in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanwright.agent.planner.reading.numbers import spoken_to_digits

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def dictated(number: int, join: str) -> str:
    """A number from 0 to 9999 in words; join stands between hundreds and the rest: " and " or " "."""
    if number < 20:
        return _SMALL.split()[number]
    if number < 100:
        tens = _TENS.split()[number // 10 - 2]
        return tens if number % 10 == 0 else f"{tens} {dictated(number % 10, join)}"
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    head = f"{dictated(number // size, join)} {name}"
    rest = number % size
    if rest == 0:
        return head
    return f"{head}{join if rest < 100 else ' '}{dictated(rest, join)}"


@given(st.integers(-3000, 3000), st.sampled_from([" and ", " "]), st.sampled_from(["minus", "negative"]))
def test_a_dictated_whole_number_is_read_back(number: int, join: str, sign: str) -> None:
    words = dictated(abs(number), join)
    said = f"above {sign} {words} hu" if number < 0 else f"above {words} hu"
    expected = said if number in (0, 1) else f"above {number} hu"  # "one" and "zero" alone are left as words
    assert spoken_to_digits(said) == expected


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("two fifty", "250"),
        ("three twenty five", "325"),
        ("twelve hundred", "1200"),
        ("a thousand", "1000"),
        ("one point five", "1.5"),
        ("minus zero point two five", "-0.25"),
        ("1.2k hu", "1200 hu"),
        ("minus 300", "-300"),
        ("one of them", "one of them"),
        ("no one", "no one"),
        ("seven nine", "seven nine"),
    ],
)
def test_other_ways_to_say_a_number(said: str, read: str) -> None:
    assert spoken_to_digits(said) == read
