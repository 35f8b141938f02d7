"""Diameters of masks: the longest in 3D, the longest on an axial slice (RECIST), and one for each slice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Measurements
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import SpacingAtMost
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.imaging import axes, extent
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.measuring import measured, place, together

HALF_VOXEL = "both ends moved by half a voxel inwards and outwards"
RECIST = "RECIST 1.1: Eisenhauer et al., Eur J Cancer 2009;45:228–247 (longest diameter in the plane of acquisition)."
# RECIST 1.1 asks for CT slices of 5 mm or less.
RECIST_SLICES = (SpacingAtMost(max_mm=5.0),)
IN_SLICE = "longest line between outer voxel faces of one connected part on an axial slice"


@tool(
    family="shape",
    examples=(
        "How long is the lesion?",
        "What is the longest diameter of the brain in 3D?",
        "What is the greatest dimension of the skull?",
        "Maximum diameter of the marked region in any direction?",
        "How large is the mass from end to end?",
        "Give me the maximum 3D diameter of the tumour mask.",
        "What is the Feret diameter of the air spaces?",
    ),
    near_misses=(
        "What is the RECIST diameter? (longest_axial_diameter)",
        "What is the diameter on every slice? (axial_diameters)",
        "How wide and how tall is the brain? (bounding_box)",
    ),
    needs=Needs(memory_gb=0.5, seconds=3.0),
    reference="IBSI 'maximum 3D diameter' (L0JK); Zwanenburg et al., Radiology 2020;295:328–338.",
    error=(
        MeasuredError(text="rods, boxes and ellipsoids, 48 axis orders, anisotropic and sheared: within one voxel"),
    ),
    uses=(measuring, axes, extent),
)
def longest_diameter(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurement, Of("?s", side="?d", quantity="longest_diameter")]:
    """Longest straight line between two points of a structure in 3D, in mm (maximum Feret diameter).

    Measured between the middles of outer voxel faces, so that a row of n voxels is n voxels long. Where the mask
    has several parts, the line spans all of them, and a flag says so.
    """
    method = "longest line between outer voxel faces, over the convex hull"
    if not mask.voxels:
        return measured("longest_diameter", None, "mm", mask, method=method)
    import cc3d

    voxels = ctx.voxels(mask)
    found = extent.longest_in_3d(voxels, mask.geometry.matrix)
    parts = int(cc3d.connected_components(voxels[axes.bounding_slices(voxels)].view(np.uint8), connectivity=26).max())
    flags = [] if parts == 1 else [f"the mask has {parts} separate parts: this is the extent across all of them"]
    return measured(
        "longest_diameter",
        found.length_mm,
        "mm",
        mask,
        method=method,
        uncertainty=_half_voxel(found),
        at=_ends(found, mask.geometry),
        flags=flags,
    )


@tool(
    family="shape",
    examples=(
        "What is the RECIST diameter of the lesion?",
        "What is the longest axial diameter of the tumour?",
        "Measure the longest in-plane diameter of the marked region.",
        "What is the largest diameter of the brain on an axial slice?",
        "How wide is the lesion at most on the axial images?",
        "Target lesion size according to RECIST 1.1?",
    ),
    near_misses=(
        "What is the longest diameter in 3D? (longest_diameter)",
        "What is the diameter on each slice? (axial_diameters)",
    ),
    needs=Needs(memory_gb=0.4, seconds=1.0),
    when=RECIST_SLICES,
    reference=RECIST,
    error=(MeasuredError(text="rods, boxes and ellipsoids, 48 axis orders, anisotropic: within one voxel"),),
    uses=(measuring, axes, extent),
)
def longest_axial_diameter(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurement, Of("?s", side="?d", quantity="longest_axial_diameter")]:
    """Longest diameter of a structure on an axial slice, in mm (RECIST 1.1).

    The slice where it is largest, and within one connected part there; the extent across it in the same slice is
    given with its place. Slices are the planes of voxels that lie closest to axial.
    """
    best: Measurement | None = None
    for each in _diameters(ctx, mask, "longest_axial_diameter"):
        if best is None or _number(each) > _number(best):
            best = each
    return best or measured("longest_axial_diameter", None, "mm", mask, method=IN_SLICE)


@tool(
    family="shape",
    examples=(
        "What is the diameter of the lesion on each slice?",
        "List the axial diameters of the brain slice by slice.",
        "How does the diameter change from slice to slice?",
        "Longest diameter per axial slice, please.",
        "Give me the diameter of the marked region for every slice.",
        "Table of diameters of the skull by slice",
    ),
    near_misses=(
        "What is the RECIST diameter? (longest_axial_diameter)",
        "How many slices are there? (acquisition_facts)",
    ),
    needs=Needs(memory_gb=0.4, seconds=1.0),
    when=RECIST_SLICES,
    reference=RECIST,
    error=(MeasuredError(text="rods, boxes and ellipsoids, 48 axis orders, anisotropic: within one voxel"),),
    uses=(measuring, axes, extent),
)
def axial_diameters(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurements, Of("?s", side="?d", quantity="axial_diameters")]:
    """Longest diameter of a structure on each axial slice that it reaches, in mm, from inferior to superior."""
    items = list(_diameters(ctx, mask, "axial_diameters"))
    items = items or [measured("axial_diameters", None, "mm", mask, method=IN_SLICE)]
    return together(items, mask, f"axial diameters of the {mask.name}")


def _diameters(ctx: ToolContext, mask: Mask, quantity: str) -> Iterator[Measurement]:
    """One measurement for each axial slice that has voxels of the mask, from inferior to superior."""
    if not mask.voxels:
        return
    voxels = ctx.voxels(mask)
    geometry = mask.geometry
    axis = geometry.axes[2]
    filled = np.flatnonzero(voxels.any(axis=tuple(a for a in range(3) if a != axis)))
    order = filled[::-1] if geometry.flips[2] else filled
    for done, index in enumerate(order):
        ctx.progress(done / len(order), "axial slices")
        found = extent.longest_in_slice(voxels, geometry.matrix, axis, int(index))
        if found is None:
            continue
        number = geometry.shape[axis] - int(index) if geometry.flips[2] else int(index) + 1
        middle = (found.ends_mm[0] + found.ends_mm[1]) / 2
        yield measured(
            quantity,
            found.length_mm,
            "mm",
            mask,
            method=IN_SLICE,
            uncertainty=_half_voxel(found),
            at=f"axial slice {number} of {geometry.shape[axis]} counted from below, z {_z(middle):.1f} mm, "
            f"{_ends(found, geometry)}; across it {found.across_mm:.1f} mm",
        )


def _half_voxel(found: extent.Diameter) -> Uncertainty:
    low, high = max(0.0, found.length_mm - found.voxel_mm), found.length_mm + found.voxel_mm
    return Uncertainty(kind="range", low=low, high=high, method=HALF_VOXEL, n=2)


def _ends(found: extent.Diameter, geometry: Geometry) -> str:
    first, second = sorted(found.ends_mm, key=lambda p: [float(v) for v in p])
    return f"from {place([*first], geometry)} to {place([*second], geometry)}"


def _z(point_mm: NDArray[np.float64]) -> float:
    return round(float(point_mm[2]), 1) + 0.0


def _number(measurement: Measurement) -> float:
    return float(measurement.value) if isinstance(measurement.value, int | float) else 0.0
