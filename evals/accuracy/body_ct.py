"""Body CT tools against references: Dice and volume, seconds and memory. `python -m scanwright.evals.accuracy.body_ct`

The packaged torso CTs are read where their packages are installed, `totalsegmentator_reference` from the folder that
SCANWRIGHT_DATA names. What is absent is said and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.body_memory import measured_on
from scanwright.evals.accuracy.body_references import (
    AORTA_LABEL,
    BONE_LABELS,
    LEFT_LUNG,
    MODEL,
    RIGHT_LUNG,
    SURFACES,
    Scan,
    filled_surface,
    nifti,
    packaged_scans,
    stored_scans,
)
from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.contract.quantity import HU
from scanwright.tools.families import body_ct, body_ct_bone, lungs, pictures
from scanwright.tools.morphology import contrast
from scanwright.tools.testing import ToolBench

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_body_ct.json"
BONES = ("vertebrae", "rib", "femur", "humerus", "hip", "sacrum", "scapula", "clavicula", "sternum")
DENSE_HU = contrast.BONE_HU
# A large patient in whom every tool finds something.
LARGE = "s0024"


def main(argv: Sequence[str]) -> int:
    """Measures, prints a table, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval accuracy body_ct")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-memory", action="store_true", help="leave out the runs on a 512×512×400 volume")
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of every mask")
    options = parser.parse_args(list(argv))
    rows: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    large: list[dict[str, Any]] = []
    scans = 0
    for scan in _scans():
        scans += 1
        if scan.name == LARGE and not options.no_memory:
            large = measured_on(scan)
        with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
            masks, timed = _run(scan, ToolBench(Path(folder)), options.pictures)
        runs += timed
        rows += _against(scan, masks)
    if not scans:
        print("No reference is here: install the packaged torso CTs or set SCANWRIGHT_DATA.", file=sys.stderr)
        return 1
    result = {"commit": _commit(), "scans": scans, "references": {"surfaces": SURFACES, "model": MODEL},
              "accuracy": rows, "runs": runs, "large_volume": large}  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    for row in rows:
        print(f"{row['scan']:<14}{row['tool']:<18}{row['against']:<28}{row['measure']:<28}{row['value']}")
    for row in runs:
        print(f"{row['scan']:<14}{row['tool']:<18}{row['ml']:>9} mL {row['seconds']:>6} s {row['note']}")
    for row in large:
        print(f"{row['scan']:<14}{row['tool']:<18}512×512×400 {row['seconds']:>7} s {row['peak_gb']:>6} GB peak")
    return 0


def _scans() -> Iterator[Scan]:
    yield from packaged_scans()
    data = os.environ.get("SCANWRIGHT_DATA")
    if data and (folder := Path(data) / "totalsegmentator_reference").is_dir():
        yield from stored_scans(folder)


def _run(
    scan: Scan, bench: ToolBench, folder: Path | None
) -> tuple[dict[str, NDArray[np.bool_]], list[dict[str, Any]]]:
    """Every mask of a scan by name, and how each came about."""
    volume = bench.volume(scan.voxels, scan.affine, modality="CT", body_part="chestabdpelvis", unit=HU)
    masks: dict[str, Mask] = {}
    timed: list[dict[str, Any]] = []

    def step(name: str, tool: Any, **given: Any) -> Mask:
        start = time.perf_counter()
        mask: Mask = bench.run(tool, volume=volume, **given)
        masks[name] = mask
        seconds = round(time.perf_counter() - start, 2)
        ml = round(mask.voxels * mask.geometry.voxel_ml, 1)
        timed.append({"scan": scan.name, "tool": name, "ml": ml, "seconds": seconds, "note": "; ".join(mask.flags)})
        if folder is not None:
            _picture(bench, volume, mask, folder / f"{scan.name}_{name.replace(' ', '_')}.png")
        return mask

    body = step("body_outline", body_ct.body_outline)
    airway = step("airways", lungs.airways, body=body)
    both = step("lungs", lungs.lungs, body=body, airway=airway)
    for side in ("left", "right"):
        step(f"{side} lung", lungs.lung_of_side, body=body, lungs=both, side=side)
    for name, tool in (
        ("fat", body_ct.fat),
        ("subcutaneous_fat", body_ct.subcutaneous_fat),
        ("deep_fat", body_ct.deep_fat),
        ("lean_tissue", body_ct.lean_tissue),
        ("body_bone", body_ct_bone.body_bone),
        ("bright_vessels", body_ct_bone.bright_vessels),
    ):
        step(name, tool, body=body)
    return {name: np.array(bench.read(mask)) for name, mask in masks.items()}, timed


