"""Body measures on phantoms of known truth and on real scans, seconds and memory. `scanwright eval body_measures`

Liver and spleen of `totalsegmentator_reference` are the stored output of a model, no manual truth. No gated cardiac CT,
no patient's PET and no two exams of one patient are at hand: those measures are told of phantoms alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.body_references import MODEL, stored_scans
from scanwright.tools.artifacts import Mask, PetFacts, Volume
from scanwright.tools.contract.quantity import HU, Point, Points
from scanwright.tools.families import calcium, cardiothoracic, liver_fat, recist, suv
from scanwright.tools.registry import load_registry
from scanwright.tools.testing import ToolBench

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_body_measures.json"
LIVER, SPLEEN = 5, 1
SHAPE = (512, 512, 400)
CT: dict[str, Any] = {"modality": "CT", "body_part": "abdomen", "unit": HU, "contrast": False, "gated": True}
PET: dict[str, Any] = {"modality": "PT", "unit": "Bq/mL",
       "pet": PetFacts(dose_bq=400e6, half_life_s=6586.2, weight_kg=80.0, decay_s=6586.2)}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Measures, prints a row each, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval body_measures")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-memory", action="store_true", help="leave out the runs on a 512×512×400 volume")
    options = parser.parse_args(list(argv))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = ToolBench(Path(folder))
        for found in (_liver_phantoms, _sums, _responses, _calcium, _peaks, _widths, _real_livers):
            for row in found(bench):
                rows.append(row)
                print(json.dumps(row, ensure_ascii=False), flush=True)
    runs = [] if options.no_memory else list(_runs())
    for row in runs:
        print(json.dumps(row), flush=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True,
                            text=True, check=False).stdout.strip()  # fmt: skip
    result = {"commit": commit or "unknown", "utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
              "cores": os.cpu_count(), "references": {"liver_spleen": MODEL}, "accuracy": rows,
              "runs": runs}  # fmt: skip
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _row(tool: str, against: str, errors: Sequence[float], unit: str) -> dict[str, Any]:
    return {"tool": tool, "against": against, "n": len(errors), "unit": unit,
            "mean_error": round(float(np.mean(errors)), 4), "worst_error": round(float(np.max(errors)), 4)}  # fmt: skip


def _grid(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> list[NDArray[np.float64]]:
    return list(
        np.meshgrid(*(s * (np.arange(n) - n / 2.2) for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    )


def _liver_phantoms(bench: ToolBench) -> Iterator[dict[str, Any]]:
    """Even organs with blurred edges and noise of 20 HU."""
    from scipy.ndimage import gaussian_filter

    spacing, rng = (2.5, 2.4, 3.0), np.random.default_rng(1)
    x, y, z = _grid((112, 80, 48), spacing)
    liver = ((x - 52) / 56) ** 2 + (y / 50) ** 2 + (z / 42) ** 2 <= 1
    spleen = ((x + 85) / 26) ** 2 + ((y + 20) / 30) ** 2 + (z / 34) ** 2 <= 1
    by_masks: list[float] = []
    by_points: list[float] = []
    for liver_hu in (65.0, 58.0, 50.0, 45.0, 30.0, 10.0):
        hu = gaussian_filter(np.where(liver, liver_hu, np.where(spleen, 50.0, -90.0)), 1.0) + rng.normal(0, 20, x.shape)
        image = bench.volume(np.round(hu).astype(np.int16), np.diag([*spacing, 1.0]), **CT)
        masks = {"liver": bench.mask(liver, image, "liver"), "spleen": bench.mask(spleen, image, "spleen")}
        shift = [s * n / 2.2 for n, s in zip(x.shape, spacing, strict=True)]
        points = {"liver_at": _point(shift, (52, 0, 0)), "spleen_at": _point(shift, (-85, -20, 0))}
        for errors, tool, given in (
            (by_masks, liver_fat.liver_spleen, masks),
            (by_points, liver_fat.liver_spleen_at_points, points),
        ):
            errors.append(abs(bench.run(tool, volume=image, **given).items[1].value - (liver_hu - 50)))
    yield _row("liver_spleen", "phantoms, noise 20 HU", by_masks, "HU")
    yield _row("liver_spleen_at_points", "phantoms, noise 20 HU, one ball each", by_points, "HU")


def _point(shift: Sequence[float], at: Sequence[float]) -> Points:
    x, y, z = (s + a for s, a in zip(shift, at, strict=True))
    return Points(points=(Point(x=x, y=y, z=z),))


def _ovals(bench: ToolBench, diameters: Sequence[float], time_: str) -> Mask:
    """Turned ellipsoids of these longest axial diameters side by side, voxels of 0.8×0.8×2 mm."""
    spacing = (0.8, 0.8, 2.0)
    x, y, z = _grid((150, 90 * len(diameters), 24), spacing)
    voxels = np.zeros(x.shape, bool)
    for i, long in enumerate(diameters):
        middle = (i - (len(diameters) - 1) / 2) * 70
        angle = 0.5 + 0.7 * i
        u = x * np.cos(angle) + (y - middle) * np.sin(angle)
        v = -x * np.sin(angle) + (y - middle) * np.cos(angle)
        voxels |= (2 * u / long) ** 2 + (2 * v / (0.7 * long)) ** 2 + (z / 12) ** 2 <= 1
    image = bench.volume(voxels.astype(np.int16), np.diag([*spacing, 1.0]), **CT)
    image = image.model_copy(update={"type": image.type.model_copy(update={"time": time_})})
    return bench.mask(voxels, image, "given_region")


def _sums(bench: ToolBench) -> Iterator[dict[str, Any]]:
    cases = ((22.0, 14.0), (41.0, 30.0, 12.0), (55.0, 16.0), (18.0,), (33.0, 27.0, 21.0))
    errors = [
        abs(bench.run(recist.target_lesion_sum, mask=_ovals(bench, c, "t0")).items[0].value - sum(c)) for c in cases
    ]
    yield _row("target_lesion_sum", "turned ellipsoids, one to three", errors, "mm")


def _responses(bench: ToolBench) -> Iterator[dict[str, Any]]:
    """How often the category is the true one, and how often it is among those that are said to be possible."""
    right, held, single = 0, 0, 0
    factors = (0.3, 0.6, 0.66, 0.72, 0.8, 1.0, 1.1, 1.17, 1.23, 1.4)
    for factor in factors:
        before = (40.0, 25.0)
        after = tuple(d * factor for d in before)
        found = bench.run(recist.recist_response, earlier=_ovals(bench, before, "t0"), later=_ovals(bench, after, "t1"))
        truth = "PR" if factor <= 0.7 else "PD" if factor >= 1.2 else "SD"
        said = next((f for f in found.flags if "it may be" in f), str(found.value))
        right += f"({truth})" in str(found.value)
        held += f"({truth})" in said
        single += "it may be" not in said
    yield {"tool": "recist_response", "against": "turned ellipsoids grown and shrunk", "n": len(factors),
           "right": right, "true_is_possible": held, "only_one_possible": single}  # fmt: skip


def _calcium(bench: ToolBench) -> Iterator[dict[str, Any]]:
    """Blocks of random size, density and slice thickness against the score worked out from their sizes."""
    rng, errors = np.random.default_rng(5), []
    for slice_mm in (0.75, 1.5, 2.5, 3.0) * 3:
        hu = np.full((80, 80, 24), 40, np.int16)
        wanted = 0.0
        for row in range(4):
            w, h, d = (int(v) for v in rng.integers(2, 8, 3))
            density = int(rng.integers(130, 700))
            hu[5 + 18 * row : 5 + 18 * row + w, 10 : 10 + h, 3 : 3 + d] = density
            wanted += w * h * 0.25 * d * min(4, max(1, density // 100)) * slice_mm / 3
        image = bench.volume(hu, np.diag([0.5, 0.5, slice_mm, 1.0]), **{**CT, "body_part": "heart"})
        region = np.zeros(hu.shape, bool)
        region[2:78, 2:78, 1:23] = True
        found = bench.run(calcium.calcium_score, volume=image, mask=bench.mask(region, image, "given_region"))
        errors.append(abs(found.items[0].value - wanted) / wanted)
    yield _row("calcium_score", "blocks, slices of 0.75 to 3 mm: Agatston score", errors, "of the score")


def _peaks(bench: ToolBench) -> Iterator[dict[str, Any]]:
    """Hot balls of SUV 8 in SUV 1, inside the ball of 1 mL or around it, against the share of it that they fill."""
    spacing, errors = (2.0, 2.1, 3.0), []
    x, y, z = _grid((40, 38, 30), spacing)
    for radius in (3.0, 4.0, 9.0, 12.0):
        hot = x**2 + y**2 + z**2 <= radius**2
        bq = np.where(hot, 8 * 2500, 2500).astype(np.float32)
        image = bench.volume(bq, np.diag([*spacing, 1.0]), **PET)
        share = min(1.0, hot.sum() * np.prod(spacing) / 1000)
        found = bench.run(suv.suv_in_region, volume=image, mask=bench.mask(hot, image, "given_region"))
        peak = next(m.value for m in found.items if m.quantity == "suv_peak")
        errors.append(abs(peak - (1 + 7 * share)) / (1 + 7 * share))
    yield _row("suv_in_region", "hot balls: SUVpeak", errors, "of the value")


def _widths(bench: ToolBench) -> Iterator[dict[str, Any]]:
    """Ellipsoid hearts between lungs of known widths."""
    spacing, errors = (1.5, 1.5, 2.0), []
    x, y, z = _grid((220, 140, 120), spacing)
    for heart_mm, chest_mm in ((110.0, 270.0), (140.0, 280.0), (160.0, 260.0), (125.0, 300.0)):
        heart = (2 * x / heart_mm) ** 2 + (2 * y / 100) ** 2 + (2 * z / 110) ** 2 <= 1
        lungs = ((2 * x / chest_mm) ** 2 + (y / 85) ** 2 + (z / 105) ** 2 <= 1) & (np.abs(x) > 30) & ~heart
        image = bench.volume(np.zeros(x.shape, np.int16), np.diag([*spacing, 1.0]), **{**CT, "body_part": "chest"})
        found = bench.run(cardiothoracic.cardiothoracic_ratio, heart=bench.mask(heart, image, "heart"),
                          lungs=bench.mask(lungs, image, "lung"))  # fmt: skip
        errors.append(abs(found.value - heart_mm / chest_mm))
    yield _row("cardiothoracic_ratio", "ellipsoids", errors, "as a ratio")


def _real_livers(bench: ToolBench) -> Iterator[dict[str, Any]]:
    """Both ways on the native CTs with a model's stored liver and spleen; a contrast CT must be refused."""
    from scipy.ndimage import distance_transform_edt

    data = os.environ.get("SCANWRIGHT_DATA")
    if not data:
        print("SCANWRIGHT_DATA is not set: the real scans are left out", file=sys.stderr)
        return
    for scan in stored_scans(Path(data) / "totalsegmentator_reference"):
        assert scan.labels is not None
        if scan.name == "example_dicom":
            continue  # Contrast was given, which its tags say.
        image = bench.volume(scan.voxels.astype(np.int16), scan.affine, **CT)
        masks, points = {}, {}
        for name, value in (("liver", LIVER), ("spleen", SPLEEN)):
            inside = scan.labels == value
            masks[name] = bench.mask(inside, image, name)
            depth = distance_transform_edt(np.pad(inside, 1), sampling=image.geometry.spacing_mm)[1:-1, 1:-1, 1:-1]
            x, y, z = (scan.affine @ [*np.unravel_index(int(depth.argmax()), depth.shape), 1])[:3]
            points[f"{name}_at"] = Points(points=(Point(x=x, y=y, z=z),))
        for tool, given in ((liver_fat.liver_spleen, masks), (liver_fat.liver_spleen_at_points, points)):
            ratio, difference, grade = bench.run(tool, volume=image, **given).items
            low, high = difference.uncertainty.low, difference.uncertainty.high
            yield {"tool": tool.card.id, "scan": scan.name, "reference": "none (organs of a model)", "n": 1,
                   "ratio": round(ratio.value, 3), "difference_hu": round(difference.value, 1),
                   "range_hu": [round(low, 1), round(high, 1)], "grade": grade.value}  # fmt: skip


