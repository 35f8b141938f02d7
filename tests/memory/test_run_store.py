"""Runs, their events, and the results of steps."""

from __future__ import annotations

import itertools
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from memory_examples import a_figure, a_measurement, a_volume
from scanwright.memory import schema
from scanwright.memory.database import AppendOnlyError
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind
from scanwright.tools.errors import ToolFailed, UserInputError
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError


def _finish(home: Home, run: str, step: str, key: str, value: float) -> None:
    home.runs.finish_step(run, step, key, a_measurement(value), 0.25, False, {"tool": "volume"})


def test_a_run_is_kept_from_its_start_to_its_answer(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        run = home.runs.create("r-1", "How large?", ["s1", "s2"], {"steps": [1, {"a": "é"}]}, "plan-key")
        assert (run.status, run.answer, run.study_ids) == ("running", None, ("s1", "s2"))
        home.runs.append("r-1", "plan.approved", {"by": "rule"}, actor="person")
        _finish(home, "r-1", "a", "key-a", 3.5)
        home.runs.finish("r-1", "answered", {"text": "{E1.value}"})
    with Home.open(tmp_path / "home") as home:
        run = home.runs.get("r-1")
        assert (run.status, run.answer) == ("answered", {"text": "{E1.value}"})
        assert run.plan == {"steps": [1, {"a": "é"}]}
        events = home.runs.events("r-1")
        assert [(e.seq, e.kind, e.actor) for e in events] == [
            (1, EventKind.RUN_STARTED, "system"),
            (2, EventKind.PLAN_APPROVED, "person"),
            (3, EventKind.STEP_FINISHED, "system"),
            (4, EventKind.ANSWER_WRITTEN, "system"),
            (5, EventKind.RUN_FINISHED, "system"),
        ]
        assert home.runs.events("r-1", after=3) == events[3:]
        assert events[2].payload["provenance"] == {"tool": "volume"}
        assert all(a.utc <= b.utc for a, b in itertools.pairwise(events))


def test_each_run_counts_its_own_events(home: Home) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    home.runs.create("r-2", "q", [], {}, "k")
    assert [home.runs.append(run, "step.started", {}).seq for run in ("r-1", "r-2", "r-1", "r-2")] == [2, 2, 3, 3]


def test_threads_that_append_at_once_leave_no_gap(home: Home) -> None:
    home.runs.create("r-1", "q", [], {}, "k")

    def work(who: int) -> None:
        for number in range(25):
            home.runs.append("r-1", "step.started", {"who": who, "number": number})

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = home.runs.events("r-1")
    assert [event.seq for event in events] == list(range(1, 102))
    for who in range(4):
        assert [e.payload["number"] for e in events if e.payload.get("who") == who] == list(range(25))


def test_only_known_kinds_and_finite_numbers_are_events(home: Home) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    with pytest.raises(ValueError, match=r"step\.invented"):
        home.runs.append("r-1", "step.invented", {})
    with pytest.raises(ValueError, match="not JSON compliant"):
        home.runs.append("r-1", "step.started", {"x": float("nan")})
    assert len(home.runs.events("r-1")) == 1


def test_our_own_code_cannot_change_the_log(home: Home) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    for statement in (delete(schema.events), update(schema.events).values(actor="someone else")):
        with pytest.raises(AppendOnlyError), home._database.transaction() as connection:
            connection.execute(statement)
    assert [event.actor for event in home.runs.events("r-1")] == ["system"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET actor = 'x'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT run_id, seq, utc, 'x', kind, version, payload, artifact FROM events",
        "REPLACE INTO events VALUES ('r-1', 1, '', 'x', 'run.started', 1, '{}', NULL)",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(home: Home, sql: str) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    with pytest.raises(DBAPIError, match="append-only"), home._database.transaction() as connection:
        connection.exec_driver_sql(sql)
    other = sqlite3.connect(home.path / "scanwright.sqlite", timeout=5)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(sql)
    other.close()
    assert [event.actor for event in home.runs.events("r-1")] == ["system"]


def test_a_finished_step_is_served_to_every_later_run(home: Home) -> None:
    home.runs.create("r-1", "q", ["s1"], {}, "k")
    volume = a_volume(home.blobs)
    home.runs.finish_step("r-1", "load", "key-v", volume, 0.1, False, {})
    _finish(home, "r-1", "measure", "key-m", 12.0)
    home.runs.append("r-1", "step.failed", {"step": "other"})
    assert home.runs.cached("key-v") == volume
    assert home.runs.cached("key-none") is None
    assert home.runs.finished_steps("r-1") == {"load": volume, "measure": a_measurement(12.0)}
    home.runs.create("r-2", "q", ["s1"], {}, "k")
    event = home.runs.finish_step("r-2", "load", "key-v", volume, 0.0, True, {})
    assert event.kind is EventKind.STEP_CACHED
    assert event.payload["artifact"] == volume.hash
    assert home.runs.finished_steps("r-2") == {"load": volume}
    assert home.step_cache.artifact(volume.hash) == volume


def test_a_step_that_runs_again_replaces_its_result(home: Home) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    _finish(home, "r-1", "a", "key", 1.0)
    _finish(home, "r-1", "a", "key", 2.0)
    assert home.runs.cached("key") == a_measurement(2.0)
    assert home.runs.finished_steps("r-1") == {"a": a_measurement(2.0)}


def test_a_result_whose_blob_is_gone_is_no_result_until_it_is_back(home: Home, tmp_path: Path) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    figure = a_figure(home.blobs, b"png")
    home.runs.finish_step("r-1", "draw", "key", figure, 0.1, False, {})
    assert home.runs.cached("key") == figure
    home.blobs.delete(figure.blob)
    assert home.runs.cached("key") is None
    assert home.runs.finished_steps("r-1") == {}
    assert a_figure(home.blobs, b"png") == figure
    assert home.runs.cached("key") == figure


def test_a_step_without_its_blob_on_disk_is_not_recorded_at_all(home: Home) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    figure = a_figure(home.blobs, b"png")
    home.blobs.delete(figure.blob)
    with pytest.raises(ToolFailed, match="not in the store"):
        home.runs.finish_step("r-1", "draw", "key", figure, 0.1, False, {})
    assert len(home.runs.events("r-1")) == 1
    a_figure(home.blobs, b"png")
    assert home.runs.cached("key") is None


def test_a_step_is_recorded_whole_or_not_at_all(home: Home) -> None:
    home.runs.create("r-1", "q", [], {}, "k")
    with pytest.raises(ValueError, match="not JSON compliant"):
        home.runs.finish_step("r-1", "a", "key", a_measurement(1.0), float("inf"), False, {})
    assert home.runs.cached("key") is None
    assert home.step_cache.artifact(a_measurement(1.0).hash) is None


def test_an_open_run_is_found_again_by_plan_and_studies(home: Home) -> None:
    home.runs.create("r-old", "q", ["s1", "s2"], {}, "k")
    home.runs.create("r-new", "q", ["s1", "s2"], {}, "k")
    assert home.runs.open_run("k", ["s1", "s2"]) == "r-new"
    assert home.runs.open_run("k", ["s1"]) is None
    assert home.runs.open_run("k", ["s2", "s1"]) is None
    assert home.runs.open_run("other", ["s1", "s2"]) is None
    home.runs.finish("r-new", "answered", {})
    assert home.runs.open_run("k", ["s1", "s2"]) == "r-old"


def test_runs_are_found_by_beginning_or_last_and_near_ones_are_named(home: Home) -> None:
    with pytest.raises(UserInputError, match="none is kept"):
        home.runs.get("last")
    for run in ("r-abc1", "r-abc2", "r-xyz"):
        home.runs.create(run, "q", [], {}, "k")
    assert home.runs.get("r-x").run_id == home.runs.get("last").run_id == "r-xyz"
    assert [run.run_id for run in home.runs.list(limit=2)] == ["r-xyz", "r-abc2"]
    with pytest.raises(UserInputError, match="More than one run fits 'r-abc'"):
        home.runs.get("r-abc")
    with pytest.raises(UserInputError, match=r"near ones are .*r-abc1"):
        home.runs.get("r-abd1")
    for wildcard in ("%", "r_abc1", ""):
        with pytest.raises(UserInputError, match="There is no run"):
            home.runs.get(wildcard)


def test_a_writer_killed_between_blob_and_event_leaves_no_half_artifact(
    tmp_path: Path, python: Callable[..., Popen[str]]
) -> None:
    program = """
        import sys, time
        from scanwright.memory.home import Home
        from memory_examples import a_figure
        home = Home.open(sys.argv[1])
        home.runs.create("r-1", "q", ["s1"], {}, "k")
        print(a_figure(home.blobs, b"png").model_dump_json())
        time.sleep(60)
    """
    process = python(program, tmp_path / "home")
    assert process.stdout is not None
    assert '"Figure"' in process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Home.open(tmp_path / "home", wait_s=0) as home:
        assert home.runs.open_run("k", ["s1"]) == "r-1"
        assert home.runs.finished_steps("r-1") == {}
        assert home.runs.cached("key") is None
        figure = a_figure(home.blobs, b"png")
        home.runs.finish_step("r-1", "draw", "key", figure, 0.1, False, {})
        assert home.runs.finished_steps("r-1") == {"draw": figure}


def test_every_acknowledged_step_survives_kill_9_and_every_kept_one_is_whole(
    tmp_path: Path, python: Callable[..., Popen[str]]
) -> None:
    program = """
        import sys
        from scanwright.memory.home import Home
        from memory_examples import a_figure
        home = Home.open(sys.argv[1])
        run = home.runs.open_run("k", []) or home.runs.create("r-1", "q", [], {}, "k").run_id
        number = len(home.runs.finished_steps(run))
        print("ready")
        while True:
            figure = a_figure(home.blobs, b"x" * 50_000 + str(number).encode())
            home.runs.finish_step(run, f"s{number}", f"key{number}", figure, 0.1, False, {})
            print(f"s{number}")
            number += 1
    """
    acknowledged: set[str] = set()
    for attempt in range(6):
        process = python(program, tmp_path / "home")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(attempt).uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        acknowledged |= {line for line in process.communicate()[0].splitlines() if line.startswith("s")}
        with Home.open(tmp_path / "home", wait_s=0) as home:
            finished = home.runs.finished_steps("r-1")
            assert acknowledged <= set(finished)
            events = home.runs.events("r-1")
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            assert sum(event.kind is EventKind.STEP_FINISHED for event in events) == len(finished)
    assert acknowledged
