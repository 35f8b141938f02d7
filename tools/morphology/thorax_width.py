"""Widths of the heart and of the chest's inside on the coronal projection of masks, and on single axial slices.

Danzer, Am J Med Sci 1919;157:513–521: greatest transverse width of the heart over greatest inner width of the chest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Width:
    """From the outer face of voxel `low` to that of `high` along the first axis, on level `z` (of each end)."""

    low: int
    high: int
    low_z: int
    high_z: int
    voxel_mm: float

    @property
    def mm(self) -> float:
        """Its length."""
        return (self.high - self.low + 1) * self.voxel_mm


@dataclass(frozen=True)
class Widths:
    """The heart's and the chest's width on the projection, and the pair on the axial slice with the widest heart."""

    heart: Width
    chest: Width
    slice_heart: Width
    slice_chest: Width

    @property
    def ratio(self) -> float:
        """The cardiothoracic ratio on the projection."""
        return self.heart.mm / self.chest.mm

    @property
    def slice_ratio(self) -> float:
        """The ratio on one axial slice."""
        return self.slice_heart.mm / self.slice_chest.mm


def widths(heart: NDArray[np.bool_], lungs: NDArray[np.bool_], voxel_mm: float) -> Widths | None:
    """The widths of masks (x, y, z) along x; None where the lungs are on no slice with heart, or either is empty.

    On the projection the heart reaches from its outermost point on one side to that on the other, whatever their
    levels; the chest is as wide as the lungs on the level where they are widest from outer edge to outer edge.
    """
    shadow, frame = np.asarray(heart.any(axis=1)), np.asarray(lungs.any(axis=1))
    if not shadow.any() or not frame.any():
        return None
    columns = np.flatnonzero(shadow.any(axis=1))
    low, high = int(columns[0]), int(columns[-1])
    whole = Width(low, high, int(np.argmax(shadow[low])), int(np.argmax(shadow[high])), voxel_mm)
    levels = np.flatnonzero(shadow.any(axis=0))
    on = max((_on(shadow, int(z), voxel_mm) for z in levels), key=lambda w: w.mm)
    if not frame[:, on.low_z].any():
        return None
    chest = max((_on(frame, int(z), voxel_mm) for z in np.flatnonzero(frame.any(axis=0))), key=lambda w: w.mm)
    return Widths(whole, chest, on, _on(frame, on.low_z, voxel_mm))


def _on(plane: NDArray[np.bool_], z: int, voxel_mm: float) -> Width:
    found = np.flatnonzero(plane[:, z])
    return Width(int(found[0]), int(found[-1]), z, z, voxel_mm)
