"""Columns: things that are round on one axial slice after another, as trachea and aorta are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import parts
from scanwright.tools.morphology.reach import Spacing

# An oblique cut through a tube is longer than wide; twice as long is a tube at 60°.
LONGER_AT_MOST = 2.2
FILLED_AT_LEAST = 0.5


def found(
    mask: NDArray[np.bool_],
    body: NDArray[np.bool_],
    area_mm2: tuple[float, float],
    off_middle_mm: float,
    length_mm: float,
    spacing_mm: Spacing,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The voxels of the longest column of a mask (x, y, z), and of all columns of length_mm and more; empty for none.

    On each axial slice a part counts that is round, of this area, and no farther from the middle of the body.
    """
    from scipy.ndimage import find_objects, label

    round_parts = np.zeros(mask.shape, np.bool_)
    for k in np.flatnonzero(mask.any(axis=(0, 1))):
        across = np.flatnonzero(body[:, :, k].any(axis=1))
        if not across.size:
            continue
        middle = (across[0] + across[-1]) / 2
        numbered, _ = label(mask[:, :, k])
        for number, box in enumerate(find_objects(numbered), 1):
            if abs((box[0].start + box[0].stop - 1) / 2 - middle) * spacing_mm[0] > off_middle_mm:
                continue
            shape = numbered[box] == number
            if _is_round(shape, area_mm2, spacing_mm):
                round_parts[box[0], box[1], k] |= shape
    labels, _ = parts.labelled(round_parts, 6)
    lengths = np.array([0.0, *((box[2].stop - box[2].start) * spacing_mm[2] for box in find_objects(labels))])
    long = lengths >= length_mm
    return parts.chosen(labels, long & (lengths == lengths.max())), parts.chosen(labels, long)


def _is_round(shape: NDArray[np.bool_], area_mm2: tuple[float, float], spacing_mm: Spacing) -> bool:
    width, height = shape.shape[0] * spacing_mm[0], shape.shape[1] * spacing_mm[1]
    area = float(np.count_nonzero(shape)) * spacing_mm[0] * spacing_mm[1]
    if not area_mm2[0] <= area <= area_mm2[1]:
        return False
    return bool(max(width, height) <= LONGER_AT_MOST * min(width, height) and area >= FILLED_AT_LEAST * width * height)
