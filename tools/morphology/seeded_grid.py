"""The coarser grid that clicks are worked out on, and the way back to the voxels of the scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Index: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class WorkingGrid:
    """Means of blocks of a crop (x, y, z).

    values are the blocks' means, float32, lightly smoothed where blocks are single voxels; factors the block's voxels
    along each axis.
    """

    values: NDArray[np.float32]
    factors: Index
    spacing_mm: tuple[float, float, float]

    @classmethod
    def of(cls, crop: NDArray[Any], spacing_mm: tuple[float, float, float], voxels: int) -> WorkingGrid:
        """A grid of at most about so many voxels: the finest axis is joined first, so that blocks become cubes."""
        factors = [1, 1, 1]
        shape = np.array(crop.shape)
        while np.prod(-(-shape // factors)) > voxels:
            steps = [s * f if n > f else np.inf for s, f, n in zip(spacing_mm, factors, crop.shape, strict=True)]
            factors[int(np.argmin(steps))] += 1
        x, y, z = factors
        values = _block_means(crop, (x, y, z))
        step = tuple(s * f for s, f in zip(spacing_mm, factors, strict=True))
        return cls(_smoothed(values, step), (x, y, z), step)  # type: ignore[arg-type]

    def index(self, at: Index) -> Index:
        """The block that a voxel of the crop lies in."""
        i, j, k = (a // f for a, f in zip(at, self.factors, strict=True))
        return i, j, k

    def to_crop(self, blocks: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Values of blocks, for every voxel of a crop of that shape."""
        for axis, factor in enumerate(self.factors):
            if factor > 1:
                blocks = np.repeat(blocks, factor, axis=axis)
        return blocks[tuple(slice(n) for n in shape)]


def refined(
    crop: NDArray[Any], grid: WorkingGrid, region: NDArray[np.bool_], settled: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """region (blocks) on the voxels of the crop: those at its boundary go where their value is nearer to.

    Inside and outside are compared by their means within two blocks, of blocks that do not lie at the boundary.
    Blocks that are settled (a click said what they are) stay.
    """
    from scipy.ndimage import binary_dilation, binary_erosion, uniform_filter

    coarse = grid.to_crop(region, crop.shape)
    if max(grid.factors) == 1:
        return np.array(coarse)
    core = binary_erosion(region, border_value=1)
    far = ~binary_dilation(region)
    means, known = [], []
    for where in (core, far):
        weight = uniform_filter(where.astype(np.float32), 5, mode="constant")
        total = uniform_filter(np.where(where, grid.values, 0).astype(np.float32), 5, mode="constant")
        means.append(total / np.maximum(weight, 1e-6))
        known.append(weight > 1e-4)
    band = ~core & ~far & known[0] & known[1] & ~settled
    here = np.nonzero(grid.to_crop(band, crop.shape))
    block = tuple(h // f for h, f in zip(here, grid.factors, strict=True))
    threshold = (means[0][block] + means[1][block]) / 2
    brighter = means[0][block] > means[1][block]
    result = np.array(coarse)
    values = _denoised(crop, float(np.median(np.abs(means[0][band] - means[1][band])))) if band.any() else crop
    result[here] = np.where(brighter, values[here] > threshold, values[here] < threshold)
    return result


def _denoised(crop: NDArray[Any], contrast: float) -> NDArray[Any]:
    """crop, smoothed by one voxel where its noise is more than a fifth of the contrast."""
    from scipy.ndimage import gaussian_filter

    steps = np.abs(np.diff(crop[::2, ::2].astype(np.float32), axis=0))
    noise = 1.4826 * float(np.median(steps)) / 2**0.5 if steps.size else 0.0
    if noise <= 0.2 * contrast:
        return crop
    sigma = tuple(1.0 if n > 1 else 0.0 for n in crop.shape)
    return np.asarray(gaussian_filter(crop.astype(np.float32), sigma, truncate=2.0))


def _block_means(crop: NDArray[Any], factors: Index) -> NDArray[np.float32]:
    """Means over blocks, those at the far edge of what is left there; values that are not finite count as lowest."""
    values = np.asarray(crop, dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        values = np.where(finite, values, values[finite].min() if finite.any() else 0).astype(np.float32)
    for axis, factor in enumerate(factors):
        if factor > 1:
            starts = np.arange(0, values.shape[axis], factor)
            counts = np.diff(np.append(starts, values.shape[axis])).astype(np.float32)
            shape = [1, 1, 1]
            shape[axis] = -1
            values = (np.add.reduceat(values, starts, axis=axis) / counts.reshape(shape)).astype(np.float32)
    return np.asarray(values, dtype=np.float32)


def _smoothed(values: NDArray[np.float32], step_mm: tuple[float, ...]) -> NDArray[np.float32]:
    """A median over the nearest voxels, along those axes whose step is less than twice the finest."""
    from scipy.ndimage import median_filter

    finest = min(s for s, n in zip(step_mm, values.shape, strict=True) if n > 1) if max(values.shape) > 1 else 1.0
    # A single slice has fewer neighbours to take the median of, and is small.
    wide = 5 if min(values.shape) == 1 else 3
    size = tuple(wide if n > 1 and s < 2 * finest else 1 for s, n in zip(step_mm, values.shape, strict=True))
    return np.asarray(median_filter(values, size=size, mode="nearest"), dtype=np.float32)
