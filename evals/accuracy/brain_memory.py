"""Seconds and peak memory of each brain tool, each in a process of its own; a head CT of 512×512×400 as well."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from scanwright.evals.accuracy.brain_references import BrainScan, brain_scans
from scanwright.tools.registry import load_registry
from scanwright.tools.testing import ToolBench

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_brain_memory.json"
LARGE = (512, 512, 400)
ON_MR = ("brain_extraction", "brain_extraction_hdbet", "brain_mask_any", "brain_tissue_map", "brain_part_map",
         "brain_region_map")  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Measures, prints and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval accuracy brain_memory")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(list(argv))
    if "SCANWRIGHT_DATA" not in os.environ:
        print("No scan is here: set SCANWRIGHT_DATA.", file=sys.stderr)
        return 1
    data = Path(os.environ["SCANWRIGHT_DATA"])
    scans = {s.name: s for s in brain_scans(data)}
    rows = [_alone(scans["colin27"], tool, data) for tool in ON_MR]
    rows += [_alone(scan, "brain_mask_any", data) for scan in (scans["head_ct"], _large(scans["head_ct"]))]
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    result = {"commit": done.stdout.strip() or "unknown", "cores": os.cpu_count(), "runs": rows}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def _large(scan: BrainScan) -> BrainScan:
    """The scan on a grid of LARGE over the same field of view, nearest neighbours."""
    steps = [old / new for old, new in zip(scan.voxels.shape, LARGE, strict=True)]
    index = [np.minimum((np.arange(n) + 0.5) * s, old - 1).astype(int)
             for n, s, old in zip(LARGE, steps, scan.voxels.shape, strict=True)]  # fmt: skip
    affine = scan.affine @ np.diag([*steps, 1.0])
    affine[:3, 3] += scan.affine[:3, :3] @ (np.array(steps) / 2 - 0.5)
    return BrainScan(f"{scan.name} 512×512×400", scan.voxels[np.ix_(*index)], affine, scan.facts)


def _alone(scan: BrainScan, tool: str, data: Path) -> dict[str, Any]:
    """One run in a new process: seconds of the tool, peak memory of the process with the scan in it."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(theirs, scan, tool, data))
    process.start()
    row: dict[str, Any] = ours.recv()
    process.join()
    print(row, flush=True)
    return row


def _measure(pipe: Connection, scan: BrainScan, tool: str, data: Path) -> None:
    import resource

    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = ToolBench(Path(folder), weights_dir=data / "meshnet_brainchop")
        volume = bench.volume(scan.voxels, scan.affine, **scan.facts)
        began = time.perf_counter()
        result = bench.run(load_registry().get(tool), volume=volume)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    pipe.send({"scan": scan.name, "tool": tool, "seconds": round(seconds, 1), "peak_gb": round(peak, 2),
               "flags": list(result.flags)})  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
