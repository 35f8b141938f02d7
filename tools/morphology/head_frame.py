"""The head's own frame, from the outline of the brain: right, anterior, superior, level with its plane of symmetry.

Rolled and turned heads are measured as if held straight: widths run at right angles to the plane about which the
outline is most like its mirror image. Nodding (pitch) is left as the scan has it, unless it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging import axes, orient
from scanwright.tools.imaging.geometry import Geometry

STEP_MM = 1.0
# Fine enough for half a millimetre of offset, as the whole outline counts.
COARSE_MM = 3.0
# A head is held to within this; beyond it the search would find other symmetries.
TURN_DEGREES = 30.0
MARGIN_MM = 4.0
# Outlines of heads and of phantoms reach 0.9 and more; below this the two halves are not of one head.
OVERLAP_AT_LEAST = 0.8


@dataclass(frozen=True)
class HeadFrame:
    """A grid of STEP_MM: axes (3, 3) are unit vectors in mm to the right, the front and the top (columns).

    origin_mm is the position of index (0, 0, 0); middle is the index along the first axis of the plane of symmetry.
    alike is the Dice of the outline with its mirror image.
    """

    axes: NDArray[np.float64]
    origin_mm: NDArray[np.float64]
    shape: tuple[int, int, int]
    middle: float
    alike: float

    def sampled(
        self, voxels: NDArray[Any], geometry: Geometry, levels: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """voxels (i, j, k) on this grid (right, anterior, superior), linear; masks become shares of 0 to 1.

        Nought outside levels (from, to), and where a mask has no voxel near, without looking there.
        """
        from scipy.ndimage import affine_transform

        result = np.zeros(self.shape, np.float32)
        view, turned, _ = orient.canonical(voxels, geometry)
        source = axes.bounding_slices(view, margin=1) if view.dtype == np.bool_ and view.any() else None
        start, stop = np.zeros(3, int), np.array(self.shape)
        if source is not None:
            corners = np.array(
                [[s.start if c >> a & 1 else s.stop - 1 for a, s in enumerate(source)] for c in range(8)]
            )
            there = (axes.to_mm(corners, turned.matrix) - self.origin_mm) @ self.axes / STEP_MM
            start = np.clip(np.floor(there.min(axis=0)).astype(int) - 1, 0, stop)
            stop = np.clip(np.ceil(there.max(axis=0)).astype(int) + 2, 0, stop)
            view = view[source]
        if levels is not None:
            start[2], stop[2] = max(start[2], levels[0]), min(stop[2], levels[1])
        if (stop <= start).any():
            return result
        first = np.zeros(3) if source is None else np.array([s.start for s in source])
        inverse = np.linalg.inv(turned.matrix)
        matrix = inverse[:3, :3] @ self.axes * STEP_MM
        offset = inverse[:3, :3] @ self.to_mm(start) + inverse[:3, 3] - first
        box = tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
        shape = tuple(int(n) for n in stop - start)
        result[box] = affine_transform(view.astype(np.float32), matrix, offset, shape, np.float32, order=1)
        return result

    def to_mm(self, index: Any) -> NDArray[np.float64]:
        """Position in RAS+ mm of an index of this grid."""
        return np.asarray(self.origin_mm + self.axes @ (np.asarray(index, dtype=np.float64) * STEP_MM))

    def nodded(self, degrees: float) -> HeadFrame:
        """The same frame, turned about its first axis through the grid's centre; positive lifts the front."""
        angle = np.radians(degrees)
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
        centre = self.to_mm((np.array(self.shape) - 1) / 2)
        turned = self.axes @ turn
        origin = centre - turned @ ((np.array(self.shape) - 1) / 2 * STEP_MM)
        return HeadFrame(turned, origin, self.shape, self.middle, self.alike)


def head_frame(brain: NDArray[np.bool_], geometry: Geometry) -> HeadFrame:
    """The frame of a brain's outline (i, j, k).

    Maximises the overlap of the outline with its reflection over offset, roll and turn. Raises ToolFailed where the
    outline is too small, or not like its mirror image.
    """
    view, turned, _ = orient.canonical(brain, geometry)
    base = _scan_axes(turned)
    share, matrix = _coarse(view, turned)
    if np.count_nonzero(share) < 1000:
        raise ToolFailed("The brain's outline is too small to find the plane of symmetry of the head.")
    held = np.argwhere(share)
    centre = np.average(axes.to_mm(held, matrix), axis=0, weights=share[tuple(held.T)])
    search = _Mirror(share, matrix, centre, base)
    offset, roll, yaw, alike = search.best()
    if alike < OVERLAP_AT_LEAST:
        raise ToolFailed(
            f"The brain's outline is not like its mirror image (overlap {alike:.2f}), so no midline can be told: is "
            "the whole head in the scan?"
        )
    right = search.normal(roll, yaw)
    top = base[:, 2] - right * (right @ base[:, 2])
    top /= np.linalg.norm(top)
    own = np.stack([right, np.cross(top, right), top], axis=1)
    low, high = _box(view, turned, own)
    shape = np.ceil((high - low + 2 * MARGIN_MM) / STEP_MM).astype(int) + 1
    origin = own @ (low - MARGIN_MM)
    middle = float((own[:, 0] @ (centre - origin) + offset) / STEP_MM)
    return HeadFrame(own, origin, (int(shape[0]), int(shape[1]), int(shape[2])), middle, alike)


