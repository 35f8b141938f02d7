"""Frontal horns of the lateral ventricles and the skull's inner width on one axial level, in the head's own frame.

Fields are shares of 0 to 1 on a HeadFrame's grid (right, anterior, superior).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology.head_frame import STEP_MM

# A speck beside the ventricles would widen them.
SPECK_SHARE = 0.05
# A few voxels of the thalamus that the network puts too far in front do not move the foramen of Monro.
FRONT_PERCENTILE = 98.0


@dataclass(frozen=True)
class Width:
    """A line along the first axis: its two ends as indices (x, y, z), in fractions of a voxel."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @property
    def mm(self) -> float:
        """Its extent along the first axis."""
        return (self.high[0] - self.low[0]) * STEP_MM


@dataclass(frozen=True)
class EvansLines:
    """The widest frontal horns, and the widest place of the skull's inside on that level."""

    horns: Width
    skull: Width

    @property
    def ratio(self) -> float:
        """The Evans index."""
        return self.horns.mm / self.skull.mm


def front_of_thalamus(thalamus: NDArray[np.float32]) -> float | None:
    """The level along the second axis where the thalamus ends in front, which is that of the foramen of Monro."""
    found = np.argwhere(thalamus > 0.5)
    return float(np.percentile(found[:, 1], FRONT_PERCENTILE)) if len(found) else None


def without_specks(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """The field without separate parts under SPECK_SHARE of it."""
    from scipy.ndimage import label

    labels, count = label(field > 0.5)
    if count < 2:
        return field
    sizes = np.bincount(labels.ravel())
    small = sizes < SPECK_SHARE * sizes[1:].sum()
    small[0] = False
    return np.where(small[labels], np.float32(0), field)


def widest_horns(ventricles: NDArray[np.float32], front: float) -> Width | None:
    """The greatest width of the ventricles in front of `front` on any level; None where there are none."""
    start = max(0, int(np.ceil(front)))
    best: Width | None = None
    for z in np.flatnonzero((ventricles[:, start:] > 0.5).any(axis=(0, 1))):
        found = widest(ventricles[:, start:, z], int(z), start)
        if found is not None and (best is None or found.mm > best.mm):
            best = found
    return best


def widest(plane: NDArray[np.float32], z: int, start: int, *, one_row: bool = False) -> Width | None:
    """From the first to the last point of a plane (x, y) along x; both on one row where that is asked.

    Where the share crosses one half between two voxels the end lies there, in proportion.
    """
    rows = np.flatnonzero((plane > 0.5).any(axis=0))
    if not rows.size:
        return None
    ends = np.array([_ends(plane[:, y]) for y in rows])
    if one_row:
        row = int(np.argmax(ends[:, 1] - ends[:, 0]))
        low_row = high_row = row
    else:
        low_row, high_row = int(np.argmin(ends[:, 0])), int(np.argmax(ends[:, 1]))
    return Width(
        (float(ends[low_row, 0]), float(rows[low_row] + start), float(z)),
        (float(ends[high_row, 1]), float(rows[high_row] + start), float(z)),
    )


def _ends(line: NDArray[np.float32]) -> tuple[float, float]:
    inside = np.flatnonzero(line > 0.5)
    first, last = int(inside[0]), int(inside[-1])
    low = first - _part(line[first], line[first - 1] if first else 0.0)
    high = last + _part(line[last], line[last + 1] if last + 1 < len(line) else 0.0)
    return low, high


def _part(inside: float, outside: float) -> float:
    return float((inside - 0.5) / (inside - outside))
