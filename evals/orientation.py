"""Brain volume of one scan under all 48 axis orders and flips, asked as a person asks.

python -m scanwright.evals.orientation SCAN.nii.gz [--home DIR] [--ways 0,13,47]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from scanwright.agent.workbench import Workbench

QUESTION = "How large is the brain?"
SPREAD_AT_MOST = 0.02


def volumes(workbench: Workbench, scan: Path, folder: Path, ways: Iterable[int]) -> dict[int, float]:
    """The brain volume in mL for each way (0 to 47) of storing the scan, which is written into folder meanwhile."""
    import nibabel
    import numpy as np
    from scanwright.tools.imaging.sidecar import sidecar_path
    from scanwright.tools.phantoms import reoriented

    image = nibabel.load(scan)
    voxels = np.asanyarray(image.dataobj)
    found: dict[int, float] = {}
    for k in ways:
        turned, affine = reoriented(voxels, image.affine, k)
        # A name of its own each, so that nothing is remembered of the one before.
        path = folder / f"way{k}.nii"
        stored = nibabel.Nifti1Image(turned, affine)
        stored.header["sform_code"], stored.header["qform_code"] = image.header["sform_code"], 0
        nibabel.save(stored, path)
        if sidecar_path(scan).is_file():
            shutil.copyfile(sidecar_path(scan), sidecar_path(path))
        result = workbench.ask([path], QUESTION)
        path.unlink()
        value = next((e.value for e in result.evidence if e.quantity == "volume"), None)
        if not isinstance(value, int | float):
            raise SystemExit(f"way {k}: {result.answer}")
        found[k] = float(value)
    return found


def main(argv: list[str] | None = None) -> int:
    """Prints the smallest and largest volume as JSON; 1 where they differ by more than 2 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--home", type=Path, help="Where results are kept (default: a folder that is removed after).")
    parser.add_argument("--ways", default=",".join(map(str, range(48))), help="Which of the 48 (default: all).")
    arguments = parser.parse_args(argv)
    ways = [int(k) for k in arguments.ways.split(",")]
    with tempfile.TemporaryDirectory() as folder, Workbench(arguments.home or Path(folder) / "home") as workbench:
        found = volumes(workbench, arguments.scan, Path(folder), ways)
    low, high = min(found.values()), max(found.values())
    report = {"scan": arguments.scan.name, "ways": len(found), "min_ml": low, "max_ml": high, "spread": high / low - 1}
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0 if report["spread"] <= SPREAD_AT_MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