def _picture(bench: ToolBench, volume: Volume, mask: Mask, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = bench.run(pictures.overlay, volume=volume, mask=mask)
    path.write_bytes(bench.blobs.path(figure.blob).read_bytes())


def _against(scan: Scan, masks: dict[str, NDArray[np.bool_]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    ml = abs(float(np.linalg.det(scan.affine[:3, :3]))) / 1000.0

    def row(tool: str, against: str, reference: str, **values: float) -> None:
        rows.extend(
            {"scan": scan.name, "tool": tool, "against": against, "reference": reference, "measure": k,
             "value": round(float(v), 3), "n": 1}
            for k, v in values.items()
        )  # fmt: skip

    def overlap(tool: str, against: str, reference: str, truth: NDArray[np.bool_]) -> None:
        found = masks[tool]
        row(tool, against, reference, dice=_dice(found, truth), found_ml=found.sum() * ml,
            reference_ml=truth.sum() * ml)  # fmt: skip

    for name, file in scan.surfaces.items():
        truth = filled_surface(file, (scan.voxels.shape[0], scan.voxels.shape[1], scan.voxels.shape[2]))
        if name == "trachea":
            overlap("airways", name, "surfaces", truth)
        elif name.startswith(BONES):
            dense = truth & (scan.voxels >= DENSE_HU)
            row("body_bone", name, "surfaces", share_of_dense_found=masks["body_bone"][dense].mean(),
                share_of_whole_found=masks["body_bone"][truth].mean())  # fmt: skip
        else:
            row("body_bone", name, "surfaces", share_taken_for_bone=masks["body_bone"][truth].mean())
            if name.startswith(("iliac", "common_carotid")):
                row("bright_vessels", name, "surfaces", share_found=masks["bright_vessels"][truth].mean())
    if scan.folder is None or scan.labels is None:
        return rows
    labels = scan.labels
    bone = np.isin(labels, BONE_LABELS)
    overlap("body_bone", "all bones, with marrow", "model", bone)
    overlap("body_bone", "all bones, from 200 HU", "model", bone & (scan.voxels >= DENSE_HU))
    for side, ids in (("left", LEFT_LUNG), ("right", RIGHT_LUNG)):
        if (truth := np.isin(labels, ids)).any():
            overlap(f"{side} lung", f"{side} lung's base", "model", truth)
    if (truth := np.isin(labels, (*LEFT_LUNG, *RIGHT_LUNG))).any():
        overlap("lungs", "lung bases", "model", truth)
    if (aorta := labels == AORTA_LABEL).any():
        row("bright_vessels", "aorta", "model", share_found=masks["bright_vessels"][aorta].mean(),
            mean_hu=scan.voxels[aorta].mean())  # fmt: skip
    tissues = scan.folder / "example_seg_tissue_types"
    if scan.name == "example_ct_sm":
        overlap("subcutaneous_fat", "subcutaneous fat", "model", nifti(tissues / "subcutaneous_fat.nii.gz")[0] > 0)
        overlap("deep_fat", "torso fat", "model", nifti(tissues / "torso_fat.nii.gz")[0] > 0)
        muscle = nifti(tissues / "skeletal_muscle.nii.gz")[0] > 0
        row("lean_tissue", "skeletal muscle", "model", share_found=masks["lean_tissue"][muscle].mean(),
            times_as_large=masks["lean_tissue"].sum() / muscle.sum())  # fmt: skip
    return rows


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2.0 * float(np.count_nonzero(one & other)) / total if total else 1.0


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True,
                          text=True, check=False)  # fmt: skip
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
