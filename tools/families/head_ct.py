"""The head on CT by Hounsfield units: outline, bone, skull, air spaces, soft tissue."""

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

# Below the skin's partial volume with air, above foam and pillows (−700 and lower).
OUTLINE_HU = -300
# The threshold for bone that surgical planning programs set out from. Global thresholds find bone to within 0.6 mm:
# van Eijnatten et al., Med Eng Phys 2018;51:6–16.
BONE_HU = 226
# The upper airway's best threshold is −460 to −470 HU: Nakano et al., Dentomaxillofac Radiol 2013;42:26397438.
AIR_HU = -465
# Fat begins at −190 HU: Yoshizumi et al., Radiology 1999;211:283–286.
SOFT_LOW_HU = -190

# A headrest and its cover are thinner than this, and hang on the head by less.
OPENING_MM = 4.0
# Wide enough to bridge the nostrils and the ear canals, so that the air behind them is inside.
CLOSING_MM = 8.0

HEAD_CT: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    BodyPartIs(one_of=("head", "brain", "skull")),
    UnitIs(unit=HU),
    CoversAtLeast(extent_mm=(100.0, 100.0, 20.0)),
    CoversAtMost(extent_mm=(520.0, 520.0, 450.0)),
    SpacingAtMost(max_mm=5.0),
)
DENSE_VESSELS = NoContrast(changes="dense vessels count as bone")


@tool(
    examples=(
        "Outline the head.",
        "Where does the head end on this CT?",
        "How large is the whole head?",
        "Segment the head without the headrest.",
        "Give me the skin surface of the head.",
        "Mask of the head including the air inside",
    ),
    near_misses=("Outline the brain on MR. (brain_extraction)", "Outline the skull. (skull)"),
    when=HEAD_CT,
    then=(
        NotEmpty(),
        NotCut(),
        Plausible(
            quantity="volume",
            low=1500.0,
            high=7500.0,
            unit="mL",
            source="from infants to adults with the neck; adult heads weigh 3 to 6 kg: Yoganandan et al., "
            "J Biomech 2009;42:1177–1192",
        ),
    ),
    needs=Needs(memory_gb=1.2, seconds=7.0),
    reference="Threshold, opening, largest component, closing: Soille, Morphological Image Analysis, 2nd ed. 2004.",
    error=(MeasuredError(text="phantom head with sinuses, nostril and headrest: volume within 2 %", modality="CT",
                         relative_error=0.02),),
    uses=(orient,),
)  # fmt: skip
def head_outline(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")]
) -> Annotated[Mask, Of("head", side="whole")]:
    """Mask of the whole head on CT: everything from the skin inwards, with the air inside, without the headrest.

    Voxels above −300 HU, opened by 4 mm to let go of the headrest, the largest part kept and grown back to its
    voxels, nostrils and ear canals bridged by 8 mm, and holes filled. Includes as much of the neck as the scan
    shows, so that its volume depends on where the scan ends.
    """
    voxels = ctx.voxels(volume)
    view, turned, undo = orient.canonical(voxels, volume.geometry)
    ctx.progress(0.1, "separating the head from the headrest")
    dense = np.ascontiguousarray(view > OUTLINE_HU)
    body = _largest(_opened(dense, OPENING_MM, turned.spacing_mm))
    if not body.any():
        return ctx.mask(np.zeros(voxels.shape, np.bool_), volume, "head")
    # The opening rounds off ears and nose: what is dense and within its reach belongs to the head again.
    body = dense & _grown(body, OPENING_MM, turned.spacing_mm)
    ctx.progress(0.5, "filling the air inside")
    return ctx.mask(undo(_filled(body, turned.spacing_mm)), volume, "head")


