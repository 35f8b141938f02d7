"""Preparing a scan for a network: turning, resampling, cropping and intensities, and the way back, axis by axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry

# A scan three times coarser along one axis is resampled there by nearest neighbour, as nnU-Net does.
ANISOTROPIC = 3.0
TINY = 1e-8
_DIRECTIONS = {"R": (0, False), "L": (0, True), "A": (1, False), "P": (1, True), "S": (2, False), "I": (2, True)}


@dataclass(frozen=True)
class Resample:
    """To spacing_mm along the network's axes (0: leave this axis).

    align "edges" keeps the field of view (nnU-Net), "centres" the middle of the first voxel (MONAI). apart_order, where
    given, is the order along an axis that is much coarser than the others.
    """

    spacing_mm: tuple[float, float, float]
    order: int = 1
    align: Literal["edges", "centres"] = "centres"
    apart_order: int | None = None


@dataclass(frozen=True)
class Crop:
    """To the box of what is not nought, or above it, wider by margin voxels."""

    select: Literal["nonzero", "positive"]
    margin: int = 0


@dataclass(frozen=True)
class Window:
    """Intensities low..high to bottom..top; clip cuts what lies outside."""

    low: float
    high: float
    bottom: float = 0.0
    top: float = 1.0
    clip: bool = False


@dataclass(frozen=True)
class Standardise:
    """Less the mean, over the standard deviation: given ones, else the scan's own.

    low and high are clipped to first. nonzero looks at, and changes, only voxels that are not nought; filled takes
    the holes between them in.
    """

    mean: float | None = None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    nonzero: bool = False
    filled: bool = False


@dataclass(frozen=True)
class Stretch:
    """The scan's own minimum and maximum to bottom and top."""

    bottom: float = 0.0
    top: float = 1.0


Step: TypeAlias = Resample | Crop | Window | Standardise | Stretch


@dataclass(frozen=True)
class Axis:
    """Where voxel i of the turned scan lies on the network's grid: factor × i + offset, of size voxels there.

    nearest: scores are brought back along this axis by nearest neighbour.
    """

    factor: float
    offset: float
    size: int
    nearest: bool = False


@dataclass(frozen=True)
class Prepared:
    """voxels on the network's grid, float32; axes say how the turned scan of shape lies on it; undo turns back."""

    voxels: NDArray[np.float32]
    axes: tuple[Axis, Axis, Axis]
    shape: tuple[int, int, int]
    undo: Callable[[NDArray[Any]], NDArray[Any]]


def turned(
    voxels: NDArray[Any], geometry: Geometry, axcodes: str
) -> tuple[NDArray[Any], tuple[float, float, float], Callable[[NDArray[Any]], NDArray[Any]]]:
    """voxels (i, j, k) as a view whose axes run as axcodes say, its spacing, and the way back; nothing interpolated."""
    view, canonical, undo_canonical = orient.canonical(voxels, geometry)
    order = [_DIRECTIONS[letter][0] for letter in axcodes]
    flip = tuple(slice(None, None, -1 if _DIRECTIONS[letter][1] else 1) for letter in axcodes)

    def undo(array: NDArray[Any]) -> NDArray[Any]:
        return undo_canonical(array[flip].transpose(np.argsort(order)))

    spacing = canonical.spacing_mm
    return view.transpose(order)[flip], (spacing[order[0]], spacing[order[1]], spacing[order[2]]), undo


def turned_matrix(geometry: Geometry, axcodes: str) -> NDArray[np.float64]:
    """The affine (to RAS+ mm) of the view that turned() gives."""
    _, canonical, _ = orient.canonical(np.empty(geometry.shape, np.bool_), geometry)
    matrix = np.eye(4)
    matrix[:3, 3] = canonical.matrix[:3, 3]
    for axis, letter in enumerate(axcodes):
        world, flip = _DIRECTIONS[letter]
        column = canonical.matrix[:3, world]
        matrix[:3, axis] = -column if flip else column
        if flip:
            matrix[:3, 3] += column * (canonical.shape[world] - 1)
    return matrix


def prepare(voxels: NDArray[Any], geometry: Geometry, axcodes: str, steps: tuple[Step, ...]) -> Prepared:
    """The scan (i, j, k) on a network's grid. Raises ToolFailed where nothing is left of it."""
    view, spacing, undo = turned(voxels, geometry, axcodes)
    array = np.ascontiguousarray(view, dtype=np.float32)
    shape = array.shape
    axes = [Axis(1.0, 0.0, n) for n in shape]
    for step in steps:
        if isinstance(step, Resample):
            array, axes, spacing = _resampled(array, axes, spacing, step)
        elif isinstance(step, Crop):
            array, axes = _cropped(array, axes, step)
        else:
            array = intensities(array, step)
    return Prepared(np.ascontiguousarray(array), (axes[0], axes[1], axes[2]), (shape[0], shape[1], shape[2]), undo)


