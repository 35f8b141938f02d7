"""Retrieval by the CT encoder: is the nearest crop of the same region, of the same patient? Raw and centred cosines.

`python -m scanwright.evals.accuracy.retrieval`. The packaged torso CTs are read where their packages are installed,
`totalsegmentator_reference` and the head CT from the folder that SCANWRIGHT_DATA names.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.body_ct import _commit
from scanwright.evals.accuracy.body_references import Scan, nifti, packaged_scans, stored_scans
from scanwright.evals.planning.score import wilson
from scanwright.tools.contract.quantity import HU
from scanwright.tools.engines import ct_encoder, meshnet
from scanwright.tools.families import body_ct, lungs
from scanwright.tools.families.cases import ENCODER, WEIGHTS
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.runtime.memory import peak_memory_mb, reset_peak_memory
from scanwright.tools.testing import ToolBench
from scanwright.tools.weights.loading import load_joined_state_dict
from scanwright.tools.weights.store import WeightsStore

RESULTS = Path(__file__).parents[1] / "results" / "retrieval.json"
# A slab of another file's scan: finding one by the other would prove nothing.
COPY = "example_ct_sm"
# Crops of one scan that share more of their slices than this do not count for one another.
SHARED_AT_MOST = 0.25
CROPS = ("aorta_report", "pulmonary_report")
LUNG_LABELS = (10, 11, 12, 13, 14)
# A crop is of the chest where this much of its body is lung (by our lung tool, or by the stored labels).
LUNG_SHARE = 0.1
BODY_HU = -300


@dataclass(frozen=True)
class Item:
    """One crop: whose it is, its region ("head", "chest", "abdomen or pelvis"), its first slice of 3 mm, its vector."""

    scan: str
    region: str
    start: float
    vector: NDArray[np.float32]


def main(argv: Sequence[str]) -> int:
    """Measures, prints a table, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval retrieval")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--weights", type=Path, help="a local folder of weights")
    options = parser.parse_args(list(argv))
    store = WeightsStore(options.weights)
    if (why := store.why_not(WEIGHTS)) is not None:
        print(why, file=sys.stderr)
        return 1
    files = store.resolve(WEIGHTS)
    state = load_joined_state_dict([files[role] for role in sorted(files)])["state_dict"]
    precision = meshnet.best_precision()
    encoder = ct_encoder.CtEncoder(state, precision)
    items: list[Item] = []
    seconds: list[float] = []
    scans: list[dict[str, Any]] = []
    reset_peak_memory()
    for name, voxels, affine, lung in _scans():
        geometry = Geometry.of(voxels.shape, affine)
        crops = ct_encoder.prepare(voxels, geometry).crops
        regions = _regions(lung, crops, geometry)
        # As ct_encoder.prepare spreads them.
        height = geometry.extent_mm[2] / ct_encoder.SPACING_MM[2]
        starts = np.linspace(0, max(0, height - ct_encoder.SLICES), len(crops))
        for crop, region, at in zip(crops, regions, starts, strict=True):
            start = time.perf_counter()
            vector = encoder.encode(crop)
            seconds.append(time.perf_counter() - start)
            items.append(Item(name, region, float(at), vector))
        scans.append({"scan": name, "shape": list(voxels.shape), "regions": regions})
        print(scans[-1], flush=True)
    if len(items) < 2:
        print("No scan is here: install the packaged torso CTs or set SCANWRIGHT_DATA.", file=sys.stderr)
        return 1
    rows = [row for centred in (False, True) for row in _rows(items, centred)]
    bits = ct_encoder.CtEncoder(state, "float32") if precision != "float32" else None
    result = {
        "commit": _commit(),
        "encoder": ENCODER,
        "precision": precision,
        "scans": scans,
        "rows": rows,
        "cosines": {"raw": _spread(items, False), "centred": _spread(items, True)},
        "seconds_per_crop_median": round(float(np.median(seconds)), 2),
        "peak_memory_gb": round(peak_memory_mb() / 1000, 2),
        "float32_against": None if bits is None else _against(bits, items),
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    for row in rows:
        print(f"{row['what']:<44}{row['cosine']:<9}{row['hits']} of {row['n']} {row['interval']}")
    return 0


def _scans() -> Iterator[tuple[str, NDArray[Any], NDArray[np.float64], NDArray[np.bool_] | str]]:
    """Name, voxels, affine, and where lung is, or the region that all of the scan shows."""
    for scan in packaged_scans():
        yield scan.name, scan.voxels, scan.affine, _lungs(scan)
    data = os.environ.get("SCANWRIGHT_DATA")
    if not data:
        return
    folder = Path(data) / "totalsegmentator_reference"
    if folder.is_dir():
        for scan in stored_scans(folder):
            assert scan.labels is not None
            if scan.name == COPY:
                continue
            yield scan.name, scan.voxels, scan.affine, np.isin(scan.labels, LUNG_LABELS)
        for name in CROPS:
            for file in sorted((folder / name).rglob("ct_cropped.nii.gz")):
                yield name, *nifti(file), "chest"
    if (head := Path(data) / "head_ct.nii.gz").is_file():
        yield "head_ct", *nifti(head), "head"


def _lungs(scan: Scan) -> NDArray[np.bool_]:
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = ToolBench(Path(folder))
        volume = bench.volume(scan.voxels, scan.affine, modality="CT", body_part="chestabdpelvis", unit=HU)
        body = bench.run(body_ct.body_outline, volume=volume)
        airway = bench.run(lungs.airways, volume=volume, body=body)
        both = bench.run(lungs.lungs, volume=volume, body=body, airway=airway)
        return np.array(bench.read(both))


def _regions(lung: NDArray[np.bool_] | str, crops: NDArray[np.float32], geometry: Geometry) -> list[str]:
    """The region of each crop; the lungs are cut into the same crops as the scan was."""
    if isinstance(lung, str):
        return [lung] * len(crops)
    as_hu = np.where(lung, ct_encoder.HIGH_HU, ct_encoder.LOW_HU).astype(np.float32)
    body = (BODY_HU - ct_encoder.LOW_HU) / (ct_encoder.HIGH_HU - ct_encoder.LOW_HU)
    found = []
    for crop, of_lung in zip(crops, ct_encoder.prepare(as_hu, geometry).crops, strict=True):
        in_lung, in_body = np.count_nonzero(of_lung > 0.5), np.count_nonzero((crop > body) | (of_lung > 0.5))
        found.append("chest" if in_lung > LUNG_SHARE * in_body else "abdomen or pelvis")
    return found


def _cosines(items: Sequence[Item], centred: bool) -> NDArray[np.float64]:
    vectors = np.stack([i.vector for i in items]).astype(np.float64)
    if centred:
        vectors -= vectors.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    product: NDArray[np.float64] = vectors @ vectors.T
    return product


def _rows(items: Sequence[Item], centred: bool) -> Iterator[dict[str, Any]]:
    """Leave one crop out: its nearest among other patients (region), and among all other crops (patient)."""
    cosines = _cosines(items, centred)
    patients = np.array([i.scan for i in items])
    regions = np.array([i.region for i in items])
    starts = np.array([i.start for i in items])
    apart = np.abs(starts[:, None] - starts) >= (1 - SHARED_AT_MOST) * ct_encoder.SLICES - 0.5
    for what, allowed, right in (
        ("same region, among other patients", patients[:, None] != patients, regions[:, None] == regions),
        (
            "same patient, among all other crops",
            (patients[:, None] != patients) | apart,
            patients[:, None] == patients,
        ),
    ):
        near = np.where(allowed, cosines, -np.inf).argmax(1)
        # A crop that has nothing right to find is no question.
        asked = (allowed & right).any(1)
        hits = int((right[np.arange(len(items)), near] & asked).sum())
        n = int(asked.sum())
        chance = float((allowed & right)[asked].sum(1).astype(float) @ (1 / allowed[asked].sum(1)) / n) if n else 0.0
        interval = [round(v, 2) for v in wilson(hits, n)] if n else None
        yield {
            "what": what, "cosine": "centred" if centred else "raw", "hits": hits, "n": n, "interval": interval,
            "chance": round(chance, 2), "crops": len(items), "patients": len(set(patients)),
        }  # fmt: skip


def _spread(items: Sequence[Item], centred: bool) -> list[float]:
    """The lowest, middle and highest cosine of two crops of different patients."""
    patients = np.array([i.scan for i in items])
    apart = _cosines(items, centred)[patients[:, None] != patients]
    return [round(float(v), 3) for v in np.quantile(apart, (0, 0.5, 1))]


def _against(encoder: ct_encoder.CtEncoder, items: Sequence[Item]) -> dict[str, Any]:
    """The first scan's first crop in float32: cosine with the vector that was made in less."""
    name, voxels, affine, _ = next(_scans())
    exact = encoder.encode(ct_encoder.prepare(voxels, Geometry.of(voxels.shape, affine)).crops[0])
    made = next(i.vector for i in items if i.scan == name)
    return {"scan": name, "cosine": round(float(exact @ made / np.linalg.norm(exact) / np.linalg.norm(made)), 6)}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
