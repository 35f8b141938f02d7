"""The trunk on CT by Hounsfield units: outline, soft tissue, lean tissue, and fat under the skin and deep."""

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
    SpacingAtMost,
    UnitIs,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import Of
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import orient
from scanwright.tools.morphology import enclosed, parts, reach
from scanwright.tools.vocabulary.body_parts import TRUNK

# Half way between air and skin, so that the outline lies where partial volume puts it.
OUTLINE_HU = -500
# Table tops, cushions' covers, tubes and leads are thinner than this.
OPENING_MM = 6.0
# Adipose tissue: Yoshizumi et al., Radiology 1999;211:283–286 (attenuation range −190 to −30 HU).
FAT_HU = (-190, -30)
# Skeletal muscle and other lean tissue: Mitsiopoulos et al., J Appl Physiol 1998;85:115–122 (−29 to 150 HU).
LEAN_HU = (-29, 150)
BONE_HU = 200
SKIN_MM = 3.0
# Wide enough to bridge the linea alba and the gaps between muscles, narrow enough to follow the wall.
WALL_GAP_MM = 10.0
# Where skin and muscle are nearer to each other than the bridged gap, fat this near to the skin lies under it.
THIN_MM = 12.0

TRUNK_CT: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    BodyPartIs(one_of=TRUNK),
    UnitIs(unit=HU),
    CoversAtLeast(extent_mm=(220.0, 150.0, 20.0)),
    CoversAtMost(extent_mm=(820.0, 820.0, 2100.0)),
    SpacingAtMost(max_mm=5.0),
)


@tool(
    examples=(
        "Outline the body.",
        "Where does the body end on this CT?",
        "Segment the patient without the table.",
        "How large is the scanned part of the body?",
        "Give me the skin surface of the trunk.",
        "Remove the table from the abdominal CT.",
        "Mask of the whole torso including the air inside",
    ),
    near_misses=(
        "Outline the head. (head_outline)",
        "What does the patient weigh? (not assessed: the scan shows a part of the body)",
    ),
    when=TRUNK_CT,
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=1.2, seconds=11.0),
    reference="Threshold, opening, largest component, hollows filled: Soille, Morphological Image Analysis, 2004.",
    error=(
        MeasuredError(text="phantom trunk with lungs, bowel gas, table and lead: volume within 1 %", modality="CT",
                      relative_error=0.01),
    ),
    uses=(orient, enclosed, parts, reach),
)  # fmt: skip
def body_outline(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")]
) -> Annotated[Mask, Of("body", side="whole")]:
    """Mask of the patient's trunk on CT: everything from the skin inwards, with lungs and gas, without the table.

    Voxels above −500 HU, opened by 6 mm to let go of table, tubes and leads, the largest part kept, hollows filled
    that do not open to the sides. An arm beside the body belongs to it where it touches it, and is left out
    where it does not. Its volume is that of what
    the scan shows, between its first and its last slice.
    """
    voxels = ctx.voxels(volume)
    view, turned, undo = orient.canonical(voxels, volume.geometry)
    ctx.progress(0.1, "separating the patient from the table")
    body = enclosed.outline(np.ascontiguousarray(view > OUTLINE_HU), OPENING_MM, turned.spacing_mm)
    ctx.progress(0.9)
    return ctx.mask(undo(body), volume, "body")


@tool(
    examples=(
        "How much fat is there on this abdominal CT?",
        "Segment the adipose tissue.",
        "What is the volume of fat?",
        "Show all fat in the abdomen.",
        "Outline the fatty tissue.",
        "How many litres of fat does the scanned part have?",
    ),
    near_misses=(
        "How much of the fat lies under the skin? (subcutaneous_fat)",
        "Does the liver hold fat? (not assessed: fat inside cells darkens the liver, it is no fat tissue)",
        "What is the body fat percentage? (not assessed: the scan shows a part of the body)",
    ),
    when=TRUNK_CT,
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.6, seconds=0.6),
    reference="Attenuation range of adipose tissue: Yoshizumi et al., Radiology 1999;211:283–286.",
    error=(MeasuredError(text="phantom: exact in voxels between the thresholds", modality="CT"),),
    uses=(orient,),
)
def fat(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("fat", side="whole")]:
    """Fat tissue of the trunk: voxels from −190 to −30 HU inside the body.

    Under the skin, between muscles, in the abdomen and the chest together. Partial volume between air and soft
    tissue (rims of lungs and gas) has the same values and is counted where it is that dense; fatty marrow is too.
    """
    voxels = _voxels(ctx, volume, body)
    return _part(ctx, _fat(voxels) & ctx.voxels(body), volume, body, "fat")


