"""Executor: what runs side by side, what a failure ends, what is kept, and what a checkpoint holds."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from agent_examples import calls, plan_of, step
from scanwright.agent.given import Given
from scanwright.agent.plan.plan import Plan
from scanwright.agent.run.checkpoints import open_saver
from scanwright.agent.run.executor import Executor, StepReport
from scanwright.agent.workbench import Workbench
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import Cancelled, UserInputError


def kinds(wb: Workbench, run_id: str | None) -> list[tuple[str, str]]:
    """(kind, step) of every event of a step."""
    assert run_id is not None
    with wb.open_home() as home:
        return [(e.kind.value, e.payload["step"]) for e in home.runs.events(run_id) if "step" in e.payload]


def test_independent_steps_are_inside_at_the_same_time(probes: Workbench, scans: Path, tmp_path: Path) -> None:
    folder = str(tmp_path)
    plan = plan_of(
        step("a", "probe_meets", folder=folder, me="a", other="b"),
        step("b", "probe_meets", folder=folder, me="b", other="a"),
    )
    assert probes.run_plan(plan, [scans / "small.nii.gz"]).status == "answered"


def test_a_failing_step_ends_only_what_depends_on_it(probes: Workbench, scans: Path, tmp_path: Path) -> None:
    folder = str(tmp_path)
    plan = plan_of(
        step("bad", "probe_fails"),
        step("after", "probe_step", "bad", folder=folder, name="after"),
        step("last", "probe_step", "after", folder=folder, name="last"),
        step("good", "probe_step", folder=folder, name="good"),
        step("better", "probe_step", "good", folder=folder, name="better"),
    )
    result = probes.run_plan(plan, [scans / "small.nii.gz"])
    assert result.status == "partly"
    assert {s.id: s.status for s in result.plan.steps} == {
        "bad": "failed", "after": "failed", "last": "failed", "good": "finished", "better": "finished",
    }  # fmt: skip
    failed = next(g for g in result.goals if g.status == "failed")
    assert failed.reason == "The probe fails on purpose."
    assert (calls(tmp_path, "after"), calls(tmp_path, "last"), calls(tmp_path, "better")) == (0, 0, 1)


def test_a_run_whose_every_step_failed_has_failed_and_is_tried_again(
    probes: Workbench, scans: Path, tmp_path: Path
) -> None:
    block = tmp_path / "block"
    block.touch()
    plan = plan_of(step("a", "probe_fails", while_there=str(block)))
    first = probes.run_plan(plan, [scans / "small.nii.gz"])
    assert (first.status, first.exit_code) == ("failed", 1)
    block.unlink()
    second = probes.run_plan(plan, [scans / "small.nii.gz"])
    assert (second.status, second.run_id != first.run_id) == ("answered", True)


def test_a_full_disk_in_a_worker_is_told_to_the_person_and_the_run_goes_on_after(
    probes: Workbench, scans: Path, tmp_path: Path
) -> None:
    block = tmp_path / "block"
    block.touch()
    plan = plan_of(
        step("kept", "probe_step", folder=str(tmp_path), name="kept"),
        step("full", "probe_no_room", while_there=str(block)),
    )
    with pytest.raises(UserInputError, match="no room left"):
        probes.run_plan(plan, [scans / "small.nii.gz"])
    block.unlink()
    result = probes.run_plan(plan, [scans / "small.nii.gz"])
    assert result.status == "answered"
    with probes.open_home() as home:
        assert len({e.run_id for e in home.runs.events(result.run_id or "")}) == 1
        assert EventKind.RUN_RESUMED in {e.kind for e in home.runs.events(result.run_id or "")}


def test_the_same_plan_twice_runs_no_step_twice(probes: Workbench, scans: Path, tmp_path: Path) -> None:
    folder = str(tmp_path)
    plan = plan_of(
        step("a", "probe_step", folder=folder, name="a"), step("b", "probe_step", "a", folder=folder, name="b")
    )
    first = probes.run_plan(plan, [scans / "small.nii.gz"])
    second = probes.run_plan(plan, [scans / "small.nii.gz"])
    assert [s.cached for s in first.plan.steps] == [False, False]
    assert [s.cached for s in second.plan.steps] == [True, True]
    assert (calls(tmp_path, "a"), calls(tmp_path, "b")) == (1, 1)
    assert [e.value for e in first.evidence] == [e.value for e in second.evidence] == [2.0]
    assert kinds(probes, second.run_id) == [("step.cached", "a"), ("step.cached", "b")]


def test_after_a_changed_threshold_only_dependent_steps_run(wb: Workbench, scans: Path) -> None:
    study = [scans / "head.nii.gz"]
    wb.ask(study, "How many mL of the head lie above 500 HU?")
    changed = wb.ask(study, "How many mL of the head lie above 30 HU?")
    assert changed.status == "answered"
    by_tool = {s.tool: s.cached for s in changed.plan.steps}
    assert by_tool == {"head_outline": True, "voxels_in_range": False, "mask_volume": False, "overlay": False}


def test_the_same_question_in_another_home_runs_again(probes: Workbench, scans: Path, tmp_path: Path) -> None:
    plan = plan_of(step("a", "probe_step", folder=str(tmp_path), name="a"))
    probes.run_plan(plan, [scans / "small.nii.gz"])
    with Workbench(tmp_path / "other", settings=probes.settings, extra_modules=["agent_probe_tools"]) as other:
        assert not other.run_plan(plan, [scans / "small.nii.gz"]).plan.steps[0].cached
    assert calls(tmp_path, "a") == 2


def test_cancel_stops_the_run_keeps_what_is_finished_and_does_not_stop_the_next(
    probes: Workbench, scans: Path, tmp_path: Path
) -> None:
    folder = str(tmp_path)
    plan = plan_of(
        step("quick", "probe_step", folder=folder, name="quick"),
        step("slow", "probe_step", "quick", folder=folder, name="slow", seconds=50.0),
    )

    def stop(report: StepReport, fraction: float, doing: str) -> None:
        if report.step.id == "slow" and doing == "sleeping":
            probes.cancelled.set()

    with pytest.raises(Cancelled, match="what was finished is kept"):
        probes.run_plan(plan, [scans / "small.nii.gz"], on_step=stop)
    with probes.open_home() as home:
        log = home.runs.events(home.runs.get("last").run_id)
    assert log[-1].kind == EventKind.RUN_INTERRUPTED
    shorter = plan_of(plan.steps[0], plan.steps[1].model_copy(update={"params": {"folder": folder, "name": "slow"}}))
    result = probes.run_plan(shorter, [scans / "small.nii.gz"])
    assert (result.status, calls(tmp_path, "quick")) == ("answered", 1)


def executor(wb: Workbench, home: Home, run_id: str, plan: Plan, study: Path) -> dict[str, StepReport]:
    """Runs a plan as a run that is killed before its answer is written."""
    with wb.open_home(), open_saver(home.checkpoints) as saver:
        views = Given().views(home, [study])
        return Executor(wb.registry, wb.runtime(home), home.runs, wb.weights, saver).run(run_id, plan, views)


def test_a_run_that_was_killed_before_its_answer_is_finished_without_running_a_step(
    probes: Workbench, scans: Path, tmp_path: Path
) -> None:
    study = scans / "small.nii.gz"
    plan = plan_of(step("a", "probe_step", folder=str(tmp_path), name="a"))
    with probes.open_home() as home:
        record = probes.import_study(study)
        home.runs.create("R-killed", "probe", [record.study_id], plan.model_dump(mode="json"), "another key")
        payload = {"planner": "person", "plan_key": plan.key, "masks": {}, "studies": {"S1": record.study_id}}
        home.runs.append("R-killed", EventKind.PLAN_MADE, payload)
        executor(probes, home, "R-killed", plan, study)
    done: list[object] = []
    worker = threading.Thread(target=lambda: done.append(probes.resume("R-killed")), daemon=True)
    worker.start()
    worker.join(30)
    assert done, "resume of a run with nothing left to do does not end"
    assert (done[0].status, calls(tmp_path, "a")) == ("answered", 1)  # type: ignore[attr-defined]
    with pytest.raises(UserInputError, match="finished already"):
        probes.resume("R-killed")


def test_a_checkpoint_holds_ids_and_at_most_5_kb_a_step_whatever_the_image_size(
    probes: Workbench, scans: Path, tmp_path: Path
) -> None:
    folder = str(tmp_path)
    steps = [step("m", "probe_big_mask", folder=folder, name="m")]
    steps += [step(f"s{i}", "probe_step", folder=folder, name=f"s{i}") for i in range(9)]
    plan = plan_of(*steps)
    result = probes.run_plan(plan, [scans / "head.nii.gz"])
    assert result.status == "answered"
    with probes.open_home() as home:
        database = sqlite3.connect(home.checkpoints)
    rows = database.execute(
        "SELECT length(checkpoint) + length(metadata) FROM checkpoints WHERE thread_id = ?", (result.run_id,)
    ).fetchall()
    writes = database.execute(
        "SELECT channel, length(value), value FROM writes WHERE thread_id = ?", (result.run_id,)
    ).fetchall()
    database.close()
    assert rows
    total = sum(r[0] for r in rows) + sum(w[1] for w in writes)
    assert total <= 5000 * len(steps), f"{total / len(steps):.0f} bytes a step"
    assert max(w[1] for w in writes) < 400
    assert not any(b"numpy" in w[2] or b"ndarray" in w[2] for w in writes)


def test_an_answer_does_not_rest_on_the_checkpoint(probes: Workbench, scans: Path, tmp_path: Path) -> None:
    plan = plan_of(step("a", "probe_step", folder=str(tmp_path), name="a"))
    first = probes.run_plan(plan, [scans / "small.nii.gz"])
    with probes.open_home() as home:
        for file in home.path.glob("checkpoints.sqlite*"):
            file.unlink()
    second = probes.run_plan(plan, [scans / "small.nii.gz"])
    assert [e.value for e in second.evidence] == [e.value for e in first.evidence]
    assert calls(tmp_path, "a") == 1


def test_a_unit_that_only_the_tool_could_know_and_does_not_give_is_flagged(
    probes: Workbench, scans: Path, tmp_path: Path
) -> None:
    plan = plan_of(step("a", "probe_step", folder=str(tmp_path), name="a"))
    goal = plan.goals[0].model_copy(update={"goal": Goal(want="probe_value", unit="mL")})
    result = probes.run_plan(plan.model_copy(update={"goals": (goal,)}), [scans / "small.nii.gz"])
    assert (result.evidence[0].value, result.evidence[0].unit) == (1.0, "1")
    assert "Asked for in mL, in which this cannot be said." in result.answer
