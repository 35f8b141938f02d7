"""Dice per click: a person who corrects by clicking, simulated. `python -m scanwright.evals.accuracy.clicks`

The first click lies deepest inside the structure, each further one deepest inside the largest wrong part: missing
parts are clicked as inside, parts too many as outside. Data are phantoms with noise, organs of
`totalsegmentator_reference` (labels are stored model output, no manual truth) and the tumour and the phantom of
`tumour_mr_radiomics_reference`, read from the folder that SCANWRIGHT_DATA names; what is absent is left out.

The engine works on a crop 20 mm wider than the structure, so that it is told about how large that is; beside it stands
the tool's first click on the whole scan, told nothing.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.families.clicked import clicked_structure
from scanwright.tools.imaging import axes
from scanwright.tools.morphology import parts
from scanwright.tools.morphology.seeded import Prompt, Promptable, WindowEngine, segment_by
from scanwright.tools.testing import ToolBench

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_clicks.json"
CLICKS = 10
ORGANS = {1: "spleen", 2: "kidney_right", 3: "kidney_left", 5: "liver", 21: "urinary_bladder"}
MODEL = "stored output of a segmentation model (TotalSegmentator), no manual truth"
MANUAL = "mask that comes with the image (who drew it is not stated)"
CHOSEN = (
    "The engine's constants were chosen on these same cases, so that the figures are those of cases it knows; organs "
    "of one CT and a slab of it, and of one DICOM slab, are not independent."
)
PHANTOM = "phantom with known truth"


@dataclass(frozen=True)
class Case:
    """A crop (x, y, z) around one structure, with its mask."""

    name: str
    reference: str
    crop: NDArray[Any]
    truth: NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]


def main(argv: Sequence[str]) -> int:
    """Measures, prints a table, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval accuracy clicks")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--clicks", type=int, default=CLICKS)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    options = parser.parse_args(list(argv))
    engine = WindowEngine()
    rows = []
    for case in cases(os.environ.get("SCANWRIGHT_DATA")):
        if options.only not in case.name:
            continue
        row = measured(engine, case, options.clicks)
        rows.append(row)
        print(f"{row['case']:<32}{row['shape']!s:<18}", *(f"{d:.2f}" for d in row["dice"]),
              f"  {row['seconds_median']:.2f} s a click")  # fmt: skip
    if not rows:
        print("No case of that name is here.", file=sys.stderr)
        return 1
    summary = [summed(rows, reference) for reference in dict.fromkeys(r["reference"] for r in rows)]
    for line in summary:
        print(f"{line['reference'][:48]:<50}", *(f"{d:.2f}" for d in line["dice_mean"]), f" n {line['n']}")
    whole = [r for r in whole_scans(os.environ.get("SCANWRIGHT_DATA")) if options.only in r["case"]]
    for row in whole:
        print(f"{row['case']:<32}whole scan, one click, no size: {row['dice']:.2f}  {row['seconds']:.2f} s")
    result = {"commit": _commit(), "chosen_on": CHOSEN, "engine": engine.name,
              "n": len(rows), "dice": "index 0 is no click (empty mask)",
              "summary": summary, "whole_scan_first_click": whole, "cases": rows}  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def measured(engine: Promptable, case: Case, clicks: int) -> dict[str, Any]:
    """Dice after 0 to so many clicks, and seconds a click."""
    inside: list[tuple[int, int, int]] = []
    outside: list[tuple[int, int, int]] = []
    mask = np.zeros(case.truth.shape, np.bool_)
    scores, seconds = [0.0], []
    for _ in range(clicks):
        wrong = mask != case.truth
        if not wrong.any():
            scores.append(scores[-1])
            continue
        at = deepest(parts.largest(wrong, 6), case.spacing_mm)
        (inside if case.truth[at] else outside).append(at)
        start = time.perf_counter()
        mask = segment_by(engine, case.crop, case.spacing_mm, Prompt(tuple(inside), tuple(outside)))
        seconds.append(time.perf_counter() - start)
        scores.append(_dice(mask, case.truth))
    return {"case": case.name, "reference": case.reference, "shape": list(case.crop.shape),
            "spacing_mm": [round(s, 3) for s in case.spacing_mm], "dice": [round(s, 3) for s in scores],
            "inside": len(inside), "outside": len(outside),
            "seconds_first": round(seconds[0], 3), "seconds_median": round(float(np.median(seconds)), 3),
            "seconds_max": round(max(seconds), 3)}  # fmt: skip


