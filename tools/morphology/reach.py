"""Growing, shrinking, opening and closing of voxel sets by millimetres, alike in every axis order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Spacing = tuple[float, float, float]


def steps(by_mm: float, spacing_mm: Spacing) -> tuple[int, int, int]:
    """by_mm in voxels along each axis, at least one."""
    x, y, z = (max(1, round(by_mm / step)) for step in spacing_mm)
    return x, y, z


def grown(mask: NDArray[np.bool_], by_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """The mask (i, j, k) grown by a box, at least one voxel along each axis; beyond its edge the array goes on."""
    from scipy.ndimage import maximum_filter1d

    result = np.ascontiguousarray(mask).view(np.uint8)
    for axis, n in enumerate(steps(by_mm, spacing_mm)):
        result = maximum_filter1d(result, 2 * n + 1, axis=axis, mode="nearest")
    return np.asarray(result.view(np.bool_))


def shrunk(mask: NDArray[np.bool_], by_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """The mask shrunk by a box; what the edge of the array cuts is not shrunk there."""
    from scipy.ndimage import minimum_filter1d

    result = np.ascontiguousarray(mask).view(np.uint8)
    for axis, n in enumerate(steps(by_mm, spacing_mm)):
        result = minimum_filter1d(result, 2 * n + 1, axis=axis, mode="nearest")
    return np.asarray(result.view(np.bool_))


def opened(mask: NDArray[np.bool_], width_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """What is wider than width_mm in every direction."""
    return grown(shrunk(mask, width_mm / 2, spacing_mm), width_mm / 2, spacing_mm)


def closed(mask: NDArray[np.bool_], width_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """The mask with gaps up to width_mm bridged."""
    return shrunk(grown(mask, width_mm / 2, spacing_mm), width_mm / 2, spacing_mm)
