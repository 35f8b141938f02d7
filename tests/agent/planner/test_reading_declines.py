"""What is declined, and what only sounds like it."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.declines import SENTENCES, declined


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("is there a fracture", "not_assessed"),
        ("bleeding anywhere", "not_assessed"),
        ("is everything okay in there", "not_assessed"),
        ("do the sinuses look infected", "not_assessed"),
        ("subarachnoid haemorrhage?", "not_assessed"),
        ("is it dementia", "diagnosis"),
        ("how long will he live", "diagnosis"),
        ("benign or malignant", "diagnosis"),
        ("ought the patient to get steroids", "treatment"),
        ("is he safe to go home", "treatment"),
        ("how many milligrams may i take", "treatment"),
        ("is the brain too small", "normative"),
        ("is the skull thicker than it should be", "normative"),
        ("how does he rank against peers", "normative"),
        ("is so much air typical", "normative"),
        ("how large is the brain", None),
        ("my surgeon wants the volume of the skull", None),
        ("how long is the left half of the brain", None),
        ("volume of the left hemisphere", None),
        ("what is the value at the indicated position", None),
        ("outline the bone", None),
    ],
)
def test_why_a_part_is_declined(text: str, code: str | None) -> None:
    assert declined(text) == code


def test_every_code_has_a_sentence_that_ends() -> None:
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())
