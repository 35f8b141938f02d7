"""What speaks of the conversation itself."""

from __future__ import annotations

import pytest
from scanwright.agent.conversation.commands import command_of


@pytest.mark.parametrize(
    ("question", "command"),
    [
        ("Why?", "why"),
        ("why not?", "why"),
        ("Why did you use that tool?", "why"),
        ("How did you measure that?", "why"),
        ("Where does that number come from?", "why"),
        ("Which method was used?", "why"),
        ("Explain your answer.", "why"),
        ("How sure are you?", "how_sure"),
        ("And how reliable is that number?", "how_sure"),
        ("Can I trust this?", "how_sure"),
        ("What's the uncertainty?", "how_sure"),
        ("Undo that.", "undo"),
        ("OK, go back please", "undo"),
        ("Redo", "redo"),
        ("Bring that back", "redo"),
    ],
)
def test_a_command_is_read(question: str, command: str) -> None:
    said = command_of(question)
    assert said is not None
    assert said.command == command


@pytest.mark.parametrize(
    "question",
    [
        "How large is the skull?",
        "Why does she have headaches?",
        "Is that normal?",
        "Explain how a CT scanner works.",
        "what about the spleen?",
        "Show me the liver",
        "go back to the spleen",
    ],
)
def test_a_question_about_the_study_or_the_patient_is_no_command(question: str) -> None:
    assert command_of(question) is None


def test_going_back_to_a_turn_names_it() -> None:
    said = command_of("Go back to turn 12.")
    assert said is not None
    assert (said.command, said.turn) == ("fork", 12)
