"""Workers end with the program that started them, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PROGRAM = """
import sys, time
from pathlib import Path
from scanwright.tools.runtime.base import Job
from scanwright.tools.runtime.local import LocalRuntime
from scanwright.tools.settings import ToolSettings
from scanwright.tools.testing import FolderBlobs

folder = Path(sys.argv[1])
runtime = LocalRuntime(ToolSettings(workers=2), FolderBlobs(folder), extra_modules=["runtime_probe_tools"],
                       extra_paths=[sys.argv[2]])
for n in range(2):
    runtime.submit(Job(str(n), "probe_sleep", {}, {"folder": sys.argv[1], "polite": False}))
while len(list(folder.glob("pid-*"))) < 2:
    time.sleep(0.01)
print("both sleep", flush=True)
if sys.argv[3] == "stay":
    time.sleep(600)
"""


def start(folder: Path, then: str) -> subprocess.Popen[str]:
    here = str(Path(__file__).parent)
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), here, then], stdout=subprocess.PIPE, text=True)


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(folder: Path) -> None:
    pids = [int(p.name.removeprefix("pid-")) for p in folder.glob("pid-*")]
    assert len(pids) == 2
    until = time.monotonic() + 30
    while any(lives(p) for p in pids):
        assert time.monotonic() < until, "workers are left over"
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_are_gone_after_their_parent_was_killed(tmp_path: Path, how: signal.Signals) -> None:
    parent = start(tmp_path, "stay")
    assert parent.stdout is not None
    assert parent.stdout.readline() == "both sleep\n"
    os.kill(parent.pid, how)
    parent.wait(60)
    wait_until_gone(tmp_path)
    parent.stdout.close()


def test_workers_are_gone_after_their_parent_ended_without_closing_its_runtime(tmp_path: Path) -> None:
    parent = start(tmp_path, "end")
    out, _ = parent.communicate(timeout=60)
    assert out == "both sleep\n"
    assert parent.returncode == 0
    wait_until_gone(tmp_path)
