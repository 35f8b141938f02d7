"""Runs the benchmarks: `scanwright eval bench [startup executor answers reading]`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from scanwright.evals.bench.figures import Figure, table

PARTS = ("startup", "reading", "executor", "answers")
RESULTS = Path(__file__).resolve().parents[1] / "results"


def main(argv: Sequence[str]) -> int:
    """Prints a table and writes evals/results/bench.json with the commit it was run at."""
    parser = argparse.ArgumentParser(prog="scanwright eval bench")
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS))
    parser.add_argument("--output", type=Path, default=RESULTS / "bench.json")
    options = parser.parse_args(list(argv))
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    figures: list[Figure] = []
    for part in options.parts or PARTS:
        figures += importlib.import_module(f"scanwright.evals.bench.{part}").measure()
    print(table(figures))
    facts = {"commit": _commit(), "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(),
             "machine": platform.machine(), "python": platform.python_version()}  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(
        json.dumps(facts | {"figures": [f.as_json() for f in figures]}, indent=1, ensure_ascii=False) + "\n"
    )
    return 0


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=RESULTS.parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
