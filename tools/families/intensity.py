"""Voxel values: statistics in a region, the value at a point, the voxels in a range."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import ParamGiven, ParamInUnit, ParamOrdered, PointInside
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU, Point, Quantity
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes
from scanwright.tools.measuring import measured, place, together

# Beyond this the voxels that share an extreme are a plateau (air, saturated metal), and one place says nothing.
PLACES_TOLD = 20


@tool(
    examples=(
        "What is the mean intensity of the brain?",
        "What is the average HU of the skull?",
        "Give me the mean and standard deviation in the marked region.",
        "What is the highest value in the scan, and where is it?",
        "What is the density of the lesion?",
        "How bright is the soft tissue on average?",
        "Intensity statistics of the whole image",
        "What is the median HU of bone?",
    ),
    near_misses=(
        "What is the value at this point? (intensity_at_point)",
        "How much lies above 300 HU? (voxels_in_range, mask_volume)",
    ),
    needs=Needs(memory_gb=0.9, seconds=2.0),
    reference="First-order statistics: IBSI, Zwanenburg et al., Radiology 2020;295:328–338 (UHIW); DICOM CID 7464.",
    error=(MeasuredError(text="phantoms with known values: exact to rounding, 48 axis orders", relative_error=0.0),),
    uses=(measuring, axes),
)
def intensity_statistics(
    ctx: ToolContext, volume: Volume, region: Annotated[Mask | None, Of("?s", side="?d")] = None
) -> Annotated[
    Measurements,
    Of(
        "?s",
        side="?d",
        quantity=(
            "mean_intensity",
            "sd_intensity",
            "median_intensity",
            "minimum_intensity",
            "maximum_intensity",
            "intensity_percentiles",
        ),
    ),
]:
    """Mean, standard deviation, median, lowest, highest, 5th and 95th percentile of the voxel values in a region.

    Of the whole image where no region is given. Values are in the unit of the voxels (HU on CT; arbitrary on most
    MR, where they compare only within one scan). The standard deviation is that of the population (divided by n).
    Voxels that are not finite are left out and counted. Raises ToolInputError where the grids differ.
    """
    voxels = ctx.voxels(volume)
    where: Volume | Mask = volume
    selected: NDArray[np.bool_] | None = None
    if region is not None:
        if not region.geometry.same_grid(volume.geometry):
            raise ToolInputError(
                f"The {region.name} lies on another grid than the {volume.name}: give a mask of this image."
            )
        where, selected = region, ctx.voxels(region)
    unit = volume.image.unit
    values = voxels.ravel(order="K") if selected is None else voxels[selected]
    flags: list[str] = []
    finite = np.isfinite(values) if values.dtype.kind == "f" else None
    if finite is not None and not finite.all():
        flags.append(f"{int(np.count_nonzero(~finite))} voxels are not finite and are left out")
        values = values[finite]
    if unit == "1":
        flags.append("voxel values are in arbitrary units: compare them only within this scan")
    method = f"over {values.size} voxels"
    names = ("mean", "sd", "median", "minimum", "maximum")
    if not values.size:
        empty = [measured(f"{n}_intensity", None, unit, where, method=method, flags=flags) for n in names]
        empty.append(measured("intensity_percentiles", None, unit, where, method=method, flags=flags))
        return together(empty, where, f"intensity of the {region.name if region else 'image'}")
    ctx.progress(0.3, "percentiles")
    p5, p50, p95 = (float(v) for v in np.percentile(values, (5, 50, 95)))
    low, high = values.min(), values.max()
    numbers = (float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64)), p50, float(low), float(high))
    at = {
        "minimum": _where(voxels, selected, low, volume),
        "maximum": _where(voxels, selected, high, volume),
    }
    items = [
        measured(f"{n}_intensity", v, unit, where, method=method, at=at.get(n), flags=flags)
        for n, v in zip(names, numbers, strict=True)
    ]
    percentiles = measured(
        "intensity_percentiles", (p5, p95), unit, where, method=f"5th and 95th percentile {method}", flags=flags
    )
    return together([*items, percentiles], where, f"intensity of the {region.name if region else 'image'}")


@tool(
    examples=(
        "What is the HU value at this point?",
        "What is the intensity here?",
        "How dense is it where I clicked?",
        "What value does the voxel at (10, −20, 35) have?",
        "Read the pixel value at the crosshair.",
        "Is that fat? What is the Hounsfield number at this spot?",
    ),
    near_misses=(
        "What is the mean HU of the lesion? (intensity_statistics)",
        "Where is the brightest point? (intensity_statistics)",
    ),
    when=(PointInside(),),
    needs=Needs(memory_gb=0.1, seconds=0.05),
    reference="Value of the nearest voxel; spread over 3×3×3 voxels as in a small circular ROI (ACR CT QC manual).",
    error=(MeasuredError(text="phantoms with a unique value in every voxel, 48 axis orders: exact"),),
    uses=(measuring, axes),
)
def intensity_at_point(
    ctx: ToolContext, volume: Volume, at: Point
) -> Annotated[Measurement, Of("image", quantity="intensity_at_point")]:
    """Value of the voxel nearest to a point in RAS+ mm, with the spread of the voxels around it.

    The range is the mean ± one standard deviation of the 3×3×3 voxels around (fewer at the edge). Raises
    ToolInputError where the point lies outside the field of view.
    """
    geometry = volume.geometry
    index = axes.nearest_index((at.x, at.y, at.z), geometry)
    if any(not 0 <= i < n for i, n in zip(index, geometry.shape, strict=True)):
        corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in geometry.shape])).reshape(3, -1).T
        low, high = axes.to_mm(corners, geometry.matrix).min(axis=0), axes.to_mm(corners, geometry.matrix).max(axis=0)
        reach = ", ".join(f"{n} {a:.0f} to {b:.0f}" for n, a, b in zip("xyz", low, high, strict=True))
        raise ToolInputError(f"The point {at} lies outside the field of view ({reach} mm): give a point inside it.")
    voxels = ctx.voxels(volume)
    around = voxels[tuple(slice(max(0, i - 1), i + 2) for i in index)].astype(np.float64)
    around = around[np.isfinite(around)]
    value = float(voxels[index])
    method = f"nearest voxel; spread over {around.size} voxels around it"
    if not np.isfinite(value):
        flags = ["the voxel at this point is not finite"]
        return measured("intensity_at_point", None, volume.image.unit, volume, method=method, flags=flags)
    mean, sd = float(around.mean()), float(around.std())
    centre = axes.to_mm(np.array([index]), geometry.matrix)[0]
    return measured(
        "intensity_at_point",
        value,
        volume.image.unit,
        volume,
        method=method,
        uncertainty=Uncertainty(
            kind="range",
            low=mean - sd,
            high=mean + sd,
            method="mean ± one standard deviation of the voxels around",
            n=int(around.size),
        ),
        at=place([*centre], geometry),
    )


@tool(
    examples=(
        "Which voxels lie above 300 HU?",
        "Show me everything between 100 and 200.",
        "How much of the head is below −300 HU?",
        "What is the volume above 700 HU in the skull?",
        "Mark all voxels from −190 to −30 HU.",
        "How many mL lie under −500 HU?",
        "What volume of the lesion is over 40?",
    ),
    near_misses=(
        "Where is the bone? (bone)",
        "What is the highest value? (intensity_statistics)",
    ),
    when=(
        ParamGiven(one_of=("low", "high"), example="for example above 300"),
        ParamInUnit(names=("low", "high")),
        ParamOrdered(),
    ),
    needs=Needs(memory_gb=0.5, seconds=0.4),
    reference="Thresholding of stored values, both limits included; HU: DICOM PS3.3 C.11.1.1.2.",
    error=(MeasuredError(text="phantoms with known values, 48 axis orders: exact", relative_error=0.0),),
    uses=(measuring,),
)
def voxels_in_range(
    ctx: ToolContext,
    volume: Volume,
    region: Annotated[Mask | None, Of("?region")] = None,
    low: Quantity | None = None,
    high: Quantity | None = None,
) -> Annotated[Mask, Of("intensity_range", side="whole")]:
    """The voxels whose value lies from low to high, both included; in a region, or in the whole image.

    low and high are in the unit of the voxels. An empty result means that no voxel has such a value. Raises
    ToolInputError where neither limit is given or the grids differ.
    """
    if low is None and high is None:
        raise ToolInputError("A range needs a lower or an upper limit, or both: say for example above 300 HU.")
    voxels = ctx.voxels(volume)
    chosen = np.ones(voxels.shape, np.bool_, order="F")
    if low is not None:
        chosen &= voxels >= low.value
    if high is not None:
        chosen &= voxels <= high.value
    name = f"voxels {_range_text(low, high, volume.image.unit)}"
    if region is not None:
        if not region.geometry.same_grid(volume.geometry):
            raise ToolInputError(
                f"The {region.name} lies on another grid than the {volume.name}: give a mask of this image."
            )
        chosen &= ctx.voxels(region)
        name += f" in the {region.name}"
    result = ctx.mask(chosen, volume, "intensity_range", name=name)
    return result if region is None else result.model_copy(update={"flags": region.flags})


def _range_text(low: Quantity | None, high: Quantity | None, unit: str) -> str:
    word = " HU" if unit == HU else "" if unit == "1" else f" {unit}"
    if low is None or high is None:
        return f"from {low.value:g}{word} up" if low is not None else f"up to {high.value:g}{word}" if high else ""
    return f"from {low.value:g} to {high.value:g}{word}"


def _where(voxels: NDArray[Any], selected: NDArray[np.bool_] | None, value: np.generic, volume: Volume) -> str | None:
    """The place of an extreme value; how many there are where it is not one place."""
    hits = voxels == value
    if selected is not None:
        hits &= selected
    count = int(np.count_nonzero(hits))
    if count > PLACES_TOLD:
        return f"in {count} voxels"
    points = np.round(axes.to_mm(np.argwhere(hits), volume.geometry.matrix), 6)
    first = points[np.lexsort(points.T[::-1])][0]
    return place([*first], volume.geometry) + (f", the first of {count} voxels" if count > 1 else "")