def intensities(array: NDArray[np.float32], step: Window | Standardise | Stretch) -> NDArray[np.float32]:
    """array with its intensities changed; may write into it."""
    if isinstance(step, Window):
        array = array - np.float32(step.low)
        array *= np.float32((step.top - step.bottom) / (step.high - step.low))
        array += np.float32(step.bottom)
        return np.clip(array, step.bottom, step.top, out=array) if step.clip else array
    if isinstance(step, Stretch):
        low, high = float(array.min()), float(array.max())
        if high <= low:
            raise ToolFailed("The scan has one value only, so nothing can be seen in it.")
        return intensities(array, Window(low, high, step.bottom, step.top))
    if step.low is not None or step.high is not None:
        array = np.clip(array, step.low, step.high)
    seen = _not_nought(array, step.filled) if step.nonzero else None
    counted = array if seen is None else array[seen]
    if not counted.size:
        raise ToolFailed("The scan is nought everywhere, so nothing can be seen in it.")
    mean = float(counted.mean(dtype=np.float64)) if step.mean is None else step.mean
    deviation = float(counted.std(dtype=np.float64)) if step.deviation is None else step.deviation
    changed = (array - np.float32(mean)) / np.float32(max(deviation, TINY))
    return changed if seen is None else np.where(seen, changed, array)


def _not_nought(array: NDArray[np.float32], filled: bool) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_fill_holes

    seen = array != 0
    return np.asarray(binary_fill_holes(seen)) if filled else seen


def _resampled(
    array: NDArray[np.float32], axes: list[Axis], spacing: tuple[float, float, float], step: Resample
) -> tuple[NDArray[np.float32], list[Axis], tuple[float, float, float]]:
    from scipy.ndimage import affine_transform

    target = [want or have for want, have in zip(step.spacing_mm, spacing, strict=True)]
    factors, offsets, sizes = [], [], []
    for n, have, want in zip(array.shape, spacing, target, strict=True):
        if step.align == "edges":
            size = max(1, round(n * have / want))
            factor = size / n
            offset = factor / 2 - 0.5
        else:
            factor, offset = have / want, 0.0
            size = round((n - 1) * factor) + 1
        factors.append(factor)
        offsets.append(offset)
        sizes.append(size)
    apart = _coarse_axis(spacing, target) if step.apart_order is not None else None
    made = [
        Axis(a.factor * f, a.offset * f + o, n, nearest=i == apart and step.apart_order == 0)
        for i, (a, f, o, n) in enumerate(zip(axes, factors, offsets, sizes, strict=True))
    ]
    if tuple(sizes) == array.shape and np.allclose(factors, 1.0, atol=1e-6):
        return array, made, (target[0], target[1], target[2])
    inplane = [i for i in range(3) if i != apart]
    if any(sizes[i] != array.shape[i] or abs(factors[i] - 1.0) > 1e-6 for i in inplane):
        steps = [1 / factors[i] if i in inplane else 1.0 for i in range(3)]
        starts = [-offsets[i] / factors[i] if i in inplane else 0.0 for i in range(3)]
        between = tuple(sizes[i] if i in inplane else array.shape[i] for i in range(3))
        array = affine_transform(
            array, steps, starts, output_shape=between, output=np.float32, order=step.order, mode="nearest"
        )
    if apart is not None:
        at = np.clip(np.round((np.arange(sizes[apart]) - offsets[apart]) / factors[apart]), 0, array.shape[apart] - 1)
        array = array.take(at.astype(np.intp), axis=apart)
    return array, made, (target[0], target[1], target[2])


def _coarse_axis(spacing: tuple[float, float, float], target: list[float]) -> int | None:
    """The one axis that is three times coarser than the finest: of the scan, else of the network's grid."""
    for each in (spacing, target):
        if max(each) / min(each) > ANISOTROPIC:
            coarse = [i for i, s in enumerate(each) if s == max(each)]
            return coarse[0] if len(coarse) == 1 else None
    return None


def _cropped(array: NDArray[np.float32], axes: list[Axis], step: Crop) -> tuple[NDArray[np.float32], list[Axis]]:
    seen = array != 0 if step.select == "nonzero" else array > 0
    box = []
    for axis in range(3):
        found = np.flatnonzero(seen.any(axis=tuple(a for a in range(3) if a != axis)))
        if not found.size:
            raise ToolFailed("The scan is empty where the network would look, so nothing can be seen in it.")
        low, high = max(0, int(found[0]) - step.margin), min(array.shape[axis], int(found[-1]) + 1 + step.margin)
        box.append(slice(low, high))
    moved = [replace(a, offset=a.offset - b.start, size=b.stop - b.start) for a, b in zip(axes, box, strict=True)]
    return array[tuple(box)], moved
