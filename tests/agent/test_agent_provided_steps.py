"""A step whose output a person gave: the tool is not called, and key, cache, event and provenance say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from agent_examples import small_scan
from scanwright.agent.correcting import correct, output_of
from scanwright.agent.plan.plan import Plan
from scanwright.agent.run.keys import provided_key
from scanwright.agent.workbench import Workbench
from scanwright.memory.records import EventKind
from scanwright.tools.artifacts import Mask
from scanwright.tools.errors import UserInputError
from scanwright.tools.pixels import read_mask


def _asked(wb: Workbench, scans: Path) -> tuple[str, str]:
    scan = small_scan(scans, "provided", Modality="CT", BodyPartExamined="CHEST")
    result = wb.ask([scan], "What is the volume of the voxels above 50 HU?")
    assert result.status == "answered", result.answer
    step = next(e.step for e in result.evidence if e.kind == "Mask")
    return str(result.run_id), step


def test_a_provided_output_never_stands_for_the_tools_own(wb: Workbench, scans: Path) -> None:
    run, step = _asked(wb, scans)
    with wb.open_home() as home:
        old = output_of(home, run, step)
        assert isinstance(old, Mask)
        voxels = read_mask(home.blobs.path(old.blob)).copy(order="F")
        voxels[:, : voxels.shape[1] // 2] = False
        made = correct(home, run, step, np.asfortranarray(voxels), "Ada", old.hash)
        result = wb.resume(made.child_run)
        plan = Plan.model_validate(home.runs.get(made.child_run).plan)
        assert plan.step(step).provided == made.artifact
        done = next(
            e for e in home.runs.events(made.child_run) if e.kind == EventKind.STEP_CACHED and e.payload["step"] == step
        )
        assert done.payload["key"] == provided_key(plan.step(step))
        assert done.payload["provenance"]["provided"] == made.artifact
        assert home.runs.cached(done.payload["key"]) == home.runs.artifact(made.artifact)
        parent = next(e for e in home.runs.events(run) if e.payload.get("step") == step and "key" in e.payload)
        assert home.runs.cached(parent.payload["key"]) == old
    before = wb.ask([scans / "provided.nii.gz"], "What is the volume of the voxels above 50 HU?")
    volumes = [next(e.value for e in r.evidence if e.quantity == "volume") for r in (before, result)]
    assert volumes[1] < volumes[0]


def test_a_provided_output_that_is_not_kept_is_told(wb: Workbench, scans: Path) -> None:
    run, step = _asked(wb, scans)
    with wb.open_home() as home:
        plan = Plan.model_validate(home.runs.get(run).plan)
        steps = tuple(s.model_copy(update={"provided": "0" * 64}) if s.id == step else s for s in plan.steps)
        with pytest.raises(UserInputError, match="not kept here"):
            wb.run_plan(plan.model_copy(update={"steps": steps}), [scans / "provided.nii.gz"])


def test_an_erasure_empties_what_a_server_kept_of_a_session(wb: Workbench, scans: Path) -> None:
    study = wb.import_study(small_scan(scans, "erased", Modality="CT", BodyPartExamined="CHEST"))
    with wb.open_home() as home:
        session = home.conversations.begin([study.study_id], {}).conversation_id
        turn = home.sessions.ask(session, "Does Ada have it?", {"series": "erased"}, None)
        home.sessions.say(session, "turn.started", {"question": "Does Ada have it?"})
        home.identities.erase(study.subject)
        assert home.sessions.turn(turn.turn_id).question == ""
        assert [e.payload for e in home.sessions.events(session)] == [{}]
        assert home.sessions.unfinished() == []
