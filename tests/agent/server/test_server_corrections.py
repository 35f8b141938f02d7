"""Corrections: a mask from a client stands in for a step, only what depends on it runs again, and nobody's is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from server_process import ServerProcess, nifti, voxels_of


def _mask_step(server: ServerProcess, run: str) -> dict[str, Any]:
    steps = server.client.get(f"/api/v1/runs/{run}").json()["steps"]
    found: dict[str, Any] = next(s for s in steps if s["tool"] == "skull")
    return found


def _half(server: ServerProcess, artifact: str, axis: int) -> bytes:
    voxels, affine = voxels_of(server.client.get(f"/api/v1/artifacts/{artifact}/mask.nii.gz").content)
    kept = voxels.copy(order="F")
    kept[tuple(slice(0, n // 2) if a == axis else slice(None) for a, n in enumerate(kept.shape))] = 0
    return nifti(kept, affine)


def _correct(server: ServerProcess, run: str, body: bytes, **query: Any) -> Any:
    return server.client.post(f"/api/v1/runs/{run}/corrections", params=query, content=body)


def test_only_what_depends_on_the_corrected_step_runs_again(server: ServerProcess, skull: dict[str, Any]) -> None:
    run, step = skull["run_id"], _mask_step(server, skull["run_id"])
    body = _half(server, step["artifact"]["hash"], 0)
    made = _correct(server, run, body, step=step["id"], base=step["artifact"]["hash"], author="Ada Example")
    assert made.status_code == 201, made.text
    child = server.answered(made.json()["child_run_id"])
    again = {s["tool"]: (s["cached"], s["provided"]) for s in child["steps"]}
    assert again["head_outline"] == again["bone"] == (True, None)
    assert again["skull"] == (True, made.json()["artifact"])
    assert again["mask_volume"] == again["overlay"] == (False, None)
    log = server.client.get(f"/api/v1/runs/{child['run_id']}/events").json()
    started = {e["payload"]["step"] for e in log if e["kind"] == "step.started"}
    assert started == {s["id"] for s in child["steps"] if s["tool"] in ("mask_volume", "overlay")}
    provided = next(e for e in log if e["kind"] == "step.cached" and e["payload"]["step"] == step["id"])
    assert provided["payload"]["provenance"]["provided"] == made.json()["artifact"]
    voxels = int(voxels_of(body)[0].astype(bool).sum())
    spacing = np.prod(server.client.get(f"/api/v1/studies/{child['studies'][0]}").json()["series"][0]["spacing_mm"])
    volume = next(e for e in child["answer"]["evidence"] if e["quantity"] == "volume")
    assert volume["value"] == pytest.approx(voxels * spacing / 1000, rel=1e-6)
    assert "Drawn by Ada Example" in child["answer"]["answer"]
    again = server.client.get(f"/api/v1/sessions/{skull['session_id']}").json()["turns"][0]
    assert (again["corrected_run"], again["corrected_answer"]) == (child["run_id"], child["answer"])
    assert again["answer"] == skull["answer"]
    kinds = [k for _, k, p in server.events(skull["session_id"], "correction.made")]
    assert kinds[-1] == "correction.made"
    where = server.client.get(f"/api/v1/runs/{child['run_id']}/evidence/{volume['id']}").json()
    assert [o["author"] for o in where["overrides"]] == ["Ada Example"]
    assert {s["tool"] for s in where["inputs"]} == {"skull", "bone", "head_outline"}
    assert where["studies"][0]["study_id"] == child["studies"][0]


def test_the_later_of_two_people_is_told_and_nothing_is_lost(server: ServerProcess, head: dict[str, Any]) -> None:
    run = server.ask(server.session(head["study_id"]), "What is the surface area of the skull?")["run_id"]
    step = _mask_step(server, run)
    base = step["artifact"]["hash"]
    first = _correct(server, run, _half(server, base, 0), step=step["id"], base=base, author="Ada")
    later = _correct(server, run, _half(server, base, 1), step=step["id"], base=base, author="Ben")
    assert (first.status_code, later.status_code) == (201, 409)
    told = later.json()
    assert told["error"].startswith("Ada changed this mask after you opened it")
    assert told["newest"] == first.json()["artifact"]
    kept, _ = voxels_of(server.client.get(f"/api/v1/artifacts/{told['kept']}/mask.nii.gz").content)
    assert np.array_equal(kept, voxels_of(_half(server, base, 1))[0])
    on_top = _correct(server, run, _half(server, base, 1), step=step["id"], base=told["newest"], author="Ben")
    forced = _correct(server, run, _half(server, base, 2), step=step["id"], base=base, author="Cleo", force=True)
    assert (on_top.status_code, forced.status_code) == (201, 201)
    by = [c["author"] for c in server.client.get(f"/api/v1/runs/{run}").json()["corrections"]]
    assert by == ["Ada", "Ben", "Cleo"]


def test_a_mask_that_cannot_be_is_refused_in_one_sentence(server: ServerProcess, skull: dict[str, Any]) -> None:
    run, step = skull["run_id"], _mask_step(server, skull["run_id"])
    base = step["artifact"]["hash"]
    voxels, affine = voxels_of(server.client.get(f"/api/v1/artifacts/{base}/mask.nii.gz").content)
    moved = affine.copy()
    moved[0, 3] += 5
    known = {"step": step["id"], "base": base, "author": "Ada"}
    bad = {
        "elsewhere": nifti(voxels, moved), "has": nifti(voxels[1:].copy(order="F"), affine),
        "NIfTI": b"dear colleague" * 40,
        "damaged": nifti(voxels, affine)[:5] + bytes(90), "empty": b"",
    }  # fmt: skip
    for word, body in bad.items():
        answer = _correct(server, run, body, **known)
        assert answer.status_code == 422, word
        assert word in answer.json()["error"]
    assert _correct(server, run, nifti(voxels, affine), **{**known, "step": "s99"}).status_code == 422
    volume = next(s for s in server.client.get(f"/api/v1/runs/{run}").json()["steps"] if s["tool"] == "mask_volume")
    number = _correct(server, run, nifti(voxels, affine), **{**known, "step": volume["id"]})
    assert "only a mask" in number.json()["error"]
    assert _correct(server, "R0", nifti(voxels, affine), **known).status_code == 404


def test_feedback_is_kept_with_the_right_answer(server: ServerProcess, skull: dict[str, Any]) -> None:
    where = f"/api/v1/runs/{skull['run_id']}/feedback"
    said = {"target": "E1", "verdict": "wrong", "comment": "too small", "right_answer": "700 mL"}
    assert server.client.post(where, json=said).status_code == 201
    assert server.client.post(where, json={"target": "E77", "verdict": "right"}).status_code == 422
    kept = server.client.get(where).json()
    assert {k: kept[-1][k] for k in said} == said
