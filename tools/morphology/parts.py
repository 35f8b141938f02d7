"""Connected parts of a voxel set: the largest, those that are large enough, those that a seed lies in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def labelled(mask: NDArray[np.bool_], connectivity: int = 26) -> tuple[NDArray[np.unsignedinteger], NDArray[np.int64]]:
    """Parts numbered from 1 in the order of the array (0 outside), and the voxels of each; sizes[0] is 0.

    connectivity is 6, 18 or 26 neighbours.
    """
    import cc3d

    labels = cc3d.connected_components(np.ascontiguousarray(mask).view(np.uint8), connectivity=connectivity)
    sizes = np.bincount(labels.ravel(order="K"))
    sizes[0] = 0
    return labels, sizes.astype(np.int64)


def chosen(labels: NDArray[np.unsignedinteger], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of the parts whose number is True in keep; part 0, the outside, never."""
    table = keep.copy()
    table[0] = False
    return np.asarray(table[labels])


def largest(mask: NDArray[np.bool_], connectivity: int = 26) -> NDArray[np.bool_]:
    """The largest part; of equal parts the first in the array. Empty where the mask is."""
    labels, sizes = labelled(mask, connectivity)
    if not sizes.any():
        return np.zeros(mask.shape, np.bool_)
    return np.asarray(labels == int(sizes.argmax()))


def at_least(mask: NDArray[np.bool_], voxels: float, connectivity: int = 26) -> NDArray[np.bool_]:
    """The parts of so many voxels or more."""
    labels, sizes = labelled(mask, connectivity)
    return chosen(labels, sizes >= max(1.0, voxels))


def touching(mask: NDArray[np.bool_], seeds: NDArray[np.bool_], connectivity: int = 26) -> NDArray[np.bool_]:
    """The parts that hold a voxel of seeds."""
    labels, sizes = labelled(mask, connectivity)
    keep = np.zeros(len(sizes), np.bool_)
    keep[np.unique(labels[seeds])] = True
    return chosen(labels, keep)
