"""Structures, sides and the person's own regions."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.beyond import unknown_body_part, unknown_quantity
from scanwright.agent.planner.reading.given import with_given_marked
from scanwright.agent.planner.reading.structures import GIVEN, mentions, side_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the brain's volume", ["brain"]),
        ("soft-tissue and bony structures", ["soft_tissue", "bone"]),
        ("the left hemisphere", ["brain"]),
        ("bones of the skull", ["skull"]),
        ("volume of the region of interest", ["given_region"]),
        ("everything that is neither bone nor air", ["soft_tissue"]),
        ("the volume", []),
    ],
)
def test_structures_are_found_in_order(text: str, names: list[str]) -> None:
    assert [m.name for m in mentions(text)] == names


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("left half of the brain", "left"),
        ("brain r volume", "right"),
        ("right-sided brain volume", "right"),
        ("hemisphere by hemisphere", "each"),
        ("left ~ right brain", "each"),
        ("for either hemisphere", "each"),
        ("brain volume in l", "whole"),
        ("how bright is it right now", "whole"),
        ("volume of the brain", "whole"),
    ],
)
def test_the_side_that_is_meant(text: str, side: str) -> None:
    assert side_of(text) == side


@pytest.mark.parametrize(
    "text",
    [
        "how large is the thing i contoured", "volume of the lesion that we outlined", "mean of my mask",
        "the marked area", "the segmentation attached", "size of the tumour the radiologist drew",
    ],
)  # fmt: skip
def test_a_region_that_the_person_gave_is_recognised(text: str) -> None:
    assert GIVEN in with_given_marked(text)


@pytest.mark.parametrize("text", ["outline the brain", "the marked position", "where i marked", "segment the skull"])
def test_a_request_or_a_point_is_no_given_region(text: str) -> None:
    assert GIVEN not in with_given_marked(text)


@pytest.mark.parametrize(
    ("text", "scanned", "known"),
    [
        ("volume of the temporal bone", "head", False),
        ("how large is the pituitary", "head", False),
        ("soft tissue in the abdomen", "head", False),
        ("soft tissue in the abdomen", "abdomen", True),
        ("write the mask to disk", "head", True),
        ("volume of the brain", "head", True),
    ],
)
def test_body_parts_without_a_word_are_noticed(text: str, scanned: str, known: bool) -> None:
    assert (unknown_body_part(text, scanned) is None) == known


@pytest.mark.parametrize(
    ("text", "known"),
    [("how thick is the skull", False), ("how thick are the slices", True), ("what is the echo time", False)],
)
def test_quantities_that_nothing_measures_are_noticed(text: str, known: bool) -> None:
    assert (unknown_quantity(text) is None) == known
