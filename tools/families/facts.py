"""What is known of an image without looking at its content: size, spacing, modality, body part, orientation."""

from __future__ import annotations

from typing import Annotated

from scanwright.tools import measuring
from scanwright.tools.artifacts import Measurement, Measurements, Number, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.measuring import measured, together

NOT_STATED = "not stated in the file"
SIDES_NOT_STATED = "the file does not say which side is left: the question mark stands for left or right"


@tool(
    examples=(
        "What kind of scan is this?",
        "How many slices does the scan have?",
        "What is the voxel size?",
        "What is the slice spacing of this CT?",
        "What is the matrix size?",
        "How large is the field of view?",
        "Which modality and body part is this?",
        "What orientation is the image stored in?",
    ),
    near_misses=(
        "How large is the brain? (mask_volume)",
        "What is the mean intensity? (intensity_statistics)",
        "Was contrast given? (not assessed)",
    ),
    needs=Needs(memory_gb=0.1, seconds=0.01),
    reference="DICOM PS3.3 C.7.6.2 (Image Plane), C.7.3.1 (Modality, Body Part Examined); NIfTI-1 affine.",
    error=(MeasuredError(text="read from the header, exact in 48 axis orders", relative_error=0.0),),
    uses=(measuring,),
)
def acquisition_facts(ctx: ToolContext, volume: Volume) -> Annotated[
    Measurements,
    Of("image", quantity=("dimensions", "spacing", "field_of_view", "modality", "body_part", "orientation")),
]:  # fmt: skip
    """Dimensions, voxel spacing, field of view, modality, body part and orientation of an image.

    Dimensions and spacing follow the stored axes (i, j, k), whose directions the orientation names; the field of
    view is right–left × anterior–posterior × superior–inferior. What the file does not state has the value None.
    """
    geometry = volume.geometry
    stored = f"along the stored axes, which run to {', '.join(_directions(volume))}"

    def fact(
        quantity: str, value: Number | tuple[Number, ...] | str | None, unit: str, method: str, flag: str = ""
    ) -> Measurement:
        flags = [NOT_STATED] if value is None else [flag] if flag else []
        return measured(quantity, value, unit, volume, method=method, flags=flags, size=False)

    image = volume.image
    items = (
        fact("dimensions", geometry.shape, "1", f"voxels {stored}"),
        fact("spacing", geometry.spacing_mm, "mm", f"distance between voxel centres {stored}"),
        fact("field_of_view", geometry.extent_mm, "mm", "right–left × anterior–posterior × superior–inferior"),
        fact("modality", image.modality, "1", "DICOM Modality, from the file, its sidecar or the person"),
        fact("body_part", image.body_part, "1", "DICOM BodyPartExamined, from the file, its sidecar or the person"),
        fact(
            "orientation",
            "".join(d[0].upper() for d in _directions(volume)),
            "1",
            "where each stored axis runs to",
            "" if geometry.sides_known else SIDES_NOT_STATED,
        ),
    )
    return together(items, volume, "acquisition facts")


def _directions(volume: Volume) -> list[str]:
    words = {"R": "right", "L": "left", "A": "anterior", "P": "posterior", "S": "superior", "I": "inferior"}
    if not volume.geometry.sides_known:
        words |= {"R": "?", "L": "?"}
    return [words[letter] for letter in volume.geometry.orientation]