def _runs() -> Iterator[dict[str, Any]]:
    """Seconds and peak memory on a large volume, each tool in a process of its own."""
    for name in ("liver_spleen", "liver_spleen_picture", "target_lesion_sum", "target_lesions_picture",
                 "calcium_score", "cardiothoracic_ratio", "cardiothoracic_picture", "suv_in_region",
                 "suv_of_image"):  # fmt: skip
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_alone, args=(there, name))
        process.start()
        there.close()
        try:
            yield here.recv()
        finally:
            process.join()


def _alone(pipe: Connection, name: str) -> None:
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = ToolBench(Path(folder))
        given = _large(bench, name)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        start = time.perf_counter()
        bench.run(load_registry().get(name), **given)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    shape = _PET_SHAPE if name.startswith("suv") else SHAPE
    pipe.send({"tool": name, "shape": list(shape), "seconds": round(seconds, 1), "peak_gb": round(peak, 2),
               "before_gb": round(before, 2)})  # fmt: skip


# No PET has the grid of a CT: 4 mm pixels and less over the body make 256 of them.
_PET_SHAPE = (256, 256, 400)


def _large(bench: ToolBench, name: str) -> dict[str, Any]:
    """A large volume with what the tool needs: ellipsoids for organs and lesions."""
    pet = name.startswith("suv")
    shape = _PET_SHAPE if pet else SHAPE
    affine = np.diag([2.6, 2.6, 3.0, 1.0]) if pet else np.diag([0.75, 0.75, 1.0, 1.0])
    body = "heart" if name.startswith("calcium") else "chest"
    voxels = np.full(shape, 40, np.int16, order="F")
    image: Volume = bench.volume(voxels, affine, **(PET if pet else {**CT, "body_part": body}))
    if name == "suv_of_image":
        return {"volume": image}

    def organ(centre: tuple[float, float, float], half: tuple[float, float, float], structure: str) -> Mask:
        mask = np.zeros(shape, np.bool_, order="F")
        box = tuple(
            slice(max(0, int((c - h) * n)), int((c + h) * n) + 1) for c, h, n in zip(centre, half, shape, strict=True)
        )
        axes = [np.linspace(-1, 1, s.stop - s.start) ** 2 for s in box]
        mask[box] = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :] <= 1
        return bench.mask(mask, image, structure)

    if name == "liver_spleen_picture":
        liver_at, spleen_at = (Points(points=(Point(x=x, y=y, z=200),)) for x, y in ((250, 190), (80, 150)))
        return {"volume": image, "liver_at": liver_at, "spleen_at": spleen_at}
    if name == "liver_spleen":
        liver, spleen = ((0.65, 0.5, 0.5), (0.2, 0.25, 0.2)), ((0.2, 0.4, 0.5), (0.1, 0.1, 0.15))
        given = {"liver": organ(*liver, "liver"), "spleen": organ(*spleen, "spleen")}
    elif name.startswith("cardiothoracic"):
        heart, lungs = ((0.5, 0.5, 0.5), (0.15, 0.15, 0.12)), ((0.5, 0.5, 0.55), (0.4, 0.3, 0.35))
        given = {"heart": organ(*heart, "heart"), "lungs": organ(*lungs, "lung")}
    else:
        given = {"mask": organ((0.5, 0.5, 0.5), (0.12, 0.12, 0.1), "given_region")}
    takes = {spec.name for spec in load_registry().get(name).card.inputs}
    return {**given, **({"volume": image} if "volume" in takes else {})}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
