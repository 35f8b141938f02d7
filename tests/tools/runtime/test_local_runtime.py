"""LocalRuntime: work gets done in warm workers, side by side, and what goes wrong in a tool stays there."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from scanwright.tools.errors import Cancelled, NeedsInput, ToolBug, ToolFailed, ToolInputError, UserInputError
from scanwright.tools.registry import Registry
from scanwright.tools.runtime.base import Job, JobResult
from scanwright.tools.runtime.local import LocalRuntime
from scanwright.tools.testing import ToolBench

Make = Callable[..., LocalRuntime]
_numbers = itertools.count()
PATIENCE_S = 120


def job(tool: str, inputs: dict[str, Any] | None = None, **params: Any) -> Job:
    return Job(f"job-{next(_numbers)}", tool, inputs or {}, params)


def value(runtime: LocalRuntime, tool: str, **params: Any) -> Any:
    result: JobResult = runtime.submit(job(tool, **params)).result(PATIENCE_S)
    return result.artifact.value  # type: ignore[attr-defined]


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def sleepers(folder: Path) -> list[int]:
    return [int(p.name.removeprefix("pid-")) for p in folder.glob("pid-*")]


# What works


def test_a_worker_reads_pixels_and_stores_a_mask_that_the_parent_can_read(make_runtime: Make, bench: ToolBench) -> None:
    voxels = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
    volume = bench.volume(voxels, modality="CT")
    runtime = make_runtime()
    result = runtime.submit(job("probe_above", {"volume": volume}, low=41.0)).result(PATIENCE_S)
    assert np.array_equal(bench.read(result.artifact), voxels > 41)  # type: ignore[arg-type]
    assert result.seconds > 0
    assert 20 < result.peak_memory_mb < 4000


def test_jobs_one_after_another_share_one_warm_worker(make_runtime: Make) -> None:
    runtime = make_runtime()
    assert len({value(runtime, "probe_pid") for _ in range(4)}) == 1


def test_two_jobs_are_inside_their_tools_at_the_same_time(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime()
    jobs = [job("probe_meet", folder=str(tmp_path), me=a, other=b) for a, b in (("a", "b"), ("b", "a"))]
    pids = {f.result(PATIENCE_S).artifact.value for f in [runtime.submit(j) for j in jobs]}  # type: ignore[attr-defined]
    assert len(pids) == 2


def two_idle_workers(runtime: LocalRuntime, folder: Path) -> None:
    jobs = [job("probe_meet", folder=str(folder), me=a, other=b) for a, b in (("a", "b"), ("b", "a"))]
    for future in [runtime.submit(j) for j in jobs]:
        future.result(PATIENCE_S)


def test_a_job_goes_to_the_idle_worker_that_ran_its_tool_before(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime()
    two_idle_workers(runtime, tmp_path)
    large = value(runtime, "probe_keep", megabytes=1)
    for _ in range(3):
        value(runtime, "probe_pid")
        assert value(runtime, "probe_keep", megabytes=1) == large


def test_tools_that_need_torch_share_a_worker_and_others_keep_out_of_it(make_runtime: Make, tmp_path: Path) -> None:
    import runtime_probe_tools

    registry = Registry()
    registry.add_module(runtime_probe_tools)
    runtime = make_runtime(registry)
    two_idle_workers(runtime, tmp_path)
    with_torch = value(runtime, "probe_torch")
    assert value(runtime, "probe_pid") != with_torch
    assert value(runtime, "probe_torch_too") == with_torch


def test_no_more_jobs_run_at_once_than_there_are_workers(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime(workers=1)
    blocked = runtime.submit(job("probe_meet", folder=str(tmp_path), me="a", other="b"))
    waiting = runtime.submit(job("probe_meet", folder=str(tmp_path), me="b", other="a"))
    wait_for((tmp_path / "a").exists)
    assert waiting.cancel(), "a job that waits can still be taken back"
    (tmp_path / "b").touch()
    assert blocked.result(PATIENCE_S)


def test_progress_arrives_in_order_and_before_the_result(make_runtime: Make) -> None:
    seen: list[tuple[float, str]] = []
    future = make_runtime().submit(job("probe_progress", steps=8), lambda f, doing: seen.append((f, doing)))
    future.result(PATIENCE_S)
    assert seen == [((n + 1) / 8, f"step {n + 1}") for n in range(8)]


def test_a_progress_callback_that_fails_does_not_hurt_the_job(make_runtime: Make) -> None:
    def fails(fraction: float, doing: str) -> None:
        raise RuntimeError("a callback's bug")

    assert make_runtime().submit(job("probe_progress", steps=3), fails).result(PATIENCE_S)


def test_what_a_tool_prints_stays_out_of_our_output_and_it_gets_no_input(
    make_runtime: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    assert value(make_runtime(), "probe_noise") == ""
    assert capfd.readouterr() == ("", "")


def test_threads_are_set_before_torch_is_loaded(make_runtime: Make) -> None:
    assert value(make_runtime(threads=1), "probe_threads") == 1
    assert value(make_runtime(threads=2), "probe_threads") == 2


def test_a_worker_outlives_the_thread_that_submitted_its_first_job(make_runtime: Make) -> None:
    runtime, seen = make_runtime(), []
    thread = threading.Thread(target=lambda: seen.append(value(runtime, "probe_pid")))
    thread.start()
    thread.join(PATIENCE_S)
    time.sleep(0.2)
    assert value(runtime, "probe_pid") == seen[0]


# What fails


def test_results_are_checked_against_the_promise_in_the_worker(make_runtime: Make, bench: ToolBench) -> None:
    volume = bench.volume(np.ones((3, 4, 5), dtype=np.int16), modality="MR")
    with pytest.raises(ToolBug, match="promised Mask\\(brain\\)") as caught:
        make_runtime().submit(job("probe_wrong_type", {"volume": volume})).result(PATIENCE_S)
    assert "_complete" in caught.value.traceback


def test_inputs_and_parameters_are_checked_in_the_worker(make_runtime: Make) -> None:
    runtime = make_runtime()
    with pytest.raises(ToolInputError, match="needs the input 'volume'"):
        runtime.submit(job("probe_mean")).result(PATIENCE_S)
    with pytest.raises(ToolInputError, match="needs the parameter 'steps'"):
        runtime.submit(job("probe_progress")).result(PATIENCE_S)
    with pytest.raises(UserInputError, match="no tool called 'probe_pit': did you mean probe_pid"):
        runtime.submit(job("probe_pit")).result(PATIENCE_S)


def test_a_bug_arrives_with_the_traceback_of_the_worker_and_the_worker_stays(make_runtime: Make) -> None:
    runtime = make_runtime()
    pid = value(runtime, "probe_pid")
    with pytest.raises(ToolBug, match="KeyError") as caught:
        runtime.submit(job("probe_raise", what="bug")).result(PATIENCE_S)
    assert 'return measured({"a": 1}["b"])' in caught.value.traceback
    assert value(runtime, "probe_pid") == pid


def test_errors_for_people_and_planners_travel_as_themselves(make_runtime: Make) -> None:
    runtime = make_runtime()
    with pytest.raises(UserInputError, match=r"^The scan is upside down: turn it\.$"):
        runtime.submit(job("probe_raise", what="user")).result(PATIENCE_S)
    with pytest.raises(NeedsInput) as asks:
        runtime.submit(job("probe_raise", what="asks")).result(PATIENCE_S)
    assert (asks.value.missing, asks.value.offers) == (("modality",), ("CT", "MR"))
    with pytest.raises(ToolInputError, match=r"^1 is not 2: give another number\.$"):
        runtime.submit(job("probe_raise", what="own")).result(PATIENCE_S)
    with pytest.raises(ToolFailed, match="found no memory"):
        runtime.submit(job("probe_raise", what="memory")).result(PATIENCE_S)


@pytest.mark.parametrize(
    ("how", "words"),
    [("segfault", "signal 11, SIGSEGV"), ("exit", "exit status 3"), ("sys_exit", "exit status 4"),
     ("kill", "signal 9, SIGKILL")],
)  # fmt: skip
def test_a_crash_ends_its_step_with_a_sentence_and_nothing_else(
    make_runtime: Make, tmp_path: Path, how: str, words: str
) -> None:
    runtime = make_runtime()
    neighbour = runtime.submit(job("probe_meet", folder=str(tmp_path), me="neighbour", other="crash is over"))
    wait_for((tmp_path / "neighbour").exists)
    with pytest.raises(ToolFailed) as caught:
        runtime.submit(job("probe_crash", how=how)).result(PATIENCE_S)
    assert str(caught.value).startswith(f"probe_crash stopped unexpectedly ({words}): ")
    assert "last words of the probe" in "".join(caught.value.__notes__)
    assert value(runtime, "probe_pid"), "a fresh worker takes the next job"
    (tmp_path / "crash is over").touch()
    assert neighbour.result(PATIENCE_S)


def test_a_tool_above_the_memory_limit_is_stopped_with_the_numbers(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime(memory_limit_gb=0.4)
    neighbour = runtime.submit(job("probe_meet", folder=str(tmp_path), me="neighbour", other="leak is over"))
    with pytest.raises(
        ToolFailed, match=r"^probe_leak was stopped at 0\.\d+ GB of memory, and a step may take 0\.4 GB"
    ):
        runtime.submit(job("probe_leak")).result(PATIENCE_S)
    (tmp_path / "leak is over").touch()
    assert neighbour.result(PATIENCE_S)


def test_a_worker_that_stays_large_after_its_step_is_replaced(make_runtime: Make) -> None:
    runtime = make_runtime(memory_limit_gb=0.8)
    large = value(runtime, "probe_keep", megabytes=500)
    assert value(runtime, "probe_keep", megabytes=1) != large
    wait_for(lambda: gone(large))


def test_a_tool_above_the_time_limit_is_stopped(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime(step_timeout_s=0.5)
    with pytest.raises(ToolFailed, match=r"^probe_sleep was stopped after 0\.5 s"):
        runtime.submit(job("probe_sleep", folder=str(tmp_path))).result(PATIENCE_S)
    (pid,) = sleepers(tmp_path)
    assert gone(pid)


# Stopping


def test_a_running_job_that_reports_progress_is_cancelled_and_its_worker_stays(
    make_runtime: Make, tmp_path: Path
) -> None:
    runtime = make_runtime()
    sleep = job("probe_sleep", folder=str(tmp_path))
    future = runtime.submit(sleep)
    wait_for(lambda: sleepers(tmp_path))
    runtime.cancel(sleep.job_id)
    with pytest.raises(Cancelled):
        future.result(PATIENCE_S)
    assert value(runtime, "probe_pid") == sleepers(tmp_path)[0]


def test_a_running_job_that_does_not_listen_is_ended_and_its_neighbour_goes_on(
    make_runtime: Make, tmp_path: Path
) -> None:
    runtime = make_runtime()
    neighbour = runtime.submit(job("probe_meet", folder=str(tmp_path), me="neighbour", other="over"))
    deaf = job("probe_sleep", folder=str(tmp_path), polite=False)
    future = runtime.submit(deaf)
    wait_for(lambda: sleepers(tmp_path))
    runtime.cancel(deaf.job_id)
    with pytest.raises(Cancelled):
        future.result(PATIENCE_S)
    assert gone(sleepers(tmp_path)[0])
    (tmp_path / "over").touch()
    assert neighbour.result(PATIENCE_S)


def test_a_queued_job_is_cancelled_before_it_begins(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime(workers=1)
    first, second = (job("probe_sleep", folder=str(tmp_path)) for _ in range(2))
    futures = [runtime.submit(first), runtime.submit(second)]
    wait_for(lambda: sleepers(tmp_path))
    runtime.cancel(second.job_id)
    with pytest.raises(Cancelled):
        futures[1].result(PATIENCE_S)
    assert not futures[0].done()
    runtime.cancel(first.job_id)
    with pytest.raises(Cancelled):
        futures[0].result(PATIENCE_S)


def test_a_job_cancelled_while_its_worker_starts_does_not_run(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime()
    early = job("probe_sleep", folder=str(tmp_path))
    future = runtime.submit(early)
    runtime.cancel(early.job_id)
    with pytest.raises(Cancelled):
        future.result(PATIENCE_S)
    assert value(runtime, "probe_pid")
    assert not sleepers(tmp_path)


def test_cancelling_what_is_over_or_unknown_changes_nothing(make_runtime: Make) -> None:
    runtime = make_runtime()
    over = job("probe_pid")
    pid = runtime.submit(over).result(PATIENCE_S).artifact.value  # type: ignore[attr-defined]
    runtime.cancel(over.job_id)
    runtime.cancel("never heard of it")
    assert runtime.submit(over).result(PATIENCE_S).artifact.value == pid  # type: ignore[attr-defined]


def test_two_jobs_of_one_id_at_once_are_refused(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime()
    sleep = job("probe_sleep", folder=str(tmp_path))
    runtime.submit(sleep)
    with pytest.raises(ValueError, match="not over yet"):
        runtime.submit(sleep)


def test_close_ends_running_and_waiting_jobs_and_all_workers(make_runtime: Make, tmp_path: Path) -> None:
    runtime = make_runtime(workers=1)
    running = runtime.submit(job("probe_sleep", folder=str(tmp_path), polite=False))
    waiting = runtime.submit(job("probe_pid"))
    wait_for(lambda: sleepers(tmp_path))
    runtime.close()
    for future in (running, waiting):
        with pytest.raises(Cancelled):
            future.result(PATIENCE_S)
    assert gone(sleepers(tmp_path)[0])
    with pytest.raises(RuntimeError, match="closed"):
        runtime.submit(job("probe_pid"))


def test_close_ends_idle_workers(make_runtime: Make) -> None:
    runtime = make_runtime()
    pid = value(runtime, "probe_pid")
    assert pid != os.getpid()
    runtime.close()
    assert gone(pid)
