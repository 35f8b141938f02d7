"""The volume of a bleed in the brain by ABC/2, beside the counted one."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Figure, Mask, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import AnyBefore, BodyPartIs, ModalityIs, SpacingAtMost, StructureIs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes, extent, plane_picture
from scanwright.tools.measuring import measured, place, together
from scanwright.tools.morphology import abc2

KOTHARI = "Kothari et al., The ABCs of measuring intracerebral hemorrhage volumes, Stroke 1996;27:1304–1305."
BLEEDS = ("given_region", "clicked_structure", "intensity_range", "lesion", "haematoma")
HEAD_CT: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    BodyPartIs(one_of=("head", "brain", "skull")),
    SpacingAtMost(max_mm=10.0),
    StructureIs(one_of=BLEEDS, instead="outline the bleed"),
)
PARTS = (
    "the mask has {} separate parts: ABC/2 is of one ellipsoid, and its diameters are those of the longest part on the "
    "slice with the largest area"
)
PART_SHARE = 0.05


@tool(
    examples=(
        "What is the ABC/2 volume of the haematoma?",
        "Estimate the haemorrhage volume by ABC/2.",
        "Measure the bleed with the ABC over 2 method.",
        "Kothari volume of the marked haematoma?",
        "ABC/2 and voxel volume of the outlined bleed, please.",
        "How far is ABC/2 from the true volume of this mask?",
    ),
    near_misses=(
        "What is the volume of the haematoma? (mask_volume, which counts voxels)",
        "Is there a haemorrhage? (not assessed: bleeds are not found here, a mask of it has to be given)",
        "Has the haematoma grown since yesterday? (volume_change)",
    ),
    when=HEAD_CT,
    needs=Needs(memory_gb=0.3, seconds=0.5),
    reference=KOTHARI,
    error=(
        MeasuredError(text="ellipsoids of 4 to 60 mL on slices of 1 to 5 mm (n 6): ABC/2 32 to 39 % below the true "
                           "volume, as the weights of the slices make it of any ellipsoid; with all slices whole "
                           "4 % below to 6 % above; voxel count within 1 %", relative_error=0.35, n=6),
    ),
    uses=(measuring, axes, extent, abc2),
)  # fmt: skip
def haematoma_abc2(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurements, Of("?s", side="?d", quantity=("abc2_volume", "abc2_difference"))]:
    """Volume of a bleed by ABC/2 in mL, the counted volume beside it, and their difference.

    A is the longest diameter on the slice with the largest area, B the extent at right angles to it on that slice, C
    the number of slices times their distance, where a slice with more than 75 % of the largest area counts whole, with
    25 to 75 % half, and with less not at all. The formula is that of an ellipsoid: of an irregular or a lobed bleed
    the counted volume is the better one. The range of ABC/2 moves both ends of A and B by half a voxel and C by half
    a slice. Of a smooth ellipsoid the weights alone take a third away, which in Kothari's irregular bleeds the
    diameters made up for; ABC/2 with every slice counted whole is given beside it. The mask is one that a person
    gives, or what lies in a range of HU.
    """
    voxels = ctx.voxels(mask)
    found = abc2.abc(voxels, mask.geometry)
    method = "A·B·C/2 with weighted slices (Kothari 1996)"
    if found is None:
        empty = [measured(q, None, "mL", mask, method=method) for q in ("abc2_volume", "abc2_difference")]
        return together(empty, mask, f"ABC/2 of the {mask.name}")
    flags = []
    parts = _parts(voxels)
    if parts > 1:
        flags.append(PARTS.format(parts))
    ends = sorted(found.ends_mm, key=lambda p: [float(v) for v in p])
    counted = mask.voxels * mask.geometry.voxel_ml
    low, high = (found.ml_with(sign * found.voxel_mm, sign * 0.5) for sign in (-1, 1))
    items = [
        measured(
            "abc2_volume", found.ml, "mL", mask, method=method, flags=flags,
            uncertainty=Uncertainty(kind="range", low=low, high=high, n=2,
                                    method="ends of A and B moved by half a voxel, C by half a slice"),
            at=f"A {found.a_mm:.1f} mm from {place([*ends[0]], mask.geometry)} to {place([*ends[1]], mask.geometry)}, "
            f"B {found.b_mm:.1f} mm, C {found.c_mm:.1f} mm ({found.weighted:g} slices of {found.step_mm:.2g} mm)",
        ),
        measured("abc2_volume", found.unweighted_ml, "mL", mask, flags=flags,
                 method="A·B·C/2 with every slice counted whole").model_copy(
                     update={"name": f"volume by ABC/2 of the {mask.name}, every slice whole"}),
        measured("volume", counted, "mL", mask, method="voxels counted, times the volume of one voxel"),
        measured("abc2_difference", found.ml - counted, "mL", mask, flags=flags, size=False,
                 method=f"ABC/2 less the counted volume, which is {100 * (found.ml - counted) / counted:+.0f} % of it"),
    ]  # fmt: skip
    return together(items, mask, f"ABC/2 of the {mask.name}")


@tool(
    examples=(
        "Show me where A and B were measured.",
        "Picture of the ABC/2 diameters.",
        "Draw the diameters of the haematoma on its slice.",
        "Show the ABC/2 measurement on the CT.",
        "Where do the ABC/2 lines lie?",
        "Figure of the haematoma with its two diameters, please.",
    ),
    near_misses=("Show me the haematoma. (overlay)", "What is the ABC/2 volume? (haematoma_abc2)"),
    when=HEAD_CT,
    needs=Needs(memory_gb=0.4, seconds=0.6),
    reference=KOTHARI,
    error=(MeasuredError(text="drawn from the same lines as haematoma_abc2 measures"),),
    uses=(axes, extent, abc2, plane_picture),
    shows=("abc2_volume", "abc2_difference"),
)
def abc2_picture(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Figure, Of("?s", side="?d", quantity="abc2_picture")]:
    """The slice with the largest area of a bleed, its contour, and the lines A and B of ABC/2.

    Raises ToolInputError where the mask is empty or on another grid.
    """
    if not mask.geometry.same_grid(volume.geometry):
        raise ToolInputError(f"The {mask.name} lies on another grid than the {volume.name}: give a mask of this image.")
    voxels = ctx.voxels(mask)
    found = abc2.abc(voxels, mask.geometry)
    if found is None:
        raise ToolInputError(f"The {mask.name} is empty, so there are no diameters to draw.")
    slab = plane_picture.axial(ctx.voxels(volume), volume.geometry, found.slice_index, voxels)
    first, second = (plane_picture.in_plane(p, volume.geometry) for p in found.ends_mm)
    along = (second - first) / np.linalg.norm(second - first)
    normal = np.array([-along[1], along[0]])
    across = plane_picture.points_of_part(slab, first) @ normal
    middle = (first + second) / 2
    reach = [across.min() - middle @ normal, across.max() - middle @ normal]
    lines = (
        plane_picture.Line(tuple(first), tuple(second), f"A {found.a_mm:.1f} mm", plane_picture.YELLOW),
        plane_picture.Line(
            tuple(middle + reach[0] * normal), tuple(middle + reach[1] * normal), f"B {found.b_mm:.1f} mm",
            plane_picture.CYAN,
        ),
    )  # fmt: skip
    title = f"{mask.name}: ABC/2 = {found.ml:.1f} mL, C {found.c_mm:.1f} mm"
    png = plane_picture.drawn(slab, lines, title, volume.geometry.sides_known, window=(0.0, 80.0))
    figure = ctx.figure(
        png, name=f"ABC/2 of the {mask.name}", caption=f"{title}. {plane_picture.foot(volume.geometry)}"
    )
    type_ = ArtifactType(kind="Figure", structure=mask.type.structure, side=mask.type.side)
    return figure.model_copy(update={"type": type_, "flags": mask.flags})


def _parts(voxels: NDArray[np.bool_]) -> int:
    """How many separate parts make up at least PART_SHARE of a mask each."""
    import cc3d

    cut = np.ascontiguousarray(voxels[axes.bounding_slices(voxels)]).view(np.uint8)
    sizes = np.bincount(cc3d.connected_components(cut, connectivity=26).ravel())[1:]
    return int((sizes >= PART_SHARE * sizes.sum()).sum())
