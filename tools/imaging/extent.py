"""How long a mask is: its two farthest points in 3D, and the farthest points of one part on one slice.

The points are the middles of the faces of the outermost voxels, which are the vertices of the mask's marching-cubes
mesh: the definition of the Image Biomarker Standardisation Initiative for the maximum 3D diameter (L0JK; Zwanenburg
et al., Radiology 2020;295:328–338). A row of n voxels is n voxels long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging.axes import bounding_slices, to_mm


@dataclass(frozen=True)
class Diameter:
    """The longest straight line: its length, its ends (x, y, z) in mm, and the size of a voxel along it.

    across_mm is the extent at right angles to it in the slice; None in 3D.
    """

    length_mm: float
    ends_mm: tuple[NDArray[np.float64], NDArray[np.float64]]
    voxel_mm: float
    across_mm: float | None = None


def longest_in_3d(mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> Diameter:
    """The longest line between two points of a mask (i, j, k). Raises ValueError where the mask is empty."""
    points = to_mm(face_middles(mask), affine)
    first, second = _farthest(_hull(points))
    return _line(first, second, affine)


def longest_in_slice(mask: NDArray[np.bool_], affine: NDArray[np.float64], axis: int, index: int) -> Diameter | None:
    """The longest line within one connected part (8 neighbours) of one slice; None where the slice is empty.

    mask is (i, j, k); the slice is number index of the array axis that is given.
    """
    from scipy.ndimage import find_objects, label

    # Not take(): on an array in Fortran order it copies the whole first.
    plane = np.moveaxis(mask, axis, 0)[index]
    labels, count = label(plane, np.ones((3, 3)))
    if not count:
        return None
    steps = np.delete(affine[:3, :3], axis, axis=1)
    boxes = find_objects(labels)
    sizes = np.array([[s.stop - s.start for s in box] for box in boxes], dtype=np.float64)
    diagonals = [np.linalg.norm(sizes * (1, sign) @ steps.T, axis=1) for sign in (1, -1)]
    reach = np.maximum(*diagonals)
    best: Diameter | None = None
    for number in np.argsort(reach)[::-1]:
        if best is not None and reach[number] <= best.length_mm:
            break
        part = labels[boxes[number]] == number + 1
        found = _longest_of_part(part, boxes[number], affine, axis, index, steps)
        if best is None or found.length_mm > best.length_mm:
            best = found
    return best


def face_middles(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Face middles (n, 3), as fractional indices, of the voxels that can be corners of the mask's convex hull."""
    box = bounding_slices(mask)
    cut = mask[box]
    corners = np.ones_like(cut)
    for axis in range(cut.ndim):
        corners &= _ends_of_lines(cut, axis)
    centres = np.argwhere(corners) + [s.start for s in box]
    return _with_half_steps(centres)


def _longest_of_part(
    part: NDArray[np.bool_],
    box: tuple[slice, slice],
    affine: NDArray[np.float64],
    axis: int,
    index: int,
    steps: NDArray[np.float64],
) -> Diameter:
    centres = np.argwhere(_ends_of_lines(part, 0) & _ends_of_lines(part, 1)) + [s.start for s in box]
    flat = _with_half_steps(centres)
    plane = _orthonormal(steps)
    corners = _hull(flat @ steps.T @ plane)
    first, second = _farthest(corners)
    length = float(np.linalg.norm(second - first))
    along = (second - first) / length
    across = corners @ np.array([-along[1], along[0]])
    origin = affine[:3, 3] + affine[:3, axis] * index
    ends = [origin + plane @ p for p in (first, second)]
    step = float(1 / np.linalg.norm(np.linalg.solve(plane.T @ steps, along)))
    return Diameter(length, (ends[0], ends[1]), step, float(across.max() - across.min()))


def _line(first: NDArray[np.float64], second: NDArray[np.float64], affine: NDArray[np.float64]) -> Diameter:
    length = float(np.linalg.norm(second - first))
    voxel = float(1 / np.linalg.norm(np.linalg.solve(affine[:3, :3], (second - first) / length)))
    return Diameter(length, (first, second), voxel)


def _ends_of_lines(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """The first and the last voxel of every line of a mask along an axis."""
    filled = mask.any(axis=axis)
    ends = np.zeros_like(mask)
    first = np.expand_dims(mask.argmax(axis=axis), axis)
    last = np.expand_dims(mask.shape[axis] - 1 - np.flip(mask, axis).argmax(axis=axis), axis)
    keep = np.expand_dims(filled, axis)
    np.put_along_axis(ends, first, keep, axis)
    np.put_along_axis(ends, last, keep, axis)
    return ends


def _with_half_steps(centres: NDArray[Any]) -> NDArray[np.float64]:
    half = 0.5 * np.eye(centres.shape[1])
    return np.concatenate([centres + step for step in (*half, *-half)])


def _orthonormal(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two unit vectors (3, 2) at right angles that span a slice."""
    basis, _ = np.linalg.qr(steps)
    return np.asarray(basis, dtype=np.float64)


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial import ConvexHull

    return np.asarray(points[ConvexHull(points).vertices], dtype=np.float64)


def _farthest(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two points of (n, d) that are farthest apart, in pieces of 500 rows."""
    best, pair = -1.0, (0, 0)
    for start in range(0, len(points), 500):
        piece = points[start : start + 500]
        square = ((piece[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
        at = np.unravel_index(int(square.argmax()), square.shape)
        if square[at] > best:
            best, pair = float(square[at]), (start + int(at[0]), int(at[1]))
    return points[pair[0]], points[pair[1]]
