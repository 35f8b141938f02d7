"""Parts of a question, and how they complete one another."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.context import completed
from scanwright.agent.planner.reading.part import Part, read_part
from scanwright.agent.planner.reading.parts import protect, split


def parts_of(text: str) -> list[Part]:
    return completed([read_part(piece, has_mask=False) for piece in split(protect(text))])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("volume of the brain", 1),
        ("volume of the brain, in litres", 1),
        ("volume between -100 and 300 hu", 1),
        ("volume of the brain, left and right separately", 1),
        ("intensity at (10, -20, 5)", 1),
        ("volume above 1,400 hu", 1),
        ("calculate the volume of bone, but only that from 600 hu upwards", 1),
        ("how wide, deep and tall is the brain", 1),
        ("in per cent, what part of the bone exceeds 1500 hu", 1),
        ("surface of the calvarium, how large is it", 1),
        ("i need the brain volume; use mm^3", 1),
        ("mean, median and standard deviation of the brain signal", 3),
        ("volume of the skull and of the brain", 2),
        ("skull volume. surface area of the bone?", 2),
        ("volume above 300 hu and below -500 hu", 2),
        ("mean+standard deviation of the brain", 2),
    ],
)
def test_a_question_has_this_many_parts(text: str, count: int) -> None:
    assert len(split(protect(text))) == count


@pytest.mark.parametrize(
    ("text", "goals"),
    [
        ("volume and surface area of the brain", [("volume", "brain"), ("surface_area", "brain")]),
        ("volume of the skull and of the brain", [("volume", "skull"), ("volume", "brain")]),
        ("how large is the brain, and how bright is it", [("volume", "brain"), ("mean_intensity", "brain")]),
        ("the bone has dense parts. what volume of it is above 900 hu", [("volume", "intensity_range")]),
        ("the hu of the bone, median and standard deviation", [("median_intensity", "bone"), ("sd_intensity", "bone")]),
        ("segment the brain, then a nifti of the mask", [("mask", "brain"), ("mask_nifti", "brain")]),
        ("the lower limit is 20 hu and the upper limit 45 hu. what is the volume", [("volume", "intensity_range")]),
    ],
)
def test_parts_complete_one_another(text: str, goals: list[tuple[str, str]]) -> None:
    assert list(dict.fromkeys((p.want, p.of) for p in parts_of(text))) == goals


def test_a_unit_at_the_end_of_a_list_holds_for_all_of_it() -> None:
    assert [p.unit for p in parts_of("volumes of the bone, the skull and the soft tissue in ml")] == ["mL"] * 3


def test_a_second_share_is_of_the_same_whole() -> None:
    shares = parts_of("which share of the head is bone and which share is air")
    assert [(p.of, p.region) for p in shares] == [("bone", "head"), ("air_space", "head")]


def test_a_restriction_keeps_the_structure_as_its_place() -> None:
    (part,) = parts_of("calculate the volume of bone, but only that from 600 hu upwards")
    assert (part.want, part.of, part.region) == ("volume", "intensity_range", "bone")


def test_a_number_that_nobody_can_place_makes_a_part_doubtful() -> None:
    assert read_part(split("volume of the bone round about 300 hu plus 20")[0], has_mask=False).doubtful
    assert not read_part(split("the 2 halves of the brain in 3d, recist 1.1, cm^2")[0], has_mask=False).doubtful


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("which hippocampus is larger, and how large is each?", ["whole", "each"]),
        ("is the brain symmetric? how large is each?", ["whole", "each"]),
        ("compare the left and the right hippocampus; what is the volume of each in ml?", ["whole", "each"]),
        ("is the brain symmetric, and how large is it?", ["whole", "whole"]),
        ("how large is the brain, and how bright is each?", ["whole", "whole"]),
    ],
)
def test_each_after_a_comparison_of_the_sides_is_each_side(text: str, sides: list[str]) -> None:
    assert [p.side for p in parts_of(text)] == sides
