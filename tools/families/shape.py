"""Sizes of masks: volume, share of a region, surface, bounding box, separate parts."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Measurements
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes, surface
from scanwright.tools.measuring import measured, together

HALF_VOXEL = "boundary moved by half a voxel inwards and outwards"
PARTS_LISTED = 50


@tool(
    examples=(
        "How large is the brain?",
        "What is the volume of the skull?",
        "How many millilitres does this lesion have?",
        "Measure the volume of the air spaces.",
        "How big is the marked region in mL?",
        "What is the intracranial volume?",
        "How much bone is there in cc?",
    ),
    near_misses=(
        "How long is the lesion? (longest_diameter)",
        "What share of the head is bone? (volume_fraction)",
        "How large is the voxel? (acquisition_facts)",
    ),
    needs=Needs(memory_gb=0.4, seconds=0.7),
    reference="Voxel counting: DICOM PS3.16 TID 1419 (SCT 118565006, Volume); IBSI 'volume, voxel counting' (YEKZ).",
    error=(MeasuredError(text="balls and ellipsoids of 10 voxels radius and more, 48 axis orders, anisotropic and "
                              "sheared grids: within 1 %", relative_error=0.01),),
    uses=(measuring, axes),
)  # fmt: skip
def mask_volume(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurement, Of("?s", side="?d", quantity="volume")]:
    """Volume of a structure, in millilitres.

    The number of voxels times the volume of one voxel. The range is what half a voxel at the boundary makes. A
    structure that the field of view cuts gives a lower bound; an empty mask is "not found".
    """
    voxels = ctx.voxels(mask)
    inner, outer = _boundary_layers(voxels)
    unit = mask.geometry.voxel_ml
    low, high = (mask.voxels - inner / 2) * unit, (mask.voxels + outer / 2) * unit
    return measured(
        "volume",
        mask.voxels * unit,
        "mL",
        mask,
        method="voxels counted, times the volume of one voxel",
        uncertainty=Uncertainty(kind="range", low=low, high=high, method=HALF_VOXEL, n=2),
    )


@tool(
    examples=(
        "What percentage of the head is bone?",
        "Which share of the skull lies above 700 HU?",
        "How much of the field of view does the brain fill, in percent?",
        "What fraction of the lesion has more than 100?",
        "What proportion of the head is air?",
        "What per cent of the marked area is brighter than 500?",
    ),
    near_misses=("How large is the brain? (mask_volume)", "What is the asymmetry of the brain? (asymmetry_index)"),
    needs=Needs(memory_gb=0.5, seconds=0.6),
    reference="Ratio of voxel counts; e.g. Gevenois et al., AJRCCM 1996;154:187–192 for densities as shares.",
    error=(MeasuredError(text="nested balls and half-filled boxes: within 1 % of the share", relative_error=0.01),),
    uses=(measuring, axes),
)
def volume_fraction(
    ctx: ToolContext,
    mask: Annotated[Mask, Of("?s", side="?d")],
    region: Annotated[Mask | None, Of("?region")] = None,
) -> Annotated[Measurement, Of("?s", side="?d", quantity="volume_fraction")]:
    """Share of a region that a structure fills, in percent; of the whole field of view where no region is given.

    Counts the voxels of the mask inside the region, over all voxels of the region, on one grid. The range is what
    half a voxel at the boundary of the structure makes. Raises ToolInputError where the grids differ or the region
    is empty.
    """
    voxels = ctx.voxels(mask)
    flags: list[str] = []
    total = voxels.size
    within = "the whole field of view"
    if region is not None:
        if not region.geometry.same_grid(mask.geometry):
            raise ToolInputError(
                f"The {mask.name} and the {region.name} lie on different grids: give masks of the same image."
            )
        if region.voxels == 0:
            raise ToolInputError(f"No voxel of the {region.name} was found, so there is no share of it to tell.")
        inside = ctx.voxels(region)
        if np.any(voxels & ~inside):
            flags.append(f"parts of the {mask.name} outside the {region.name} are not counted")
        flags += region.flags
        total, within, voxels = region.voxels, f"the {region.name}", voxels & inside
        if region.touches:
            flags.append(f"the {region.name} is cut by the edge of the field of view: the share is of what is seen")
    count = int(np.count_nonzero(voxels))
    inner, outer = _boundary_layers(voxels)
    low, high = 100 * (count - inner / 2) / total, min(100.0, 100 * (count + outer / 2) / total)
    return measured(
        "volume_fraction",
        100 * count / total,
        "%",
        mask,
        method=f"voxels counted inside {within}, over all voxels of {within}",
        uncertainty=Uncertainty(kind="range", low=low, high=high, method=HALF_VOXEL, n=2),
        flags=flags,
        size=False,
    )


@tool(
    examples=(
        "What is the surface area of the brain?",
        "How large is the surface of the skull in square centimetres?",
        "Give me the surface of this lesion.",
        "How many cm² does the surface of the head have?",
        "Measure the outer surface of the marked region.",
        "surface area of the air spaces",
    ),
    near_misses=("Save the surface as STL. (surface_stl)", "How large is the brain? (mask_volume)"),
    needs=Needs(memory_gb=1.2, seconds=5.0),
    reference="Marching cubes: Lewiner et al., J Graph Tools 2003;8(2):1–15; IBSI 'surface area, mesh' (C0JK).",
    error=(
        MeasuredError(
            text="balls from 10 voxels radius, isotropic, anisotropic (1:2.5) and sheared: within 1.2 %; slices four "
            "times as thick as wide: 3.4 % too large; a cube of 30 voxels: up to 5 % too small",
            relative_error=0.012,
        ),
    ),
    uses=(measuring, axes, surface),
)  # fmt: skip
def surface_area(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurement, Of("?s", side="?d", quantity="surface_area")]:
    """Surface area of a structure, outer and inner surfaces together, in square centimetres.

    The area of a triangle mesh in the patient's millimetres, from the mask smoothed by one voxel at the level that
    keeps its volume. Faces where the field of view cuts the structure are not counted. Folds finer than two voxels
    (the cortex's at 1 mm) are not resolved: the area depends on the voxel size.
    """
    area = 0.0
    if mask.voxels:
        area = surface.area_mm2(*surface.triangles(ctx.voxels(mask), mask.geometry, closed=False)) / 100
    flags = [] if min(mask.geometry.shape) > 1 else ["a single slice: its two faces are counted too"]
    return measured("surface_area", area, "cm2", mask, method="area of the smoothed marching-cubes mesh", flags=flags)


@tool(
    examples=(
        "What is the bounding box of the lesion?",
        "How wide, deep and tall is the brain?",
        "Give me the dimensions of the skull in mm.",
        "What are the height, width and depth of the marked region?",
        "How tall is the head?",
        "extent of the air spaces in the three directions",
    ),
    near_misses=("What is the longest diameter? (longest_diameter)", "What is the matrix size? (acquisition_facts)"),
    needs=Needs(memory_gb=0.5, seconds=1.5),
    reference="Axis-aligned box of the mask in patient coordinates (DICOM PS3.3 C.7.6.2.1.1).",
    error=(MeasuredError(text="boxes and ellipsoids, 48 axis orders: within one voxel"),),
    uses=(measuring, axes),
)
def bounding_box(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurement, Of("?s", side="?d", quantity="bounding_box")]:
    """Size of the box around a structure, right–left × anterior–posterior × superior–inferior, in mm.

    The box is aligned with the patient, not with the array, and reaches to the outer faces of the voxels.
    """
    value: tuple[float, ...] | None = None
    at = None
    if mask.voxels:
        voxels = ctx.voxels(mask)
        matrix = mask.geometry.matrix
        box = axes.bounding_slices(voxels)
        inside = np.argwhere(voxels[box]) + [s.start for s in box]
        centres = axes.to_mm(inside, matrix)
        half = np.abs(matrix[:3, :3]).max(axis=1) / 2
        low, high = centres.min(axis=0) - half, centres.max(axis=0) + half
        value = tuple(float(v) for v in high - low)
        at = f"from {_corner(low, mask)} to {_corner(high, mask)}"
    return measured("bounding_box", value, "mm", mask, method="outermost voxel faces, right–left × anterior–posterior "
                    "× superior–inferior", at=at)  # fmt: skip


@tool(
    examples=(
        "How many lesions are there?",
        "How many separate parts does the mask have?",
        "How many pieces of bone are there, and how big are they?",
        "Count the connected components of the air spaces.",
        "What are the sizes of the separate lesions?",
        "Is the brain mask in one piece?",
    ),
    near_misses=("How large is the lesion? (mask_volume)", "How many slices does the scan have? (acquisition_facts)"),
    needs=Needs(memory_gb=0.8, seconds=1.7),
    reference="Connected components with 26 neighbours; Rosenfeld & Pfaltz, J ACM 1966;13:471–494.",
    error=(MeasuredError(text="balls apart and touching at a corner: count exact, sizes exact in voxels",
                         relative_error=0.0),),
    uses=(measuring, axes),
)  # fmt: skip
def components(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurements, Of("?s", side="?d", quantity=("component_count", "component_volumes"))]:
    """Number of separate parts of a structure, and their volumes in millilitres, largest first.

    Voxels that share a face, an edge or a corner belong together. At most 50 volumes are listed.
    """
    import cc3d

    sizes: list[float] = []
    if mask.voxels:
        voxels = ctx.voxels(mask)
        labels = cc3d.connected_components(voxels[axes.bounding_slices(voxels)].view(np.uint8), connectivity=26)
        counts = np.sort(np.bincount(labels.ravel(order="K"))[1:])[::-1]
        sizes = [float(c) * mask.geometry.voxel_ml for c in counts]
    method = "connected components, 26 neighbours"
    listed = sizes[:PARTS_LISTED]
    flags = [] if len(sizes) <= PARTS_LISTED else [f"only the {PARTS_LISTED} largest of {len(sizes)} parts are listed"]
    return together(
        (
            measured("component_count", len(sizes), "1", mask, method=method),
            measured("component_volumes", tuple(listed), "mL", mask, method=method, flags=flags),
        ),
        mask,
        f"separate parts of the {mask.name}",
    )


def _corner(point_mm: NDArray[np.float64], mask: Mask) -> str:
    """A corner of a box, as text."""
    return measuring.place([float(v) for v in point_mm], mask.geometry)


def _boundary_layers(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Number of mask voxels with a face on the background, and of background voxels with a face on the mask.

    The edge of the array counts as neither: what lies beyond is not known.
    """
    if not mask.any():
        return 0, 0
    cut = mask[axes.bounding_slices(mask, 1)]
    inner, outer = np.zeros_like(cut), np.zeros_like(cut)
    for axis in range(3):
        before: list[slice] = [slice(None)] * 3
        after: list[slice] = [slice(None)] * 3
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        one, other = tuple(before), tuple(after)
        differs = cut[one] != cut[other]
        for here in (one, other):
            inner[here] |= differs & cut[here]
            outer[here] |= differs & ~cut[here]
    return int(np.count_nonzero(inner)), int(np.count_nonzero(outer))
