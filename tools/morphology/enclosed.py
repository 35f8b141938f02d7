"""What is outside a body and what lies under its skin: outlines with their hollows, and the layer outside a wall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import parts, reach
from scanwright.tools.morphology.reach import Spacing

# A gap in the abdominal wall is less tall than twice this.
AGREE_MM = 10.0


def outline(dense: NDArray[np.bool_], width_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """The largest dense thing (x, y, z) with all its hollows, without what is thinner than width_mm beside it.

    Outside is what a path through air joins to the lateral, anterior or posterior faces of the array; a hollow that
    leaves by the upper or the lower face only (airway, a lung cut by the scan) is inside.
    """
    body = parts.largest(reach.opened(dense, width_mm, spacing_mm))
    if not body.any():
        return body
    # The opening rounds off thin folds: what is dense and within its reach belongs to the body again.
    body = dense & reach.grown(body, width_mm / 2, spacing_mm)
    return ~_joined_to_the_sides(~body)


def layer_outside(
    body: NDArray[np.bool_], wall: NDArray[np.bool_], gap_mm: float, spacing_mm: Spacing
) -> NDArray[np.bool_]:
    """The part of a body (x, y, z) between its skin and a wall inside it; gaps of the wall up to gap_mm are bridged.

    Each axial slice is looked at by itself, so that a gap (the navel, the groin) is felt on its own slices only, and
    then what more than half of the slices within 10 mm say counts.
    """
    from scipy.ndimage import label, uniform_filter1d

    free = ~_grown_in_plane(wall, gap_mm / 2, spacing_mm)
    for k in range(free.shape[2]):
        numbered, _ = label(np.pad(free[:, :, k], 1, constant_values=True))
        free[:, :, k] = (numbered == numbered[0, 0])[1:-1, 1:-1]
    outside = _grown_in_plane(free, gap_mm / 2, spacing_mm)
    slices = 2 * round(AGREE_MM / spacing_mm[2]) + 1
    votes = uniform_filter1d(outside.view(np.uint8), slices, axis=2, mode="nearest", output=np.float32)
    return np.asarray((votes > 0.5) & body & ~wall)


def _grown_in_plane(mask: NDArray[np.bool_], by_mm: float, spacing_mm: Spacing) -> NDArray[np.bool_]:
    from scipy.ndimage import maximum_filter1d

    result = np.ascontiguousarray(mask).view(np.uint8)
    for axis in (0, 1):
        result = maximum_filter1d(result, 2 * (int(by_mm / spacing_mm[axis]) + 1) + 1, axis=axis, mode="nearest")
    return np.asarray(result.view(np.bool_))


def _joined_to_the_sides(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts (6 neighbours) that touch a face of the first or the second axis."""
    labels, sizes = parts.labelled(mask, 6)
    keep = np.zeros(len(sizes), np.bool_)
    for face in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        keep[np.unique(face)] = True
    return parts.chosen(labels, keep)
