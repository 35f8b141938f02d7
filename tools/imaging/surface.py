"""The surface of a mask as triangles in RAS+ mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging.axes import bounding_slices, to_mm
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.orient import canonical

# Removes the staircase of binary voxels, whose area is up to half too large however fine the grid is.
SMOOTHING_VOXELS = 1.0
_MARGIN = 5


def triangles(
    mask: NDArray[np.bool_], geometry: Geometry, *, closed: bool
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Vertices (n, 3) in RAS+ mm and triangles (m, 3) of a mask (i, j, k), normals pointing outwards.

    closed also covers the faces where the field of view cuts the mask; without it they stay open.
    The mask is smoothed by one voxel and cut at the level that keeps its number of voxels, then triangulated by
    marching cubes (Lewiner et al., J Graph Tools 2003;8(2):1–15). Raises ValueError where the mask is empty.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.measure import marching_cubes

    ordered, turned, _ = canonical(mask, geometry)
    box = bounding_slices(ordered, _MARGIN)
    field = np.ascontiguousarray(ordered[box], dtype=np.float32)
    pad = _MARGIN if closed or min(mask.shape) == 1 else 0
    field = np.pad(field, pad)
    count = int(np.count_nonzero(field))
    field = gaussian_filter(field, SMOOTHING_VOXELS, mode="nearest", truncate=3.0)
    level = _level_that_keeps(field, count)
    if not field.min() < level < field.max():
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.intp)
    vertices, faces, _, _ = marching_cubes(field, level)
    points = to_mm(vertices + [s.start - pad for s in box], turned.matrix)
    faces = faces.astype(np.intp)
    return points, faces[:, ::-1] if signed_volume_ml(points, faces) < 0 else faces


def area_mm2(points: NDArray[np.float64], faces: NDArray[np.intp]) -> float:
    """Sum of the triangles' areas."""
    a, b, c = (points[faces[:, n]] for n in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def signed_volume_ml(points: NDArray[np.float64], faces: NDArray[np.intp]) -> float:
    """Enclosed volume; positive where the normals of a closed surface point outwards."""
    if not len(faces):
        return 0.0
    centred = points - points.mean(axis=0)
    a, b, c = (centred[faces[:, n]] for n in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6000.0)


def _level_that_keeps(field: NDArray[np.float32], count: int) -> float:
    """The level above which as many voxels lie as the mask has: thin parts stay, convex ones do not shrink."""
    flat = field.ravel()
    place = flat.size - count
    around = np.partition(flat, (max(place - 1, 0), place))[[max(place - 1, 0), place]]
    return float(around.mean())
