"""SUV by body weight from Bq/mL, and what is measured in it: highest, mean, and the peak of a 1 mL ball.

SUVbw = Bq/mL × weight in g / dose left by decay (QIBA FDG-PET/CT Profile, appendix G). SUVpeak: Wahl et al., J Nucl Med
2009;50(suppl 1):122S–150S (PERCIST 1.0), the mean in a ball of 1 mL.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import PetFacts
from scanwright.tools.imaging.geometry import Geometry

PEAK_ML: Final = 1.0
PEAK_RADIUS_MM: Final = float((3 * PEAK_ML * 1000 / (4 * np.pi)) ** (1 / 3))
# Each voxel is cut into this many pieces along each axis, to count the share of it that lies in the ball.
PIECES: Final = 5


def factor(pet: PetFacts) -> float:
    """What Bq/mL is multiplied with. Raises ValueError where a number is missing."""
    if pet.dose_bq is None or pet.half_life_s is None or pet.weight_kg is None or pet.decay_s is None:
        raise ValueError("the numbers for SUV are not all there")
    left: float = pet.dose_bq * 2.0 ** (-pet.decay_s / pet.half_life_s)
    return 1000.0 * pet.weight_kg / left


def ball_weights(geometry: Geometry) -> NDArray[np.float64]:
    """The share of each voxel around a voxel's centre that lies in a ball of 1 mL, (i, j, k), summing to 1."""
    matrix = geometry.matrix[:3, :3]
    reach = np.ceil(PEAK_RADIUS_MM * np.linalg.norm(np.linalg.inv(matrix), axis=1) - 0.5).astype(int)
    grid = [np.arange(-r, r + 1) for r in np.maximum(reach, 0)]
    centres = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1).astype(np.float64)
    cuts = (np.arange(PIECES) + 0.5) / PIECES - 0.5
    weights = np.zeros(centres.shape[:3])
    for di in cuts:
        for dj in cuts:
            for dk in cuts:
                apart = np.linalg.norm((centres + np.array([di, dj, dk])) @ matrix.T, axis=-1)
                weights += apart <= PEAK_RADIUS_MM
    return np.asarray(weights / weights.sum())


def peaks(
    values: NDArray[Any], mask: NDArray[np.bool_], geometry: Geometry
) -> tuple[float, float, tuple[int, int, int]] | None:
    """SUVpeak: the highest mean of a 1 mL ball centred in the mask, that around the hottest voxel, and where.

    All arrays are (i, j, k). Balls that leave the field of view do not count; None where all do.
    """
    from scanwright.tools.imaging.axes import bounding_slices
    from scipy.ndimage import convolve

    weights = ball_weights(geometry)
    reach = [n // 2 for n in weights.shape]
    whole = np.zeros(mask.shape, np.bool_)
    inner = tuple(slice(r, n - r) for r, n in zip(reach, mask.shape, strict=True))
    whole[inner] = mask[inner]
    if not whole.any():
        return None
    box = bounding_slices(whole)
    wide = tuple(slice(s.start - r, s.stop + r) for s, r in zip(box, reach, strict=True))
    means = convolve(values[wide].astype(np.float64), weights, mode="constant")
    means = means[tuple(slice(r, n - r) for r, n in zip(reach, means.shape, strict=True))]
    inside = whole[box]
    at = np.unravel_index(int(np.where(inside, means, -np.inf).argmax()), inside.shape)
    hottest = np.unravel_index(int(np.where(inside, values[box], -np.inf).argmax()), inside.shape)
    i, j, k = (int(a) + s.start for a, s in zip(at, box, strict=True))
    return float(means[at]), float(means[hottest]), (i, j, k)