@tool(
    examples=(
        "Where is the bone?",
        "Outline the bones of the head.",
        "How much bone is there?",
        "Segment the bony structures.",
        "Show all bone on this head CT.",
        "What is the bone volume?",
    ),
    near_misses=(
        "Is there a fracture? (not assessed)",
        "Outline the skull alone. (skull)",
        "How much lies above 700 HU? (voxels_in_range)",
    ),
    when=(*HEAD_CT, DENSE_VESSELS),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.6, seconds=0.6),
    reference="Global threshold for bone: van Eijnatten et al., Med Eng Phys 2018;51:6–16; 226 HU is the usual preset.",
    error=(MeasuredError(text="phantom: exact in voxels above the threshold; published: bone surfaces within 0.6 mm",
                         modality="CT"),),
    uses=(orient,),
)  # fmt: skip
def bone(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    head: Annotated[Mask, Of("head")],
) -> Annotated[Mask, Of("bone", side="whole")]:
    """Bone inside the head: voxels of 226 HU and more.

    Takes in teeth, calcifications, metal and its streaks, and vessels with dense contrast; leaves out marrow and thin
    walls (orbit, sinuses) that partial volume darkens. Raises ToolInputError where the grids differ.
    """
    inside, voxels = _inside(ctx, volume, head)
    return _part(ctx, inside & (voxels >= BONE_HU), volume, head, "bone")


@tool(
    examples=(
        "Outline the skull.",
        "How large is the skull?",
        "Segment the cranium.",
        "Where is the skull on this CT?",
        "Outline the skull bone without loose pieces.",
        "Show the calvarium and the base of the skull.",
    ),
    near_misses=(
        "Is the skull fractured? (not assessed)",
        "Strip the skull. (brain_extraction)",
        "Show all bone. (bone)",
    ),
    when=(*HEAD_CT, DENSE_VESSELS),
    then=(
        NotEmpty(),
        NotCut(),
        Plausible(
            quantity="volume",
            low=150.0,
            high=1500.0,
            unit="mL",
            source="a dry adult skull has about 400 to 800 mL of bone; children less, mandible and neck more",
        ),
    ),
    needs=Needs(memory_gb=1.0, seconds=2.5),
    reference="Largest connected part of bone, 26 neighbours; van Eijnatten et al., Med Eng Phys 2018;51:6–16.",
    error=(MeasuredError(text="phantom: the skull without loose pieces, exact in voxels", modality="CT"),),
    uses=(orient,),
)
def skull(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    bone: Annotated[Mask, Of("bone")],
) -> Annotated[Mask, Of("skull", side="whole")]:
    """The skull: the largest connected part of the bone of the head.

    Takes in whatever touches it at the scan's resolution: facial bones and upper teeth always, the mandible and the
    upper cervical vertebrae where their joints are narrower than a voxel or two. Loose pieces are left out.
    """
    return _part(ctx, _largest(ctx.voxels(bone)), volume, bone, "skull")


@tool(
    examples=(
        "How much air is in the sinuses?",
        "Outline the air spaces of the head.",
        "Where is air inside the head?",
        "What is the volume of the pneumatised spaces?",
        "Segment the paranasal sinuses and airways.",
        "How large are the air cells together?",
    ),
    near_misses=(
        "Is there sinusitis? (not assessed)",
        "How large is the left maxillary sinus alone? (not assessed: single sinuses need another tool)",
        "How much emphysema is there? (not assessed on a head CT)",
    ),
    when=HEAD_CT,
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.6, seconds=0.6),
    reference="Threshold of the upper airway: Nakano et al., Dentomaxillofac Radiol 2013;42:26397438.",
    error=(MeasuredError(text="phantom: sinus and nasal passage, exact in voxels below the threshold", modality="CT"),),
    uses=(orient,),
)
def air_spaces(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    head: Annotated[Mask, Of("head")],
) -> Annotated[Mask, Of("air_space", side="whole")]:
    """Air inside the head: sinuses, mastoid cells, nasal cavity, pharynx and ear canals; voxels of −465 HU and less.

    All of them together, whether connected or not, and any other air inside (after trauma or surgery); hollows of
    the outer ear narrower than 8 mm count as inside. Mucosa,
    fluid and cells smaller than a voxel are not counted.
    """
    inside, voxels = _inside(ctx, volume, head)
    return _part(ctx, inside & (voxels <= AIR_HU), volume, head, "air_space")


