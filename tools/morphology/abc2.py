"""The three lengths of ABC/2 and the weights of its slices, from a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging import extent
from scanwright.tools.imaging.geometry import Geometry

# Kothari et al. 1996: a slice counts whole above three quarters of the largest area, half down to one quarter.
WHOLE, HALF = 0.75, 0.25


@dataclass(frozen=True)
class Abc:
    """a is the longest diameter on the slice with the largest area, b the extent across it, c weighted height, mm.

    ends_mm are those of a; slice_index is that slice along the array axis of superior–inferior; weighted is the
    number of slices that count (whole and half ones), slices that of all with voxels, step_mm the distance between
    slices, voxel_mm a voxel along a.
    """

    a_mm: float
    b_mm: float
    c_mm: float
    ends_mm: tuple[NDArray[np.float64], NDArray[np.float64]]
    slice_index: int
    weighted: float
    slices: int
    step_mm: float
    voxel_mm: float

    @property
    def ml(self) -> float:
        """The volume of an ellipsoid of these axes, with two for its 6/π."""
        return self.a_mm * self.b_mm * self.c_mm / 2000.0

    @property
    def unweighted_ml(self) -> float:
        """The same with every slice counted whole."""
        return self.a_mm * self.b_mm * self.slices * self.step_mm / 2000.0

    def ml_with(self, in_plane_mm: float, slices: float) -> float:
        """The same with a and b longer by in_plane_mm and c by a number of slices."""
        a, b = max(0.0, self.a_mm + in_plane_mm), max(0.0, self.b_mm + in_plane_mm)
        return a * b * max(0.0, self.c_mm + slices * self.step_mm) / 2000.0


def abc(mask: NDArray[np.bool_], geometry: Geometry) -> Abc | None:
    """Of a mask (i, j, k) on its own slices, those that lie closest to axial; None where it is empty.

    Slices of a tilted gantry are taken as they are, and are as far apart as their planes.
    """
    axis = geometry.axes[2]
    areas = np.count_nonzero(mask, axis=tuple(a for a in range(3) if a != axis))
    if not areas.any():
        return None
    best = int(np.argmax(areas))
    found = extent.longest_in_slice(mask, geometry.matrix, axis, best)
    if found is None or found.across_mm is None:
        return None
    across = np.delete(geometry.matrix[:3, :3], axis, axis=1)
    step = 1000 * geometry.voxel_ml / float(np.linalg.norm(np.cross(across[:, 0], across[:, 1])))
    shares = areas / areas[best]
    weighted = float((shares > WHOLE).sum() + 0.5 * ((shares >= HALF) & (shares <= WHOLE)).sum())
    return Abc(
        found.length_mm,
        found.across_mm,
        weighted * step,
        found.ends_mm,
        best,
        weighted,
        int((areas > 0).sum()),
        step,
        found.voxel_mm,
    )
