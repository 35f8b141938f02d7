"""Said plainly: measures in other words, and words that mean something else on another kind of image."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.plain import in_words_of, said_plainly
from scanwright.agent.planner.reading.structures import mentions


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a times b times c over 2 of the bleed", "kothari of the bleed"),
        ("abc/2 of my mask", "kothari of my mask"),
        ("how wide are the frontal horns compared with the skull", "evans index"),
        ("is there a midline shift, and how many millimetres?", "is there a midline shift?"),
        ("volume of the third lumbar vertebra", "volume of the vertebra l3"),
        ("density of the l1 vertebral body", "density of the vertebra l1"),
        ("area of muscle at l3", "area of muscle at l3"),
        ("signal of the t1 image", "signal of the t1 image"),
        ("volume of the left lower lobe of the lung", "volume of the left lower lung lobe"),
        ("right middle lobe of the lung", "middle lung lobe"),
        ("volume of the frontal lobe", "volume of the frontal lobe"),
        ("mean hu of what i point at", "mean hu of clicked structure"),
        ("volume of the structure at (1, 2, 3)", "volume of the clicked structure (1, 2, 3)"),
        ("hu at (1, 2, 3)", "hu at (1, 2, 3)"),
        ("difference between the liver and the spleen", "liver minus spleen"),
        ("volume of the liver and the spleen", "volume of the liver and the spleen"),
        ("cr, pr, sd or pd?", "recist response?"),
        ("which slice was used for the evans index? show it", "show the evans index"),
    ],
)
def test_other_words_for_a_measure_become_its_name(text: str, plain: str) -> None:
    assert said_plainly(text) == plain


@pytest.mark.parametrize(
    ("modality", "text", "structures"),
    [
        ("OP", "how long are the vessels", ["retinal_vessel"]),
        ("CT", "how long are the vessels", []),
        ("OP", "outline the round field of view of the fundus", ["fundus"]),
        ("OP", "what is the field of view", ["image"]),
        ("SM", "how large is the tissue", ["tissue"]),
        ("MR", "how large is the tissue", []),
        ("MR", "how much brain tissue is there", ["brain"]),
    ],
)
def test_words_mean_what_such_an_image_shows(modality: str, text: str, structures: list[str]) -> None:
    assert [m.name for m in mentions(in_words_of("", text, modality))] == structures


def test_a_lobe_is_the_lungs_on_a_chest_alone() -> None:
    assert in_words_of("chest", "volume of each upper lobe") == "volume of each upper lung lobe"
    assert in_words_of("head", "volume of each upper lobe") == "volume of each upper lobe"
