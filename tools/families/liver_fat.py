"""Fat in the liver on native CT: liver against spleen in HU, as ratio, difference and published grade."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scanwright.tools import measuring
from scanwright.tools.artifacts import Figure, Mask, Measurement, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    BodyPartIs,
    ModalityIs,
    NoContrast,
    PointInside,
    SpacingAtMost,
    UnitIs,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU, Points, Quantity
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes, orient, plane_picture
from scanwright.tools.measuring import place
from scanwright.tools.morphology import hu_means, marks_picture
from scanwright.tools.morphology.hu_means import MeanHU
from scanwright.tools.morphology.marks_picture import CYAN, ORANGE, Mark, Panel
from scanwright.tools.vocabulary.body_parts import TRUNK
from scanwright.tools.vocabulary.quantities import QUANTITIES

QUANTITIES_OF = ("liver_spleen_ratio", "liver_spleen_difference", "liver_fat_grade")
NATIVE: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    UnitIs(unit=HU),
    BodyPartIs(one_of=TRUNK),
    NoContrast(
        changes="liver and spleen take it up unequally, so that their HU say nothing of fat", otherwise="refuse"
    ),
    SpacingAtMost(max_mm=6.0),
)
AT_POINTS: tuple[AnyBefore, ...] = (*NATIVE, PointInside(name="liver_at"), PointInside(name="spleen_at"))
REFERENCE = (
    "Liver less spleen on native CT: Limanond et al., Radiology 2004;230:276–280 (above 5 HU, −10 to 5 HU, below "
    "−10 HU against histology in 42 liver donors); liver over spleen: Park et al., Radiology 2006;239:105–112."
)  # fmt: skip
# Limanond 2004: macrovesicular steatosis of 0–5 %, 6–30 %, over 30 %.
NONE_ABOVE_HU, SEVERE_BELOW_HU = 5.0, -10.0
GRADES = (
    "none to minimal (0–5 % macrovesicular steatosis)",
    "mild to moderate (6–30 % macrovesicular steatosis)",
    "moderate to severe (over 30 % macrovesicular steatosis)",
)
RADIUS_MM, RADII_MM = 12.5, (5.0, 25.0)
# A spleen without contrast has 40 to 60 HU.
SPLEEN_AT_MOST_HU, SPLEEN_AT_LEAST_HU = 75.0, 25.0
LIVER_HU = (-50.0, 100.0)
# Noise of thin slices reaches 30 HU; a ball that holds a vessel wall, gas or a rib reaches more.
EVEN_SD_HU = 40.0
EXAMPLES = (
    "Is there fat in the liver on this native CT?",
    "What is the liver-to-spleen ratio?",
    "Liver minus spleen attenuation?",
    "How much darker is the liver than the spleen, in HU?",
    "Grade the steatosis on this unenhanced CT.",
    "Liver attenuation index (liver less spleen), please.",
    "CT L/S ratio of this abdomen?",
)
NEAR_MISSES = (
    "How large is the liver? (mask_volume)",
    "What is the mean HU of the liver? (intensity_statistics)",
    "What is the fat fraction on MR? (not assessed)",
    "Liver fat on a portal venous CT? (refused: native CT only)",
    "Is there cirrhosis? (not assessed)",
)
PHANTOM = MeasuredError(
    text="phantoms of even organs with noise of 20 HU (n 6): within 0.8 HU", relative_error=0.02, n=6
)


@tool(
    examples=EXAMPLES,
    near_misses=NEAR_MISSES,
    when=NATIVE,
    needs=Needs(memory_gb=1.0, seconds=4.0),
    reference=REFERENCE,
    error=(PHANTOM,),
    uses=(measuring, hu_means, axes),
)
def liver_spleen(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    liver: Annotated[Mask, Of("liver", side="whole")],
    spleen: Annotated[Mask, Of("spleen", side="whole")],
) -> Annotated[Measurements, Of("liver", side="whole", quantity=QUANTITIES_OF)]:
    """Mean HU of the liver over, and less, that of the spleen on native CT, and the grade of fat that goes with it.

    Means over all that lies 5 mm and more below the organs' surfaces, vessels included; the range is from 3 to 8 mm.
    The grade goes by the difference (Limanond 2004): above 5 HU none to minimal, −10 to 5 HU mild to moderate, below
    −10 HU moderate to severe. Iron hides fat, as does a spleen that is not healthy. Raises ToolInputError where an
    organ was not found or is too thin, on another grid, or where the spleen has HU that no native spleen has.
    """
    means = []
    for organ in (liver, spleen):
        if not organ.geometry.same_grid(volume.geometry):
            raise ToolInputError(f"The {organ.name} lies on another grid than the scan: give a mask of this scan.")
        mean = hu_means.of_inside(ctx.voxels(volume), volume.geometry, ctx.voxels(organ)) if organ.voxels else None
        if mean is None:
            raise ToolInputError(f"The {organ.name} was not found, or is thinner than 6 mm: nothing can be compared.")
        means.append(mean)
    return _compared(volume, means[0], means[1], "mean HU 5 mm and more below the surface",
                     "from 3 to 8 mm below the surface", (*liver.flags, *spleen.flags))  # fmt: skip


@tool(
    examples=(
        "Liver to spleen ratio at these two points.",
        "Compare the HU where I point in the liver and in the spleen.",
        "I marked the liver and the spleen: is there fat in the liver?",
        "Grade the steatosis from these two regions of interest.",
        "Liver minus spleen attenuation at the points I gave?",
        "L/S ratio from my ROIs, please.",
    ),
    near_misses=NEAR_MISSES,
    when=AT_POINTS,
    needs=Needs(memory_gb=0.3, seconds=0.3),
    reference=REFERENCE,
    error=(
        MeasuredError(
            text="phantoms of even organs with noise of 20 HU, one ball each (n 6): within 2 HU",
            relative_error=0.05,
        ),
    ),
    uses=(measuring, hu_means, axes),
)
def liver_spleen_at_points(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    liver_at: Points,
    spleen_at: Points,
    radius: Quantity | None = None,
) -> Annotated[Measurements, Of("liver", side="whole", quantity=QUANTITIES_OF)]:
    """Mean HU in balls in the liver over, and less, that in the spleen on native CT, and the grade of fat.

    A ball of 12.5 mm (radius: 5 to 25 mm) around each point; several points of an organ count alike, as several
    regions of interest do. The range is what moving all balls by 5 mm in six directions makes. Whether a point lies
    in the liver or the spleen is the person's word: only what cannot be liver or spleen is refused. The grade is as
    in liver_spleen. Raises ToolInputError where a ball leaves the field of view, those of the organs overlap, or the
    spleen has HU that no native spleen has.
    """
    mm = _radius(radius)
    _apart(liver_at, spleen_at, mm, volume)
    voxels = ctx.voxels(volume)
    liver, spleen = (
        hu_means.at_points(voxels, volume.geometry, [(p.x, p.y, p.z) for p in given.points], mm)
        for given in (liver_at, spleen_at)
    )
    where = "; ".join(
        f"{organ} {', '.join(place((p.x, p.y, p.z), volume.geometry) for p in given.points)}"
        for organ, given in (("liver", liver_at), ("spleen", spleen_at))
    )
    return _compared(volume, liver, spleen, f"mean HU in balls of {mm:g} mm radius", "balls moved by 5 mm", (), where)


@tool(
    examples=(
        "Show me where the liver and the spleen were measured.",
        "Picture of the two regions of interest in liver and spleen.",
        "Draw the liver and spleen ROIs.",
        "Show the L/S ratio regions on the scan.",
        "Where exactly are the liver and spleen circles?",
        "Figure with the liver and the spleen ROI, please.",
    ),
    near_misses=("What is the liver-to-spleen ratio? (liver_spleen_at_points)", "Show the liver. (overlay)"),
    when=AT_POINTS,
    needs=Needs(memory_gb=0.3, seconds=0.5),
    reference="Radiological display: the patient's right on the left side of the picture (DICOM PS3.3 C.7.6.1.1.1).",
    error=(MeasuredError(text="drawn from the same balls as liver_spleen_at_points measures"),),
    uses=(hu_means, marks_picture, plane_picture, axes, orient),
    shows=QUANTITIES_OF,
)
def liver_spleen_picture(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    liver_at: Points,
    spleen_at: Points,
    radius: Quantity | None = None,
) -> Annotated[Figure, Of("liver", side="whole", quantity="liver_spleen_picture")]:
    """The axial slices through the balls in liver and spleen, each ball as a circle with its mean HU."""
    mm = _radius(radius)
    _apart(liver_at, spleen_at, mm, volume)
    view, turned, _ = orient.canonical(ctx.voxels(volume), volume.geometry)
    panels = []
    for organ, given, colour in (("liver", liver_at, ORANGE), ("spleen", spleen_at, CYAN)):
        for point in given.points:
            centre = (point.x, point.y, point.z)
            level = axes.nearest_index(centre, turned)[2]
            box, inside = hu_means.ball(turned, centre, mm)
            circle = np.zeros(view.shape[:2], np.bool_)
            circle[box[:2]] = inside[:, :, level - box[2].start]
            mean = float(view[box][inside].mean())
            at = marks_picture.in_plane(centre, turned, 2)
            mark = Mark(at, at, f"{organ} {mean:.0f} HU", colour)
            grey = view[:, :, level].astype(np.float32)
            panels.append(Panel(grey, turned.spacing_mm[:2], f"axial  z {point.z:.0f} mm", (-110.0, 190.0),
                                ((circle, colour),), (mark,)))  # fmt: skip
    png = marks_picture.drawn(panels, "Liver and spleen, mean HU", volume.geometry.sides_known)
    caption = (
        f"Where liver and spleen were measured: balls of {mm:g} mm radius on axial slices, window 40/300 HU. "
        f"{plane_picture.foot(volume.geometry)}"
    )
    figure = ctx.figure(png, name="picture of the regions in liver and spleen", caption=caption)
    return figure.model_copy(
        update={
            "type": ArtifactType(kind="Figure", structure="liver", side="whole", quantity=("liver_spleen_picture",))
        }
    )


def _radius(radius: Quantity | None) -> float:
    if radius is None:
        return RADIUS_MM
    factor = {"mm": 1.0, "1": 1.0, "cm": 10.0}.get(radius.unit)
    if factor is None or not RADII_MM[0] <= radius.value * factor <= RADII_MM[1]:
        raise ToolInputError(f"The radius {radius} is none from {RADII_MM[0]:g} to {RADII_MM[1]:g} mm: give another.")
    return radius.value * factor


def _apart(liver_at: Points, spleen_at: Points, mm: float, volume: Volume) -> None:
    for point in (*liver_at.points, *spleen_at.points):
        if not hu_means.whole_ball(volume.geometry, (point.x, point.y, point.z), mm):
            raise ToolInputError(
                f"The ball of {mm:g} mm around {point} leaves the field of view: point further inside."
            )
    for a in liver_at.points:
        for b in spleen_at.points:
            if np.linalg.norm([a.x - b.x, a.y - b.y, a.z - b.z]) < 2 * mm:
                raise ToolInputError(
                    f"The liver's point {a} and the spleen's point {b} are so near that their regions overlap: give "
                    "one point in each organ."
                )


def _compared(
    volume: Volume, liver: MeanHU, spleen: MeanHU, how: str, moved: str, flags: tuple[str, ...], at: str = ""
) -> Measurements:
    if not SPLEEN_AT_LEAST_HU <= spleen.mean <= SPLEEN_AT_MOST_HU:
        raise ToolInputError(
            f"The spleen has {spleen.mean:.0f} HU, and without contrast it has 40 to 60 HU: contrast was given, or the "
            "place is not spleen."
        )
    said = list(dict.fromkeys(flags))
    if not LIVER_HU[0] <= liver.mean <= LIVER_HU[1]:
        said.append(f"the liver has {liver.mean:.0f} HU, which hardly any liver has: check that the place is liver")
    said += [f"the {organ} is uneven there (standard deviation {m.sd:.0f} HU): it may hold something else"
             for organ, m in (("liver", liver), ("spleen", spleen)) if m.sd > EVEN_SD_HU]  # fmt: skip
    where = f"(liver {liver.mean:.1f} HU, spleen {spleen.mean:.1f} HU{f'; {at}' if at else ''})"
    difference = liver.mean - spleen.mean
    low, high = liver.low - spleen.high, liver.high - spleen.low
    possible = [GRADES[g] for g in range(_grade(high), _grade(low) + 1)]
    rule = f"above {NONE_ABOVE_HU:g} HU, {SEVERE_BELOW_HU:g} to {NONE_ABOVE_HU:g} HU, below {SEVERE_BELOW_HU:g} HU"
    items = (
        _item(volume, "liver_spleen_ratio", liver.mean / spleen.mean, "1", f"{how}: liver over spleen", where, said,
              (liver.low / spleen.high, liver.high / spleen.low), moved),
        _item(volume, "liver_spleen_difference", difference, HU, f"{how}: liver less spleen", where, said,
              (low, high), moved),
        _item(volume, "liver_fat_grade", GRADES[_grade(difference)], "1",
              f"liver less spleen is {difference:.1f} HU; classes: {rule} (Limanond 2004, native CT)", where,
              [*said, *([f"within the range of the difference the grade may be: {' or '.join(possible)}"]
                        if len(possible) > 1 else [])]),
    )  # fmt: skip
    type_ = items[0].type.model_copy(update={"quantity": QUANTITIES_OF})
    return Measurements(type=type_, name="liver against spleen", items=items, flags=tuple(said))


def _grade(difference_hu: float) -> int:
    return 0 if difference_hu > NONE_ABOVE_HU else 2 if difference_hu < SEVERE_BELOW_HU else 1


def _item(
    volume: Volume,
    quantity: str,
    value: float | str,
    unit: str,
    method: str,
    at: str,
    flags: list[str],
    ends: tuple[float, float] | None = None,
    moved: str = "",
) -> Measurement:
    concept = QUANTITIES[quantity]
    type_ = volume.type.model_copy(
        update={"kind": "Measurement", "structure": "liver", "side": "whole", "quantity": (quantity,)}
    )
    spread = None if ends is None else Uncertainty(kind="range", low=min(ends), high=max(ends), method=moved)
    return Measurement(
        type=type_, name=concept.label, quantity=quantity, value=value, unit=unit, code=concept.code,
        uncertainty=spread, method=method, at=at, flags=tuple(flags),
    )  # fmt: skip