def deepest(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> tuple[int, int, int]:
    """The voxel (x, y, z) of a mask that lies farthest from its boundary; the first of several."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(mask, 1), sampling=tuple(spacing_mm))[1:-1, 1:-1, 1:-1]
    i, j, k = np.unravel_index(int(depth.argmax()), mask.shape)
    return int(i), int(j), int(k)


def summed(rows: Sequence[dict[str, Any]], reference: str) -> dict[str, Any]:
    """Means over the cases of one kind of reference."""
    dice = np.array([r["dice"] for r in rows if r["reference"] == reference])
    return {"reference": reference, "n": len(dice), "dice_mean": [round(float(d), 3) for d in dice.mean(axis=0)],
            "dice_lowest": [round(float(d), 3) for d in dice.min(axis=0)],
            "seconds_median": round(float(np.median([r["seconds_median"] for r in rows
                                                     if r["reference"] == reference])), 3)}  # fmt: skip


def cases(data: str | None) -> Iterator[Case]:
    """All cases that are here."""
    yield from phantoms()
    if data is not None:
        yield from organs(Path(data) / "totalsegmentator_reference")
        yield from tumours(Path(data) / "tumour_mr_radiomics_reference")


def phantoms() -> Iterator[Case]:
    """Asymmetric bodies beside others as bright, with noise of a quarter, a half and the whole contrast."""
    for name, noise in (("low noise", 0.25), ("noise", 0.5), ("high noise", 1.0)):
        for kind, shape, spacing in (
            ("isotropic", (128, 128, 128), (1.0, 1.0, 1.0)),
            ("thick slices", (128, 120, 24), (0.8, 0.8, 5.0)),
            ("one slice", (160, 150, 1), (0.7, 0.7, 5.0)),
        ):
            yield _phantom(f"{kind}, {name}", shape, spacing, noise)


def _phantom(name: str, shape: tuple[int, int, int], spacing: tuple[float, float, float], noise: float) -> Case:
    """A bent body (two joined ellipsoids) of 100 in a background of 0, joined by a thin bridge to another of 100."""
    grid = np.stack(np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij"), -1)
    size = np.array(shape) * spacing
    middle = np.where(np.array(shape) > 1, size, 0.0)

    def ellipsoid(at: Sequence[float], half: Sequence[float]) -> NDArray[np.bool_]:
        return np.asarray((((grid - middle * at) / (size.min(initial=100.0, where=np.array(shape) > 1)
                                                     * np.array(half))) ** 2).sum(-1) <= 1)  # fmt: skip

    truth = ellipsoid((0.4, 0.45, 0.5), (0.18, 0.13, 0.22)) | ellipsoid((0.5, 0.6, 0.55), (0.12, 0.2, 0.13))
    other = ellipsoid((0.8, 0.3, 0.45), (0.13, 0.16, 0.2))
    bridge = ellipsoid((0.63, 0.42, 0.5), (0.2, 0.03, 0.03)) & ~truth
    bright = np.where(truth | other | bridge, 100.0, 0.0)
    noisy = bright + np.random.default_rng(7).normal(0.0, 100.0 * noise, shape)
    return Case(name, PHANTOM, noisy.astype(np.float32), truth, spacing)


def organs(folder: Path) -> Iterator[Case]:
    """Organs of the stored CTs, each on a crop with 20 mm around it."""
    from scanwright.evals.accuracy.body_references import stored_scans

    if not folder.is_dir():
        return
    for scan in stored_scans(folder):
        if scan.labels is None:
            continue
        spacing = tuple(float(s) for s in np.linalg.norm(scan.affine[:3, :3], axis=0))
        for label, organ in ORGANS.items():
            truth = parts.largest(scan.labels == label)
            if np.count_nonzero(truth) >= 500:
                yield _cut(f"{scan.name} {organ}", MODEL, scan.voxels, truth, spacing)


def whole_scans(data: str | None) -> Iterator[dict[str, Any]]:
    """The tool's Dice after one click on the whole scan, without a size, for the organs of the stored CTs."""
    from scanwright.evals.accuracy.body_references import stored_scans

    folder = Path(data or "") / "totalsegmentator_reference"
    if data is None or not folder.is_dir():
        return
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as blobs:
        bench = ToolBench(Path(blobs))
        for scan in stored_scans(folder):
            volume = bench.volume(scan.voxels, scan.affine, modality="CT", unit=HU)
            for label, organ in ORGANS.items():
                truth = parts.largest(np.asarray(scan.labels == label))
                if np.count_nonzero(truth) < 500:
                    continue
                at = axes.to_mm(np.array([deepest(truth, volume.geometry.spacing_mm)]), scan.affine)[0]
                start = time.perf_counter()
                mask = bench.run(clicked_structure, volume=volume, at=Point(x=at[0], y=at[1], z=at[2]))
                seconds = time.perf_counter() - start
                yield {"case": f"{scan.name} {organ}", "reference": MODEL,
                       "dice": round(_dice(bench.read(mask), truth), 3),
                       "found_ml": round(mask.voxels * volume.geometry.voxel_ml, 1),
                       "reference_ml": round(float(np.count_nonzero(truth)) * volume.geometry.voxel_ml, 1),
                       "seconds": round(seconds, 3), "flags": list(mask.flags)}  # fmt: skip


def tumours(folder: Path) -> Iterator[Case]:
    """The enhancing tumour on MR, and the larger bodies of a prostate phantom."""
    import SimpleITK

    for name, labels in (("brain1", (1,)), ("prostate_phantom_subvolume", (8, 9))):
        suffix = "_image" if name == "brain1" else ""
        file, mask = folder / f"{name}{suffix}.nrrd", folder / f"{name}{'_' if suffix else '-'}label.nrrd"
        if not file.is_file():
            continue
        image = SimpleITK.ReadImage(str(file))
        voxels = SimpleITK.GetArrayFromImage(image).T
        drawn = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(mask))).T
        for label in labels:
            yield _cut(f"{name} {label}", MANUAL, voxels, drawn == label, image.GetSpacing())


def _cut(name: str, reference: str, voxels: NDArray[Any], truth: NDArray[np.bool_], spacing: Sequence[float]) -> Case:
    box = axes.bounding_slices(truth)
    wide = tuple(
        slice(max(0, s.start - round(20 / d)), min(n, s.stop + round(20 / d)))
        for s, d, n in zip(box, spacing, truth.shape, strict=True)
    )
    x, y, z = (float(s) for s in spacing)
    return Case(name, reference, np.ascontiguousarray(voxels[wide]), np.ascontiguousarray(truth[wide]), (x, y, z))


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return 2.0 * float(np.count_nonzero(one & other)) / max(int(one.sum()) + int(other.sum()), 1)


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True,
                          text=True, check=False)  # fmt: skip
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
