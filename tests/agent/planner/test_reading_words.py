"""Spelling, and what is said around a question."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.normalise import normalise
from scanwright.agent.planner.reading.words import Speller


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("waht is teh brian voluem", "what is the brain volume"),
        ("longst diametre of brain in milimeters", "longest diameter of brain in millimeters"),
        ("pecentage of head", "percentage of head"),
        ("assymetry", "asymmetry"),
        ("voxle spaceing", "voxel spacing"),
        ("hounsfeild", "hounsfield"),
        ("ther any frcture", "there any fracture"),
        ("vol avg sd", "volume average standard deviation"),
    ],
)
def test_slips_are_corrected(speller: Speller, written: str, read: str) -> None:
    assert speller.correct(written) == read


@pytest.mark.parametrize("text", ["contoured", "aorta", "weather", "amount", "seed", "measured"])
def test_good_words_are_left_alone(speller: Speller, text: str) -> None:
    assert speller.correct(text) == text


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("okay so skull volume comma bone volume full stop", "skull volume , bone volume"),
        ("My surgeon asks what volume the cranium has.", "what volume the cranium has"),
        ("Volume under minus five hundred H U", "volume under -500 hu"),
        ("Surface in cm², please", "surface in cm^2"),
        ("A picture of the brain for my slides", "a picture of the brain"),
        ("Below −500 HU", "below -500 hu"),
        ("Skull-strip this scan", "segment the brain in this scan"),
        ("Right half of the head", "right half of the head"),
    ],
)
def test_what_is_said_around_a_question_is_taken_off(speller: Speller, asked: str, read: str) -> None:
    assert normalise(asked, speller) == read
