"""Reads one 3D NIfTI file (.nii, .nii.gz), with all checks that its header allows before a voxel is read."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import ImageFacts
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.limits import MAX_BYTES, check_claim
from scanwright.tools.imaging.loaded import GivenFacts, LoadedImage
from scanwright.tools.imaging.nifti_header import NiftiHeader, header_size, parse_header
from scanwright.tools.imaging.scaling import rescaled
from scanwright.tools.imaging.sidecar import read_sidecar, settled
from scanwright.tools.imaging.wording import shown, size_in_words

_PIECE: Final = 1 << 20
GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, eq=False)
class NiftiVolume:
    """Voxels (i, j, k) in Fortran order, scaled, and what the header alone says of them."""

    voxels: NDArray[Any]
    geometry: Geometry
    oriented: bool
    warnings: tuple[str, ...]


def read_nifti(path: Path, given: GivenFacts | None = None, *, max_bytes: int = MAX_BYTES) -> LoadedImage:
    """The image in path, with facts from the header, the JSON sidecar beside it and the person.

    Raises UserInputError where the file is not one usable 3D volume, or the sidecar is not readable.
    """
    sidecar = read_sidecar(path)
    volume = read_nifti_volume(path, max_bytes=max_bytes)
    image, geometry, warnings = settled(
        ImageFacts(source_format="NIfTI"), volume.geometry, sidecar, given or GivenFacts(), oriented=volume.oriented
    )
    if image.unit == "[hnsf'U]" and float(volume.voxels.min()) > -100:
        warnings += (f"No voxel of {shown(path)} is below −100, so there is no air: its values may not be HU.",)
    return LoadedImage(volume.voxels, geometry, image, stem(path), volume.warnings + warnings, safe=sidecar.safe)


def read_nifti_volume(path: Path, *, max_bytes: int = MAX_BYTES) -> NiftiVolume:
    """Voxels and geometry of path, without sidecar. Raises UserInputError where it is not one usable 3D volume."""
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP_MAGIC
    with _opened(path, compressed) as stream:
        try:
            header = _header(stream, path)
            check_claim(path, header.offset + header.voxel_bytes, compressed=compressed, max_bytes=max_bytes)
            voxels = _voxels(stream, header, path)
        except EOFError as error:
            raise _cut_short(path) from error
        except (zlib.error, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise UserInputError(f"{shown(path)} cannot be read: {error.strerror}.") from error
            raise UserInputError(
                f"{shown(path)} is damaged (its compressed data do not add up): get it again from its source."
            ) from error
    voxels = rescaled(voxels, header.slope, header.intercept)
    _check_finite(voxels, path)
    return NiftiVolume(voxels, header.geometry, header.oriented, header.warnings)


def stem(path: Path) -> str:
    """The file's name without .nii or .nii.gz, printable."""
    name = shown(path)
    for ending in (".nii.gz", ".nii"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return Path(name).stem


def _opened(path: Path, compressed: bool) -> BinaryIO:
    if not compressed:
        return path.open("rb")
    from isal import igzip

    return cast(BinaryIO, igzip.open(path, "rb"))


def _header(stream: BinaryIO, path: Path) -> NiftiHeader:
    start = stream.read(4)
    size = header_size(start)
    if size is None:
        raise UserInputError(f"{shown(path)} is not a NIfTI file: scans are read from .nii, .nii.gz and DICOM.")
    block = start + stream.read(size - 4)
    if len(block) < size:
        raise _cut_short(path)
    header = parse_header(block, path)
    _skip(stream, header.offset - size, path)
    return header


def _skip(stream: BinaryIO, count: int, path: Path) -> None:
    while count > 0:
        piece = len(stream.read(min(count, _PIECE)))
        if not piece:
            raise _cut_short(path)
        count -= piece


def _voxels(stream: BinaryIO, header: NiftiHeader, path: Path) -> NDArray[Any]:
    """Reads straight into the final array, so that the file's voxels are in memory once."""
    try:
        voxels = np.empty(header.geometry.shape, header.dtype, order="F")
    except MemoryError as error:
        size = size_in_words(header.voxel_bytes)
        raise UserInputError(
            f"{shown(path)} needs {size} of memory, more than is free: crop or resample it."
        ) from error
    into = voxels.reshape(-1, order="F").view(np.uint8).data
    done = 0
    while done < len(into):
        piece = stream.read(min(_PIECE, len(into) - done))
        if not piece:
            raise _cut_short(path)
        into[done : done + len(piece)] = piece
        done += len(piece)
    # Reading past the end is what makes a gzip stream compare its checksum.
    stream.read(1)
    if not voxels.dtype.isnative:
        voxels = voxels.byteswap(inplace=True).view(voxels.dtype.newbyteorder("="))
    return voxels


def _check_finite(voxels: NDArray[Any], path: Path) -> None:
    if voxels.dtype.kind != "f":
        return
    bad = sum(int(np.count_nonzero(~np.isfinite(voxels[:, :, k]))) for k in range(voxels.shape[2]))
    if bad:
        raise UserInputError(
            f"{shown(path)} has {bad} of {voxels.size} voxels that are no number (NaN or infinite): "
            "replace them by a real value, for example 0, and give the new file."
        )


def _cut_short(path: Path) -> UserInputError:
    return UserInputError(f"{shown(path)} ends before its last voxel (it was cut short): copy or download it again.")
