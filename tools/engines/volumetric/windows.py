"""Where windows stand on a scan, how their parts are weighed, and how much a scan is padded for them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.volumetric.model import Triple, Windows

SIGMA = 1 / 8


def starts(size: int, patch: int, windows: Windows) -> list[int]:
    """The first voxels of the windows along an axis of size voxels, patch or more."""
    if windows.even:
        steps = math.ceil((size - patch) / (patch * windows.step)) + 1
        apart = (size - patch) / (steps - 1) if steps > 1 else 0.0
        return [round(apart * i) for i in range(steps)]
    apart = patch if size == patch else max(1, int(patch * windows.step))
    count = math.ceil((size - patch) / apart) + 1
    return [min(i * apart, size - patch) for i in range(count)]


def padding(shape: Triple, patch: Triple) -> tuple[tuple[int, int], ...]:
    """What is put before and after each axis so that a window fits: half of what is missing, the rest after."""
    missing = [max(0, p - n) for n, p in zip(shape, patch, strict=True)]
    return tuple((m // 2, m - m // 2) for m in missing)


def weights(windows: Windows) -> NDArray[np.float32]:
    """How much each voxel of a window counts, at most 1 and never nought."""
    if windows.weighting == "constant":
        return np.ones(windows.patch, np.float32)
    lines = []
    for n in windows.patch:
        middle = n // 2 if windows.even else (n - 1) / 2
        lines.append(np.exp(-0.5 * ((np.arange(n) - middle) / (SIGMA * n)) ** 2))
    made = lines[0][:, None, None] * lines[1][:, None] * lines[2]
    made /= made.max()
    # Nought would divide by nought where a corner is covered once; a thousandth changes no sum that matters.
    return np.asarray(np.maximum(made, 1e-3), np.float32)
