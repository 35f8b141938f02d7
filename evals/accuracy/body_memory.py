"""Seconds and peak memory of each body CT tool on a 512×512×400 volume, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.body_references import Scan
from scanwright.tools.artifacts import Artifact
from scanwright.tools.contract.quantity import HU
from scanwright.tools.registry import load_registry
from scanwright.tools.testing import ToolBench

SHAPE = (512, 512, 400)
# Each tool with the results it needs, by the name of the input.
STEPS: tuple[tuple[str, dict[str, str], dict[str, Any]], ...] = (
    ("body_outline", {}, {}),
    ("airways", {"body": "body_outline"}, {}),
    ("lungs", {"body": "body_outline", "airway": "airways"}, {}),
    ("lung_of_side", {"body": "body_outline", "lungs": "lungs"}, {"side": "left"}),
    ("emphysema_index", {"lungs": "lungs"}, {}),
    ("fat", {"body": "body_outline"}, {}),
    ("subcutaneous_fat", {"body": "body_outline"}, {}),
    ("deep_fat", {"body": "body_outline"}, {}),
    ("lean_tissue", {"body": "body_outline"}, {}),
    ("body_soft_tissue", {"body": "body_outline"}, {}),
    ("body_bone", {"body": "body_outline"}, {}),
    ("bright_vessels", {"body": "body_outline"}, {}),
)


def measured_on(scan: Scan) -> list[dict[str, Any]]:
    """One row for each tool: seconds, peak memory of the process in GB, and of the process before the tool ran."""
    voxels, affine = _large(scan.voxels, scan.affine)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = ToolBench(Path(folder))
        results: dict[str, Artifact] = {
            "volume": bench.volume(voxels, affine, modality="CT", body_part="chestabdpelvis", unit=HU)
        }
        del voxels
        for tool, inputs, params in STEPS:
            given = {name: results[source] for name, source in inputs.items()}
            result, seconds, before, peak = _alone(folder, tool, {"volume": results["volume"], **given}, params)
            results[tool] = result
            rows.append({"scan": scan.name, "shape": list(SHAPE), "tool": tool, "seconds": round(seconds, 1),
                         "peak_gb": round(peak, 2), "before_gb": round(before, 2)})  # fmt: skip
    return rows


def _large(voxels: NDArray[Any], affine: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The scan on a grid of SHAPE over the same field of view, nearest neighbours."""
    index = [np.minimum((np.arange(n) + 0.5) * old / n, old - 1).astype(int)
             for n, old in zip(SHAPE, voxels.shape, strict=True)]  # fmt: skip
    scale = np.diag([*(old / n for n, old in zip(SHAPE, voxels.shape, strict=True)), 1.0])
    return np.asfortranarray(voxels[np.ix_(*index)]), affine @ scale


def _alone(
    folder: str, tool: str, inputs: dict[str, Artifact], params: dict[str, Any]
) -> tuple[Artifact, float, float, float]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(there, folder, tool, inputs, params))
    process.start()
    there.close()
    try:
        result: tuple[Artifact, float, float, float] = here.recv()
    finally:
        process.join()
    return result


def _child(pipe: Connection, folder: str, tool: str, inputs: dict[str, Artifact], params: dict[str, Any]) -> None:
    found = load_registry().get(tool)
    bench = ToolBench(Path(folder))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    start = time.perf_counter()
    result = found.run(bench.ctx, inputs, params)
    seconds = time.perf_counter() - start
    pipe.send((result, seconds, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2))
