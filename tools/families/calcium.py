"""Calcium score on ECG-gated native cardiac CT: Agatston score, volume score, number of lesions, and a picture."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Figure, Mask, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    Gated,
    ModalityIs,
    NoContrast,
    Plausible,
    SpacingAtMost,
    StructureIs,
    UnitIs,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.imaging import axes, orient, plane_picture
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.measuring import measured, space_flags, together
from scanwright.tools.morphology import calcium, marks_picture
from scanwright.tools.morphology.calcium import THRESHOLD_HU, Scores
from scanwright.tools.morphology.marks_picture import CYAN, YELLOW, Panel

# What a person can mean by the region of the heart; bone, the body or the whole image never are.
REGIONS = ("heart", "given_region", "clicked_structure")
SLICE_AT_MOST_MM = 3.05
CARDIAC: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    UnitIs(unit=HU),
    NoContrast(changes="blood with contrast is as bright as calcium", otherwise="refuse"),
    Gated(),
    SpacingAtMost(max_mm=SLICE_AT_MOST_MM, otherwise="refuse"),
    StructureIs(one_of=REGIONS, instead="outline the coronary arteries or the heart"),
)
REFERENCE = (
    "Agatston et al., J Am Coll Cardiol 1990;15:827–832 (130 HU, 1 mm², weights 1 to 4, slices of 3 mm); volume score: "
    "Callister et al., Radiology 1998;208:807–814."
)
REGION_AT_MOST_ML = 2000.0
SHIFT_HU = 10.0
OUTSIDE_SHARE = 0.2
AT_120_KV = "at 120 kV, as the threshold of 130 HU asks"
ALL_INSIDE = (
    "every calcification inside the region counts, of valves, aorta and pericardium too: the region alone says that it "
    "is of the coronary arteries"
)


@tool(
    examples=(
        "What is the Agatston score in the region I marked?",
        "Calcium score of the coronaries I outlined?",
        "How much coronary calcium is there in this mask?",
        "CAC score, please: the mask holds the coronary arteries.",
        "What is the calcium volume score of the marked region?",
        "How many calcified lesions are in the heart region?",
        "Agatston units in the outlined coronaries on this gated CT?",
    ),
    near_misses=(
        "Calcium score on this chest CT without gating? (refused: gated scans only)",
        "Calcium score with contrast? (refused)",
        "How much bone is there? (body_bone)",
        "Which percentile is that for the age? (no reference values are bundled)",
        "Is there a stenosis? (not assessed)",
        "Calcium mass in mg? (not assessed: it needs a calibration phantom)",
    ),
    when=CARDIAC,
    then=(
        Plausible(quantity="agatston_score", low=0.0, high=6000.0, unit="", source="more is bone in most cases"),
    ),
    needs=Needs(memory_gb=1.0, seconds=2.0),
    reference=REFERENCE,
    error=(
        MeasuredError(text="cylinders of known area and HU in slices of 1.5, 2.5 and 3 mm, 48 axis orders: the score "
                           "that is worked out by hand, exactly", relative_error=0.0),
        MeasuredError(text="no gated cardiac CT is at hand: untried on patients", modality="CT", n=0),
    ),
    uses=(measuring, calcium, orient, axes),
)  # fmt: skip
def calcium_score(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[
    Measurements, Of("?s", side="?d", quantity=("agatston_score", "calcium_volume_score", "calcified_lesion_count"))
]:
    """Agatston score, volume score (mm³) and number of the calcified lesions inside a region of an ECG-gated native CT.

    The region is a mask of the coronary arteries or the heart that a person gives or clicks, or the heart of an organ
    model: never the whole image, where bone would count. In each axial slice, parts of 130 HU and more with at least
    1 mm² are lesions; area times 1 (from 130 HU), 2 (200), 3 (300) or 4 (400) by the densest voxel, times the slices'
    distance over 3 mm. The volume score counts voxels and does not interpolate. The range moves the threshold by 10 HU.
    0 is a score: the region was looked at and nothing in it is calcified. Raises ToolInputError where slices are
    further apart or thicker than 3 mm, the grids differ, or the region is none that a heart could be.
    """
    hu, region, turned = _looked_at(ctx, volume, mask)
    spacing = (turned.spacing_mm[0], turned.spacing_mm[1], turned.spacing_mm[2])
    method = f"parts of {THRESHOLD_HU:g} HU and more with 1 mm² and more in axial slices; {AT_120_KV}"
    quantities = ("agatston_score", "calcium_volume_score", "calcified_lesion_count")
    if not mask.voxels:
        return together([measured(q, None, "1", mask, method=method) for q in quantities], mask, "calcium score")
    found = {shift: calcium.scores(hu, region, spacing, THRESHOLD_HU + shift) for shift in (-SHIFT_HU, 0.0, SHIFT_HU)}
    at, flags = found[0.0], [ALL_INSIDE, *space_flags(volume.geometry)]
    if calcium.goes_on_outside(hu, region, at.calcium, THRESHOLD_HU) > OUTSIDE_SHARE:
        flags.append("much of the calcium goes on outside the region: it may be bone, or the region cuts it")
    if mask.touches:
        flags.append("the region is cut by the edge of the field of view: calcium beyond it does not count")
    values = (
        ("agatston_score", at.agatston, "1", [s.agatston for s in found.values()]),
        ("calcium_volume_score", at.volume_mm3, "mm3", [s.volume_mm3 for s in found.values()]),
        ("calcified_lesion_count", at.lesions, "1", None),
    )
    items = [
        measured(quantity, value, unit, mask, method=method, flags=flags, size=False, uncertainty=_moved(spread))
        for quantity, value, unit, spread in values
    ]
    return together(items, mask, f"calcium score of the {mask.name}")


@tool(
    examples=(
        "Show me the calcified lesions.",
        "Where is the coronary calcium? Show it.",
        "Picture of what counts in the Agatston score",
        "Draw the calcifications on the slices.",
        "Show which voxels went into the calcium score.",
        "Figure of the calcium in the marked region, please.",
    ),
    near_misses=("What is the calcium score? (calcium_score)", "Show the mask. (overlay)"),
    when=CARDIAC,
    needs=Needs(memory_gb=1.0, seconds=2.0),
    reference="Radiological display: the patient's right on the left side of the picture (DICOM PS3.3 C.7.6.1.1.1).",
    error=(MeasuredError(text="drawn from the same lesions as calcium_score counts"),),
    uses=(calcium, marks_picture, plane_picture, orient, axes),
    shows=("agatston_score", "calcium_volume_score", "calcified_lesion_count"),
)
def calcium_picture(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Figure, Of("?s", side="?d", quantity="calcium_picture")]:
    """The up to six axial slices with most calcium: lesions that count in yellow, the region's outline in blue.

    Raises ToolFailed where nothing in the region is calcified.
    """
    hu, region, turned = _looked_at(ctx, volume, mask)
    found: Scores = calcium.scores(hu, region, turned.spacing_mm, THRESHOLD_HU)
    amount = found.calcium.sum(axis=(0, 1))
    levels = sorted(int(z) for z in np.argsort(amount)[::-1][:6] if amount[z])
    if not levels:
        raise ToolFailed(f"Nothing in the {mask.name} is calcified, so there is nothing to draw.")
    view, whole, _ = orient.canonical(ctx.voxels(volume), volume.geometry)
    panels = []
    for z in levels:
        place_mm = axes.to_mm(np.array([[0, 0, z]]), whole.matrix)[0][2]
        panels.append(
            Panel(view[:, :, z].astype(np.float32), whole.spacing_mm[:2], f"axial  z {place_mm:.0f} mm",
                  (-160.0, 440.0), ((region[:, :, z], CYAN), (found.calcium[:, :, z], YELLOW)))
        )  # fmt: skip
    png = marks_picture.drawn(panels, f"Calcium in the {mask.name}, Agatston score {found.agatston:.0f}",
                              volume.geometry.sides_known)  # fmt: skip
    caption = (
        f"Axial slices with most calcium: lesions of {THRESHOLD_HU:g} HU and more in yellow, the {mask.name} in blue. "
        f"{plane_picture.foot(volume.geometry)}"
    )
    return ctx.figure(png, name=f"picture of the calcium in the {mask.name}", caption=caption)


def _looked_at(ctx: ToolContext, volume: Volume, mask: Mask) -> tuple[NDArray[Any], NDArray[np.bool_], Geometry]:
    """HU, the region, and the geometry, all (x, y, z); or why there is no calcium score."""
    if not mask.geometry.same_grid(volume.geometry):
        raise ToolInputError(f"The {mask.name} lies on another grid than the scan: give a mask of this scan.")
    if mask.type.structure not in REGIONS:
        raise ToolInputError(
            f"A calcium score is not told of the {mask.name}: outline the coronary arteries or the heart."
        )
    millilitres = mask.voxels * mask.geometry.voxel_ml
    if millilitres > REGION_AT_MOST_ML:
        raise ToolInputError(
            f"The {mask.name} has {millilitres:.0f} mL, more than any heart, and bone would count as calcium: outline "
            "the coronary arteries or the heart."
        )
    apart = volume.geometry.spacing_mm[volume.geometry.axes[2]]
    thick = max(apart, volume.image.slice_thickness_mm or 0.0)
    if thick > SLICE_AT_MOST_MM:
        raise ToolInputError(
            f"The slices are {thick:g} mm thick or apart, and a calcium score needs 3 mm or less: give thinner slices."
        )
    view, turned, _ = orient.canonical(ctx.voxels(volume), volume.geometry)
    region, _, _ = orient.canonical(ctx.voxels(mask), volume.geometry)
    return view, region, turned


def _moved(spread: list[float] | None) -> Uncertainty | None:
    if spread is None:
        return None
    method = f"threshold moved by {SHIFT_HU:g} HU"
    return Uncertainty(kind="range", low=min(spread), high=max(spread), method=method, n=len(spread))
