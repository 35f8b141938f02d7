"""A network of vessels in the plane: middle line, length, width, how it fills the plane, and its edge moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Steps of a chain of pixels overstate a line of any direction by this (Kulpa, Comput Graph Image Process 1977;6:434).
CHAIN = 0.948
BOXES = tuple(2**n for n in range(2, 8))
SHIFTS = 4


def middle_line(mask: NDArray[np.bool_], smooth: float) -> NDArray[np.bool_]:
    """The middle line of a mask (rows, columns), one pixel wide, eight-connected.

    smooth is the standard deviation in pixels that the edge is evened with first, so that its steps grow no spurs.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.morphology import skeletonize

    even = gaussian_filter(mask.astype(np.float32), smooth) > 0.5 if smooth > 0 else mask
    line: NDArray[np.bool_] = skeletonize(even)
    return line


def length(line: NDArray[np.bool_]) -> float:
    """Length of a middle line in pixels: steps along rows and columns, and diagonals where there is no such way."""
    along = np.count_nonzero(line[:, 1:] & line[:, :-1]) + np.count_nonzero(line[1:] & line[:-1])
    down = line[1:, 1:] & line[:-1, :-1] & ~line[1:, :-1] & ~line[:-1, 1:]
    up = line[1:, :-1] & line[:-1, 1:] & ~line[1:, 1:] & ~line[:-1, :-1]
    return CHAIN * float(along + np.sqrt(2) * (np.count_nonzero(down) + np.count_nonzero(up)))


def mean_width(mask: NDArray[np.bool_], line: NDArray[np.bool_]) -> float | None:
    """Mean width in pixels along a middle line: twice the distance to the edge; None where there is no line."""
    from scipy.ndimage import distance_transform_edt

    on = line & mask
    if not on.any():
        return None
    # Distances run between the middles of pixels: to the edge it is half a pixel less, and the middle of an even
    # number of pixels lies half a pixel off the line.
    return float(2 * distance_transform_edt(mask)[on].mean() - 0.5)


def moved(mask: NDArray[np.bool_], outwards: float) -> NDArray[np.bool_]:
    """The mask with its edge moved outwards (or, where negative, inwards) by so many pixels, one ring at least."""
    from scipy.ndimage import distance_transform_edt

    ring = max(abs(outwards), 0.5) + 0.5
    if outwards < 0:
        return np.asarray(distance_transform_edt(mask) > ring, np.bool_)
    if not mask.any():
        return mask
    return np.asarray(distance_transform_edt(~mask) <= ring, np.bool_)


@dataclass(frozen=True)
class Fractal:
    """A dimension by counting boxes, the standard error of its fit, and how many sizes of box are behind it."""

    dimension: float
    error: float
    sizes: int


def box_dimension(line: NDArray[np.bool_], across: float) -> Fractal | None:
    """How a line (rows, columns) fills the plane: slope of the number of boxes it enters over their size, log–log.

    Boxes are a quarter to a 128th of across (pixels) wide, those below two pixels left out; of several places of the
    grid the one with the fewest boxes counts. None where the line is empty or fewer than four sizes are left.
    """
    y, x = np.nonzero(line)
    sizes = [across / n for n in BOXES if across / n >= 2]
    if not len(y) or len(sizes) < 4:
        return None
    counts = []
    for size in sizes:
        shifts = [size * n / SHIFTS for n in range(SHIFTS)]
        wide = int(line.shape[1] / size) + 3
        boxes = (((y + dy) // size) * wide + (x + dx) // size for dy in shifts for dx in shifts)
        counts.append(min(len(np.unique(b.astype(np.int64))) for b in boxes))
    inverse, number = -np.log(sizes), np.log(counts)
    slope, intercept = np.polyfit(inverse, number, 1)
    left = number - slope * inverse - intercept
    spread = float(np.sqrt((left @ left) / (len(sizes) - 2) / np.square(inverse - inverse.mean()).sum()))
    return Fractal(float(slope), spread, len(sizes))
