"""Reading images: NIfTI against nibabel, re-opening from our own cache against a plain mapping."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from scanwright.evals.bench.figures import Figure, interleaved

DEMO = Path(__file__).resolve().parents[2] / "demo"
# Not ru_maxrss: it begins at the size of the process that started this one.
_PEAK = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"


def measure() -> list[Figure]:
    """Time and peak memory of loading the head CT; re-opening it."""
    import nibabel
    import numpy as np
    from scanwright.tools.imaging.nifti import read_nifti_volume
    from scanwright.tools.pixels import read_volume, write_volume

    file = DEMO / "head_ct.nii.gz"
    ours, theirs = interleaved([lambda: read_nifti_volume(file), lambda: nibabel.load(file).get_fdata()], 9)
    with tempfile.TemporaryDirectory() as folder:
        voxels = np.asarray(nibabel.load(file).dataobj)
        cached, plain = Path(folder) / "cached.npy", Path(folder) / "plain.raw"
        write_volume(voxels, cached)
        voxels.ravel(order="F").tofile(plain)
        again, mapped = interleaved(
            [lambda: read_volume(cached).sum(), lambda: np.memmap(plain, dtype=voxels.dtype, mode="r").sum()], 15
        )
    imports = f"import nibabel; from pathlib import Path; from {read_nifti_volume.__module__} import read_nifti_volume"
    base = _peak(imports)
    our_peak = _peak(f"{imports}; v = read_nifti_volume(Path({str(file)!r}))") - base
    their_peak = _peak(f"{imports}; v = nibabel.load({str(file)!r}).get_fdata()") - base
    return [
        Figure("load head_ct.nii.gz", ours * 1000, "ms", "nibabel get_fdata", theirs * 1000, "≤ 0.35×"),
        Figure("peak memory of that load", our_peak, "MB", "nibabel get_fdata", their_peak, "≤ 0.35×"),
        Figure("re-open and sum from our cache", again * 1000, "ms", "numpy memmap and sum", mapped * 1000, "≤ 1.1×"),
    ]


def _peak(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", f"{code}; {_PEAK}"], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1024
