"""Contrast medium and bone on CT (HU): even, bright parts without a brighter rim, and what is bright besides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import parts, reach
from scanwright.tools.morphology.reach import Spacing

Mask3 = NDArray[np.bool_]

SMOOTH_MM = 1.0
WINDOW_MM = 3.0
# Blood without contrast is below 80 HU; muscle and liver in contrast below 130.
EVEN_HU = 130
# Blood and kidneys are even to within noise, cancellous bone is not (tuned on five scans, 5 to 9 % against 9 to 12 %).
EVEN_SHARE = 0.12
MEDIAN_SHARE = 0.085
# Bone has a cortex: a shell brighter than its core. Vessels and kidneys have none.
RIM_MM, RIM_HU, RIM_SHARE = 6.0, 50, 0.08
EVEN_ML = 0.3
# No vessel is as bright; cortex and metal are.
DENSE_HU = 600
# The window takes this much off the border of an even part.
BORDER_MM = 4.5
BONE_HU = 200
BONE_ML = 0.3
# Cortex in a part's densest voxels; small enhanced vessels stay below.
CORTEX_HU = 350
CORTEX_OVER_BLOOD_HU = 100


def enhanced(hu: NDArray[Any], body: Mask3, spacing: Spacing) -> tuple[Mask3, Mask3, float]:
    """Cores of vessels, kidneys and bowel with contrast in a body, with their border, and their mean HU (0: none).

    A core is an even part of 0.3 mL and more above 130 HU that no brighter rim surrounds. Returns the cores, the
    cores with all that is joined to them and as bright, up to 4.5 mm around, and the mean of the cores.
    """
    from scipy.ndimage import find_objects, gaussian_filter, uniform_filter

    smooth = np.clip(hu, -200, 1500).astype(np.float32)
    smooth = gaussian_filter(smooth, [SMOOTH_MM / step for step in spacing], mode="nearest", truncate=2.0)
    width = [2 * n + 1 for n in reach.steps(WINDOW_MM, spacing)]
    mean = uniform_filter(smooth, width, mode="nearest")
    spread = uniform_filter(smooth * smooth, width, mode="nearest")
    spread -= mean * mean
    np.maximum(spread, 0.0, out=spread)
    np.sqrt(spread, out=spread)
    even = body & (mean > EVEN_HU) & (spread < EVEN_SHARE * mean)
    labels, sizes = parts.labelled(even, 6)
    cores, border = np.zeros(hu.shape, np.bool_), np.zeros(hu.shape, np.bool_)
    boxes = find_objects(labels)
    margin = reach.steps(RIM_MM, spacing)
    for number in np.flatnonzero(sizes * float(np.prod(spacing)) >= 1000.0 * EVEN_ML):
        box = tuple(slice(max(0, b.start - m), b.stop + m) for b, m in zip(boxes[number - 1], margin, strict=True))
        part, near = labels[box] == number, smooth[box]
        level = float(near[part].mean())
        rim = reach.grown(part, RIM_MM, spacing) & ~part
        brighter = float(np.mean(near[rim] > level + RIM_HU)) if rim.any() else 0.0
        if level > DENSE_HU or brighter >= RIM_SHARE or float(np.median(spread[box][part])) >= MEDIAN_SHARE * level:
            continue
        cores[box] |= part
        # Bone is brighter where it touches a vessel: the border stops there.
        as_bright = body[box] & (near > EVEN_HU) & (near < float(np.percentile(near[part], 99)) + RIM_HU)
        for _ in range(3):
            part = part | (reach.grown(part, BORDER_MM / 3, spacing) & as_bright)
        border[box] |= part
    return cores, border, float(smooth[cores].mean()) if cores.any() else 0.0


def bones(hu: NDArray[Any], body: Mask3, contrast: Mask3, level_hu: float, spacing: Spacing) -> Mask3:
    """Voxels of 200 HU and more in parts that hold cortex, without what is contrast."""
    from scipy.ndimage import find_objects

    dense = body & (hu >= BONE_HU) & ~contrast
    labels, sizes = parts.labelled(dense, 26)
    keep = np.zeros(len(sizes), np.bool_)
    boxes = find_objects(labels)
    least = max(float(CORTEX_HU), level_hu + CORTEX_OVER_BLOOD_HU if level_hu else 0.0)
    for number in np.flatnonzero(sizes * float(np.prod(spacing)) >= 1000.0 * BONE_ML):
        box = boxes[number - 1]
        values = hu[box][labels[box] == number]
        keep[number] = float(np.percentile(values, 95)) >= least
    return parts.chosen(labels, keep)
