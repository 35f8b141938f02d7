"""Nuclei against hand-drawn ones and against other tools. `python -m scanwright.evals.accuracy.histology`

Data lie in the folder that SCANWRIGHT_DATA names. Hand-labelled: 125 fluorescent nuclei (`nuclei_fluorescence_truth`).
Constants for fluorescence were chosen on its left half, and figures are those of the right half (and of both). For
H&E and Ki-67 the references are the output of published tools, no manual truth, and the same crops were looked at
while the constants were chosen: what they show is agreement on known tiles, no accuracy on unknown ones.
"""

from __future__ import annotations

import argparse
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
from scanwright.tools.artifacts import ImageFacts, Slide
from scanwright.tools.families.histology_nuclei import nuclei_by_stain, nuclei_count, positive_fraction
from scanwright.tools.imaging.flat.reader import open_reader, read_box
from scanwright.tools.imaging.flat.slides import describe_slide
from scanwright.tools.morphology import slide_nuclei
from scanwright.tools.runtime.flat import store_flat
from scanwright.tools.runtime.memory import peak_memory_mb, reset_peak_memory
from scanwright.tools.testing import ToolBench

RESULTS = Path(__file__).parents[1] / "results" / "accuracy_histology.json"
MODEL = "output of published tools, no manual truth"
CHOSEN = (
    "Fluorescence: constants chosen on the left half. H&E and Ki-67: constants chosen while looking at these crops; "
    "the factor for pale counterstain on the Ki-67 crop."
)
CROPS = "pathology_he_ki67_openslide_crops"


