"""Radiomic features against stored values of another program. `python -m scanwright.evals.accuracy.radiomics`

The reference (`tumour_mr_radiomics_reference`, from the folder that SCANWRIGHT_DATA names) holds what PyRadiomics gave
for a brain tumour on MR: bins of width 25, no resampling, distance 1, 3D. mirp is run with the same settings. Names
differ, and so do some definitions; where one follows from the other by a formula, the formula is applied and named.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.body_ct import _commit
from scanwright.tools.engines import radiomics
from scanwright.tools.imaging.geometry import Geometry

RESULTS = Path(__file__).parents[1] / "results" / "radiomics.json"
FOLDER = "tumour_mr_radiomics_reference"
CASE, LABEL, WIDTH = "brain1", 1, 25.0
# Added to every voxel by the reference before energies are summed.
SHIFT = 2000.0
_CM = ("JointAverage joint_avg", "SumAverage sum_avg", "JointEntropy joint_entr", "ClusterShade clust_shade",
       "MaximumProbability joint_max", "Idmn inv_diff_mom_norm", "JointEnergy energy", "Contrast contrast",
       "DifferenceEntropy diff_entr", "InverseVariance inv_var", "DifferenceVariance diff_var", "Idn inv_diff_norm",
       "Idm inv_diff_mom", "Correlation corr", "Autocorrelation auto_corr", "SumEntropy sum_entr",
       "SumSquares joint_var", "ClusterProminence clust_prom", "Imc2 info_corr2", "Imc1 info_corr1",
       "DifferenceAverage diff_avg", "Id inv_diff", "ClusterTendency clust_tend")  # fmt: skip
_RLM = ("ShortRunLowGrayLevelEmphasis srlge", "GrayLevelVariance gl_var", "LowGrayLevelRunEmphasis lgre",
        "GrayLevelNonUniformityNormalized glnu_norm", "RunVariance rl_var", "GrayLevelNonUniformity glnu",
        "LongRunEmphasis lre", "ShortRunHighGrayLevelEmphasis srhge", "RunLengthNonUniformity rlnu",
        "ShortRunEmphasis sre", "LongRunHighGrayLevelEmphasis lrhge", "RunPercentage r_perc",
        "LongRunLowGrayLevelEmphasis lrlge", "RunEntropy rl_entr", "HighGrayLevelRunEmphasis hgre",
        "RunLengthNonUniformityNormalized rlnu_norm")  # fmt: skip
_SZM = ("GrayLevelVariance gl_var", "ZoneVariance zs_var", "GrayLevelNonUniformityNormalized glnu_norm",
        "SizeZoneNonUniformityNormalized zsnu_norm", "SizeZoneNonUniformity zsnu", "GrayLevelNonUniformity glnu",
        "LargeAreaEmphasis lze", "SmallAreaHighGrayLevelEmphasis szhge", "ZonePercentage z_perc",
        "LargeAreaLowGrayLevelEmphasis lzlge", "LargeAreaHighGrayLevelEmphasis lzhge",
        "HighGrayLevelZoneEmphasis hgze", "SmallAreaEmphasis sze", "LowGrayLevelZoneEmphasis lgze",
        "ZoneEntropy zs_entr", "SmallAreaLowGrayLevelEmphasis szlge")  # fmt: skip
_SHAPE = ("Maximum3DDiameter diam", "Sphericity sphericity", "MinorAxisLength pca_min_axis",
          "Elongation pca_elongation", "SurfaceVolumeRatio av", "MeshVolume volume", "MajorAxisLength pca_maj_axis",
          "SurfaceArea area_mesh", "Flatness pca_flatness", "LeastAxisLength pca_least_axis",
          "VoxelVolume vol_approx")  # fmt: skip
_STAT = ("InterquartileRange iqr", "Skewness skew", "Median median", "RobustMeanAbsoluteDeviation rmad",
         "MeanAbsoluteDeviation mad", "Maximum max", "90Percentile p90", "Minimum min", "Range range", "Variance var",
         "10Percentile p10", "Mean mean")  # fmt: skip
_NGT = ("Coarseness coarseness", "Complexity complexity", "Strength strength", "Contrast contrast",
        "Busyness busyness")  # fmt: skip
# The reference's class and name → mirp's short name.
SAME: dict[str, str] = {
    f"{group}_{theirs}": f"{prefix}_{ours}"
    for group, prefix, pairs in (
        ("shape", "morph", _SHAPE), ("firstorder", "stat", _STAT), ("glcm", "cm", _CM), ("glrlm", "rlm", _RLM),
        ("glszm", "szm", _SZM), ("ngtdm", "ngt", _NGT),
    )
    for theirs, ours in (pair.split() for pair in pairs)
} | {"firstorder_Entropy": "ih_entropy", "firstorder_Uniformity": "ih_uniformity"}  # fmt: skip
# Where the definitions differ: the formula, and what it makes of ours.
CONVERTED: dict[str, tuple[str, str, Callable[[dict[str, float]], float]]] = {
    "firstorder_Kurtosis": ("stat_kurt", "IBSI takes 3 off", lambda f: f["stat_kurt"] + 3),
    "firstorder_Energy": (
        "stat_energy", "the reference adds 2000 to every voxel",
        lambda f: f["stat_energy"] + f["voxels"] * (2 * SHIFT * f["stat_mean"] + SHIFT**2),
    ),
    "firstorder_RootMeanSquared": (
        "stat_rms", "the reference adds 2000 to every voxel",
        lambda f: (f["stat_rms"] ** 2 + 2 * SHIFT * f["stat_mean"] + SHIFT**2) ** 0.5,
    ),
}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Compares, prints what differs, and writes the results."""
    parser = argparse.ArgumentParser(prog="scanwright eval radiomics")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(list(argv))
    data = os.environ.get("SCANWRIGHT_DATA")
    if not data or not (Path(data) / FOLDER).is_dir():
        print("The reference is not here: set SCANWRIGHT_DATA to the folder with the real scans.", file=sys.stderr)
        return 1
    rows, left = compared(Path(data) / FOLDER)
    counts = {name: sum(r["agrees"] == name for r in rows) for name in ("within 1 %", "within 5 %", "not")}
    result = {
        "commit": _commit(), "case": CASE, "reference": "stored values of PyRadiomics, bins of width 25, no resampling",
        "counts": counts, "rows": rows, "not_defined_by_both": left,
    }  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    print(counts)
    for row in rows:
        if row["agrees"] != "within 1 %":
            print(f"{row['reference']:<40}{row['theirs']:<14.6g}{row['ours']:<14.6g}{row['relative']:.3f}")
    return 0


