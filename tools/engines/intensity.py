"""Normalisation of a conformed scan, and the box that a network needs to see."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed

Normalisation: TypeAlias = Literal["min_max", "quantile"]
Box: TypeAlias = tuple[slice, slice, slice]
LOW_QUANTILE, HIGH_QUANTILE = 0.05, 0.95


def normalised(cube: NDArray[np.uint8], how: Normalisation) -> NDArray[np.float32]:
    """The cube (i, j, k) as float32: 0..1 by its minimum and maximum, or by its 5th and 95th percentile, unclipped.

    Raises ToolFailed where the scan has but one value.
    """
    if how == "min_max":
        low, high = float(cube.min()), float(cube.max())
    else:
        # Sorted positions, not interpolated quantiles: floor(0.05 n) and ceil(0.95 n) − 1.
        upto = np.cumsum(np.bincount(cube.ravel(), minlength=256))
        low = float(np.searchsorted(upto, int(np.floor(LOW_QUANTILE * cube.size)), side="right"))
        high = float(np.searchsorted(upto, int(np.ceil(HIGH_QUANTILE * cube.size)) - 1, side="right"))
    if high <= low:
        raise ToolFailed("The scan has hardly more than one value, so nothing can be seen in it.")
    return (cube.astype(np.float32) - np.float32(low)) / np.float32(high - low)


def box_of(volume: NDArray[np.float32], threshold: float, margin: int) -> Box:
    """The box of the voxels above threshold × the maximum of volume (i, j, k), wider by margin voxels."""
    bright = volume > np.float32(threshold) * volume.max()
    box: list[slice] = []
    for axis in range(3):
        found = np.flatnonzero(bright.any(axis=tuple(a for a in range(3) if a != axis)))
        box.append(slice(max(0, int(found[0]) - margin), min(volume.shape[axis], int(found[-1]) + 1 + margin)))
    return box[0], box[1], box[2]
