"""Conversations in a home: append-only, found again, and emptied with the patient."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from memory_examples import a_study
from scanwright.memory import schema
from scanwright.memory.conversations import Turn
from scanwright.memory.database import AppendOnlyError
from scanwright.memory.home import Home
from scanwright.tools.errors import UserInputError
from sqlalchemy import delete, text, update
from sqlalchemy.exc import IntegrityError


def a_turn(question: str, parent: int | None = None, **more: object) -> Turn:
    goals = ({"want": "volume", "of": "skull"},)
    return Turn.model_validate(
        {"seq": 0, "parent": parent, "head": None, "reading": "ask", "question": question, "goals": goals, **more}
    )


def test_turns_come_back_in_order_with_their_parents(home: Home) -> None:
    kept = home.conversations.begin(["st-1"], {"series": "axial"})
    first = home.conversations.add(kept.conversation_id, a_turn("How large is the skull?"))
    home.conversations.add(kept.conversation_id, a_turn("in litres", 1, run_id="R1", plan={"a": 1}, exam="previous"))
    undo = a_turn("undo", 2, reading="undo", goals=()).model_copy(update={"head": 1})
    home.conversations.add(kept.conversation_id, undo)
    turns = home.conversations.turns(kept.conversation_id)
    assert [(t.seq, t.parent, t.head, t.reading) for t in turns] == [
        (1, None, 1, "ask"),
        (2, 1, 2, "ask"),
        (3, 2, 1, "undo"),
    ]
    assert turns[0] == first
    assert (turns[1].run_id, turns[1].plan, turns[1].exam) == ("R1", {"a": 1}, "previous")
    assert home.conversations.get("last").given == {"series": "axial"}
    assert home.conversations.get(kept.conversation_id[:8]).turns == 3


def test_an_unknown_conversation_is_told_with_near_ones(home: Home) -> None:
    with pytest.raises(UserInputError, match="none is kept"):
        home.conversations.get("last")
    kept = home.conversations.begin(["st-1"], {})
    with pytest.raises(UserInputError, match=kept.conversation_id):
        home.conversations.get("c-nothing")


def test_the_newest_conversation_is_listed_first(home: Home) -> None:
    ids = [home.conversations.begin([f"st-{i}"], {}).conversation_id for i in range(3)]
    assert [r.conversation_id for r in home.conversations.list()] == ids[::-1]


def test_no_turn_can_be_changed_or_taken_away(home: Home) -> None:
    kept = home.conversations.begin(["st-1"], {})
    home.conversations.add(kept.conversation_id, a_turn("a"))
    with pytest.raises(AppendOnlyError), home._database.transaction() as connection:
        connection.execute(delete(schema.turns))
    with pytest.raises(AppendOnlyError), home._database.transaction() as connection:
        connection.execute(update(schema.turns).values(reading="why"))
    for statement in (
        "DELETE FROM turns",
        "UPDATE turns SET reading = 'why'",
        "INSERT OR REPLACE INTO turns SELECT * FROM turns",
    ):
        with pytest.raises(IntegrityError, match="append-only"), home._database.transaction() as connection:
            connection.execute(text(statement))


def test_a_turn_of_no_conversation_is_refused(home: Home) -> None:
    with pytest.raises(IntegrityError), home._database.transaction():
        home.conversations.add("c-none", a_turn("a"))


def test_erasing_a_patient_empties_what_was_said_and_leaves_the_log(home: Home) -> None:
    home.studies.add(a_study(home.blobs, "st-anna", seed=1, subject="P-anna"))
    home.studies.add(a_study(home.blobs, "st-old", seed=2, subject="P-anna"))
    home.studies.add(a_study(home.blobs, "st-otto", seed=3, subject="P-otto"))
    about = {}
    for name, studies in (("anna", ["st-anna"]), ("both", ["st-otto"]), ("otto", ["st-otto"])):
        about[name] = home.conversations.begin(studies, {"series": "Musterfrau"}).conversation_id
        extra = ["st-old"] if name == "both" else []
        home.conversations.add(
            about[name], a_turn("What has Musterfrau?", answer={"t": "Musterfrau"}, plan={"q": "Musterfrau"}), extra
        )
    home.identities.erase("P-anna")
    for name in ("anna", "both"):
        turn = home.conversations.turns(about[name])[0]
        assert (turn.question, turn.goals, turn.plan, turn.answer) == ("", (), None, None)
        assert (turn.seq, turn.reading) == (1, "ask")
        assert home.conversations.get(about[name]).given == {}
    assert home.conversations.turns(about["otto"])[0].question == "What has Musterfrau?"


def test_an_erased_question_lies_nowhere_in_the_home(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        home.studies.add(a_study(home.blobs, "st-anna", subject="P-anna"))
        kept = home.conversations.begin(["st-anna"], {})
        home.conversations.add(kept.conversation_id, a_turn("What has Musterfrau?"))
        home.identities.erase("P-anna")
    assert not any(b"Musterfrau" in f.read_bytes() for f in (tmp_path / "home").rglob("*") if f.is_file())


def test_a_turn_that_was_acknowledged_survives_a_kill(
    tmp_path: Path, python: Callable[..., subprocess.Popen[str]]
) -> None:
    program = """
        import os, signal, sys
        from scanwright.memory.conversations import Turn
        from scanwright.memory.home import Home
        home = Home.open(sys.argv[1])
        kept = home.conversations.begin(["st-1"], {})
        turn = Turn(seq=0, parent=None, head=None, reading="ask", question="How large is the skull?")
        home.conversations.add(kept.conversation_id, turn)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = python(program, tmp_path / "home")
    assert process.wait(60) == -signal.SIGKILL
    with Home.open(tmp_path / "home") as home:
        kept = home.conversations.get("last")
        assert [t.question for t in home.conversations.turns(kept.conversation_id)] == ["How large is the skull?"]
