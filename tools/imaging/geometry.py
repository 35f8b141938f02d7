"""Geometry of a volume: where each voxel lies in the patient.

Arrays keep their stored order; the affine maps an index (i, j, k) to RAS+ millimetres.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator
from scanwright.tools.hashing import sha256_json

Space = Literal["native", "normalised", "unknown"]
Row = tuple[float, float, float, float]
Edge = Literal["left", "right", "posterior", "anterior", "inferior", "superior"]


class Geometry(BaseModel):
    """Shape (i, j, k), affine to RAS+ mm, and what is known of the space.

    space is "native" (the patient's own millimetres), "normalised" (a template's: space_name says which) or
    "unknown". sides_known is False where the file does not say which side is left.
    Raises ValueError where the affine is not finite, or a voxel would have no volume.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, int, int]
    affine: tuple[Row, Row, Row, Row]
    space: Space = "native"
    space_name: str | None = None
    sides_known: bool = True

    @field_validator("affine")
    @classmethod
    def _usable(cls, affine: tuple[Row, Row, Row, Row]) -> tuple[Row, Row, Row, Row]:
        matrix = np.array(affine, dtype=np.float64)
        if not np.isfinite(matrix).all():
            raise ValueError("the affine has values that are not finite")
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
            raise ValueError("the affine is zero or flat, so a voxel has no volume")
        if not np.allclose(matrix[3], [0, 0, 0, 1]):
            raise ValueError("the affine's last row is not 0 0 0 1")
        return affine

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        affine: NDArray[np.float64],
        *,
        space: Space = "native",
        space_name: str | None = None,
        sides_known: bool = True,
    ) -> Geometry:
        """From an array's shape and a 4×4 matrix."""
        rows = tuple(tuple(float(v) for v in row) for row in np.asarray(affine, dtype=np.float64))
        return cls(shape=shape, affine=rows, space=space, space_name=space_name, sides_known=sides_known)

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """The affine as a 4×4 array."""
        return np.array(self.affine, dtype=np.float64)

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along each array axis, in mm."""
        i, j, k = np.linalg.norm(self.matrix[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @cached_property
    def voxel_ml(self) -> float:
        """Volume of a voxel in mL (right for sheared affines too)."""
        return float(abs(np.linalg.det(self.matrix[:3, :3])) / 1000.0)

    @cached_property
    def axes(self) -> tuple[int, int, int]:
        """For right–left, anterior–posterior and superior–inferior: the array axis that runs closest to it."""
        strength = np.abs(self.matrix[:3, :3]) / np.array(self.spacing_mm)
        order = [-1, -1, -1]
        for _ in range(3):
            world, array = np.unravel_index(int(np.argmax(strength)), (3, 3))
            order[int(world)] = int(array)
            strength[world, :] = -1.0
            strength[:, array] = -1.0
        return order[0], order[1], order[2]

    @cached_property
    def flips(self) -> tuple[bool, bool, bool]:
        """For each world axis: True where its array axis runs against it (right to left, …)."""
        return tuple(bool(self.matrix[w, a] < 0) for w, a in enumerate(self.axes))  # type: ignore[return-value]

    @property
    def orientation(self) -> str:
        """Three letters, one an array axis, naming where it runs to: "RAS", "LPS", …"""
        letters = ["", "", ""]
        for world, (array, flipped) in enumerate(zip(self.axes, self.flips, strict=True)):
            letters[array] = ("RAS", "LPI")[flipped][world]
        return "".join(letters)

    @property
    def extent_mm(self) -> tuple[float, float, float]:
        """Size of the field of view right–left, anterior–posterior, superior–inferior, in mm."""
        size = [self.shape[a] * self.spacing_mm[a] for a in self.axes]
        return size[0], size[1], size[2]

    @property
    def grid(self) -> str:
        """A short name of this grid: equal for equal shape and affine (to a micrometre)."""
        # Adding 0 turns −0 into 0, which would read as another grid in JSON.
        return sha256_json([list(self.shape), (np.round(self.matrix, 3) + 0.0).tolist()])[:16]

    def same_grid(self, other: Geometry) -> bool:
        """True where shapes are equal and every voxel centre lies within a hundredth of a voxel of its partner."""
        if self.shape != other.shape:
            return False
        apart = np.linalg.norm(self.corners_mm - other.corners_mm, axis=1)
        return bool(apart.max() <= 0.01 * min(self.spacing_mm))

    @cached_property
    def corners_mm(self) -> NDArray[np.float64]:
        """Centres of the eight corner voxels in RAS+ mm, (8, 3); affines that agree there agree everywhere."""
        ends = np.array([[(n - 1) * (c >> axis & 1) for axis, n in enumerate(self.shape)] for c in range(8)])
        return np.asarray(ends @ self.matrix[:3, :3].T + self.matrix[:3, 3])

    def edge_name(self, array_axis: int, at_end: bool) -> Edge:
        """The anatomical name of one face of the array: left, right, posterior, …"""
        world = self.axes.index(array_axis)
        towards_positive = at_end != self.flips[world]
        pairs: tuple[tuple[Edge, Edge], ...] = (
            ("left", "right"), ("posterior", "anterior"), ("inferior", "superior"),
        )  # fmt: skip
        return pairs[world][towards_positive]
