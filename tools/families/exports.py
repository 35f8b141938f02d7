"""Files to take away: a mask as NIfTI, its surface as STL, measurements as CSV."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
from scanwright.tools import measuring
from scanwright.tools.artifacts import File, Mask, Measurement, Measurements
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes, orient, surface
from scanwright.tools.measuring import space_flags

COLUMNS = ("name", "quantity", "structure", "side", "value", "unit", "low", "high", "flags")
SIDES_UNKNOWN = "the source does not say which side is left: left and right are as in the source file"


@tool(
    examples=(
        "Save the brain mask as NIfTI.",
        "Export the mask of the skull.",
        "Give me the segmentation as a .nii.gz file.",
        "I need the lesion mask as a NIfTI file for another program.",
        "Download the air spaces as NIfTI.",
        "Write the mask to a file.",
    ),
    near_misses=("Save the surface. (surface_stl)", "Show the mask. (overlay)"),
    needs=Needs(memory_gb=0.5, seconds=0.6),
    reference="NIfTI-1: Cox et al., 2004 (sform with the source's affine).",
    error=(MeasuredError(text="read back bit by bit, 48 axis orders: identical", relative_error=0.0),),
    uses=(orient, measuring),
    reaches_out=True,
)
def mask_nifti(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[File, Of("?s", side="?d", quantity="mask_nifti")]:
    """The mask as a compressed NIfTI file: uint8, 0 and 1, in the source's order and with its affine.

    Raises ToolInputError where the mask is empty.
    """
    _not_empty(mask)
    with tempfile.TemporaryDirectory(prefix="scanwright-") as folder:
        path = Path(folder) / "mask.nii.gz"
        orient.write_nifti(ctx.voxels(mask), mask.geometry, path)
        data = path.read_bytes()
    file = ctx.file(
        data, name=f"mask of the {mask.name}", filename=f"{_slug(mask)}.nii.gz", media_type="application/x-nifti"
    )
    return file.model_copy(update={"flags": _file_flags(mask)})


@tool(
    examples=(
        "Save the surface of the skull as STL.",
        "Make a 3D model of the brain.",
        "I want to 3D print the skull.",
        "Export a mesh of the lesion.",
        "Give me an STL file of the air spaces.",
        "Surface model of the head for printing",
    ),
    near_misses=("What is the surface area? (surface_area)", "Save the mask as NIfTI. (mask_nifti)"),
    needs=Needs(memory_gb=1.2, seconds=6.0),
    reference="Marching cubes: Lewiner et al., J Graph Tools 2003;8(2):1–15; LPS as in DICOM PS3.3 C.7.6.2.1.1.",
    error=(MeasuredError(text="balls: enclosed volume within 1 %, closed, normals outwards, 48 axis orders",
                         relative_error=0.01),),
    uses=(axes, orient, surface, measuring),
    reaches_out=True,
)  # fmt: skip
def surface_stl(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[File, Of("?s", side="?d", quantity="surface_stl")]:
    """The surface of a mask as a binary STL file: triangles in LPS millimetres, normals pointing outwards.

    The mask is smoothed by one voxel at the level that keeps its volume. Where the field of view cuts it, the mesh
    is closed by a flat face. Raises ToolInputError where the mask is empty.
    """
    _not_empty(mask)
    points, faces = surface.triangles(ctx.voxels(mask), mask.geometry, closed=True)
    corners = (points * (-1.0, -1.0, 1.0))[faces].astype("<f4")
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    layout = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    body = np.zeros(len(faces), layout)
    body["normal"] = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    body["corners"] = corners
    header = f"Scanwright; LPS mm; {mask.type.structure or 'mask'}; research use only".encode("ascii", "replace")
    data = header[:80].ljust(80) + np.uint32(len(faces)).astype("<u4").tobytes() + body.tobytes()
    file = ctx.file(data, name=f"surface of the {mask.name}", filename=f"{_slug(mask)}.stl", media_type="model/stl")
    return file.model_copy(update={"flags": _file_flags(mask)})


@tool(
    examples=(
        "Save the volume and the surface area of the brain as a table.",
        "Export the size of the lesion as CSV.",
        "Give me the bone volume for a spreadsheet.",
        "Write the diameters of each slice to a CSV file.",
        "Table of the volumes of bone and skull, please.",
        "Download the mean intensity of the brain for Excel.",
    ),
    near_misses=("Save the mask. (mask_nifti)", "Show the picture. (overlay)"),
    needs=Needs(memory_gb=0.1, seconds=0.05),
    reference="RFC 4180 (CSV), UTF-8; units in UCUM.",
    error=(MeasuredError(text="read back: every number to full precision", relative_error=0.0),),
    reaches_out=True,
)
def table_csv(
    ctx: ToolContext,
    measurements: Annotated[tuple[Measurement, ...], Of("*", side="*", modality="*", grid="*", time="*")],
) -> Annotated[File, Of(quantity="table_csv", grid="*", time="*")]:
    """Measurements as a CSV table: one row each, with unit (UCUM), range and flags.

    Columns: name, quantity, structure, side, value, unit, low, high, flags. Values that are several numbers are
    joined by spaces; what was not found has an empty value and says so in its flags. A bound is told in the flags.
    Raises ToolInputError where there is nothing to write.
    """
    rows = [row for each in measurements for row in (each.items if isinstance(each, Measurements) else (each,))]
    if not rows:
        raise ToolInputError("There are no measurements to write: ask for one first.")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        low, high = (row.uncertainty.low, row.uncertainty.high) if row.uncertainty else (None, None)
        flags = [*row.flags, *([f"{row.bound} bound"] if row.bound else []), *([row.at] if row.at else [])]
        cells = (row.name, row.quantity, row.type.structure, row.type.side)
        writer.writerow(
            [*(_safe(c or "") for c in cells), _value(row), row.unit, low, high, _safe("; ".join(flags))],
        )
    data = text.getvalue().encode()
    return ctx.file(data, name="table of measurements", filename="measurements.csv", media_type="text/csv")


def _not_empty(mask: Mask) -> None:
    if not mask.voxels:
        raise ToolInputError(f"No voxel of the {mask.name} was found, so there is nothing to save.")


def _slug(mask: Mask) -> str:
    side = "" if mask.type.side in (None, "whole") else f"{mask.type.side}_"
    return re.sub(r"[^a-z0-9]+", "_", f"{side}{mask.type.structure or 'mask'}".lower()).strip("_")


def _file_flags(mask: Mask) -> tuple[str, ...]:
    sides = () if mask.geometry.sides_known else (SIDES_UNKNOWN,)
    return tuple(dict.fromkeys((*mask.flags, *space_flags(mask.geometry), *sides)))


def _value(row: Measurement) -> str:
    if row.value is None:
        return ""
    if isinstance(row.value, tuple):
        return " ".join(repr(v) for v in row.value)
    return _safe(row.value) if isinstance(row.value, str) else repr(row.value)


def _safe(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
