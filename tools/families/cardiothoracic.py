"""Cardiothoracic ratio from masks on chest CT: width of the heart over inner width of the chest, and a picture."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scanwright.tools import measuring
from scanwright.tools.artifacts import Figure, Mask, Measurement, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    BodyPartIs,
    ModalityIs,
    Plausible,
    SpacingAtMost,
    StructureIs,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.imaging import axes, orient, plane_picture
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.measuring import measured, space_flags
from scanwright.tools.morphology import marks_picture, thorax_width
from scanwright.tools.morphology.marks_picture import CYAN, ORANGE, YELLOW, Mark, Panel
from scanwright.tools.morphology.thorax_width import Width, Widths
from scanwright.tools.vocabulary.body_parts import CHEST

HEARTS = ("heart", "given_region", "clicked_structure")
CHEST_CT: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    BodyPartIs(one_of=CHEST),
    SpacingAtMost(max_mm=5.0),
    StructureIs(name="heart", one_of=HEARTS, instead="give a mask of the heart"),
)
REFERENCE = (
    "Danzer, Am J Med Sci 1919;157:513–521 (greatest transverse width of the heart over greatest inner width of the "
    "chest), here on the coronal projection of masks."
)
HEART_ML = (200.0, 2500.0)
CT_DERIVED = (
    "CT-derived, lying and breathed in, without a radiograph's magnification: the radiograph's cut-off of one half "
    "does not carry over"
)
LUNGS_STAND_IN = (
    "the lungs' outer edges stand in for the inner edges of the ribs: fluid or a collapsed lung narrow them"
)


@tool(
    examples=(
        "What is the cardiothoracic ratio on this CT?",
        "CTR from the heart mask I gave?",
        "How wide is the heart compared with the chest?",
        "Cardiothoracic index, please: the mask is the heart.",
        "Heart width over thoracic width?",
        "Calculate the CT-derived cardiothoracic ratio.",
        "Ratio of the cardiac to the thoracic diameter",
    ),
    near_misses=(
        "Cardiothoracic ratio on this radiograph? (not assessed: CT with masks only)",
        "Is the heart enlarged? (not assessed: no reference values are bundled)",
        "How large is the heart? (mask_volume)",
        "What is the ejection fraction? (not assessed)",
    ),
    when=CHEST_CT,
    then=(
        Plausible(quantity="cardiothoracic_ratio", low=0.25, high=0.85, unit="as a ratio",
                  source="the mask is not of the heart, or cut"),
    ),
    needs=Needs(memory_gb=0.6, seconds=1.0),
    reference=REFERENCE,
    error=(
        MeasuredError(text="phantoms of known widths, 48 axis orders: within one voxel", relative_error=0.01),
        MeasuredError(text="no whole chest CT with a heart mask is at hand: untried on "
                           "patients", modality="CT", n=0),
    ),
    uses=(measuring, thorax_width, orient, axes),
)  # fmt: skip
def cardiothoracic_ratio(
    ctx: ToolContext,
    heart: Annotated[Mask, Of("?s", side="?d")],
    lungs: Annotated[Mask, Of("lung", side="whole")],
) -> Annotated[Measurement, Of("?s", side="?d", quantity="cardiothoracic_ratio")]:
    """Greatest transverse width of the heart over the greatest inner width of the chest, CT-derived.

    The heart is the heart of an organ model or a mask that a person gives or clicks; the chest is what both lungs
    span. On the coronal projection of the masks, as a radiograph shows it: the heart from its outermost point on one
    side to that on the other, the chest on the level where the lungs are widest. The range is the same on one axial
    slice (that of the widest heart, with the chest at that level), and half a voxel at each end. The scan's own
    right–left axis is taken, so that a turned patient has a wider heart, and a mask that holds vessels of the lung is
    wider than the heart. Where the lungs are cut at the side the ratio is an upper bound. Raises ToolInputError where
    the grids differ or the mask is none that a heart could be.
    """
    method = "greatest transverse width of the heart over greatest width of both lungs, on the coronal projection"
    if not heart.voxels or not lungs.voxels:
        empty = heart if not heart.voxels else lungs
        missing = measured("cardiothoracic_ratio", None, "1", heart, method=method, size=False)
        said = () if empty is heart else ("not found: no lungs were seen",)
        return missing.model_copy(update={"value": None, "flags": (*missing.flags, *said)})
    found = _found(ctx, heart, lungs)
    if found is None:
        flag = "not found: heart and lungs lie on no common level"
        return measured("cardiothoracic_ratio", None, "1", heart, method=method, size=False, flags=[flag])
    step = found.heart.voxel_mm
    ends = [
        (h.mm + sign * step) / (c.mm - sign * step)
        for h, c in ((found.heart, found.chest), (found.slice_heart, found.slice_chest))
        for sign in (-1, 1)
    ]
    flags = [CT_DERIVED, LUNGS_STAND_IN, *lungs.flags, *space_flags(heart.geometry)]
    cut = bool({"left", "right"} & set(lungs.touches))
    if cut:
        flags.append("the lungs are cut at the side by the field of view: the ratio is too high")
    if heart.touches:
        flags.append("the heart is cut by the field of view: the ratio may be too low")
    _, turned, _ = orient.canonical(np.empty(heart.geometry.shape, np.bool_), heart.geometry)
    ratio = measured(
        "cardiothoracic_ratio",
        found.ratio,
        "1",
        heart,
        method=method,
        uncertainty=Uncertainty(kind="range", low=min(ends), high=max(ends), n=2,
                                method="on the projection and on one axial slice, each end moved by half a voxel"),
        at=f"(heart {found.heart.mm:.1f} mm, chest {found.chest.mm:.1f} mm at z {_z(found.chest, turned):.0f} mm)",
        flags=flags,
        size=False,
    )  # fmt: skip
    return ratio.model_copy(update={"bound": "upper"}) if cut else ratio


@tool(
    examples=(
        "Show me where the cardiothoracic ratio was measured.",
        "Picture of the heart's width and the chest's width",
        "Draw the lines of the cardiothoracic ratio.",
        "Show the CTR on the scan.",
        "Figure with cardiac and thoracic diameter, please.",
        "Which levels were used for the cardiothoracic ratio? Show it.",
    ),
    near_misses=("What is the cardiothoracic ratio? (cardiothoracic_ratio)", "Show the heart. (overlay)"),
    when=CHEST_CT,
    needs=Needs(memory_gb=1.0, seconds=2.0),
    reference="Radiological display: the patient's right on the left side of the picture (DICOM PS3.3 C.7.6.1.1.1).",
    error=(MeasuredError(text="drawn from the same lines as cardiothoracic_ratio measures"),),
    uses=(thorax_width, marks_picture, plane_picture, orient, axes),
    shows=("cardiothoracic_ratio",),
)
def cardiothoracic_picture(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    heart: Annotated[Mask, Of("?s", side="?d")],
    lungs: Annotated[Mask, Of("lung", side="whole")],
) -> Annotated[Figure, Of("?s", side="?d", quantity="cardiothoracic_picture")]:
    """The coronal projection (mean) of the scan with the outlines of heart and lungs and the two widths.

    Raises ToolInputError where the grids differ, ToolFailed where there is nothing to draw.
    """
    if not heart.geometry.same_grid(volume.geometry):
        raise ToolInputError(f"The {heart.name} lies on another grid than the scan: give a mask of this scan.")
    found = _found(ctx, heart, lungs) if heart.voxels and lungs.voxels else None
    if found is None:
        raise ToolFailed("Heart and lungs were not seen on a common level, so there is nothing to draw.")
    view, turned, _ = orient.canonical(ctx.voxels(volume), volume.geometry)
    outlines = [np.asarray(orient.canonical(ctx.voxels(m), volume.geometry)[0].any(axis=1)) for m in (lungs, heart)]
    mean = np.clip(view, -1000, 1000).mean(axis=1, dtype=np.float32)
    marks = (_mark(found.chest, turned, f"chest {found.chest.mm:.0f} mm", CYAN),
             _mark(found.heart, turned, f"heart {found.heart.mm:.0f} mm", YELLOW))  # fmt: skip
    low, high = (float(v) for v in np.percentile(mean, (2, 99.5)))
    panel = Panel(mean, (turned.spacing_mm[0], turned.spacing_mm[2]), "coronal projection (mean)", (low, high),
                  ((outlines[0], CYAN), (outlines[1], ORANGE)), marks, up="S", down="I")  # fmt: skip
    title = f"Cardiothoracic ratio, CT-derived: {found.ratio:.2f}"
    png = marks_picture.drawn([panel], title, volume.geometry.sides_known)
    caption = f"{title}. {CT_DERIVED[:1].upper()}{CT_DERIVED[1:]}. {plane_picture.foot(volume.geometry)}"
    return ctx.figure(png, name="picture of the cardiothoracic ratio", caption=caption)


def _found(ctx: ToolContext, heart: Mask, lungs: Mask) -> Widths | None:
    if not heart.geometry.same_grid(lungs.geometry):
        raise ToolInputError(f"The {heart.name} lies on another grid than the lungs: give a mask of this scan.")
    if heart.type.structure not in HEARTS:
        raise ToolInputError(f"A cardiothoracic ratio is not told of the {heart.name}: give a mask of the heart.")
    millilitres = heart.voxels * heart.geometry.voxel_ml
    if not HEART_ML[0] <= millilitres <= HEART_ML[1]:
        raise ToolInputError(
            f"The {heart.name} has {millilitres:.0f} mL, and a heart has {HEART_ML[0]:g} to {HEART_ML[1]:g} mL: give a "
            "mask of the heart."
        )
    shape, turned, _ = orient.canonical(ctx.voxels(heart), heart.geometry)
    chest, _, _ = orient.canonical(ctx.voxels(lungs), lungs.geometry)
    return thorax_width.widths(shape, chest, turned.spacing_mm[0])


def _z(width: Width, turned: Geometry) -> float:
    return float(axes.to_mm(np.array([[width.low, 0, width.low_z]]), turned.matrix)[0][2])


def _mark(width: Width, turned: Geometry, words: str, colour: marks_picture.Colour) -> Mark:
    """Both ends at one height, that half way between them; the line ends at the outer faces of its voxels."""
    z = (width.low_z + width.high_z) / 2 * turned.spacing_mm[2]
    x = [(width.low - 0.5) * turned.spacing_mm[0], (width.high + 0.5) * turned.spacing_mm[0]]
    return Mark((x[0], z), (x[1], z), words, colour)
