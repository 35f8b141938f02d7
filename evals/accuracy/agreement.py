"""Does the range between methods hold the volume of a reference? And how far apart are the methods?

`scanwright eval agreement`; needs SCANWRIGHT_DATA for the scans and the weights of the MeshNets. The references are
atlases and one person's outlines (see brain_references), drawn by other rules than the networks were taught.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scanwright.agent.plan.second_method import method_name
from scanwright.evals.accuracy.brain_references import BrainScan, brain_scans
from scanwright.tools.artifacts import Mask
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.families.agreement import BETWEEN, agreement, overlap_dice
from scanwright.tools.families.brain import brain_extraction
from scanwright.tools.families.brain_any import brain_mask_any
from scanwright.tools.families.brain_hdbet import brain_extraction_hdbet
from scanwright.tools.families.brain_parts import brain_part, brain_part_map, brain_region, brain_region_map
from scanwright.tools.families.shape import mask_volume
from scanwright.tools.testing import ToolBench
from scanwright.tools.weights.store import WeightsStore

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_agreement.json"
BRAIN = (brain_extraction, brain_extraction_hdbet, brain_mask_any)
MAPS = ((brain_part_map, brain_part), (brain_region_map, brain_region))


def main(argv: Sequence[str]) -> int:
    """Measures, prints the rows, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval agreement")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(list(argv))
    data = Path(os.environ["SCANWRIGHT_DATA"]) if "SCANWRIGHT_DATA" in os.environ else None
    weights = None if data is None else data / "meshnet_brainchop"
    rows: list[dict[str, Any]] = []
    for scan in (s for s in brain_scans(data) if s.facts["modality"] == "MR"):
        with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
            for row in _rows(scan, ToolBench(Path(folder), weights_dir=weights), WeightsStore(weights)):
                print(json.dumps(row), flush=True)
                rows.append(row)
    if not rows:
        print("Nothing could be compared: set SCANWRIGHT_DATA, or install nilearn.", file=sys.stderr)
        return 1
    figures = summary(rows)
    print(json.dumps(figures, indent=1))
    result = {"utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **figures, "rows": rows}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many ranges hold the reference, and how wide they are beside the first method's error, in percent."""
    with_reference = [r for r in rows if r["reference_ml"] is not None]
    return {
        "n": len(rows),
        "with_reference": len(with_reference),
        "range_holds_reference": sum(r["low_ml"] <= r["reference_ml"] <= r["high_ml"] for r in with_reference),
        "median_width_percent": _median([100 * (r["high_ml"] - r["low_ml"]) / r["ml"] for r in rows]),
        "median_error_percent": _median([100 * abs(r["ml"] / r["reference_ml"] - 1) for r in with_reference]),
        "median_dice_between_methods": _median([d for r in rows for d in r["dice"]]),
    }


def _rows(scan: BrainScan, bench: ToolBench, store: WeightsStore) -> Iterator[dict[str, Any]]:
    volume = bench.volume(scan.voxels, scan.affine, **scan.facts)
    here = [t for t in BRAIN if all(store.available(w) for w in t.card.weights)]
    if len(here) > 1:
        yield _row(scan, bench, "brain", {_name(t): bench.run(t, volume=volume) for t in here})
    if not all(store.available(w) for made, _ in MAPS for w in made.card.weights):
        return
    labels = {part: bench.run(made, volume=volume) for made, part in MAPS}
    known = [set(part.card.params[0].choices) for _, part in MAPS]
    for structure in sorted(known[0] & known[1]):
        masks = {_name(part): bench.run(part, labels=labels[part], structure=structure) for _, part in MAPS}
        if all(m.voxels for m in masks.values()):
            yield _row(scan, bench, structure, masks)


def _row(scan: BrainScan, bench: ToolBench, structure: str, masks: dict[str, Mask]) -> dict[str, Any]:
    values = tuple(bench.run(mask_volume, mask=m) for m in masks.values())
    found = bench.run(agreement, values=values, quantity="volume", methods=BETWEEN.join(masks))
    first, *others = masks.values()
    truth = scan.truth.get(structure)
    unit = abs(float(np.linalg.det(scan.affine[:3, :3]))) / 1000
    return {
        "scan": scan.name, "structure": structure, "methods": [*masks], "ml": round(found.value, 2),
        "low_ml": round(found.uncertainty.low, 2), "high_ml": round(found.uncertainty.high, 2),
        "dice": [round(bench.run(overlap_dice, first=first, second=o).value, 3) for o in others],
        "against": scan.against if truth is not None else None,
        "reference_ml": None if truth is None else round(float(truth.sum()) * unit, 2),
    }  # fmt: skip


def _name(tool: Tool[..., Any]) -> str:
    return method_name(tool.card)


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
