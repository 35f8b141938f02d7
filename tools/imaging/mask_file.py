"""Reads a mask that a person drew elsewhere and brings it onto the scan's grid, exactly or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.nifti import read_nifti_volume
from scanwright.tools.imaging.orient import onto
from scanwright.tools.imaging.wording import shown, some


def read_mask_file(path: Path, label: int | None, like: Geometry) -> NDArray[np.bool_]:
    """The voxels of a NIfTI mask that carry label (None: any but 0), bool (i, j, k) on the grid of like, F-order.

    A mask that is the same grid in another axis order or direction is turned exactly; nothing is resampled.
    Raises UserInputError for another grid, values that are not whole numbers, an empty mask, or a label that is absent.
    """
    if not path.is_file():
        raise UserInputError(f"{shown(path)} is not there: check the mask's path.")
    volume = read_nifti_volume(path)
    voxels = onto(volume.voxels, volume.geometry, like)
    if voxels is None:
        raise UserInputError(_elsewhere(path, volume.geometry, like, volume.oriented))
    labels = _labels(voxels, path)
    if not labels:
        raise UserInputError(f"The mask {shown(path)} is empty (all 0): draw or export it again.")
    if label is None:
        return np.asfortranarray(voxels != 0)
    if label not in labels:
        raise UserInputError(
            f"The mask {shown(path)} has no label {label}; it has {some([str(v) for v in labels], 20)}."
        )
    return np.asfortranarray(voxels == label)


def _labels(voxels: NDArray[Any], path: Path) -> list[int]:
    values = _distinct(voxels)
    if any(v != int(v) for v in values):
        raise UserInputError(
            f"The mask {shown(path)} has values that are not whole numbers (it may be a probability map): "
            "threshold it first and save labels."
        )
    return [int(v) for v in values if v != 0]


def _distinct(voxels: NDArray[Any]) -> list[float]:
    """Sorted distinct values, slice by slice so that no sorted copy of the whole is made."""
    found: set[float] = set()
    for k in range(voxels.shape[2]):
        found.update(np.unique(voxels[:, :, k]).tolist())
    return sorted(found)


def _elsewhere(path: Path, mask: Geometry, scan: Geometry, oriented: bool) -> str:
    sizes = f"{_size(mask)} against {_size(scan)}"
    if mask.shape == scan.shape:
        sizes += ", placed elsewhere" if oriented else ", and its file does not say where it lies"
    return f"The mask {shown(path)} is on another grid ({sizes}): resample it onto the scan's grid first."


def _size(geometry: Geometry) -> str:
    return "×".join(str(n) for n in geometry.shape)
