"""Calcium on gated, native cardiac CT: lesions slice by slice, the Agatston score and the volume score.

Agatston et al., J Am Coll Cardiol 1990;15:827–832; volume score: Callister et al., Radiology 1998;208:807–814.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

THRESHOLD_HU: Final = 130.0
LEAST_MM2: Final = 1.0
# Agatston's slices were 3 mm thick and lay side by side; others are scaled to them.
SLICE_MM: Final = 3.0
# Lesions have the weight of their densest voxel: 1 from 130, 2 from 200, 3 from 300, 4 from 400 HU.
WEIGHTS_FROM_HU: Final = (200.0, 300.0, 400.0)


@dataclass(frozen=True)
class Scores:
    """agatston is without unit, volume in mm³; lesions counts the parts in 3D; calcium is their mask (x, y, z)."""

    agatston: float
    volume_mm3: float
    lesions: int
    calcium: NDArray[np.bool_]


def scores(
    hu: NDArray[Any], region: NDArray[np.bool_], spacing_mm: tuple[float, float, float], threshold_hu: float
) -> Scores:
    """Scores of what reaches the threshold inside a region; arrays are (x, y, z), slices along z.

    In each slice, connected parts (8 neighbours) of 1 mm² and more are lesions; each counts its area in mm² times
    the weight of its densest voxel, times the distance of the slices over 3 mm.
    """
    import cc3d
    from scipy.ndimage import label, maximum

    dense = region & (hu >= threshold_hu)
    calcium = np.zeros(region.shape, np.bool_)
    pixel_mm2 = spacing_mm[0] * spacing_mm[1]
    agatston = 0.0
    for z in np.flatnonzero(dense.any(axis=(0, 1))):
        labels, count = label(dense[:, :, z], np.ones((3, 3)))
        numbers = np.arange(1, count + 1)
        areas = np.bincount(labels.ravel(), minlength=count + 1)[1:] * pixel_mm2
        peaks = np.atleast_1d(maximum(hu[:, :, z], labels, numbers))
        # A part of one square millimetre must not be lost to the last bit of the spacing.
        large = areas >= LEAST_MM2 - 1e-6
        weights = 1 + np.searchsorted(WEIGHTS_FROM_HU, peaks, side="right")
        agatston += float((areas * weights)[large].sum()) * spacing_mm[2] / SLICE_MM
        calcium[:, :, z] = np.isin(labels, numbers[large])
    parts = int(cc3d.connected_components(calcium.view(np.uint8), connectivity=26).max()) if calcium.any() else 0
    volume = float(np.count_nonzero(calcium)) * pixel_mm2 * spacing_mm[2]
    return Scores(agatston, volume, parts, calcium)


def goes_on_outside(
    hu: NDArray[Any], region: NDArray[np.bool_], calcium: NDArray[np.bool_], threshold_hu: float
) -> float:
    """Share of the calcium that hangs together with more as dense outside the region, which is bone or a valve ring."""
    import cc3d

    if not calcium.any():
        return 0.0
    labels = cc3d.connected_components((hu >= threshold_hu).view(np.uint8), connectivity=6)
    outside = np.zeros(int(labels.max()) + 1, np.bool_)
    outside[labels[~region]] = True
    outside[0] = False
    return float(outside[labels[calcium]].mean())
