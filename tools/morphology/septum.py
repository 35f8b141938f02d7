"""The septum pellucidum between the frontal horns, and where the middle of the skull is at its level.

Fields are shares of 0 to 1, the image in its own intensities, all on a HeadFrame's grid (right, anterior, superior).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology.head_frame import STEP_MM

# From the foramen of Monro forwards and upwards the septum lies between the two horns.
IN_FRONT_MM = (2.0, 18.0)
ABOVE_MM = (0.0, 14.0)
# Two walls of the septum are seldom as far apart; a wider gap is the corpus callosum or the fornix.
GAP_MM = 8.0
# A horn narrower than this shows no dark on its side of the septum.
HORN_MM = 2.0
# How far the septum's brightness must rise out of the dark of both horns, as a share of the step to brain tissue.
RISE = 0.1
ROWS_AT_LEAST = 12


@dataclass(frozen=True)
class Septum:
    """points (n, 3): indices of the septum, one a row, in fractions of a voxel; seen says how many by which sign."""

    points: NDArray[np.float64]
    by_gap: int
    by_ridge: int


def foramen_level(ventricles: NDArray[np.float32], third: NDArray[np.float32], front: float) -> int | None:
    """The axial level of the foramen of Monro: where the third ventricle ends above, near the thalamus' front.

    Without a third ventricle there, the lowest level of the lateral ventricles at the thalamus' front.
    """
    low, high = max(0, round(front) - 3), round(front) + 4
    levels = np.flatnonzero((third[:, low:high] > 0.5).any(axis=(0, 1)))
    if levels.size:
        return int(levels[-1])
    levels = np.flatnonzero((ventricles[:, low:high] > 0.5).any(axis=(0, 1)))
    return int(levels[0]) if levels.size else None


def septum(
    image: NDArray[np.float32], ventricles: NDArray[np.float32], front: float, level: int, tissue: float
) -> Septum | None:
    """The septum, row by row; None where fewer than ROWS_AT_LEAST rows show it.

    In a row where the ventricles leave one gap between them its middle counts; where they are one, the brightest
    point between the dark of both horns. tissue is the intensity of brain tissue.
    """
    from scipy.ndimage import gaussian_filter1d

    y0, y1 = (max(0, round(front + v / STEP_MM)) for v in IN_FRONT_MM)
    z0, z1 = (max(0, round(level + v / STEP_MM)) for v in ABOVE_MM)
    # The septum is a sheet: along it noise is smoothed, across it nothing.
    smooth = gaussian_filter1d(gaussian_filter1d(image[:, y0:y1, z0:z1], 1.0, axis=1), 1.0, axis=2)
    inside = ventricles[:, y0:y1, z0:z1] > 0.5
    points: list[tuple[float, float, float]] = []
    by_gap = 0
    for y in range(inside.shape[1]):
        for z in range(inside.shape[2]):
            found = _in_row(inside[:, y, z], smooth[:, y, z], tissue)
            if found is not None:
                points.append((found[0], y + y0, z + z0))
                by_gap += found[1]
    if len(points) < ROWS_AT_LEAST:
        return None
    return Septum(np.array(points, dtype=np.float64), by_gap, len(points) - by_gap)


def outline_middle(brain: NDArray[np.float32], level: int) -> tuple[float, float] | None:
    """The middle of the skull's inside on a level as a line, (x at y = 0, slope), from the middles of its rows.

    A straight line through them, its slope the median of the slopes of all pairs (Theil and Sen), so that a row where
    one side bulges does not turn it. The outermost tenth in front and behind is left out: there rows are short.
    """
    from scipy.stats import theilslopes

    plane = brain[:, :, level] > 0.5
    rows = np.flatnonzero(plane.any(axis=0))
    rows = rows[len(rows) // 10 : len(rows) - len(rows) // 10]
    if len(rows) < 20:
        return None
    first = plane.argmax(axis=0)[rows]
    last = plane.shape[0] - 1 - plane[::-1].argmax(axis=0)[rows]
    slope, intercept, _, _ = theilslopes((first + last) / 2, rows)
    return float(intercept), float(slope)


def _in_row(inside: NDArray[np.bool_], values: NDArray[np.float32], tissue: float) -> tuple[float, bool] | None:
    """The septum's index in a row, and whether it is a gap; None where the row shows none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    runs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if (b - a) * STEP_MM >= HORN_MM]
    if len(runs) == 2:
        gap = runs[1][0] - runs[0][1]
        if gap * STEP_MM <= GAP_MM:
            return (runs[0][1] + runs[1][0] - 1) / 2, True
        return None
    if len(runs) != 1:
        return None
    return _ridge(values, *runs[0], tissue)


def _ridge(values: NDArray[np.float32], start: int, stop: int, tissue: float) -> tuple[float, bool] | None:
    margin = max(1, round(HORN_MM / STEP_MM))
    best: tuple[float, int] | None = None
    for x in range(start + margin, stop - margin):
        left, right = values[start:x].min(), values[x + 1 : stop].min()
        dark = max(left, right)
        if values[x] < values[x - 1] or values[x] < values[x + 1]:
            continue
        rise = (values[x] - dark) / max(tissue - min(left, right), 1e-6)
        if rise >= RISE and (best is None or rise > best[0]):
            best = float(rise), x
    if best is None:
        return None
    x = best[1]
    before, at, after = float(values[x - 1]), float(values[x]), float(values[x + 1])
    bend = before - 2 * at + after
    return x + (0.5 * (before - after) / bend if bend < 0 else 0.0), False
