"""Mean HU of a ball around a point or of an organ's inside, and how far it moves when the place does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging import axes
from scanwright.tools.imaging.geometry import Geometry

MOVED_MM = 5.0
# Edges hold a share of what lies beside them: the mask is taken without its outer millimetres.
INSIDE_MM, DEPTHS_MM = 5.0, (3.0, 5.0, 8.0)
LEAST_ML = 1.0


@dataclass(frozen=True)
class MeanHU:
    """The mean and the standard deviation in HU, the lowest and highest mean of the other places, and how it was."""

    mean: float
    sd: float
    low: float
    high: float
    ml: float


def ball(
    geometry: Geometry, centre_mm: Sequence[float] | NDArray[np.float64], radius_mm: float
) -> tuple[tuple[slice, slice, slice], NDArray[np.bool_]]:
    """The box (i, j, k) around a ball and the voxels in it whose centres lie in the ball; empty where it is outside."""
    centre = np.asarray(centre_mm, dtype=np.float64)
    inverse = np.linalg.inv(geometry.matrix)
    index = inverse[:3, :3] @ centre + inverse[:3, 3]
    reach = radius_mm * np.linalg.norm(inverse[:3, :3], axis=1) + 1
    box = tuple(
        slice(max(0, int(np.floor(i - r))), max(0, min(n, int(np.ceil(i + r)) + 1)))
        for i, r, n in zip(index, reach, geometry.shape, strict=True)
    )
    grid = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1)
    apart = axes.to_mm(grid.reshape(-1, 3), geometry.matrix) - centre
    inside = (np.linalg.norm(apart, axis=1) <= radius_mm).reshape(grid.shape[:3])
    return (box[0], box[1], box[2]), inside


def whole_ball(geometry: Geometry, centre_mm: Sequence[float] | NDArray[np.float64], radius_mm: float) -> bool:
    """True where the ball lies in the field of view, but for half a voxel."""
    inverse = np.linalg.inv(geometry.matrix)
    index = inverse[:3, :3] @ np.asarray(centre_mm, dtype=np.float64) + inverse[:3, 3]
    reach = radius_mm * np.linalg.norm(inverse[:3, :3], axis=1) - 0.5
    return all(i - r >= -0.5 and i + r <= n - 0.5 for i, r, n in zip(index, reach, geometry.shape, strict=True))


def at_points(
    voxels: NDArray[Any], geometry: Geometry, points_mm: Sequence[Sequence[float]], radius_mm: float
) -> MeanHU:
    """The mean of the balls' means, each ball moved by 5 mm in six directions for the range; balls lie inside."""
    moves = [np.zeros(3), *(sign * MOVED_MM * axis for axis in np.eye(3) for sign in (1, -1))]
    means = np.full((len(points_mm), len(moves)), np.nan)
    spread, ml = [], 0.0
    for p, point in enumerate(points_mm):
        for m, move in enumerate(moves):
            centre = np.asarray(point, dtype=np.float64) + move
            box, inside = ball(geometry, centre, radius_mm)
            values = voxels[box][inside].astype(np.float64)
            if not values.size:
                continue
            means[p, m] = values.mean()
            if m == 0:
                spread.append(float(values.std()))
                ml += float(values.size * geometry.voxel_ml)
    places = np.nanmean(means, axis=0)
    return MeanHU(float(places[0]), float(np.mean(spread)), float(np.nanmin(places)), float(np.nanmax(places)), ml)


def of_inside(voxels: NDArray[Any], geometry: Geometry, mask: NDArray[np.bool_]) -> MeanHU | None:
    """The mean 5 mm and more below the surface of a mask (i, j, k), from 3 mm to 8 mm for the range.

    None where less than 1 mL lies 3 mm below the surface.
    """
    from scipy.ndimage import distance_transform_edt

    box = axes.bounding_slices(mask)
    depth = distance_transform_edt(np.pad(mask[box], 1), sampling=geometry.spacing_mm)[1:-1, 1:-1, 1:-1]
    values = voxels[box]
    found: dict[float, NDArray[np.float64]] = {}
    for mm in DEPTHS_MM:
        chosen = values[depth > mm].astype(np.float64)
        if chosen.size * geometry.voxel_ml >= LEAST_ML:
            found[mm] = chosen
    if not found:
        return None
    main = found.get(INSIDE_MM, found[min(found)])
    means = [float(v.mean()) for v in found.values()]
    return MeanHU(float(main.mean()), float(main.std()), min(means), max(means), float(main.size * geometry.voxel_ml))
