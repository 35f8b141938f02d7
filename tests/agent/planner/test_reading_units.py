"""Units that an answer is asked in."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.units import asked_unit, ucum


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("brain volume in litres", "L"),
        ("how many millilitres of bone", "mL"),
        ("skull (cc)", "cm3"),
        ("how many ccs of skull", "cm3"),
        ("surface cm^2", "cm2"),
        ("area in square millimeters", "mm2"),
        ("brain [l]", "L"),
        ("in per cent, what part", "%"),
        ("bone % of head", "%"),
        ("the percentage of bone", None),
        ("l hemisphere volume", None),
        ("mean hu of the bone", None),
        ("the part above 5 mm", None),
    ],
)
def test_the_unit_that_is_asked_for(text: str, unit: str | None) -> None:
    assert asked_unit(text) == unit


@pytest.mark.parametrize(
    ("word", "unit"), [("hounsfield units", "[hnsf'U]"), ("cm3", "cm3"), ("millimetre", "mm"), ("banana", None)]
)
def test_a_word_is_a_unit_or_none(word: str, unit: str | None) -> None:
    assert ucum(word) == unit
