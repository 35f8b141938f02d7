"""kill -9 at any moment: the next call goes on where it was, and nothing is half-written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from agent_examples import calls, head_ct, marker_mask, plan_of, settings, small_scan, step
from scanwright.agent.given import Given, views_of_run
from scanwright.agent.plan.plan import Plan, Step
from scanwright.agent.workbench import Workbench
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind
from scanwright.tools.artifacts import Mask
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import sha256_file

KILLS = 10
DRIVER = Path(__file__).with_name("agent_probe_driver.py")


def slow_plan(folder: Path, round_: int) -> Plan:
    """Six slow steps in three layers, and a mask of many bytes."""

    def slow(name: str, *before: str) -> Step:
        return step(name, "probe_step", *before, folder=str(folder), name=f"{round_}-{name}", seconds=0.25)

    return plan_of(
        step("mask", "probe_big_mask", folder=str(folder), name=f"{round_}-mask"),
        slow("a"),
        slow("b"),
        slow("c", "a", "b"),
        slow("d", "b"),
        slow("e", "c", "d"),
        slow("f", "e"),
        question=f"round {round_}",
    )


def finished_in(home: Home, run_id: str) -> Counter[str]:
    done = (EventKind.STEP_FINISHED, EventKind.STEP_CACHED)
    return Counter(e.payload["step"] for e in home.runs.events(run_id) if e.kind in done)


def whole(home: Home) -> None:
    """Every file that can be read as a blob has the bytes that its name says."""
    for blob in home.path.glob("blobs/??/*"):
        assert sha256_file(blob) == blob.name, f"{blob} is half-written"


def test_ten_kills_at_random_moments_repeat_no_finished_step_and_leave_nothing_half_written(
    tmp_path: Path, probe_path: str
) -> None:
    study = small_scan(tmp_path)
    count = tmp_path / "count"
    count.mkdir()
    home_path = tmp_path / "home"
    draw = random.Random(20)
    round_, killed, landed = 0, 0, Counter[str]()
    counted: dict[str, int] = {}
    runs_of_round: set[str] = set()
    while True:
        plan = slow_plan(count, round_)
        (tmp_path / "plan.json").write_text(plan.to_json())
        command = [sys.executable, str(DRIVER), str(home_path), str(tmp_path / "plan.json"), str(study)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=draw.uniform(0.3, 2.8) if killed < KILLS else 60)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            killed += 1
        else:
            assert process.returncode == 0, err.decode()
            assert json.loads(out)["status"] == "answered"
        for name, times in counted.items():
            assert calls(count, name) == times, f"{name} had finished and was called again"
        with Home.open(home_path, wait_s=10) as home:
            whole(home)
            assert not any(home.staging.iterdir())
            records = [r for r in home.runs.list(100) if r.question == f"round {round_}"]
            runs_of_round |= {r.run_id for r in records}
            assert len(records) <= 1, "a killed run was not gone on with"
            for record in records:
                done = finished_in(home, record.run_id)
                assert max(done.values(), default=1) == 1, f"a step finished twice: {done}"
                counted |= {f"{round_}-{name}": calls(count, f"{round_}-{name}") for name in done}
                landed[f"{len(done)} of {len(plan.steps)} steps finished"] += 1
                if record.answer is not None:
                    assert set(done) == {s.id for s in plan.steps}
                    assert all(calls(count, f"{round_}-{n}") >= 1 for n in done)
                    round_ += 1
                    if killed >= KILLS:
                        break
            else:
                continue
            break
    print(dict(landed))
    assert len(landed) > 2, f"all kills fell at the same point: {landed}"


def test_resume_finishes_a_killed_ask_of_the_real_tools(tmp_path: Path) -> None:
    study = head_ct(tmp_path)
    home_path = tmp_path / "home"
    code = "from scanwright.agent.cli.main import main; main()"
    scanwright = [sys.executable, "-c", code]
    question = "What are the volume, the surface area and the longest diameter of the skull?"
    process = subprocess.Popen([*scanwright, "ask", str(study), question, "--home", str(home_path)])
    database = home_path / "scanwright.sqlite"
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if database.exists() and _events(database) >= 4:
            break
        time.sleep(0.01)
    assert process.poll() is None, "the run ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with Home.open(home_path, wait_s=10) as home:
        before = home.runs.get("last")
        done = finished_in(home, before.run_id)
    assert before.answer is None
    resumed = subprocess.run([*scanwright, "resume", "--json", "--home", str(home_path)], capture_output=True)
    assert resumed.returncode == 0, resumed.stderr.decode()
    result = json.loads(resumed.stdout)
    assert (result["run_id"], result["status"], len(result["goals"])) == (before.run_id, "answered", 3)
    with Home.open(home_path, wait_s=10) as home:
        after = finished_in(home, before.run_id)
    assert done
    assert max(after.values()) == 1
    again = subprocess.run([*scanwright, "resume", "--home", str(home_path)], capture_output=True)
    assert (again.returncode, b"finished already" in again.stderr) == (2, True)


def _events(database: Path) -> int:
    import sqlite3

    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
    except sqlite3.Error:
        return 0


def interrupt(wb: Workbench, targets: list[Path], question: str, given: Given) -> str:
    """Asks, and stops the run at its first finished step; the run's id."""

    def stop(report: object, fraction: float, doing: str) -> None:
        wb.cancelled.set()

    from scanwright.tools.errors import Cancelled

    with pytest.raises(Cancelled):
        wb.ask(targets, question, given, on_step=stop)
    with wb.open_home() as home:
        return home.runs.get("last").run_id


