"""A server that is killed: what it acknowledged is done by the one that comes after it."""

from __future__ import annotations

from pathlib import Path

from server_process import ServerProcess, nifti, voxels_of

SKULL = "What is the volume of the skull?"


def test_an_acknowledged_question_is_answered_by_the_server_that_comes_after_a_kill(
    guarded: ServerProcess, head_file: Path
) -> None:
    server = guarded
    study = server.upload(head_file, modality="CT", body_part="head")
    session = server.session(study["study_id"])
    asked = [
        server.client.post(f"/api/v1/sessions/{session}/turns", json={"question": q}).json()["turn_id"]
        for q in (SKULL, "How large is the head?")
    ]
    heard = []
    for event in server.stream(session):
        heard.append(event)
        if event[1] == "step.finished":
            break
    server.kill()
    server.start()
    first, second = (server.over(session, turn) for turn in asked)
    assert (first["status"], second["status"]) == ("done", "done")
    assert len(server.client.get("/api/v1/runs").json()) == 2
    steps = {s["id"]: s["provenance"] for s in server.client.get(f"/api/v1/runs/{first['run_id']}").json()["steps"]}
    log = server.client.get(f"/api/v1/runs/{first['run_id']}/events").json()
    done = [e["payload"]["step"] for e in log if e["kind"] in ("step.finished", "step.cached")]
    assert done.count(heard[-1][2]["step"]) == 1
    assert set(done) == set(steps)
    assert "run.resumed" in [e["kind"] for e in log]
    # What was heard before the kill is what is told again, and what came after follows.
    again = server.events(session, "answer")
    kept = [event for event in heard if event[0] is not None]
    assert [event for event in again if event[0] is not None][: len(kept)] == kept
    assert [number for number, _, _ in again if number] == list(range(1, max(n or 0 for n, _, _ in again) + 1))


def test_a_correction_that_was_acknowledged_is_answered_after_a_kill(guarded: ServerProcess, head_file: Path) -> None:
    server = guarded
    study = server.upload(head_file, modality="CT", body_part="head")
    session = server.session(study["study_id"])
    turn = server.ask(session, "What is the volume of the skull?")
    step = next(s for s in server.client.get(f"/api/v1/runs/{turn['run_id']}").json()["steps"] if s["tool"] == "skull")
    base = step["artifact"]["hash"]
    voxels, affine = voxels_of(server.client.get(f"/api/v1/artifacts/{base}/mask.nii.gz").content)
    voxels = voxels.copy(order="F")
    voxels[0 : voxels.shape[0] // 2] = 0
    query = {"step": step["id"], "base": base, "author": "Ada"}
    where = f"/api/v1/runs/{turn['run_id']}/corrections"
    made = server.client.post(where, params=query, content=nifti(voxels, affine)).json()
    server.kill()
    server.start()
    child = server.answered(made["child_run_id"])
    assert next(s for s in child["steps"] if s["id"] == step["id"])["provided"] == made["artifact"]
    assert child["answer"]["status"] == "answered"
