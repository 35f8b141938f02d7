"""Retina tools on drawn fundi of known vessels, and the two methods against each other on a photograph.

`scanwright eval retina`; the network runs where SCANWRIGHT_DATA names its weights. The photograph comes with
scikit-image; nobody has drawn its vessels, so what is said of it is agreement and no accuracy.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
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
from scanwright.tools.artifacts import Measurement, Photograph, Region
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.families import retina, retina_measures
from scanwright.tools.families.retina_picture import photograph_overlay
from scanwright.tools.phantoms_fundus import Fundus, fundus
from scanwright.tools.runtime.memory import peak_memory_mb
from scanwright.tools.testing import ToolBench

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_retina.json"
WEIGHTS = "weights_retina_vessel_unet"
MEASURES = (retina_measures.vessel_density, retina_measures.vessel_length, retina_measures.vessel_calibre,
            retina_measures.fractal_dimension)  # fmt: skip
# Diameter of the field, frame (rows, columns), noise, contrast of the vessels.
DRAWN = (
    (420, (460, 560), 3.0, 0.3), (700, (760, 900), 3.0, 0.3), (700, (760, 900), 8.0, 0.3), (900, (960, 1100), 3.0, 0.2)
)  # fmt: skip
SEEDS = (5, 6, 7)
LARGE = (4000, 6000)


def main(argv: Sequence[str]) -> int:
    """Measures, prints the rows, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval retina")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of every region")
    options = parser.parse_args(list(argv))
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = _bench(Path(folder))
        rows = [row for case in _drawn() for row in _against_drawn(bench, *case)]
        agreement = _on_photograph(bench, options.pictures)
    runs = [_alone(tool.card.id) for tool in (retina.fundus_field, *_methods())]
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    result = {"commit": done.stdout.strip() or "unknown", "cores": os.cpu_count(), "summary": _summary(rows),
              "photograph": agreement, "runs": runs, "drawn": rows}  # fmt: skip
    for part in ("summary", "photograph", "runs"):
        print(json.dumps(result[part], indent=1))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _bench(folder: Path) -> ToolBench:
    (folder / "weights").mkdir()
    (folder / "blobs").mkdir()
    if "SCANWRIGHT_DATA" in os.environ:
        (folder / "weights" / "retina-vessel-unet").symlink_to(Path(os.environ["SCANWRIGHT_DATA"]).resolve() / WEIGHTS)
    return ToolBench(folder / "blobs", weights_dir=folder / "weights")


def _methods() -> tuple[Tool[..., Any], ...]:
    network = (retina.retinal_vessels,) if "SCANWRIGHT_DATA" in os.environ else ()
    return (*network, retina.retinal_vessels_ridges)


def _drawn() -> Iterator[tuple[str, Fundus]]:
    for diameter, frame, noise, contrast in DRAWN:
        for seed in SEEDS:
            name = f"field {diameter} px, noise {noise:g}, contrast {contrast:g}, seed {seed}"
            yield name, fundus(diameter, frame=frame, seed=seed, noise=noise, contrast=contrast)


def _seen(bench: ToolBench, rgb: NDArray[np.uint8]) -> tuple[Photograph, Region, dict[str, Region]]:
    image = bench.photograph(rgb, body_part="eye")
    field = bench.run(retina.fundus_field, photograph=image)
    return image, field, {t.card.id: bench.run(t, photograph=image, field=field) for t in _methods()}