def compared(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Each feature of the reference that we define too, side by side; and the names of the others."""
    voxels, mask, geometry = _case(folder)
    found = radiomics.features(voxels, mask, geometry, tuple(radiomics.FAMILIES), radiomics.Bins(width=WIDTH))
    ours = {_bare(f.key): f.value for f in found if f.value is not None} | {"voxels": float(mask.sum())}
    codes = {_bare(f.key): f.ibsi for f in found}
    rows, left = [], []
    for name, theirs in sorted(_reference(folder).items()):
        if name in CONVERTED:
            key, note, convert = CONVERTED[name]
            value = convert(ours)
        elif (key := SAME.get(name, "")) in ours:
            note, value = "", ours[key]
        else:
            left.append(name)
            continue
        relative = abs(value - theirs) / abs(theirs)
        agrees = "within 1 %" if relative <= 0.01 else "within 5 %" if relative <= 0.05 else "not"
        rows.append({"reference": name, "ours_name": key, "ibsi": codes[key], "theirs": theirs, "ours": value,
                     "relative": round(relative, 6), "agrees": agrees, "note": note})  # fmt: skip
    return rows, left


def _bare(key: str) -> str:
    """mirp's name without its settings: "cm_energy_d1_3d_avg_fbs_w25.0" → "cm_energy"."""
    for mark in ("_d1_", "_3d", "_fbs"):
        key = key.split(mark)[0]
    return key


def _case(folder: Path) -> tuple[NDArray[Any], NDArray[np.bool_], Geometry]:
    import SimpleITK

    image = SimpleITK.ReadImage(str(folder / f"{CASE}_image.nrrd"))
    label = SimpleITK.ReadImage(str(folder / f"{CASE}_label.nrrd"))
    affine = np.eye(4)
    to_ras = np.diag([-1.0, -1.0, 1.0])
    affine[:3, :3] = to_ras @ np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = to_ras @ np.array(image.GetOrigin())
    voxels = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
    mask = SimpleITK.GetArrayFromImage(label).transpose(2, 1, 0) == LABEL
    return voxels, mask, Geometry.of(voxels.shape, affine)


def _reference(folder: Path) -> dict[str, float]:
    found = {}
    for group in ("shape", "firstorder", "glcm", "glrlm", "glszm", "ngtdm"):
        with (folder / "baseline" / f"baseline_{group}.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["featureName"].startswith("original_"):
                    found[row["featureName"].removeprefix("original_")] = float(row[CASE])
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
