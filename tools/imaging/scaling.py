"""Stored values to real values: value = stored × slope + intercept, in integers wherever that is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rescaled(voxels: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """voxels × slope + intercept, (i, j, k), Fortran order; the array given may be written over.

    Integers stay integers where slope and intercept are whole numbers: in their own type where the values fit, else in
    the smallest of int16, int32 and int64 that holds them. Otherwise float32, computed in float64.
    """
    if slope == 1.0 and intercept == 0.0:
        return voxels
    if voxels.dtype.kind in "iu" and voxels.size and float(slope).is_integer() and float(intercept).is_integer():
        exact = _in_integers(voxels, int(slope), int(intercept))
        if exact is not None:
            return exact
    out = np.empty(voxels.shape, np.float32, order="F")
    for k in range(voxels.shape[2]):
        out[:, :, k] = voxels[:, :, k].astype(np.float64) * slope + intercept
    return out


def _in_integers(voxels: NDArray[Any], slope: int, intercept: int) -> NDArray[Any] | None:
    ends = [int(voxels.min()) * slope + intercept, int(voxels.max()) * slope + intercept]
    for target in (voxels.dtype, np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.int64)):
        info = np.iinfo(target)
        if not info.min <= min(ends) <= max(ends) <= info.max:
            continue
        bits = 8 * target.itemsize
        if target.itemsize == voxels.itemsize and slope == 1:
            # Unsigned addition wraps, and wrapping gives the right bits whenever the true sum fits: no second array.
            bare = voxels.view(f"u{target.itemsize}")
            bare += bare.dtype.type(intercept % 2**bits)
            return voxels.view(target)
        out = np.empty(voxels.shape, target, order="F")
        for k in range(voxels.shape[2]):
            out[:, :, k] = voxels[:, :, k].astype(np.int64) * slope + intercept
        return out
    return None