def _against_drawn(bench: ToolBench, name: str, drawn: Fundus) -> Iterator[dict[str, Any]]:
    image, field, found = _seen(bench, drawn.rgb)
    true = bench.ctx.region(drawn.vessels, image, "retinal_vessel")
    whole = bench.ctx.region(drawn.field, image, "fundus")
    wanted = {m.card.id: bench.run(m, vessel=true, field=whole) for m in MEASURES}
    known = {"vessel_density": 100 * true.pixels / whole.pixels, "vessel_length": drawn.length,
             "vessel_calibre": drawn.calibre, "fractal_dimension": wanted["fractal_dimension"].value}  # fmt: skip
    yield {"case": name, "method": "as drawn", "dice": 1.0,
           **{m: _error(wanted[m], known[m]) for m in known}}  # fmt: skip
    for method, region in found.items():
        values = {m.card.id: bench.run(m, vessel=region, field=field) for m in MEASURES}
        overlap = round(dice(bench.ctx.region_pixels(region), drawn.vessels), 3)
        yield {"case": name, "method": method, "dice": overlap, **{m: _error(values[m], known[m]) for m in known}}


def _error(measured: Measurement, truth: Any) -> dict[str, Any]:
    """The error as a share of the truth, and whether the range holds the truth."""
    said = measured.uncertainty
    held = said is not None and said.low is not None and said.high is not None and said.low <= truth <= said.high
    return {"error": round(float(measured.value) / truth - 1, 3) if isinstance(measured.value, int | float) else None,
            "held": held}  # fmt: skip


def _summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    result = []
    for method in dict.fromkeys(r["method"] for r in rows):
        mine = [r for r in rows if r["method"] == method]
        overlaps = [r["dice"] for r in mine]
        row: dict[str, Any] = {"method": method, "n": len(mine), "dice_mean": round(float(np.mean(overlaps)), 3),
                               "dice_min": min(overlaps)}  # fmt: skip
        for tool in MEASURES:
            errors = [r[tool.card.id]["error"] for r in mine]
            row[tool.card.id] = {"mean_error": round(float(np.mean(errors)), 3), "worst": max(errors, key=abs),
                                 "range_held_truth": sum(r[tool.card.id]["held"] for r in mine)}  # fmt: skip
        result.append(row)
    return result


def _on_photograph(bench: ToolBench, pictures: Path | None) -> dict[str, Any]:
    from skimage.data import retina as packaged

    image, field, found = _seen(bench, packaged())
    result: dict[str, Any] = {"field_pixels": field.pixels}
    for method, region in found.items():
        values = [bench.run(m, vessel=region, field=field) for m in MEASURES]
        result[method] = {v.quantity: [round(float(v.value), 3), v.unit] for v in values}
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            figure = bench.run(photograph_overlay, photograph=image, region=region)
            (pictures / f"{method}.png").write_bytes(bench.blobs.path(figure.blob).read_bytes())
    if len(found) == 2:
        one, other = (bench.ctx.region_pixels(r) for r in found.values())
        result["dice_between_methods"] = round(dice(one, other), 3)
    return result


def _alone(tool: str) -> dict[str, Any]:
    """Seconds and peak memory of one tool on a photograph of 24 megapixels, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(theirs, tool))
    process.start()
    theirs.close()
    row: dict[str, Any] = ours.recv()
    process.join()
    return row


def _measure(pipe: Connection, tool: str) -> None:
    from PIL import Image

    small = fundus(700, frame=(760, 1140), seed=5).rgb
    rgb = np.asarray(Image.fromarray(small).resize(LARGE[::-1], Image.Resampling.BICUBIC))
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = _bench(Path(folder))
        image = bench.photograph(rgb, body_part="eye")
        chosen = next(t for t in (retina.fundus_field, *_methods()) if t.card.id == tool)
        given: dict[str, Any] = {"photograph": image}
        if chosen is not retina.fundus_field:
            given["field"] = bench.run(retina.fundus_field, photograph=image)
        began = time.perf_counter()
        bench.run(chosen, **given)
        seconds = time.perf_counter() - began
    pipe.send({"tool": tool, "pixels": list(LARGE), "seconds": round(seconds, 1),
               "peak_gb": round(peak_memory_mb() / 1000, 2)})  # fmt: skip


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Overlap of two regions."""
    both = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 2.0 * int(np.count_nonzero(one & other)) / max(both, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
