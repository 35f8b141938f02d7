"""How far the septum pellucidum lies from the middle of the skull, and how far that depends on level and method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import septum as septa
from scanwright.tools.morphology.frontal_horns import front_of_thalamus, without_specks
from scanwright.tools.morphology.head_frame import STEP_MM, HeadFrame

# The septum's height above the foramen of Monro is looked at in bands of this many levels.
BAND = 5
ROWS_IN_BAND = 6


@dataclass(frozen=True)
class Shift:
    """mm is signed, positive along the frame's first axis; low and high are the extremes of bands and midlines.

    points are indices (n, 3) of what was taken for the middle of the brain; middles (n) the index of the skull's
    middle beside each. marker says what was taken, level is the axial level of the foramen of Monro.
    """

    mm: float
    low: float
    high: float
    points: NDArray[np.float64]
    middles: NDArray[np.float64]
    level: int
    marker: str
    values: int


def midline_shift(
    frame: HeadFrame,
    image: NDArray[np.float32],
    brain: NDArray[np.float32],
    ventricles: NDArray[np.float32],
    third: NDArray[np.float32],
    thalamus: NDArray[np.float32],
) -> Shift | None:
    """The shift in a frame's fields (right, anterior, superior); None where no level or no marker is found.

    Two midlines are drawn: the plane about which the whole outline of the brain is most like its mirror image, and on
    each level the straight line through the middles of the outline's rows. The value is the mean of the two.
    """
    front = front_of_thalamus(thalamus)
    if front is None:
        return None
    ventricles = without_specks(ventricles)
    level = septa.foramen_level(ventricles, third, front)
    if level is None:
        return None
    tissue = float(np.median(image[thalamus > 0.5]))
    seen = septa.septum(image, ventricles, front, level, tissue)
    points, marker = (seen.points, "septum pellucidum") if seen is not None else (_middles(third), "third ventricle")
    if len(points) < septa.ROWS_AT_LEAST:
        return None
    plane = points[:, 0] - frame.middle
    rows = _outline_middles(brain, points)
    apart = [plane] if rows is None else [plane, points[:, 0] - rows]
    bands = (points[:, 2] - points[:, 2].min()).astype(int) // BAND
    parts = [bands == b for b in np.unique(bands) if (bands == b).sum() >= ROWS_IN_BAND]
    every = [float(np.median(d[part])) * STEP_MM for d in apart for part in (*parts, slice(None))]
    value = float(np.mean([np.median(d) for d in apart])) * STEP_MM
    middles = np.full(len(points), frame.middle) if rows is None else (frame.middle + rows) / 2
    return Shift(value, min(every), max(every), points, middles, level, marker, len(every))


def _middles(third: NDArray[np.float32]) -> NDArray[np.float64]:
    """The middle of each row of the third ventricle, as indices (n, 3)."""
    inside = third > 0.5
    rows = np.argwhere(inside.any(axis=0))
    along = np.arange(inside.shape[0])[:, None]
    chosen = inside[:, rows[:, 0], rows[:, 1]]
    x = (chosen * along).sum(axis=0) / np.maximum(chosen.sum(axis=0), 1)
    return np.column_stack([x, rows]).astype(np.float64)


def _outline_middles(brain: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    found = np.empty(len(points))
    for z in np.unique(points[:, 2]):
        here = points[:, 2] == z
        line = septa.outline_middle(brain, int(z))
        if line is None:
            return None
        found[here] = line[0] + line[1] * points[here, 1]
    return found
