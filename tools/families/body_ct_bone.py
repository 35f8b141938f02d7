"""Bone and vessels with contrast in the trunk on CT."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    BodyPartIs,
    CoversAtLeast,
    CoversAtMost,
    ModalityIs,
    NoContrast,
    NotCut,
    NotEmpty,
    Plausible,
    SpacingAtMost,
    UnitIs,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import Of
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import orient
from scanwright.tools.morphology import columns, contrast, parts, reach
from scanwright.tools.vocabulary.body_parts import TRUNK

# From the iliac artery to an aneurysm: 12 to 60 mm across.
AORTA_MM2 = (110.0, 2800.0)
AORTA_OFF_MIDDLE_MM = 40.0
AORTA_MM = 40.0
# Arterial and venous blood differ by less, half a minute after the injection and later.
BLOOD_RATIO = (0.6, 1.6)

TRUNK_CT: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    BodyPartIs(one_of=TRUNK),
    UnitIs(unit=HU),
    CoversAtLeast(extent_mm=(220.0, 150.0, 20.0)),
    CoversAtMost(extent_mm=(820.0, 820.0, 2100.0)),
    SpacingAtMost(max_mm=5.0),
)
USES = (orient, columns, contrast, parts, reach)


@tool(
    family="body_ct",
    examples=(
        "Where is the bone on this abdominal CT?",
        "Outline the bones of the chest.",
        "Segment the skeleton.",
        "How much bone is there in the trunk?",
        "Show the bones of the trunk.",
        "What is the bone volume on this body CT?",
    ),
    near_misses=(
        "Is there a fracture? (not assessed)",
        "Outline the third lumbar vertebra. (not assessed: single bones need another tool)",
        "What is the bone mineral density? (not assessed: needs a calibrated scan)",
        "Outline the skull. (skull)",
    ),
    when=(*TRUNK_CT, NoContrast(changes="small vessels and bowel with dense contrast may count as bone")),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=1.6, seconds=12.0),
    reference="Threshold 200 HU; contrast told from bone by its evenness and its lack of a cortex (this project).",
    error=(
        MeasuredError(
            text="19 packaged bone surfaces on three torso CTs: 98 to 100 % of their voxels from 200 HU found, at "
            "most 1.1 % of soft structures taken for bone; against the stored output of a segmentation model, no "
            "manual truth: Dice of voxels from 200 HU 0.98 and 0.94 without contrast, 0.74 on a contrast slab with a "
            "calcified aorta",
            modality="CT",
        ),
    ),
    uses=USES,
)
def body_bone(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("bone", side="whole")]:
    """Bone of the trunk: voxels of 200 HU and more in parts that hold cortex, without what contrast fills.

    Cortex and dense cancellous bone; marrow is less dense and left out, so that the volume is not that of whole
    bones. Vessels, kidneys and bowel evenly filled with contrast are taken away; uneven dense bowel contents, small
    vessels beside bone, calcified vessel walls that touch the spine, implants and their streaks may stay in.
    """
    view, inside, undo, spacing = _canonical(ctx, volume, body)
    ctx.progress(0.05, "finding contrast medium")
    _, border, level = contrast.enhanced(view, inside, spacing)
    ctx.progress(0.8, "collecting bone")
    return _part(ctx, undo(contrast.bones(view, inside, border, level, spacing)), volume, body, "bone")


@tool(
    family="body_ct",
    examples=(
        "Show the vessels filled with contrast.",
        "Outline the enhanced vessels.",
        "Where is the contrast-filled aorta and what joins it?",
        "Segment the opacified vessels on this CT angiography.",
        "How bright is the blood in the large vessels?",
        "How much blood with contrast is in heart and large vessels?",
    ),
    near_misses=(
        "How wide is the aorta? (not assessed: the aorta alone needs another tool)",
        "Is there a pulmonary embolism? (not assessed)",
        "Which contrast phase is this? (not assessed)",
    ),
    when=TRUNK_CT,
    then=(
        NotEmpty(),
        NotCut(),
        Plausible(
            quantity="volume",
            low=20.0,
            high=2000.0,
            unit="mL",
            source="aorta, heart chambers and great vessels of adults; more has taken in bowel or kidneys",
        ),
    ),
    needs=Needs(memory_gb=1.6, seconds=12.0),
    reference="Even, bright parts without a cortex, joined to round columns near the spine (this project).",
    error=(
        MeasuredError(
            text="looked at on three torso CTs with bright blood and two without (nothing found there); no whole "
            "reference was at hand: 9 % of a carotid artery and nothing of an aorta with a calcified wall were found",
            modality="CT",
        ),
    ),
    uses=USES,
)
def bright_vessels(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("bright_vessels", side="whole")]:
    """Heart chambers and large vessels filled with contrast, as far as they are joined to aorta-like columns.

    Evenly bright parts above 130 HU without a brighter rim, 8 mm wide and more, that join a round column of
    4 cm and more near the middle of the body. Kidneys, bowel or veins that touch it and are as bright are taken in;
    vessels that are less bright or smaller, or have calcified walls, are left out. Without contrast nothing is found.
    """
    view, inside, undo, spacing = _canonical(ctx, volume, body)
    ctx.progress(0.05, "finding contrast medium")
    _, border, _ = contrast.enhanced(view, inside, spacing)
    ctx.progress(0.8, "finding the aorta")
    longest, every = columns.found(border, inside, AORTA_MM2, AORTA_OFF_MIDDLE_MM, AORTA_MM, spacing)
    found = parts.touching(border, _as_bright(view, every, longest), 6)
    return _part(ctx, undo(found), volume, body, "bright_vessels")


def _as_bright(hu: NDArray[Any], every: NDArray[np.bool_], longest: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The columns whose mean lies near that of the longest: bowel with contrast is brighter than blood."""
    if not longest.any():
        return longest
    labels, sizes = parts.labelled(every, 6)
    mean = np.bincount(labels[every], weights=hu[every], minlength=len(sizes)) / np.maximum(sizes, 1)
    level = float(hu[longest].mean())
    return parts.chosen(labels, (mean > BLOOD_RATIO[0] * level) & (mean < BLOOD_RATIO[1] * level))


def _canonical(
    ctx: ToolContext, volume: Volume, body: Mask
) -> tuple[NDArray[Any], NDArray[np.bool_], Any, reach.Spacing]:
    """HU and body (x, y, z), the way back and the spacing. Raises ToolInputError where the grids differ."""
    if not body.geometry.same_grid(volume.geometry):
        raise ToolInputError("The body's outline lies on another grid than the scan: give a mask of this scan.")
    view, turned, undo = orient.canonical(ctx.voxels(volume), volume.geometry)
    inside, _, _ = orient.canonical(ctx.voxels(body), volume.geometry)
    return view, inside, undo, turned.spacing_mm


def _part(ctx: ToolContext, voxels: NDArray[np.bool_], volume: Volume, of: Mask, structure: str) -> Mask:
    """A part of a mask, with what was doubtful of the whole; where the whole was cut the part says so itself."""
    result = ctx.mask(voxels, volume, structure)
    return result.model_copy(update={"flags": tuple(f for f in of.flags if not f.startswith("cut by"))})