@tool(
    examples=(
        "How much soft tissue is there?",
        "Outline the soft tissue of the head.",
        "Segment everything that is neither bone nor air.",
        "What is the volume of the soft tissues?",
        "Show the soft tissue on this head CT.",
        "Where is soft tissue?",
    ),
    near_misses=(
        "Outline the brain on this CT. (not assessed: needs a tool for CT)",
        "Is there a haemorrhage? (not assessed)",
        "How much fat is there? (voxels_in_range)",
    ),
    when=HEAD_CT,
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.6, seconds=0.6),
    reference="From the lower limit of fat (Yoshizumi et al., Radiology 1999;211:283–286) to below bone (226 HU).",
    error=(MeasuredError(text="phantom: exact in voxels between the thresholds", modality="CT"),),
    uses=(orient,),
)
def soft_tissue(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    head: Annotated[Mask, Of("head")],
) -> Annotated[Mask, Of("soft_tissue", side="whole")]:
    """Soft tissue inside the head: voxels from −190 to below 226 HU.

    Brain, fluid, fat, muscle, skin, eyes and blood together. Voxels between air and fat (−464 to −191 HU, mostly
    partial volume) belong to neither.
    """
    inside, voxels = _inside(ctx, volume, head)
    return _part(ctx, inside & (voxels >= SOFT_LOW_HU) & (voxels < BONE_HU), volume, head, "soft_tissue")


def _inside(ctx: ToolContext, volume: Volume, head: Mask) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """The head's voxels and the image's, in stored order. Raises ToolInputError where the grids differ."""
    if not head.geometry.same_grid(volume.geometry):
        raise ToolInputError("The head lies on another grid than the scan: give a mask of this scan.")
    return ctx.voxels(head), ctx.voxels(volume)


def _part(ctx: ToolContext, voxels: NDArray[np.bool_], volume: Volume, of: Mask, structure: str) -> Mask:
    """A part of a mask, with what was doubtful of the whole; where the whole was cut the part says so itself."""
    result = ctx.mask(voxels, volume, structure)
    return result.model_copy(update={"flags": tuple(f for f in of.flags if not f.startswith("cut by"))})


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest part, 26 neighbours; of equal parts the first in the array. Empty where the mask is."""
    import cc3d

    labels = cc3d.connected_components(np.ascontiguousarray(mask).view(np.uint8), connectivity=26)
    sizes = np.bincount(labels.ravel(order="K"))
    if len(sizes) < 2:
        return np.zeros(mask.shape, np.bool_)
    return np.asarray(labels == int(sizes[1:].argmax()) + 1)


def _opened(mask: NDArray[np.bool_], width_mm: float, spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    return _grown(~_grown(~mask, width_mm / 2, spacing_mm), width_mm / 2, spacing_mm)


def _grown(mask: NDArray[np.bool_], by_mm: float, spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """The mask grown by a box, axis by axis, at least one voxel along each: fast, and alike in every axis order."""
    from scipy.ndimage import maximum_filter1d

    grown = mask.view(np.uint8)
    for axis, step in enumerate(spacing_mm):
        grown = maximum_filter1d(grown, 2 * max(1, round(by_mm / step)) + 1, axis=axis, mode="nearest")
    return grown.view(np.bool_)


def _filled(body: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """A body (x, y, z) with all air inside that no passage wider than CLOSING_MM joins to the outside.

    Outside is the air that reaches the lateral, anterior or posterior face of the field of view, or passes over a
    head whose top is seen: the airway leaves through the lower face and is inside.
    """
    import cc3d

    x, y, z = (int(CLOSING_MM / step) + 2 for step in spacing_mm)
    above = 0 if body[..., -1].any() else z
    # Below the scan the neck goes on as it is seen in the lowest slice.
    padded = np.pad(np.pad(body, ((x, x), (y, y), (0, above))), ((0, 0), (0, 0), (z, 0)), mode="edge")
    labels = cc3d.connected_components((~_grown(padded, CLOSING_MM / 2, spacing_mm)).view(np.uint8), connectivity=6)
    table = np.zeros(int(labels.max()) + 1, np.bool_)
    table[labels[0, 0, -1]] = True
    closed = ~_grown(table[labels], CLOSING_MM / 2, spacing_mm)
    inner = tuple(slice(before, before + n) for before, n in zip((x, y, z), body.shape, strict=True))
    return body | closed[inner]
