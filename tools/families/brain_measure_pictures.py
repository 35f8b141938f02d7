"""Pictures of where the Evans index and the midline shift were measured."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scanwright.tools.artifacts import Figure, LabelMap, Mask, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import AnyBefore, BodyPartIs, ModalityIs, SpacingAtMost
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging import axes, orient, plane_picture
from scanwright.tools.imaging.plane_picture import CYAN, YELLOW, Line, Slab, drawn, foot
from scanwright.tools.morphology import frontal_horns, head_frame, midline, septum, ventricle_fields
from scanwright.tools.morphology.head_frame import STEP_MM

HEAD_MR: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("MR",)),
    BodyPartIs(one_of=("head", "brain")),
    SpacingAtMost(max_mm=2.0),
)
WHERE = (axes, orient, plane_picture, frontal_horns, head_frame, midline, septum, ventricle_fields)
RADIOLOGICAL = "Radiological display: the patient's right on the left side of the picture (DICOM PS3.3 C.7.6.1.1.1)."
LEVELLED = "Axial plane of the scan, levelled so that the brain's plane of symmetry stands upright."


@tool(
    examples=(
        "Show me where the Evans index was measured.",
        "Picture of the frontal horn width and the skull width.",
        "Draw the two lines of the Evans index.",
        "Show the Evans index on the scan.",
        "Which slice was used for the Evans ratio? Show it.",
        "Figure with the Evans measurement, please.",
    ),
    near_misses=("What is the Evans index? (evans_index)", "Show the ventricles. (overlay)"),
    when=HEAD_MR,
    needs=Needs(memory_gb=0.9, seconds=6.0),
    reference=RADIOLOGICAL,
    error=(MeasuredError(text="drawn from the same lines as evans_index measures"),),
    uses=WHERE,
    shows=("evans_index",),
)
def evans_picture(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="MR")],
    labels: Annotated[LabelMap, Of("brain_parts")],
    brain: Annotated[Mask, Of("brain", side="whole")],
) -> Annotated[Figure, Of("brain", side="whole", quantity="evans_picture")]:
    """The axial level of the Evans index with its two lines and the outline of the frontal horns.

    Raises ToolFailed where no frontal horns are found.
    """
    fields = ventricle_fields.fields(ctx, labels, brain)
    lines = None if fields is None else ventricle_fields.evans(fields)
    if fields is None or lines is None:
        raise ToolFailed("No frontal horns in front of the thalamus were seen, so there is nothing to draw.")
    ctx.progress(0.6, "drawing")
    level = int(lines.horns.low[2])
    grey = fields.frame.sampled(ctx.voxels(volume), volume.geometry, (level, level + 1))[:, :, level]
    horns = fields.frame.sampled(fields.ventricles, fields.geometry, (level, level + 1))[:, :, level] > 0.5
    words = ((lines.horns, f"frontal horns {lines.horns.mm:.1f} mm", YELLOW),
             (lines.skull, f"inner skull {lines.skull.mm:.1f} mm", CYAN))  # fmt: skip
    marks = []
    for width, said, colour in words:
        # Ends may lie on different rows; the width is across, so the line is drawn straight.
        y = (width.low[1] + width.high[1]) / 2 * STEP_MM
        marks.append(Line((width.low[0] * STEP_MM, y), (width.high[0] * STEP_MM, y), said, colour))
    title = f"Evans index {lines.ratio:.2f}"
    png = drawn(Slab(grey, horns, (STEP_MM, STEP_MM)), marks, title, volume.geometry.sides_known)
    return _figure(ctx, png, "Evans index", f"{title}: frontal horns {lines.horns.mm:.1f} mm, brain mask "
                   f"{lines.skull.mm:.1f} mm wide. {LEVELLED} {foot(volume.geometry)}", labels.flags)  # fmt: skip


@tool(
    examples=(
        "Show me where the midline shift was measured.",
        "Picture of the midline and the septum.",
        "Draw the midline shift on its slice.",
        "Show the septum pellucidum and the ideal midline.",
        "Which slice was used for the midline shift? Show it.",
        "Figure with the midline measurement, please.",
    ),
    near_misses=("How far is the midline shifted? (midline_shift)", "Where is the midsagittal plane? (overlay)"),
    when=HEAD_MR,
    needs=Needs(memory_gb=1.0, seconds=5.0),
    reference=RADIOLOGICAL,
    error=(MeasuredError(text="drawn from the same points as midline_shift measures"),),
    uses=WHERE,
    shows=("midline_shift",),
)
def midline_picture(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="MR")],
    labels: Annotated[LabelMap, Of("brain_parts")],
    brain: Annotated[Mask, Of("brain", side="whole")],
) -> Annotated[Figure, Of("brain", side="whole", quantity="midline_picture")]:
    """An axial level above the foramen of Monro with the middle of the skull and the points taken for the septum.

    Raises ToolFailed where neither septum nor third ventricle is found.
    """
    fields = ventricle_fields.fields(ctx, labels, brain)
    found = None if fields is None else ventricle_fields.shift(fields, ctx.voxels(volume), volume.geometry)
    if fields is None or found is None:
        raise ToolFailed("Neither septum pellucidum nor third ventricle were seen, so there is nothing to draw.")
    ctx.progress(0.8, "drawing")
    levels, counts = np.unique(found.points[:, 2], return_counts=True)
    level = int(levels[np.argmax(counts)])
    here = found.points[:, 2] == level
    grey = fields.frame.sampled(ctx.voxels(volume), volume.geometry, (level, level + 1))[:, :, level]
    outline = fields.frame.sampled(fields.brain, fields.geometry, (level, level + 1))[:, :, level] > 0.5
    rows = np.flatnonzero(outline.any(axis=0))
    x = fields.frame.middle * STEP_MM
    middle = Line((x, float(rows[0]) * STEP_MM), (x, float(rows[-1]) * STEP_MM), "midline", CYAN)
    dots = [(float(p[0]) * STEP_MM, float(p[1]) * STEP_MM) for p in found.points[here]]
    title = f"Midline shift {abs(found.mm):.1f} mm"
    png = drawn(
        Slab(grey, outline, (STEP_MM, STEP_MM)), [middle], f"{title} ({found.marker} in red)",
        volume.geometry.sides_known, dots=dots,
    )  # fmt: skip
    caption = f"{title}: {found.marker} (red) against the plane of symmetry of the brain's outline. {LEVELLED}"
    return _figure(ctx, png, "midline shift", f"{caption} {foot(volume.geometry)}", labels.flags)


def _figure(ctx: ToolContext, png: bytes, what: str, caption: str, flags: tuple[str, ...]) -> Figure:
    figure = ctx.figure(png, name=f"picture of the {what}", caption=caption)
    type_ = ArtifactType(kind="Figure", structure="brain", side="whole")
    return figure.model_copy(update={"type": type_, "flags": flags})
