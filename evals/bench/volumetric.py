"""Speed and memory of the volumetric engine: this processor's fast precision against float32, and a large CT.

Networks are small or untrained ones of the published layouts: their time and memory are those of the published
ones, what they see is not. Run: python -m scanwright.evals.bench.volumetric [speed|memory]
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scanwright.evals.bench import volumetric_models as small
from scanwright.tools.engines.volumetric.folders import load_folder
from scanwright.tools.engines.volumetric.model import VolumetricModel, Windows, plain
from scanwright.tools.engines.volumetric.nnunet_networks import Design, unet
from scanwright.tools.engines.volumetric.preparing import Crop, Resample, Standardise
from scanwright.tools.engines.volumetric.running import labels_of
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.weights.verified import digest

RESULTS = Path(__file__).parent.parent / "results" / "bench_volumetric.json"


def speed(repeats: int = 3) -> dict[str, Any]:
    """Seconds in float32 and in bfloat16, in turns, and the Dice of the worst class, on a network that was trained."""
    wide = replace(small.SMALL, features=(16, 32, 64, 64))
    import torch

    torch.manual_seed(1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    network = small.train(unet(wide), 80)
    torch.set_num_threads(threads)
    with TemporaryDirectory() as folder:
        made = small.write_nnunet(Path(folder) / "m", [network], design=wide)
        for path in made.rglob("*.pth"):
            digest(path)
        model = load_folder(made, "phantoms")
    trunk = small.trunk(31, (2.0, 2.0, 3.0))
    geometry = Geometry.of(trunk.hu.shape, trunk.affine)
    seconds: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    labels: dict[str, Any] = {}
    for _ in range(repeats):
        for precision in ("float32", "bfloat16"):
            begun = time.perf_counter()
            labels[precision] = labels_of(model, trunk.hu, geometry, _quiet, precision=precision).labels
            seconds[precision].append(time.perf_counter() - begun)
    one, other = labels["float32"], labels["bfloat16"]
    sizes = {v: int((one == v).sum() + (other == v).sum()) for v in range(1, len(small.LABELS))}
    dice = min(2 * ((one == v) & (other == v)).sum() / size for v, size in sizes.items() if size)
    middle = {k: statistics.median(v) for k, v in seconds.items()}
    return {
        "seconds": {k: round(v, 2) for k, v in middle.items()},
        "ratio": round(middle["bfloat16"] / middle["float32"], 2),
        "worst_class_dice": round(float(dice), 4),
        "classes_seen": sum(size > 0 for size in sizes.values()),
        "threads": torch.get_num_threads(),
    }


def memory(
    classes: int = 118, spacing_mm: float = 3.0, patch: tuple[int, int, int] = (128, 128, 128)
) -> dict[str, Any]:
    """Peak memory and seconds of a whole run on a CT of 512×512×400, with a network of TotalSegmentator's size."""
    design = Design(
        residual=False, inputs=1, classes=classes, kernels=((3, 3, 3),) * 6, bias=True,
        strides=((1, 1, 1), *((2, 2, 2),) * 5),
        features=(32, 64, 128, 256, 320, 320), convolutions=(2,) * 6, up=(2,) * 5,
    )  # fmt: skip
    model = VolumetricModel(
        name="size", axcodes="SAR",
        steps=(Crop("nonzero"), Standardise(0.0, 300.0, -1000.0, 1500.0), Resample((spacing_mm,) * 3, 3, "edges", 0)),
        windows=Windows(patch), labels=tuple(str(n) for n in range(classes)), channels=classes,
        networks=(unet(design).eval(),), forward=plain,
    )  # fmt: skip
    hu = np.random.default_rng(0).normal(0, 200, (512, 512, 400)).astype(np.int16)
    begun = time.perf_counter()
    seen = labels_of(model, hu, Geometry.of(hu.shape, np.diag([0.75, 0.75, 1.0, 1.0])), _quiet)
    return {
        "classes": classes,
        "spacing_mm": spacing_mm,
        "seconds": round(time.perf_counter() - begun, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "precision": seen.precision,
    }


def _quiet(fraction: float) -> None: ...


def main() -> None:
    """Writes what was asked for into the results."""
    import torch

    torch.set_num_threads(2)
    made = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    what = sys.argv[1] if len(sys.argv) > 1 else "speed"
    if what == "speed":
        made["speed"] = speed()
    else:
        classes, spacing, size = (int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])) if len(sys.argv) > 4 else (
            118, 3.0, 128)  # fmt: skip
        made[f"memory_{spacing:g}mm_{classes}"] = memory(classes, spacing, (size,) * 3)
    RESULTS.write_text(json.dumps(made, indent=1) + "\n")
    print(json.dumps(made, indent=1))


if __name__ == "__main__":
    main()
