"""Ventricles, thalamus and the brain's outline of one scan, brought into the head's own frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import LabelMap, Mask
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.morphology.frontal_horns import (
    EvansLines,
    front_of_thalamus,
    widest,
    widest_horns,
    without_specks,
)
from scanwright.tools.morphology.head_frame import STEP_MM, HeadFrame, head_frame
from scanwright.tools.morphology.midline import Shift, midline_shift
from scanwright.tools.morphology.septum import ABOVE_MM

# The names that the network of 18 classes gives them.
LATERAL, TEMPORAL, THIRD, FOURTH = "Lateral-Ventricle", "Inferior-Lateral-Ventricle", "3rd-Ventricle", "4th-Ventricle"
THALAMUS = "Thalamus"
VENTRICLES = (LATERAL, TEMPORAL, THIRD, FOURTH)


@dataclass(frozen=True)
class Fields:
    """Masks (i, j, k) on the scan's grid, and the frame of its head."""

    frame: HeadFrame
    geometry: Geometry
    brain: NDArray[np.bool_]
    ventricles: NDArray[np.bool_]
    third: NDArray[np.bool_]
    thalamus: NDArray[np.bool_]


def fields(ctx: ToolContext, labels: LabelMap, brain: Mask) -> Fields | None:
    """The fields of a label map and a brain mask; None where the mask is empty.

    Raises ToolInputError where the two lie on different grids or the labels are those of another network, and
    ToolFailed where the outline has no plane of symmetry.
    """
    if not brain.geometry.same_grid(labels.geometry):
        raise ToolInputError(f"The {brain.name} and the {labels.name} lie on different grids: give those of one scan.")
    lateral, third, thalamus = (value_of(labels, name) for name in (LATERAL, THIRD, THALAMUS))
    if not brain.voxels:
        return None
    ctx.progress(0.05, "finding the plane of symmetry")
    outline = ctx.voxels(brain)
    voxels = ctx.voxels(labels)
    frame = head_frame(outline, brain.geometry)
    return Fields(frame, brain.geometry, outline, voxels == lateral, voxels == third, voxels == thalamus)


def value_of(labels: LabelMap, name: str) -> int:
    """The value that stands for a structure. Raises ToolInputError where the map does not know it."""
    found = next((label.value for label in labels.labels if label.name == name), None)
    if found is None:
        raise ToolInputError(f"The labels {labels.name!r} do not know the {name}: give the map of brain_part_map.")
    return found


def evans(found: Fields, nod_degrees: float = 0.0) -> EvansLines | None:
    """The two lines of the Evans index in the frame, nodded; None where no frontal horn is seen."""
    frame = found.frame.nodded(nod_degrees)
    front = front_of_thalamus(frame.sampled(found.thalamus, found.geometry))
    if front is None:
        return None
    horns = widest_horns(without_specks(frame.sampled(found.ventricles, found.geometry)), front)
    if horns is None:
        return None
    level = int(horns.low[2])
    brain = frame.sampled(found.brain, found.geometry, (level, level + 1))
    skull = widest(brain[:, :, level], level, 0, one_row=True)
    return None if skull is None else EvansLines(horns, skull)


def shift(found: Fields, voxels: NDArray[Any], geometry: Geometry) -> Shift | None:
    """The midline shift in the frame; voxels (i, j, k) are the scan's. None where nothing marks the midline."""
    ventricles, third, thalamus = (
        found.frame.sampled(m, found.geometry) for m in (found.ventricles, found.third, found.thalamus)
    )
    near = np.flatnonzero(((third > 0.5) | (thalamus > 0.5)).any(axis=(0, 1)))
    if not near.size:
        return None
    levels = int(near[0]), int(near[-1] + ABOVE_MM[1] / STEP_MM) + 2
    brain = found.frame.sampled(found.brain, found.geometry, levels)
    image = found.frame.sampled(voxels, geometry, levels)
    return midline_shift(found.frame, image, brain, ventricles, third, thalamus)