def test_a_run_with_one_mask_is_not_gone_on_with_for_another(wb: Workbench, scans: Path) -> None:
    study, question = [scans / "head.nii.gz"], "What is the volume of the marked region?"
    first = interrupt(wb, study, question, Given(mask=f"{scans / 'marker.nii.gz'}:1"))
    other = wb.ask(study, question, Given(mask=f"{scans / 'marker.nii.gz'}:2"))
    assert other.run_id != first
    same = wb.ask(study, question, Given(mask=f"{scans / 'marker.nii.gz'}:1"))
    assert same.run_id == first
    left, right = _volume(same), _volume(other)
    assert left > 2 * right


def test_resume_remembers_the_mask_and_the_part_of_the_question_that_is_no_goal(wb: Workbench, scans: Path) -> None:
    question = "What is the surface area of the marked region? Is there a fracture?"
    given = Given(mask=f"{scans / 'marker.nii.gz'}:2")
    run_id = interrupt(wb, [scans / "head.nii.gz"], question, given)
    result = wb.resume(run_id)
    assert (result.run_id, result.status) == (run_id, "partly")
    assert "Not assessed" in result.answer
    asked = wb.ask([scans / "head.nii.gz"], question, given)
    assert asked.answer.replace(asked.run_id or "", "") == result.answer.replace(run_id, "")


def test_a_question_in_litres_does_not_go_on_with_a_run_in_millilitres(wb: Workbench, scans: Path) -> None:
    study = [scans / "head.nii.gz"]
    first = interrupt(wb, study, "What is the volume of the head in mL?", Given())
    litres = wb.ask(study, "What is the volume of the head in litres?")
    assert litres.run_id != first
    with wb.open_home() as home:
        assert home.runs.get(litres.run_id or "").question == "What is the volume of the head in litres?"


def test_resume_gives_each_of_two_exams_its_own_place(wb: Workbench, scans: Path, tmp_path: Path) -> None:
    earlier = head_ct(tmp_path, "earlier", marker_hu=1500)
    later = scans / "head.nii.gz"
    given = Given(patient="one person")
    question = "How much has the volume above 1200 HU changed since the last exam?"
    planned = wb.plan([earlier, later], question, given)
    assert planned.plan.studies() == ("S1", "S2")
    run_id = interrupt(wb, [earlier, later], question, given)
    with wb.open_home() as home:
        made = next(e for e in home.runs.events(run_id) if e.kind == EventKind.PLAN_MADE)
        views = views_of_run(home, home.runs.get(run_id))
    assert {v.alias: v.study_id for v in views} == made.payload["studies"]
    assert {v.alias: v.name for v in views} == {"S1": "earlier", "S2": "head"}


def test_resume_says_when_the_mask_of_the_run_is_gone(tmp_path: Path) -> None:
    study, mask = head_ct(tmp_path), marker_mask(tmp_path)
    with Workbench(tmp_path / "home", settings=settings()) as wb:
        run_id = interrupt(wb, [study], "What is the volume of the marked region?", Given(mask=str(mask)))
        with wb.open_home() as home:
            made = next(e for e in home.runs.events(run_id) if e.kind == EventKind.PLAN_MADE)
            kept = home.step_cache.artifact(made.payload["masks"]["S1"])
            assert isinstance(kept, Mask)
            home.blobs.delete(kept.blob)
        with pytest.raises(UserInputError, match=r"mask .* is gone"):
            wb.resume(run_id)


def _volume(result: object) -> float:
    return next(float(e.value) for e in result.evidence if e.quantity == "volume")  # type: ignore[attr-defined]
