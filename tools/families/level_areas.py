"""Cross-sectional areas on the axial slice that a person points at."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import BodyPartIs, ModalityIs, PointInside, SpacingAtMost, UnitIs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.measuring import measured
from scanwright.tools.vocabulary.body_parts import TRUNK

# Skeletal muscle: Mitsiopoulos et al., J Appl Physiol 1998;85:115–122.
MUSCLE_HU = (-29, 150)


@tool(
    family="shape",
    examples=(
        "What is the fat area at this level?",
        "How many cm² of subcutaneous fat are there on this slice?",
        "Cross-sectional area of the bone at the level I point at?",
        "What area does the lung have on the slice at z = 120?",
        "Area of the deep fat at L3, where I clicked?",
        "How large is the marked region on this axial slice, in square centimetres?",
    ),
    near_misses=(
        "What is the muscle area at this level? (muscle_area_at_level)",
        "What is the volume of the fat? (mask_volume)",
        "What is the surface area of the lung? (surface_area)",
        "Which slice is L3? (not assessed: point at it)",
    ),
    when=(PointInside(),),
    needs=Needs(memory_gb=0.4, seconds=0.3),
    reference="Pixels counted on one slice; fat at L3 or L4–5: Shen et al., J Appl Physiol 2004;97:2333–2338.",
    error=(MeasuredError(text="discs of known area, 48 axis orders: within 1 %", relative_error=0.01),),
    uses=(measuring, axes),
)
def area_at_level(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")], at: Point
) -> Annotated[Measurement, Of("?s", side="?d", quantity="area_at_level")]:
    """Area of a structure on the axial slice through a point, in square centimetres.

    The slice is the stored one closest to axial that lies nearest to the point; the person says where the level
    (L3, the carina) is. The range is what the slices above and below have. Where the structure has no voxel on that
    slice there is no value.
    """
    return _area(ctx.voxels(mask), mask, at, f"pixels of the {mask.name} counted")


@tool(
    family="shape",
    examples=(
        "What is the muscle area at this level?",
        "What is the skeletal muscle area at L3 inside my outline?",
        "How many cm² of muscle are in the marked region on this slice?",
        "Cross-sectional area of the muscle inside my outline, at this point?",
        "Measure the muscle area on the slice I point at.",
        "Skeletal muscle area for sarcopenia, with the muscles outlined by me",
    ),
    near_misses=(
        "Muscle volume is not muscle area: how much muscle is there in all? (not assessed)",
        "What is the fat area at this level? (area_at_level)",
        "Is this patient sarcopenic? (not assessed: needs height, sex and a cut-off)",
        "How much lean tissue is there? (lean_tissue: muscles and organs together)",
    ),
    when=(
        ModalityIs(one_of=("CT",)),
        BodyPartIs(one_of=TRUNK),
        UnitIs(unit=HU),
        SpacingAtMost(max_mm=5.0),
        PointInside(),
    ),
    needs=Needs(memory_gb=0.5, seconds=0.4),
    reference="Mourtzakis et al., Appl Physiol Nutr Metab 2008;33:997–1006 (−29 to 150 HU in outlined muscles, L3).",
    error=(MeasuredError(text="phantom with discs of known area: within 1 %; the outline is the person's",
                         modality="CT", relative_error=0.01),),
    uses=(measuring, axes),
)  # fmt: skip
def muscle_area_at_level(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    outline: Annotated[Mask, Of("given_region")],
    at: Point,
) -> Annotated[Measurement, Of("muscle", side="whole", quantity="area_at_level")]:
    """Area of muscle on the axial slice through a point: voxels from −29 to 150 HU inside an outline that is given.

    Muscle has the density of organs, so that a person (or another tool) outlines the muscles, or the slice without
    the organs; fat inside the outline is not counted. Everything lean inside it is. Raises ToolInputError where the
    grids differ.
    """
    if not outline.geometry.same_grid(volume.geometry):
        raise ToolInputError("The outline lies on another grid than the scan: give a mask of this scan.")
    voxels = ctx.voxels(volume)
    lean = (voxels >= MUSCLE_HU[0]) & (voxels <= MUSCLE_HU[1]) & ctx.voxels(outline)
    result = _area(lean, outline, at, "pixels from −29 to 150 HU inside the given outline counted")
    return result.model_copy(
        update={
            "type": result.type.model_copy(update={"structure": "muscle", "side": "whole"}),
            "name": "cross-sectional area of the muscle at the level",
        }
    )


def _area(voxels: NDArray[np.bool_], of: Mask, at: Point, method: str) -> Measurement:
    """The area of voxels (i, j, k) on the slice through a point."""
    geometry = of.geometry
    axis = geometry.axes[2]
    here = axes.nearest_index((at.x, at.y, at.z), geometry)[axis]
    if not 0 <= here < geometry.shape[axis]:
        raise ToolInputError(f"The level {at.z:g} mm lies outside the field of view: give a point inside it.")
    pixel_cm2 = _pixel_mm2(geometry, axis) / 100.0
    slices: dict[int, NDArray[np.bool_]] = {
        k: voxels.take([k], axis=axis).squeeze(axis)
        for k in (here - 1, here, here + 1)
        if 0 <= k < geometry.shape[axis]
    }
    areas = {k: float(np.count_nonzero(s)) * pixel_cm2 for k, s in slices.items()}
    number = geometry.shape[axis] - here if geometry.flips[2] else here + 1
    where = f"axial slice {number} of {geometry.shape[axis]} counted from below, at z {at.z:g} mm"
    if not areas[here]:
        flags = [f"not found: no voxel of the {of.name} on that slice"]
        return measured("area_at_level", None, "cm2", of, method=method, at=where, flags=flags, size=False)
    result = measured(
        "area_at_level",
        areas[here],
        "cm2",
        of,
        method=method,
        at=where,
        uncertainty=Uncertainty(
            kind="range",
            low=min(areas.values()),
            high=max(areas.values()),
            method="the slices above and below",
            n=len(areas),
        ),
        size=False,
    )
    # A structure that goes on above or below the scan has its whole area on this slice.
    result = result.model_copy(update={"flags": tuple(f for f in result.flags if not f.startswith("cut by"))})
    cut = slices[here]
    if not (cut[0].any() or cut[-1].any() or cut[:, 0].any() or cut[:, -1].any()):
        return result
    flags = [*result.flags, "cut by the edge of the field of view on that slice: the true area is larger"]
    return result.model_copy(update={"bound": "lower", "flags": tuple(flags)})


def _pixel_mm2(geometry: Geometry, axis: int) -> float:
    one, other = (geometry.matrix[:3, a] for a in range(3) if a != axis)
    return float(np.linalg.norm(np.cross(one, other)))
