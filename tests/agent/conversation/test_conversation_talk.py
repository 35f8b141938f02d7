"""Conversations with real tools: follow-ups, explanations, undo and branches, exams, approval, restarts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from agent_examples import HEAD_TRUTH, head_ct
from scanwright.agent import Conversation
from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.given import Given
from scanwright.agent.plan.plan import Plan
from scanwright.agent.workbench import Workbench
from scanwright.tools.errors import NeedsInput, UserInputError

CODE = "from scanwright.agent.cli.main import main; main()"


def value(result: AnswerResult) -> float:
    number = next(e.value for e in result.evidence if e.quantity is not None)
    assert isinstance(number, int | float)
    return float(number)


def test_a_follow_up_gives_the_number_of_the_whole_question(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    assert value(chat.ask("How large is the skull?")) == pytest.approx(HEAD_TRUTH["skull_ml"], rel=0.02)
    assert value(chat.ask("in litres")) == pytest.approx(HEAD_TRUTH["skull_ml"] / 1000, rel=0.02)
    follow = chat.ask("and its mean HU?")
    alone = talking.ask([head], "What is the mean HU of the skull?")
    assert value(follow) == value(alone)
    assert [t.goals for t in chat.turns][-1] == ({"of": "skull", "want": "mean_intensity"},)


def test_why_tells_tool_source_and_steps_and_no_number_of_its_own(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    asked = chat.ask("How large is the skull?")
    why = chat.ask("Why did you use that tool?")
    assert why.run_id == asked.run_id
    assert why.evidence[0] == asked.evidence[0]
    assert "skull" in why.answer
    assert "Steps: 1. head outline" in why.answer
    said = [t.card for t in talking.registry]
    known = " ".join(
        [asked.answer, *(f"{c.summary} {c.reference} {c.version}" for c in said), asked.evidence[0].method]
    )
    # What is left are the numbers of the steps.
    assert set(re.findall(r"\d+", why.answer)) <= set(re.findall(r"\d+", known)) | {"1", "2", "3", "4"}


def test_why_not_tells_the_reason_and_what_was_considered(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    chat.ask("How large is the liver?")
    why = chat.ask("Why not?")
    assert "this scan shows the head" in why.answer
    assert "Not taken: " in why.answer


def test_how_sure_tells_the_range_the_measured_error_and_offers_every_method(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    chat.ask("How large is the skull?")
    sure = chat.ask("How sure are you?")
    assert "boundary moved by half a voxel" in sure.answer
    assert "no confidence interval" in sure.answer
    assert "Measured errors of its tools: " in sure.answer
    assert "by every method" in sure.answer
    chat.ask("Yes, by every method")
    assert chat.turns[-1].goals == ({"compare": "methods", "of": "skull", "want": "volume"},)
    assert "Say “by every method”" not in chat.ask("How sure are you now?").answer


def test_a_value_without_a_range_is_said_to_have_none(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    chat.ask("What is the mean HU of the skull?")
    assert "No range is known for it" in chat.ask("how sure are you?").answer
    chat.ask("What is the voxel size?")
    assert "read from the file and not measured" in chat.ask("how sure are you?").answer


def test_only_the_part_that_is_named_is_explained(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    chat.ask("How large is the skull, and how large is the bone?")
    answer = chat.ask("How did you get the number for the skull?").answer
    assert "The volume of the skull is" in answer
    assert "The volume of the bone is" not in answer


def test_nothing_before_is_asked_back_and_not_made_up(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    for question in ("Why?", "How sure are you?", "undo", "redo", "go back to turn 7", "and its mean HU?"):
        result = chat.ask(question)
        assert result.status in ("needs_input", "refused") or question.startswith("and")
        assert chat.turns[-1].head in (None, chat.turns[-1].seq)


def test_undo_and_redo_give_the_answer_that_holds_then(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    first = chat.ask("How large is the skull?")
    second = chat.ask("in litres")
    chat.ask("why?")
    assert chat.undo().run_id == first.run_id
    assert chat.redo().run_id == second.run_id
    assert chat.undo().run_id == first.run_id
    assert chat.undo().answer == "Back at the beginning: nothing is asked yet."
    assert chat.redo().run_id == first.run_id
    assert value(chat.ask("and its mean HU?")) > 500
    assert chat.redo().status == "needs_input"


def test_a_fork_leaves_the_old_branch_and_lists_it(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    for question in ("How large is the skull?", "in litres", "and its mean HU?"):
        chat.ask(question)
    chat.fork(1)
    chat.ask("what about the bone?")
    assert [[t.seq for t in branch] for branch in chat.branches] == [[1, 2, 3], [1, 5]]
    assert chat.turns[-1].goals == ({"of": "bone", "want": "volume"},)
    chat.fork(3)
    assert [t.seq for t in chat.branches[-1]] == [1, 2, 3]


def test_a_plan_of_an_earlier_turn_runs_again_edited(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    first = chat.ask("What is the volume of bone above 300 HU?")
    chat.ask("How large is the skull?")
    plan = chat.plan_of(1)
    assert chat.take_up(1).evidence[0].value == first.evidence[0].value
    higher = json.loads(plan.to_json().replace("300.0", "900.0"))
    edited = chat.take_up(1, Plan.model_validate(higher))
    assert chat.turns[-1].goals[0]["params"]["low"]["value"] == 900
    assert edited.run_id != first.run_id
    assert [t.seq for t in chat.branches[-1]] == [1, 4]
    with pytest.raises(UserInputError, match="There is no turn 9"):
        chat.take_up(9)


def test_an_export_waits_for_approval_and_is_kept_until_then(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    chat.ask("Segment the skull")
    with pytest.raises(NeedsInput, match="approve"):
        chat.ask("export it as nifti")
    waiting = chat.turns[-1]
    assert (waiting.run_id, waiting.goals) == (None, ({"of": "skull", "want": "mask_nifti"},))
    assert any(e.kind == "File" for e in chat.take_up(waiting.seq, approved=True).evidence)


def test_the_same_is_asked_of_the_earlier_exam_of_the_two(talking: Workbench, head: Path, tmp_path: Path) -> None:
    earlier = head_ct(tmp_path, "earlier", k=3)
    chat = talking.conversation([earlier, head], Given(patient="one"))
    now = chat.ask("How large is the skull?")
    before = chat.ask("Same for the previous exam")
    assert value(before) == pytest.approx(value(now), rel=0.05)
    with talking.open_home() as home:
        studies = [home.runs.get(str(r.run_id)).study_ids for r in (now, before)]
    assert studies == [(chat.study_ids[1], chat.study_ids[0]), (chat.study_ids[0],)]
    assert [t.exam for t in chat.turns] == [None, "previous"]


def test_without_an_earlier_exam_it_says_what_to_do(talking: Workbench, head: Path) -> None:
    chat = talking.conversation([head])
    chat.ask("How large is the skull?")
    result = chat.ask("same for the previous exam")
    assert result.status == "needs_input"
    assert "name both studies, the earlier first" in result.answer


def test_a_conversation_goes_on_after_a_restart_with_its_mask_and_point(tmp_path: Path, head: Path) -> None:
    given = Given(mask=f"{head.parent / 'marker.nii.gz'}:1")
    with Workbench(tmp_path / "home") as bench:
        first = bench.conversation([head], given)
        volume = value(first.ask("How large is the marked region?"))
    with Workbench(tmp_path / "home") as bench:
        again = Conversation.open("last", bench=bench)
        assert again.conversation_id == first.conversation_id
        assert value(again.ask("in litres")) == pytest.approx(volume / 1000)
        assert b"marker.nii" not in (tmp_path / "home" / "scanwright.sqlite").read_bytes()


def test_every_turn_that_was_answered_survives_a_kill(tmp_path: Path, head: Path) -> None:
    words = [sys.executable, "-c", CODE, "chat", str(head), "--json", "--home", str(tmp_path / "home")]
    chat = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert chat.stdin is not None
    assert chat.stdout is not None
    chat.stdin.write("How large is the skull?\nin litres\n")
    chat.stdin.flush()
    rows = [json.loads(chat.stdout.readline()) for _ in range(2)]
    chat.send_signal(signal.SIGKILL)
    chat.communicate()
    go_on = ["chat", "--session", rows[0]["conversation"], "--json", "--home", str(tmp_path / "home")]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *go_on],
        input="undo\n\nhow sure are you?\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    undone, sure = [json.loads(line) for line in done.stdout.splitlines()]
    assert (undone["turn"], undone["reading"], undone["run_id"]) == (3, "undo", rows[0]["run_id"])
    assert (sure["reading"], sure["run_id"]) == ("how_sure", rows[0]["run_id"])


def test_an_erased_patient_leaves_no_word_of_the_conversation(tmp_path: Path, head: Path) -> None:
    with Workbench(tmp_path / "home") as bench:
        chat = bench.conversation([head])
        chat.ask("How large is the skull?")
        chat.ask("why?")
        with bench.open_home() as home:
            home.identities.erase(home.studies.get(chat.study_ids[0]).subject)
        assert {t.question for t in chat.turns} == {""}
        with pytest.raises(UserInputError, match="was erased"):
            chat.ask("in litres")
        with pytest.raises(UserInputError, match="was erased"):
            bench.open_conversation("last")
