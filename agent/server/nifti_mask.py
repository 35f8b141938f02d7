"""A mask as a client sends it: NIfTI-1, gzipped or not, read strictly and only on the grid that it is for.

Read here and not by a library in a child process: a brush stroke should be answered at once, and the format that is
taken is small enough to be checked whole. Source: NIfTI-1.1 header, nifti.nimh.nih.gov (offsets of its fields).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry

HEADER = 348
_TYPES = {2: "u1", 256: "i1", 4: "i2", 512: "u2", 8: "i4", 768: "u4", 16: "f4", 64: "f8"}
_SLACK = 64 * 1024


def mask_from_nifti(body: bytes, geometry: Geometry) -> NDArray[np.bool_]:
    """The voxels that are not 0, bool (i, j, k) in Fortran order, on exactly the grid of geometry.

    Raises UserInputError where it is no NIfTI-1 file, or lies on another grid.
    """
    voxels = int(np.prod(geometry.shape))
    data = _plain(body, HEADER + _SLACK + voxels * 8)
    if len(data) < HEADER + 4:
        raise UserInputError("The mask is no NIfTI file: it is too short.")
    order = "<" if struct.unpack_from("<i", data, 0)[0] == HEADER else ">"
    if struct.unpack_from(f"{order}i", data, 0)[0] != HEADER or data[344:348] not in (b"n+1\0", b"ni1\0"):
        raise UserInputError("The mask is no NIfTI-1 file: send it as .nii or .nii.gz.")
    shape, kind = _grid(data, order)
    if shape != geometry.shape:
        raise UserInputError(f"The mask has {_size(shape)} voxels, and the scan has {_size(geometry.shape)}.")
    there = Geometry.of(shape, _affine(data, order))
    if not there.same_grid(geometry):
        raise UserInputError("The mask lies elsewhere than the scan: send it in the scan's own grid and axis order.")
    start = max(352, int(struct.unpack_from(f"{order}f", data, 108)[0]))
    if len(data) - start < voxels * kind.itemsize:
        raise UserInputError("The mask was cut short: send it again.")
    array = np.frombuffer(data, kind, voxels, start).reshape(shape, order="F")
    return np.asfortranarray(array != 0)


def _plain(body: bytes, most: int) -> bytes:
    if body[:2] != b"\x1f\x8b":
        if len(body) > most:
            raise UserInputError("The mask is larger than the scan that it is for.")
        return body
    try:
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(body, most)
        if unpacker.unconsumed_tail:
            raise UserInputError("The mask unpacks to more than the scan that it is for has voxels.")
        return data
    except zlib.error:
        raise UserInputError("The mask is a damaged gzip file: send it again.") from None


def _grid(data: bytes, order: str) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    dims = struct.unpack_from(f"{order}8h", data, 40)
    code = struct.unpack_from(f"{order}h", data, 70)[0]
    if not 3 <= dims[0] <= 7 or any(n != 1 for n in dims[4 : dims[0] + 1]) or min(dims[1:4]) < 1:
        raise UserInputError("The mask is not of three dimensions.")
    if code not in _TYPES:
        raise UserInputError("The mask's values are of a kind that masks do not have: send whole numbers.")
    return tuple(dims[1:4]), np.dtype(order + _TYPES[code])


def _affine(data: bytes, order: str) -> NDArray[np.float64]:
    qform, sform = struct.unpack_from(f"{order}2h", data, 252)
    matrix = np.eye(4)
    if sform > 0:
        matrix[:3] = np.array(struct.unpack_from(f"{order}12f", data, 280)).reshape(3, 4)
    elif qform > 0:
        matrix[:3] = _of_quaternion(data, order)
    else:
        raise UserInputError("The mask's file does not say where it lies: send it with an sform.")
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise UserInputError("The mask's file has an affine that is none.")
    return matrix


def _of_quaternion(data: bytes, order: str) -> NDArray[np.float64]:
    pixdim = np.array(struct.unpack_from(f"{order}8f", data, 76))
    b, c, d, *offset = struct.unpack_from(f"{order}6f", data, 256)
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = pixdim[1:4] * np.array([1.0, 1.0, -1.0 if pixdim[0] < 0 else 1.0])
    return np.column_stack([turn * scale, offset])


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
