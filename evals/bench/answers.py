"""Time to the first answer, cold and warm, by stage, on the demo scans."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scanwright.agent.workbench import Workbench
from scanwright.evals.bench.figures import Figure

DEMO = Path(__file__).resolve().parents[2] / "demo"
CASES = (
    ("brain_t1.nii.gz", "How large is the brain?"),
    ("head_ct.nii.gz", "How large is the skull?"),
)


def measure() -> list[Figure]:
    """A fresh process and home; then one process: first question, the same again, one threshold changed."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="scanwright-bench-") as folder:
        for scan, question in CASES:
            cold = _cold(Path(folder) / f"cold-{scan}", scan, question)
            figures.append(Figure(f"first answer, cold process and home: {scan}", cold, "s", note=question))
            figures += _warm(Path(folder) / f"warm-{scan}", scan, question)
        figures += _thresholds(Path(folder) / "thresholds")
    return figures


def _cold(home: Path, scan: str, question: str) -> float:
    command = [
        sys.executable,
        "-m",
        "scanwright.agent.cli.main",
        "ask",
        str(DEMO / scan),
        question,
        "--home",
        str(home),
    ]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _warm(home: Path, scan: str, question: str) -> list[Figure]:
    with Workbench(home) as bench:
        start = time.perf_counter()
        bench.ask([DEMO / scan], question)
        first, stages = time.perf_counter() - start, dict(bench.timings)
        start = time.perf_counter()
        bench.ask([DEMO / scan], question)
        second, again = time.perf_counter() - start, dict(bench.timings)
    by_stage = ", ".join(f"{k} {v:.2f} s" for k, v in stages.items())
    by_stage_again = ", ".join(f"{k} {v * 1000:.0f} ms" for k, v in again.items())
    return [
        Figure(f"first answer in a process: {scan}", first, "s", note=by_stage),
        Figure(f"the same question again: {scan}", second, "s", "the first in the process", first, "", by_stage_again),
        Figure(
            f"executor when everything is kept: {scan}",
            again["run"],
            "s",
            "executor of the first",
            stages["run"],
            "≤ 0.10×",
        ),
    ]


def _thresholds(home: Path) -> list[Figure]:
    with Workbench(home) as bench:
        scan = [DEMO / "head_ct.nii.gz"]
        bench.ask(scan, "How many mL of the skull are above 700 HU?")
        first = bench.timings["run"]
        result = bench.ask(scan, "How many mL of the skull are above 900 HU?")
        ran = [s.tool for s in result.plan.steps if not s.cached]
    note = f"ran again: {', '.join(ran)}; kept: {sum(s.cached for s in result.plan.steps)} steps"
    return [
        Figure(
            "executor after one threshold changed", bench.timings["run"], "s", "executor of the first", first, "", note
        )
    ]
