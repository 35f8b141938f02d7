"""Between indices and millimetres: positions, the box of a mask, the voxel nearest to a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging.geometry import Geometry


def to_mm(indices: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions (n, 3) in mm of indices (n, 3)."""
    return np.asarray(indices, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3]


def bounding_slices(voxels: NDArray[np.bool_], margin: int = 0) -> tuple[slice, slice, slice]:
    """The smallest box that holds a mask, wider by margin voxels where the array allows.

    Raises ValueError where the mask is empty.
    """
    box: list[slice] = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(voxels.any(axis=others))
        if not found.size:
            raise ValueError("an empty mask has no bounding box")
        box.append(slice(max(0, int(found[0]) - margin), min(voxels.shape[axis], int(found[-1]) + 1 + margin)))
    return box[0], box[1], box[2]


def nearest_index(point_mm: Sequence[float], geometry: Geometry) -> tuple[int, int, int]:
    """The index (i, j, k) of the voxel nearest to a point in RAS+ mm; it may lie outside the array."""
    inverse = np.linalg.inv(geometry.matrix)
    i, j, k = np.floor(inverse[:3, :3] @ np.asarray(point_mm, dtype=np.float64) + inverse[:3, 3] + 0.5).astype(int)
    return int(i), int(j), int(k)
