"""Two exams of one head laid on each other: the earlier on the later's grid, how far it moved, what grew and shrank."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import AnyBefore, BodyPartIs, SpacingAtMost
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes, orient
from scanwright.tools.measuring import measured, together
from scanwright.tools.morphology import registration

HEADS: tuple[AnyBefore, ...] = (BodyPartIs(one_of=("head", "brain", "skull")), SpacingAtMost(max_mm=6.0))
REFERENCE = (
    "Rigid registration by Mattes' mutual information: Mattes et al., IEEE Trans Med Imaging 2003;22:120–128; by "
    "SimpleITK: Lowekamp et al., Front Neuroinform 2013;7:45."
)
FOUND = MeasuredError(
    text="Colin 27 and a head CT turned by 12 to 28° and moved by 11 to 35 mm onto another grid, with noise and other "
    "brightness (n 3): every place within 0.1 mm, angle within 0.03°; a head smooth and "
    "round all over can turn in itself unnoticed",
    n=3,
)  # fmt: skip
NEEDS = Needs(memory_gb=1.2, seconds=45.0)
LOSSY = "interpolated onto the later exam's grid: for looking and comparing, not for measuring intensities"
CARRIED = "carried over from the earlier exam by rigid registration"


@tool(
    examples=(
        "Register the earlier exam to this one.",
        "Bring the old scan onto the grid of the new one.",
        "Align the two exams.",
        "Resample the previous exam to match this scan.",
        "Coregister the March scan with today's.",
        "Put both exams into the same space.",
    ),
    near_misses=(
        "How far did the head move between the exams? (exam_displacement)",
        "Normalise this brain to MNI space. (not offered: only two exams of one patient are registered)",
        "Register the abdomen of March to this one. (not offered: organs move against each other)",
    ),
    when=HEADS,
    needs=NEEDS,
    reference=REFERENCE,
    error=(FOUND,),
    lossy=True,
    uses=(registration, orient),
)
def registered_exam(
    ctx: ToolContext,
    earlier: Annotated[Volume, Of(modality="?m", time="?t1", grid="*")],
    later: Annotated[Volume, Of(modality="?m", time="?t2")],
) -> Annotated[Volume, Of(modality="?m", quantity="registered_volume", time="?t2")]:
    """The earlier exam of a head on the grid of the later one, by rigid registration and linear interpolation.

    A lossy step: voxels are interpolated. Where the earlier exam's field of view does not reach, voxels have its
    lowest value. The transform looks at both scans at 2 mm, there and back; where those two disagree by more than
    3 mm, ToolFailed is raised.
    """
    found = _rigid(ctx, earlier, later)
    voxels = ctx.voxels(earlier)
    low = float(np.nanmin(voxels))
    moved = registration.resampled(voxels, earlier.geometry, later.geometry, found.matrix, order=1, outside=low)
    if np.issubdtype(voxels.dtype, np.integer):
        moved = np.round(moved).astype(voxels.dtype)
    made = ctx.volume(moved, later, name=f"{earlier.name}, on the later exam's grid", image=earlier.image)
    type_ = made.type.model_copy(update={"quantity": ("registered_volume",)})
    return made.model_copy(update={"type": type_, "flags": (LOSSY, *_said(found))})


@tool(
    examples=(
        "Carry the earlier mask over to this exam.",
        "Where was the old lesion on today's scan?",
        "Transfer last year's outline to this scan.",
        "Show the earlier contour on the new exam.",
        "Map the segmentation of the first exam onto the second.",
        "Propagate the earlier mask.",
    ),
    near_misses=(
        "Outline the lesion on this scan. (not assessed: a carried mask shows where it was, not where it is)",
        "What grew since then? (overlap_change)",
    ),
    when=HEADS,
    needs=NEEDS,
    reference=REFERENCE,
    error=(
        FOUND,
        MeasuredError(text="a given mask on turned heads: Dice 0.93 and more, volume within 5 % on voxels of 2 mm"),
    ),
    lossy=True,
    uses=(registration, orient),
)
def carried_mask(
    ctx: ToolContext,
    mask: Annotated[Mask, Of("?s", side="?d", time="?t1", grid="?g1")],
    earlier: Annotated[Volume, Of(modality="?m", time="?t1", grid="?g1")],
    later: Annotated[Volume, Of(modality="?m", time="?t2")],
) -> Annotated[Mask, Of("?s", side="?d", quantity="carried_mask", time="?t2")]:
    """The earlier exam's mask on the grid of the later exam, by rigid registration and nearest neighbour.

    It shows where the structure was, not where it is now. What lies outside the later exam's field of view is lost,
    which is flagged.
    """
    found = _rigid(ctx, earlier, later)
    moved = _carry(ctx, mask, later, found)
    made = ctx.mask(
        moved, later, mask.type.structure or "given_region", side=mask.type.side or "whole",
        name=f"{mask.name} of the earlier exam",
    )  # fmt: skip
    type_ = made.type.model_copy(update={"quantity": ("carried_mask",)})
    flags = [CARRIED, *mask.flags, *_said(found)]
    if mask.voxels and made.touches:
        flags.append("cut by the later exam's field of view")
    return made.model_copy(update={"type": type_, "flags": tuple(flags)})


@tool(
    examples=(
        "How far did the head move between the two exams?",
        "How differently was the head positioned last time?",
        "What is the rotation between the two scans?",
        "By how many degrees is the head turned compared with the earlier exam?",
        "Displacement between the exams in mm?",
        "How well do the positions of the two exams agree?",
    ),
    near_misses=(
        "How far is the midline shifted? (midline_shift)",
        "Did the patient move during the scan? (not assessed)",
        "Has the lesion moved? (not assessed: the whole head is registered)",
    ),
    when=HEADS,
    needs=NEEDS,
    reference=REFERENCE,
    error=(FOUND,),
    uses=(measuring, registration),
)
def exam_displacement(
    ctx: ToolContext,
    earlier: Annotated[Volume, Of(modality="?m", time="?t1", grid="*")],
    later: Annotated[Volume, Of(modality="?m", time="?t2", grid="*")],
) -> Annotated[
    Measurements,
    Of("image", side="whole", quantity=("exam_displacement", "exam_rotation"), modality="?m", time="*", grid="*"),
]:
    """How far the head lies from where it lay in the earlier exam: mean displacement in mm, rotation in degrees.

    In the millimetres of the two files, whose zero is the scanner's: nothing about the patient follows from it. The
    range is how far the registration of the later exam onto the earlier disagrees with that of the earlier onto the
    later.
    """
    found = _rigid(ctx, earlier, later)
    how = "registered there and back: the two disagree by that much"

    def one(quantity: str, value: float, unit: str, apart: float) -> Measurement:
        known = Uncertainty(kind="range", low=max(0.0, value - apart), high=value + apart, method=how, n=2)
        return measured(quantity, value, unit, later, method="rigid registration of the two exams", uncertainty=known)

    items = [
        one("exam_displacement", found.displacement_mm, "mm", found.disagree_mm),
        one("exam_rotation", found.rotation_degrees, "deg", found.disagree_degrees),
    ]
    return together(items, later, "displacement between the two exams")


@tool(
    examples=(
        "What grew and what shrank since the last exam?",
        "How many millilitres are new compared with the earlier outline?",
        "Which part of the lesion is outside its earlier outline?",
        "How much of the marked region overlaps with that of the last exam?",
        "New and resolved volume between the two exams?",
        "Volume inside and outside the earlier mask, please.",
    ),
    near_misses=(
        "How much has the volume changed? (volume_change)",
        "Is the tumour progressing? (not assessed)",
    ),
    when=HEADS,
    needs=NEEDS,
    reference=REFERENCE,
    error=(FOUND, MeasuredError(text="a grown region on turned heads: new, lost and kept volume within their ranges")),
    uses=(measuring, registration, axes, orient),
)
def overlap_change(
    ctx: ToolContext,
    earlier_mask: Annotated[Mask, Of("?s", side="?d", time="?t1", grid="?g1")],
    later_mask: Annotated[Mask, Of("?s", side="?d", time="?t2", grid="?g2")],
    earlier: Annotated[Volume, Of(modality="?m", time="?t1", grid="?g1")],
    later: Annotated[Volume, Of(modality="?m", time="?t2", grid="?g2")],
) -> Annotated[Measurements, Of("?s", side="?d", quantity="overlap_change", modality="?m", time="*", grid="*")]:
    """What of a structure is new, gone and kept since the earlier exam, in mL, after rigid registration.

    The earlier mask is carried over by nearest neighbour. New is the later mask outside it, gone is what of it the
    later mask leaves out, kept is in both. The range is what moving the earlier outline inwards and outwards makes,
    by half a voxel or by what the registration there and back disagrees, whichever is more. Raises ToolInputError
    where one of the masks is empty or both exams are the same.
    """
    for which, mask in (("earlier", earlier_mask), ("later", later_mask)):
        if not mask.voxels:
            raise ToolInputError(f"The {which} {mask.name} was not found, so what grew cannot be told.")
    found = _rigid(ctx, earlier, later)
    old, new = _carry(ctx, earlier_mask, later, found), ctx.voxels(later_mask)
    reached = registration.seen(earlier.geometry, later.geometry, found.matrix)
    if not (old | new).any():
        raise ToolInputError("Neither mask lies in the common field of view of the two exams.")
    spacing = later.geometry.spacing_mm
    # A whole layer of voxels is moved and half of its effect taken, as with the volume of a mask.
    layer = max(*spacing, 2 * found.disagree_mm) + 1e-6
    box = axes.bounding_slices(old | new, margin=int(np.ceil(layer / min(spacing))) + 1)
    distance = _signed_distance(old[box], spacing)
    fresh, seen = new[box], reached[box]
    unit = later.geometry.voxel_ml

    def volume(name: str, pick: Any) -> Measurement:
        value, one, other = (float(np.count_nonzero(pick(distance - d) & seen)) * unit for d in (0.0, layer, -layer))
        one, other = (value + one) / 2, (value + other) / 2
        item = measured(
            "overlap_change", value, "mL", later_mask, method=name,
            uncertainty=Uncertainty(
                kind="range", low=min(value, one, other), high=max(value, one, other), n=2,
                method=f"earlier outline moved by {layer / 2:.2f} mm outwards and inwards",
            ),
        )  # fmt: skip
        return item.model_copy(update={"name": f"{later_mask.name}, {name}"})

    items = [
        volume("new since the earlier exam", lambda d: fresh & (d > 0)),
        volume("gone since the earlier exam", lambda d: ~fresh & (d <= 0)),
        volume("kept from the earlier exam", lambda d: fresh & (d <= 0)),
    ]
    unseen = float(np.count_nonzero(new & ~reached)) * unit
    flags = list(_said(found))
    if unseen:
        flags.append(f"{unseen:.1f} mL of the later mask lie outside the earlier field of view and are not counted")
    items = [item.model_copy(update={"flags": (*item.flags, *flags)}) for item in items]
    return together(items, later_mask, f"change of the {later_mask.name}")


def _rigid(ctx: ToolContext, earlier: Volume, later: Volume) -> registration.Rigid:
    """The transform, kept in this worker: several tools ask for the same one."""
    if earlier.type.time is not None and earlier.type.time == later.type.time:
        raise ToolInputError("Both scans are of the same exam: registration needs two exams of one patient.")
    if (earlier.geometry.space == "native") != (later.geometry.space == "native"):
        raise ToolInputError("One exam is in the patient's own space and the other is not: compare them in one space.")

    def make() -> registration.Rigid:
        return registration.register(
            ctx.voxels(later), later.geometry, ctx.voxels(earlier), earlier.geometry,
            lambda part: ctx.progress(0.05 + 0.9 * part, "registering the two exams"),
        )  # fmt: skip

    found: registration.Rigid = ctx.resident(f"rigid/{later.pixel_hash}/{earlier.pixel_hash}", make)
    return found


def _carry(ctx: ToolContext, mask: Mask, later: Volume, found: registration.Rigid) -> NDArray[np.bool_]:
    moved = registration.resampled(
        ctx.voxels(mask), mask.geometry, later.geometry, found.matrix, order=0, outside=0.0
    )  # fmt: skip
    return moved > 0.5


def _said(found: registration.Rigid) -> tuple[str, ...]:
    if found.disagree_mm < 1.0:
        return ()
    return (f"the registration is uncertain by {found.disagree_mm:.1f} mm",)


def _signed_distance(inside: NDArray[np.bool_], spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distance in mm to the nearest voxel of the other kind, negative inside."""
    from scipy.ndimage import distance_transform_edt

    if not inside.any():
        return np.full(inside.shape, np.inf)
    outer = distance_transform_edt(~inside, sampling=spacing)
    return np.asarray(np.where(inside, -distance_transform_edt(inside, sampling=spacing), outer), dtype=np.float64)