@tool(
    examples=(
        "How much subcutaneous fat is there?",
        "Segment the fat under the skin.",
        "What is the volume of the subcutaneous adipose tissue?",
        "Outline the SAT.",
        "Show the subcutaneous fat of the abdomen.",
        "How large is the fat layer under the skin?",
    ),
    near_misses=(
        "How much visceral fat is there? (deep_fat: it holds the fat between muscles too)",
        "How much fat is there in all? (fat)",
    ),
    when=TRUNK_CT,
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=1.5, seconds=20.0),
    reference="Fat outside the wall of muscle and bone; −190 to −30 HU: Yoshizumi et al., Radiology 1999;211:283–286.",
    error=(
        MeasuredError(
            text="one abdominal slab (3 mm) against the stored output of a segmentation model, no manual truth: Dice "
            "0.89, volume 7 % larger",
            modality="CT",
            relative_error=0.07,
            n=1,
        ),
    ),
    uses=(orient, enclosed, parts, reach),
)
def subcutaneous_fat(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("subcutaneous_fat", side="whole")]:
    """Fat between the skin and the wall of muscle and bone, −190 to −30 HU.

    The wall is what is neither fat nor skin, with gaps up to 10 mm bridged in axial planes; fat is subcutaneous where
    it is reached from the skin without passing the wall, or lies within 12 mm under the skin and joins the skin's
    fat. Wider gaps of the wall (hernias, the groin, the axilla, breasts) let it run deep.
    """
    voxels = _voxels(ctx, volume, body)
    return _part(ctx, _subcutaneous(ctx, voxels, volume, body), volume, body, "subcutaneous_fat")


@tool(
    examples=(
        "How much deep fat is there?",
        "What is the volume of the fat inside the abdominal wall?",
        "Segment the fat that is not subcutaneous.",
        "How much visceral fat is there, roughly?",
        "Show the fat inside the trunk wall.",
        "Outline the intra-abdominal fat.",
    ),
    near_misses=(
        "How much fat lies under the skin? (subcutaneous_fat)",
        "How much visceral fat alone, without that between muscles? (not assessed: needs a segmentation of muscles)",
    ),
    when=TRUNK_CT,
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=1.5, seconds=20.0),
    reference="Fat inside the wall of muscle and bone; −190 to −30 HU: Yoshizumi et al., Radiology 1999;211:283–286.",
    error=(
        MeasuredError(
            text="one abdominal slab (3 mm) against the stored torso fat of a segmentation model, no manual truth: "
            "Dice 0.80, volume 35 % larger, as the fat between muscles is in it",
            modality="CT",
            relative_error=0.35,
            n=1,
        ),
    ),
    uses=(orient, enclosed, parts, reach),
)
def deep_fat(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("deep_fat", side="whole")]:
    """Fat inside the wall of the trunk, −190 to −30 HU: all that is not subcutaneous.

    Visceral and retroperitoneal fat, and with them the fat between and within muscles, around the heart and in the
    mediastinum, and fatty marrow: larger than visceral fat alone, most of all in the pelvis.
    """
    voxels = _voxels(ctx, volume, body)
    under_skin = _subcutaneous(ctx, voxels, volume, body)
    return _part(ctx, _fat(voxels) & ctx.voxels(body) & ~under_skin, volume, body, "deep_fat")


