"""Head measures on phantoms with known truth and on real scans: Evans index, midline, ABC/2, registration.

`scanwright eval brain_measures`; the real scans need SCANWRIGHT_DATA. The labels of Colin 27 are a network's.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.brain_phantom import given, ventricle_phantom
from scanwright.tools.families.brain_haemorrhage import haematoma_abc2
from scanwright.tools.families.brain_measures import evans_index, midline_shift
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.morphology.registration import register
from scanwright.tools.runtime.memory import peak_memory_mb
from scanwright.tools.testing import ToolBench

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_brain_measures.json"
Vec = tuple[float, float, float]
# Shift, reach of the left and the right horn, pitch, roll and yaw.
HEADS: tuple[tuple[float, tuple[float, float], Vec], ...] = (
    (0.0, (13.0, 18.0), (0.0, 0.0, 0.0)), (5.0, (11.0, 18.0), (0.0, 0.0, 0.0)), (-9.0, (18.0, 9.0), (6.0, 8.0, 12.0)),
    (12.0, (16.0, 9.0), (-6.0, -12.0, -9.0)), (2.5, (20.0, 24.0), (0.0, 5.0, 3.0)),
)  # fmt: skip
BLEEDS: tuple[tuple[Vec, float], ...] = (
    ((14.0, 9.0, 8.0), 1.0), ((20.0, 13.0, 12.0), 2.5), ((30.0, 22.0, 20.0), 5.0), ((24.0, 18.0, 26.0), 1.5),
    ((26.0, 12.0, 16.0), 5.0), ((15.0, 14.0, 13.0), 2.0),
)  # fmt: skip
POSES: tuple[tuple[Vec, Vec], ...] = (((8.0, -6.0, 10.0), (6.0, -9.0, 5.0)), ((-20.0, 10.0, 15.0), (20.0, 10.0, -25.0)))


def main(argv: Sequence[str]) -> int:
    """Measures, prints the rows, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval brain_measures")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(list(argv))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = ToolBench(Path(folder))
        for row in chain(_bleeds(bench), _heads(bench), _registrations()):
            rows.append(row)
            print(json.dumps(row), flush=True)
    result = {"utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(), "rows": rows,
              "peak_gb": round(peak_memory_mb() / 1000, 2)}  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _heads(bench: ToolBench) -> Iterator[dict[str, Any]]:
    for shift, horns, turn in HEADS:
        phantom = ventricle_phantom(shift, horns_mm=horns, turn_degrees=turn)
        inputs = given(bench, phantom)
        for tool, names, truth in (
            (evans_index, ("labels", "brain"), phantom.evans),
            (midline_shift, ("volume", "labels", "brain"), abs(shift)),
        ):
            began = time.process_time()
            found = bench.run(tool, **{n: inputs[n] for n in names})
            known = found.uncertainty
            yield {"tool": tool.card.id, "on": f"phantom, turned by {turn}", "truth": round(truth, 4),
                   "value": round(found.value, 4), "error": round(found.value - truth, 4),
                   "range_holds_truth": bool(known.low <= truth <= known.high),
                   "cpu_seconds": round(time.process_time() - began, 1)}  # fmt: skip


def _bleeds(bench: ToolBench) -> Iterator[dict[str, Any]]:
    for radii, step in BLEEDS:
        spacing = np.array([0.5, 0.5, step])
        shape = np.ceil(2 * np.array(radii) / spacing).astype(int) + 7
        grid = (np.indices(shape).reshape(3, -1).T - shape / 2 - [0.3, -0.2, 0.1]) * spacing
        voxels = ((grid / np.array(radii)) ** 2).sum(axis=1).reshape(shape) <= 1
        image = bench.volume(voxels.astype(np.int16), np.diag([*spacing, 1.0]), modality="CT", body_part="head",
                             unit="[hnsf'U]")  # fmt: skip
        truth = 4 / 3 * np.pi * float(np.prod(radii)) / 1000
        kothari, whole, counted, _ = bench.run(haematoma_abc2, mask=bench.mask(voxels, image, "given_region")).items
        yield {"tool": "haematoma_abc2", "on": f"ellipsoid {radii} mm, slices of {step} mm", "truth": round(truth, 2),
               "value": round(kothari.value, 2), "error": round(kothari.value / truth - 1, 3),
               "every_slice_whole": round(whole.value / truth - 1, 3),
               "counted": round(counted.value / truth - 1, 3)}  # fmt: skip


def _registrations() -> Iterator[dict[str, Any]]:
    if "SCANWRIGHT_DATA" not in os.environ:
        return
    import nibabel

    for name in ("brain_t1", "head_ct"):
        file = nibabel.load(Path(os.environ["SCANWRIGHT_DATA"]) / f"{name}.nii.gz")
        voxels, affine = np.asanyarray(file.dataobj), np.asarray(file.affine, dtype=np.float64)
        for turn, move in POSES[:2] if name == "brain_t1" else POSES[:1]:
            yield _registered(name, voxels, affine, turn, move)


def _registered(name: str, voxels: NDArray[Any], affine: NDArray[np.float64], turn: Vec, move: Vec) -> dict[str, Any]:
    """A scan against itself, turned, moved, on another grid, brighter and with noise."""
    from scipy.ndimage import affine_transform
    from scipy.spatial.transform import Rotation

    centre = affine[:3, :3] @ ((np.array(voxels.shape) - 1) / 2) + affine[:3, 3]
    truth = np.eye(4)
    truth[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    truth[:3, 3] = centre - truth[:3, :3] @ centre + np.array(move)
    size = np.linalg.norm(affine[:3, :3], axis=0)
    shape = np.array(voxels.shape) / [1.1, 1.2, 1.3]
    grid = np.eye(4)
    grid[:3, :3] = affine[:3, :3] * [1.1, 1.2, 1.3]
    grid[:3, 3] = centre - grid[:3, :3] @ ((shape.astype(int) - 1) / 2)
    there = np.linalg.inv(affine) @ truth @ grid
    later = affine_transform(voxels.astype(np.float32), there[:3, :3], there[:3, 3], tuple(shape.astype(int)), order=1,
                             cval=float(voxels.min()))  # fmt: skip
    later = later * 1.3 + np.random.default_rng(1).normal(0, 0.02 * np.ptp(voxels), later.shape).astype(np.float32)
    began = time.process_time()
    found = register(later, Geometry.of(later.shape, grid), voxels, Geometry.of(voxels.shape, affine))
    seconds = time.process_time() - began
    points = np.argwhere(later[::10, ::10, ::10] > later.mean()) * 10 @ grid[:3, :3].T + grid[:3, 3]
    apart = points @ (found.matrix - truth)[:3, :3].T + (found.matrix - truth)[:3, 3]
    cosine = (np.trace(found.matrix[:3, :3].T @ truth[:3, :3]) - 1) / 2
    return {"tool": "registration", "on": f"{name}, voxels of {size.round(2).tolist()} mm, turned {turn}, moved {move}",
            "mean_error_mm": round(float(np.linalg.norm(apart, axis=1).mean()), 3),
            "largest_error_mm": round(float(np.linalg.norm(apart, axis=1).max()), 3),
            "angle_error_degrees": round(float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), 3),
            "disagree_mm": round(found.disagree_mm, 3), "cpu_seconds": round(seconds, 1)}  # fmt: skip


if __name__ == "__main__":
    import sys

    raise SystemExit(main(sys.argv[1:]))