def main(argv: Sequence[str]) -> int:
    """Measures, prints a table, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval histology")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(list(argv))
    data = os.environ.get("SCANWRIGHT_DATA")
    if data is None:
        print("SCANWRIGHT_DATA is not set: it names the folder with the real slides.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        bench = ToolBench(Path(folder))
        result = {
            "commit": _commit(),
            "chosen_on": CHOSEN,
            "fluorescence": fluorescence(bench, Path(data) / "nuclei_fluorescence_truth"),
            "h_and_e": counted(
                bench, Path(data) / CROPS / "OS-1-detail.ome.tif", "H&E", {"QuPath": 319, "StarDist": 331}
            ),
            "h_and_e_lymphoid": counted(
                bench, Path(data) / "pathology_instanseg_examples" / "HE_example.tif", "H&E", {}
            ),
            "ki67": ki67(bench, Path(data) / CROPS),
            "whole_slide": whole_slide(bench, Path(data) / CROPS / "OS-1-detail.ome.tif", Path(folder)),
        }
    options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=1, ensure_ascii=False))
    return 0


def fluorescence(bench: ToolBench, folder: Path) -> dict[str, Any]:
    """F1 at IoU 0.5 and counts, against nuclei drawn by people. The pixel size is not known: 0.5 µm is assumed."""
    import tifffile

    image, truth = tifffile.imread(folder / "img2d.tif"), tifffile.imread(folder / "mask2d.tif").astype(np.int32)
    grey = np.rint(image / image.max() * 255).astype(np.uint8)
    slide = bench.slide(np.repeat(grey[:, :, None], 3, axis=2), 0.5, stain="fluorescence")
    cells, seconds, memory = _timed(bench, slide)
    labels = bench.ctx.cell_labels(cells)
    assert labels is not None
    half = truth.shape[1] / 2
    return {
        "reference": "manual, 125 nuclei of one image; pixel size assumed",
        "whole": matched(labels, truth),
        "chosen_half": matched(_in(labels, 0, half), _in(truth, 0, half)),
        "other_half": matched(_in(labels, half, 2 * half), _in(truth, half, 2 * half)),
        "seconds": seconds,
        "peak_memory_mb": memory,
    }


def counted(bench: ToolBench, file: Path, stain: str, reference: dict[str, int]) -> dict[str, Any]:
    """The count with its range, and whether tiles count what one piece counts."""
    slide = _slide(bench, file, stain)
    cells, seconds, memory = _timed(bench, slide)
    count = bench.run(nuclei_count, slide=slide, cells=cells)
    return {
        "reference": {"what": MODEL, **reference} if reference else None,
        "count": count.value,
        "range": [round(count.uncertainty.low, 1), round(count.uncertainty.high, 1)],
        "count_by_tiles_of_200_pixels": _by_tiles(bench, slide, 200),
        "megapixels": round(slide.frame.width * slide.frame.height / 1e6, 2),
        "seconds": seconds,
        "peak_memory_mb": memory,
    }


def ki67(bench: ToolBench, folder: Path) -> dict[str, Any]:
    """Count, and the positive share at the thresholds at which the reference tool was run."""
    file = folder / "OS-2-ndpi.ome.tif"
    result = counted(bench, file, "IHC DAB", {})
    cells = bench.run(nuclei_by_stain, slide=_slide(bench, file, "IHC DAB"))
    lines = (folder / "OS-2-ndpi-results.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines if line.strip()]
    result["reference"] = {
        "what": MODEL,
        "rows": [
            {"detection": float(r[1]), "dab": float(r[2]), "count": int(r[3]), "positive": round(float(r[4]), 1)}
            for r in rows
        ],
    }
    result["positive"] = []
    for threshold in (0.2, 0.5):
        share = bench.run(positive_fraction, cells=cells, threshold=threshold)
        spread = [round(share.uncertainty.low, 1), round(share.uncertainty.high, 1)]
        result["positive"].append({"dab": threshold, "positive": round(share.value, 1), "range": spread})
    return result


def whole_slide(bench: ToolBench, file: Path, folder: Path) -> dict[str, Any]:
    """Seconds and memory on a pyramid of 7 × 7 copies of the H&E crop, written as OME-TIFF and read by tiles."""
    import tifffile

    one = bench.ctx.pixels(_slide(bench, file, "H&E"))
    large = np.tile(one, (7, 7, 1))
    path = folder / "large.ome.tif"
    with tifffile.TiffWriter(path, ome=True, bigtiff=True) as out:
        said = {"axes": "YXS", "PhysicalSizeX": 0.2271, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.2271,
                "PhysicalSizeYUnit": "µm"}  # fmt: skip
        out.write(large, subifds=2, metadata=said, photometric="rgb", tile=(512, 512), compression="jpeg")
        for step in (4, 16):
            out.write(large[::step, ::step], subfiletype=1, photometric="rgb", tile=(512, 512), compression="jpeg")
    del large
    found = describe_slide(path)
    assert found is not None
    blob = bench.blobs.put(path, "image/tiff")
    slide = store_flat(
        [blob], found.frame, ImageFacts(modality="SM", stain="H&E"), kind=Slide, stored=found.stored,
        pixel_hash=blob.sha256, name="large", subject="P-test", time="t0",
    )  # fmt: skip
    cells, seconds, memory = _timed(bench, slide)
    return {"what": "49 copies of the H&E crop as a pyramid", "megapixels": round(found.frame.width**2 / 1e6, 1),
            "count": cells.count, "seconds": seconds, "peak_memory_mb": memory}  # fmt: skip


def matched(found: NDArray[np.int32], truth: NDArray[np.int32]) -> dict[str, Any]:
    """Pairs with an intersection over union above 0.5 (no nucleus has two such partners), and what follows."""
    a, b = _numbered(found), _numbered(truth)
    both = np.zeros((a.max() + 1, b.max() + 1), np.int64)
    np.add.at(both, (a.ravel(), b.ravel()), 1)
    union = both.sum(axis=1)[1:, None] + both.sum(axis=0)[None, 1:] - both[1:, 1:]
    pairs = int((both[1:, 1:] / np.maximum(union, 1) > 0.5).sum())
    n, m = int(a.max()), int(b.max())
    return {"found": n, "truth": m, "matched": pairs, "precision": round(pairs / max(n, 1), 3),
            "recall": round(pairs / max(m, 1), 3), "f1": round(2 * pairs / max(n + m, 1), 3),
            "count_error_percent": round(100 * (n - m) / max(m, 1), 1)}  # fmt: skip


def _numbered(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(labels.shape))


def _in(labels: NDArray[np.int32], first: float, end: float) -> NDArray[np.int32]:
    """The nuclei whose middle lies in these columns."""
    from skimage.measure import regionprops

    out = labels.copy()
    for part in regionprops(labels):
        if not first <= part.centroid[1] < end:
            out[part.slice][part.image] = 0
    return out


def _timed(bench: ToolBench, slide: Slide) -> tuple[Any, float, int]:
    reset_peak_memory()
    start = time.perf_counter()
    cells = bench.run(nuclei_by_stain, slide=slide)
    return cells, round(time.perf_counter() - start, 2), round(peak_memory_mb() or 0)


def _by_tiles(bench: ToolBench, slide: Slide, core: int) -> int:
    def read(box: Any, downsample: float) -> NDArray[np.uint8]:
        return bench.ctx.pixels(slide, box, downsample=downsample)

    stain = str(slide.image.stain)
    tissue, down = slide_nuclei.tissue_view(read, slide.frame, stain)
    how = slide_nuclei.looking(read, slide.frame, stain, tissue, down)
    tiles = slide_nuclei.tiles_of(slide.frame, how, tissue, down, core)
    return sum(len(slide_nuclei.nuclei_of(read, tile, how)[0]) for tile in tiles)


def _slide(bench: ToolBench, file: Path, stain: str) -> Slide:
    found = describe_slide(file)
    assert found is not None
    assert found.frame.um_per_pixel is not None
    rgb = read_box(open_reader(found.stored, found.files), found.frame, None, 1.0)
    return bench.slide(rgb, found.frame.um_per_pixel[0], stain=stain)


def _commit() -> str:
    folder = Path(__file__).parent
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, check=False
    ).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
