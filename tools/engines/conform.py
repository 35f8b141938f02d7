"""Conforming: any scan onto the 256³ grid of 1 mm that brain networks were trained on, and labels back again.

The conformed axes run to the left, inferior and anterior (LIA). The scan is turned to right–anterior–superior first
(exactly, without interpolation), so that the result does not depend on how the file stores it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry

SIZE = 256
# Columns: the directions of the conformed axes in RAS+.
LIA = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
HISTOGRAM_BINS = 1000
SHARE_ABOVE = 0.001
# Interpolated values are truncated to whole numbers; a rounding error must not turn 100 into 99.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Conformed:
    """A scan on the conformed grid: cube (256, 256, 256) uint8 in LIA order, affine to RAS+ mm."""

    cube: NDArray[np.uint8]
    affine: NDArray[np.float64]
    source: Geometry

    def back(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels (256, 256, 256) on the grid of the scan (i, j, k), by nearest neighbour; 0 outside the cube."""
        from scipy.ndimage import affine_transform

        _, turned, undo = orient.canonical(np.empty(self.source.shape, np.bool_), self.source)
        to_cube = _rounded(np.linalg.inv(self.affine) @ turned.matrix)
        there = affine_transform(
            labels, to_cube[:3, :3], to_cube[:3, 3], output_shape=turned.shape, order=0, mode="constant", cval=0
        )
        return undo(there)

    def cut(self, labels: NDArray[np.uint8]) -> bool:
        """True where a label reaches a face of the cube beyond which the scan goes on."""
        to_cube = np.linalg.inv(self.affine) @ np.c_[self.source.corners_mm, np.ones(8)].T
        for axis in range(3):
            faces = np.moveaxis(labels, axis, 0)
            if (faces[0].any() and to_cube[axis].min() < -0.5) or (
                faces[-1].any() and to_cube[axis].max() > SIZE - 0.5
            ):
                return True
        return False


def conform(voxels: NDArray[Any], geometry: Geometry) -> Conformed:
    """The scan (i, j, k) on the conformed grid, trilinear, with the scan's minimum outside its field of view.

    Voxel 128 of the cube lies on the scan's middle voxel (n // 2), so a scan of 1 mm is moved by whole voxels and
    neither blurred on the way in nor shifted on the way out.
    """
    from scipy.ndimage import affine_transform

    view, turned, _ = orient.canonical(voxels, geometry)
    middle = turned.matrix @ [*(n // 2 for n in turned.shape), 1.0]
    affine = np.eye(4)
    affine[:3, :3] = LIA
    affine[:3, 3] = middle[:3] - LIA @ np.full(3, SIZE // 2)
    to_scan = _rounded(np.linalg.inv(turned.matrix) @ affine)
    low, scale = _window(view)
    there = affine_transform(
        view if view.dtype.kind == "f" or view.dtype.itemsize <= 2 else view.astype(np.float32),
        to_scan[:3, :3],
        to_scan[:3, 3],
        output_shape=(SIZE, SIZE, SIZE),
        output=np.float32,
        order=1,
        mode="constant",
        cval=low,
    )
    there -= low
    there *= scale
    there += ROUNDING
    np.clip(there, 0, 255, out=there)
    return Conformed(there.astype(np.uint8), affine, geometry)


def _window(view: NDArray[Any]) -> tuple[float, float]:
    """What is taken off, and the factor that brings the rest to 0..255; uint8 is left as it is.

    The upper end is the value of a histogram of 1,000 bins above which 0.1 % of the voxels that are not zero lie.
    """
    low, high = float(view.min()), float(view.max())
    if view.dtype == np.uint8 or high <= low:
        return low, 1.0
    counts, edges = np.histogram(view, HISTOGRAM_BINS, (low, high))
    above = np.cumsum(counts[::-1])[::-1]
    few = np.flatnonzero(above <= SHARE_ABOVE * np.count_nonzero(view))
    top = float(edges[few[0]]) if few.size else high
    return low, 255.0 / (top - low)


def _rounded(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the last digits, so that a voxel of 1 mm falls on a voxel and not beside it."""
    return np.asarray(np.round(matrix, 9) + 0.0)
