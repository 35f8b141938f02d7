"""The voxels of a sorted series: raw pixels read straight into the volume, others through a decoder, then rescaled."""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.dicom_header import DicomFile
from scanwright.tools.imaging.limits import MAX_BYTES
from scanwright.tools.imaging.scaling import rescaled
from scanwright.tools.imaging.wording import shown, size_in_words

_INTS: Final = {(0, 8): "u1", (0, 16): "u2", (0, 32): "u4", (1, 8): "i1", (1, 16): "i2", (1, 32): "i4"}


def read_pixels(slices: list[DicomFile]) -> NDArray[Any]:
    """(column, row, slice) in Fortran order, value = stored × RescaleSlope + RescaleIntercept, slice by slice.

    Raises UserInputError where a slice cannot be decoded or the whole is too large.
    """
    tags = slices[0].tags
    dtype = np.dtype(_INTS[bool(tags.get("PixelRepresentation") or 0), int(tags.BitsAllocated)])
    shape = int(tags.Columns), int(tags.Rows), len(slices)
    total = shape[0] * shape[1] * shape[2] * dtype.itemsize
    if total > MAX_BYTES:
        raise UserInputError(
            f"{shown(slices[0].path)} and its series claim {size_in_words(total)} of voxels, and at most "
            f"{size_in_words(MAX_BYTES)} are read: give fewer slices."
        )
    voxels = np.empty(shape, dtype, order="F")
    for k, header in enumerate(slices):
        if header.pixels_at is None:
            voxels[:, :, k] = _decoded(header, dtype).T
        else:
            _read_raw(header, header.pixels_at, voxels[:, :, k])
    return _rescaled_by_slice(voxels, [_rescale(header) for header in slices])


def _read_raw(header: DicomFile, at: int, plane: NDArray[Any]) -> None:
    """plane (column, row) is contiguous in Fortran order, which is the order of the file's bytes."""
    flat = plane.reshape(-1, order="F")
    with header.path.open("rb") as file:
        file.seek(at)
        got = file.readinto(flat.view(np.uint8).data)
    if got != flat.nbytes:
        raise UserInputError(
            f"{shown(header.path)} ends before its last pixel (it was cut short): copy or download it again."
        )
    if sys.byteorder == "big":
        flat.byteswap(inplace=True)
    # Bits above HighBit may hold anything (PS3.5 8.1.1): shifting up and back clears them and extends the sign.
    unused = 8 * flat.itemsize - int(header.tags.get("BitsStored") or 8 * flat.itemsize)
    if unused > 0:
        np.left_shift(flat, unused, out=flat)
        np.right_shift(flat, unused, out=flat)


def _decoded(header: DicomFile, dtype: np.dtype[Any]) -> NDArray[Any]:
    from pydicom import dcmread
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    name = shown(header.path)
    syntax = UID(header.syntax).name or header.syntax or "none given"
    try:
        available = get_decoder(header.syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        raise UserInputError(
            f"{name} is compressed in a way that no installed decoder reads ({syntax}): "
            "export it again uncompressed, as Explicit VR Little Endian."
        )
    try:
        pixels: NDArray[Any] = dcmread(header.path).pixel_array
    except MemoryError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged data
        raise UserInputError(
            f"The pixels of {name} cannot be decoded ({syntax}): get it again from its source."
        ) from error
    if pixels.shape != (int(header.tags.Rows), int(header.tags.Columns)) or not np.can_cast(
        pixels.dtype, dtype, "equiv"
    ):
        raise UserInputError(f"The pixels of {name} do not fit its header ({syntax}): get it again from its source.")
    return pixels


def _rescale(header: DicomFile) -> tuple[float, float]:
    try:
        slope = float(1.0 if header.tags.get("RescaleSlope") is None else header.tags.RescaleSlope)
        intercept = float(0.0 if header.tags.get("RescaleIntercept") is None else header.tags.RescaleIntercept)
    except (TypeError, ValueError):
        slope = intercept = float("nan")
    if not (np.isfinite(slope) and np.isfinite(intercept)) or slope == 0.0:
        raise UserInputError(
            f"{shown(header.path)} has a damaged rescale slope or intercept: get it again from its source."
        )
    return slope, intercept


def _rescaled_by_slice(voxels: NDArray[Any], scales: list[tuple[float, float]]) -> NDArray[Any]:
    if len(set(scales)) == 1:
        return rescaled(voxels, *scales[0])
    if all(s.is_integer() and i.is_integer() for s, i in scales):
        # Slices that differ only in whole numbers stay exact; each picks its own type, and the widest holds them all.
        parts = [rescaled(voxels[:, :, k : k + 1].copy(order="F"), *scale) for k, scale in enumerate(scales)]
        return np.asfortranarray(np.concatenate(parts, axis=2))
    out = np.empty(voxels.shape, np.float32, order="F")
    for k, (slope, intercept) in enumerate(scales):
        out[:, :, k] = voxels[:, :, k].astype(np.float64) * slope + intercept
    return out