@tool(
    examples=(
        "How much lean tissue is there?",
        "Segment the lean soft tissue.",
        "What is the volume of muscles and organs together?",
        "Show the lean tissue of the body.",
        "Outline the lean mass on this CT.",
        "How much of the trunk is lean?",
    ),
    near_misses=(
        "How much muscle is there? (not assessed: muscle cannot be told from organs by HU)",
        "What is the muscle area at this level? (muscle_area_at_level)",
        "Muscle volume is not muscle area, and lean tissue is not muscle.",
    ),
    when=(*TRUNK_CT, NoContrast(changes="enhanced vessels and kidneys lie above the range and are left out")),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.6, seconds=0.6),
    reference="Attenuation range: Mitsiopoulos et al., J Appl Physiol 1998;85:115–122.",
    error=(
        MeasuredError(text="phantom: exact in voxels between the thresholds", modality="CT"),
        MeasuredError(
            text="one abdominal slab: 3.9 times the muscle that a segmentation model found, of which it holds 95 %",
            modality="CT",
            n=1,
        ),
    ),
    uses=(orient,),
)
def lean_tissue(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("lean_tissue", side="whole")]:
    """Lean soft tissue of the trunk: voxels from −29 to 150 HU inside the body.

    Muscles, organs, bowel and its contents, skin, vessels, blood and fluid together: an upper bound for muscle, and
    no measure of it.
    """
    voxels = _voxels(ctx, volume, body)
    found = (voxels >= LEAN_HU[0]) & (voxels <= LEAN_HU[1]) & ctx.voxels(body)
    return _part(ctx, found, volume, body, "lean_tissue")


@tool(
    examples=(
        "How much soft tissue is there in the abdomen?",
        "Outline the soft tissue of the trunk.",
        "Segment everything that is neither bone nor air in the chest.",
        "What is the volume of the soft tissues of the pelvis?",
        "Show the soft tissue on this body CT.",
        "Where is soft tissue on the abdominal CT?",
    ),
    near_misses=(
        "Outline the liver. (not assessed)",
        "How much fat is there? (fat)",
        "How much is lean? (lean_tissue)",
    ),
    when=(*TRUNK_CT, NoContrast(changes="dense vessels and kidneys count as bone and are left out")),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.6, seconds=0.6),
    reference="From the lower limit of fat (Yoshizumi et al., Radiology 1999;211:283–286) to below bone (200 HU).",
    error=(MeasuredError(text="phantom: exact in voxels between the thresholds", modality="CT"),),
    uses=(orient,),
)
def body_soft_tissue(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("soft_tissue", side="whole")]:
    """Soft tissue of the trunk: voxels from −190 to below 200 HU inside the body.

    Fat, muscles, organs, fluid and blood together; marrow too, which is no denser.
    """
    voxels = _voxels(ctx, volume, body)
    found = (voxels >= FAT_HU[0]) & (voxels < BONE_HU) & ctx.voxels(body)
    return _part(ctx, found, volume, body, "soft_tissue")


def _fat(voxels: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((voxels >= FAT_HU[0]) & (voxels <= FAT_HU[1]))


def _subcutaneous(ctx: ToolContext, voxels: NDArray[Any], volume: Volume, body: Mask) -> NDArray[np.bool_]:
    """In stored order."""
    if not body.voxels:
        return np.zeros(voxels.shape, np.bool_)
    view, turned, undo = orient.canonical(voxels, volume.geometry)
    inside, _, _ = orient.canonical(ctx.voxels(body), volume.geometry)
    spacing = turned.spacing_mm
    is_fat = _fat(view) & inside
    ctx.progress(0.1, "finding the wall of muscle and bone")
    under_skin = reach.shrunk(inside, SKIN_MM, spacing)
    # Vessels and septa in the fat are no wall: only what is larger than 2 mL.
    wall = parts.at_least(inside & under_skin & ~is_fat, 2000.0 / float(np.prod(spacing)))
    ctx.progress(0.4, "following the fat from the skin")
    outer = enclosed.layer_outside(inside, wall, WALL_GAP_MM, spacing)
    ctx.progress(0.7, "thin layers")
    rim = is_fat & ~reach.shrunk(inside, THIN_MM, spacing)
    thin = parts.touching(rim, rim & ~reach.shrunk(inside, 2 * SKIN_MM, spacing), 6)
    return np.asarray(undo(is_fat & (outer | thin)))


def _voxels(ctx: ToolContext, volume: Volume, body: Mask) -> NDArray[Any]:
    """The image's voxels in stored order. Raises ToolInputError where the grids differ."""
    if not body.geometry.same_grid(volume.geometry):
        raise ToolInputError("The body's outline lies on another grid than the scan: give a mask of this scan.")
    return ctx.voxels(volume)


def _part(ctx: ToolContext, voxels: NDArray[np.bool_], volume: Volume, of: Mask, structure: str) -> Mask:
    """A part of a mask, with what was doubtful of the whole; where the whole was cut the part says so itself."""
    result = ctx.mask(voxels, volume, structure)
    return result.model_copy(update={"flags": tuple(f for f in of.flags if not f.startswith("cut by"))})
