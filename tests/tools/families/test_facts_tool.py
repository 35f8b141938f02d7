"""What the file says, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools.families.facts import acquisition_facts


def _facts(bench, volume):
    return {item.quantity: item for item in bench.run(acquisition_facts, volume=volume).items}


def test_facts_are_those_of_the_header(bench):
    affine = np.array([[0, 0, -2.0, 9], [0.9, 0, 0, 1], [0, -0.8, 0, 4], [0, 0, 0, 1]])
    found = _facts(bench, bench.volume(np.zeros((8, 9, 10), np.int16), affine, modality="MR", body_part="head"))
    assert found["dimensions"].value == (8, 9, 10)
    assert found["spacing"].value == pytest.approx((0.9, 0.8, 2.0))
    assert found["spacing"].unit == "mm"
    assert found["field_of_view"].value == pytest.approx((20.0, 7.2, 7.2))
    assert found["modality"].value == "MR"
    assert found["body_part"].value == "head"
    assert found["orientation"].value == "AIL"


def test_what_is_not_stated_is_none_and_says_so(bench):
    found = _facts(bench, bench.volume(np.zeros((8, 9, 10), np.int16)))
    for quantity in ("modality", "body_part"):
        assert found[quantity].value is None
        assert found[quantity].flags == ("not stated in the file",)


def test_unknown_sides_show_as_a_question_mark(bench):
    found = _facts(bench, bench.volume(np.zeros((8, 9, 10), np.int16), sides_known=False))
    assert found["orientation"].value == "?AS"
    assert found["orientation"].flags
    assert "right" not in found["dimensions"].method


def test_the_field_of_view_is_the_same_in_all_48_axis_orders(bench, all_orders):
    for stored, turned in all_orders(np.zeros((4, 5, 6), np.int16), np.diag([1.0, 2.0, 3.0, 1.0])):
        assert _facts(bench, bench.volume(stored, turned))["field_of_view"].value == pytest.approx((4, 10, 18))


def test_a_template_says_that_its_size_is_not_the_patients(bench):
    result = bench.run(acquisition_facts, volume=bench.volume(np.zeros((4, 5, 6), np.int16), space="normalised"))
    spacing = next(item for item in result.items if item.quantity == "spacing")
    assert any("template space" in flag for flag in spacing.flags)
    assert result.type.structure == "image"
