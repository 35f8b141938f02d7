"""Turns of a session: told as they happen, replayed, approved, stopped, and taken up again after a kill."""

from __future__ import annotations

from typing import Any

from server_process import ServerProcess

SKULL = "What is the volume of the skull?"


def test_two_who_listen_and_one_who_comes_later_hear_the_same(server: ServerProcess, skull: dict[str, Any]) -> None:
    session = skull["session_id"]
    first, second = server.events(session, "answer"), server.events(session, "answer")
    assert first == second
    kinds = [kind for _, kind, _ in first]
    assert kinds[:3] == ["turn.started", "turn.read", "plan.made"]
    assert kinds.count("step.finished") == len(skull["plan"]["steps"])
    assert [number for number, _, _ in first] == list(range(1, len(first) + 1))
    assert server.events(session, "answer", after=4) == first[4:]
    assert first[-1][2]["answer"] == skull["answer"]


def test_an_answer_names_no_path_of_the_machine(server: ServerProcess, skull: dict[str, Any]) -> None:
    assert str(server.home) not in str(server.client.get(f"/api/v1/sessions/{skull['session_id']}").text)
    picture = next(e for e in skull["answer"]["evidence"] if e["kind"] == "Figure")
    shown = server.client.get(picture["artifact"])
    assert shown.content.startswith(b"\x89PNG")
    assert "sandbox" in shown.headers["content-security-policy"]


def test_a_question_goes_on_from_the_one_before_and_is_taken_back(server: ServerProcess, head: dict[str, Any]) -> None:
    session = server.session(head["study_id"])
    first = server.ask(session, SKULL)
    then = server.ask(session, "and its mean HU?")
    assert then["parent"] == first["turn_id"]
    assert then["reading"]["goals"][0] == {"want": "mean_intensity", "of": "skull"}
    undone = server.client.post(f"/api/v1/sessions/{session}/undo").json()
    assert server.over(session, undone["turn_id"])["reading"]["reading"] == "undo"
    now = server.client.get(f"/api/v1/sessions/{session}").json()
    assert (now["head"], now["can_redo"]) == (first["turn_id"], True)


def test_a_plan_that_is_reviewed_waits_and_runs_as_the_person_made_it(
    server: ServerProcess, head: dict[str, Any]
) -> None:
    session = server.session(head["study_id"])
    turn = server.ask(session, SKULL, review=True)
    assert (turn["status"], turn["run_id"]) == ("waiting", None)
    picture = turn["plan"]["goals"][0]["pictures"][0]
    body = {"plan": turn["plan"], "studies": [head["study_id"]], "step": picture}
    edited = server.client.post("/api/v1/plans/without", json=body).json()["plan"]
    where = f"/api/v1/sessions/{session}/turns/{turn['turn_id']}"
    assert server.client.post(f"{where}/approve", json={"plan": edited}).status_code == 200
    done = server.over(session, turn["turn_id"], also=())
    assert done["status"] == "done"
    assert {e["kind"] for e in done["answer"]["evidence"]} == {"Measurement", "Mask"}
    assert server.client.post(f"{where}/approve", json={}).status_code == 422


def test_a_plan_that_is_rejected_runs_nothing(server: ServerProcess, head: dict[str, Any]) -> None:
    session = server.session(head["study_id"])
    turn = server.ask(session, SKULL, review=True)
    where = f"/api/v1/sessions/{session}/turns/{turn['turn_id']}"
    assert server.client.post(f"{where}/reject").json()["status"] == "stopped"
    assert "step.started" not in [kind for _, kind, _ in server.events(session, "turn.stopped")]


def test_a_plan_edited_to_be_cyclic_is_refused_in_one_sentence(
    server: ServerProcess, head: dict[str, Any], skull: dict[str, Any]
) -> None:
    plan = {**skull["plan"], "steps": [dict(s) for s in skull["plan"]["steps"]]}
    taker = next(s for s in plan["steps"] if "mask" in s["inputs"])
    maker = next(s for s in plan["steps"] if s["id"] == taker["inputs"]["mask"]["step"])
    maker["inputs"] = {**maker["inputs"], "bone": {"step": taker["id"]}}
    answer = server.client.post("/api/v1/plans/check", json={"plan": plan, "studies": [head["study_id"]]})
    assert answer.status_code == 422
    assert "circle" in answer.json()["error"]


def test_tools_that_give_the_same_are_offered_with_why_they_do_not_fit(
    server: ServerProcess, head: dict[str, Any], skull: dict[str, Any]
) -> None:
    step = next(s for s in skull["plan"]["steps"] if s["tool"] == "mask_volume")
    body = {"plan": skull["plan"], "studies": [head["study_id"]], "step": step["id"]}
    offered = server.client.post("/api/v1/plans/alternatives", json=body).json()
    assert "mask_volume" not in {o["tool"] for o in offered}
    for each in offered:
        swapped = server.client.post("/api/v1/plans/swap", json={**body, "tool": each["tool"]})
        assert (swapped.status_code == 200) == (each["fits"] is None)
    wrong = server.client.post("/api/v1/plans/swap", json={**body, "tool": "overlay"})
    assert wrong.status_code == 422


def test_a_question_that_waits_its_turn_is_stopped_before_it_begins(
    server: ServerProcess, head: dict[str, Any]
) -> None:
    session = server.session(head["study_id"])
    turns = [
        server.client.post(f"/api/v1/sessions/{session}/turns", json={"question": question}).json()["turn_id"]
        for question in ("How large is the head?", "How much bone is there?", "Where is the bone?")
    ]
    server.client.post(f"/api/v1/sessions/{session}/turns/{turns[-1]}/stop")
    assert server.over(session, turns[-1])["status"] in ("stopped", "done")
    assert server.over(session, turns[0])["status"] == "done"
    # Whoever was stopped last, the next question is not stopped by it.
    assert server.ask(session, SKULL)["status"] == "done"