class _Mirror:
    """How much of an outline falls on itself when it is reflected."""

    def __init__(
        self,
        share: NDArray[np.float32],
        matrix: NDArray[np.float64],
        centre: NDArray[np.float64],
        base: NDArray[np.float64],
    ) -> None:
        self._share, self._total = share, float(share.sum())
        self._matrix, self._inverse = matrix, np.linalg.inv(matrix)
        self._centre, self._base = centre, base

    def normal(self, roll: float, yaw: float) -> NDArray[np.float64]:
        """The unit normal of a plane, from that of the scan's sagittal planes."""
        tilted = np.array([np.cos(roll) * np.cos(yaw), np.cos(roll) * np.sin(yaw), np.sin(roll)])
        return np.asarray(self._base @ tilted)

    def overlap(self, offset: float, roll: float, yaw: float) -> float:
        """Dice of the shares with their reflection."""
        from scipy.ndimage import affine_transform

        normal = self.normal(roll, yaw)
        mirror = np.eye(4)
        mirror[:3, :3] -= 2 * np.outer(normal, normal)
        mirror[:3, 3] = 2 * (normal @ self._centre + offset) * normal
        there = self._inverse @ mirror @ self._matrix
        reflected = affine_transform(self._share, there[:3, :3], there[:3, 3], output=np.float32, order=1)
        return float(np.minimum(reflected, self._share).sum(dtype=np.float64)) / self._total

    def best(self) -> tuple[float, float, float, float]:
        """Offset in mm, roll and yaw in radians, and the overlap there."""
        from scipy.optimize import minimize

        limit = np.radians(TURN_DEGREES)

        def cost(x: NDArray[np.float64]) -> float:
            if max(abs(x[1]), abs(x[2])) > limit:
                return 1.0
            return -self.overlap(float(x[0]), float(x[1]), float(x[2]))

        turns = np.radians((-16.0, 0.0, 16.0))
        start = min((np.array([0.0, roll, yaw]) for roll in turns for yaw in turns), key=cost)
        x = start
        # Begun again around what it found: one simplex alone can shrink on a ridge.
        for size in (1.0, 0.3):
            simplex = x + size * np.array([[0, 0, 0], [4, 0, 0], [0, 0.1, 0], [0, 0, 0.1]])
            options = {"initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-6, "maxiter": 150}
            x = minimize(cost, x, method="Nelder-Mead", options=options).x
        return float(x[0]), float(x[1]), float(x[2]), -cost(x)


def _scan_axes(geometry: Geometry) -> NDArray[np.float64]:
    """Unit vectors to the right, the front and the top of the scan's planes, at right angles, right-handed."""
    right = geometry.matrix[:3, 0] / np.linalg.norm(geometry.matrix[:3, 0])
    top = np.cross(right, geometry.matrix[:3, 1])
    top /= np.linalg.norm(top)
    return np.stack([right, np.cross(top, right), top], axis=1)


def _coarse(view: NDArray[np.bool_], geometry: Geometry) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The share of brain in blocks of about COARSE_MM around it, and their affine to mm."""
    box = axes.bounding_slices(view)
    view = view[box]
    blocks = [max(1, round(COARSE_MM / step)) for step in geometry.spacing_mm]
    # Blocks of nothing around it, so that nothing is lost at the end of the array.
    pad = [(b, b + (-n) % b) for n, b in zip(view.shape, blocks, strict=True)]
    padded = np.pad(view, pad)
    shape = [v for n, b in zip(padded.shape, blocks, strict=True) for v in (n // b, b)]
    share = padded.reshape(shape).mean(axis=(1, 3, 5), dtype=np.float32)
    matrix = geometry.matrix.copy()
    matrix[:3, 3] += matrix[:3, :3] @ [s.start + (b - 1) / 2 - b for s, b in zip(box, blocks, strict=True)]
    matrix[:3, :3] *= np.array(blocks)
    return share, matrix


def _box(
    view: NDArray[np.bool_], geometry: Geometry, own: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and the highest coordinate of a mask along the columns of own, in mm."""
    edge = view.copy()
    edge[1:-1, 1:-1, 1:-1] &= ~(view[:-2, 1:-1, 1:-1] & view[2:, 1:-1, 1:-1])
    along = axes.to_mm(np.argwhere(edge), geometry.matrix) @ own
    return along.min(axis=0), along.max(axis=0)
