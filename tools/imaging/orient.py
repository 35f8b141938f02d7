"""Exact changes of axis order and direction, and writing a volume as NIfTI."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.nifti_header import SIDES_UNKNOWN_NOTE
from scanwright.tools.imaging.wording import shown

_CODES: Final = {"MNI": 4, "Talairach": 3}


def canonical(
    voxels: NDArray[Any], geometry: Geometry
) -> tuple[NDArray[Any], Geometry, Callable[[NDArray[Any]], NDArray[Any]]]:
    """voxels (i, j, k) as a view whose axes run right, anterior, superior as closely as they can.

    Returns the view, its geometry, and undo, which brings an array of the view's shape back to (i, j, k). No voxel
    is interpolated: oblique axes stay oblique.
    """
    axes, flips = geometry.axes, geometry.flips
    shape = geometry.shape[axes[0]], geometry.shape[axes[1]], geometry.shape[axes[2]]
    moved = geometry.matrix @ _index_map(geometry.shape, axes, flips)
    turned = Geometry.of(
        shape, moved, space=geometry.space, space_name=geometry.space_name, sides_known=geometry.sides_known
    )

    def undo(array: NDArray[Any]) -> NDArray[Any]:
        return _flipped(array, flips).transpose(np.argsort(axes))

    return _flipped(voxels.transpose(axes), flips), turned, undo


def onto(voxels: NDArray[Any], geometry: Geometry, target: Geometry) -> NDArray[Any] | None:
    """voxels in the axis order and directions of target, a view; None where the two are not the same grid turned."""
    there, turned, _ = canonical(voxels, geometry)
    _, wanted, undo = canonical(np.empty(target.shape, np.bool_), target)
    if not turned.same_grid(wanted):
        return None
    return undo(there)


def write_nifti(voxels: NDArray[Any], geometry: Geometry, path: Path) -> None:
    """Writes voxels (i, j, k) as .nii or .nii.gz; bool becomes uint8. path appears whole or not at all.

    The form code says the space (1 native, 3 and 4 atlases, 5 another template, 2 unknown), and the description says
    where sides are unknown. Equal input gives equal bytes. Raises UserInputError where path cannot be written.
    """
    import nibabel

    array = voxels.view(np.uint8) if voxels.dtype == np.bool_ else voxels
    header = nibabel.Nifti1Header()
    header.set_data_dtype(array.dtype.newbyteorder("="))
    header.set_data_shape(array.shape)
    code = {"native": 1, "unknown": 2, "normalised": _CODES.get(geometry.space_name or "", 5)}[geometry.space]
    header.set_sform(geometry.matrix, code=code)
    unit = geometry.matrix[:3, :3] / np.array(geometry.spacing_mm)
    square = bool(np.allclose(unit.T @ unit, np.eye(3), atol=1e-4))
    header.set_qform(geometry.matrix, code=code if square else 0)
    header.set_xyzt_units("mm")
    header["descrip"] = SIDES_UNKNOWN_NOTE if not geometry.sides_known else ""
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    start = header.binaryblock + b"\0\0\0\0"
    try:
        _write_whole(path, start, np.asfortranarray(array))
    except OSError as error:
        raise UserInputError(f"{shown(path)} cannot be written: {error.strerror}.") from error


def _write_whole(path: Path, start: bytes, array: NDArray[Any]) -> None:
    from isal import igzip

    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".scanwright-")
    try:
        with os.fdopen(handle, "wb") as file:
            pixels = array.reshape(-1, order="F").view(np.uint8).data
            if path.name.endswith(".gz"):
                # No name and no time in the gzip header, so that equal input gives equal bytes.
                with igzip.IGzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as packed:
                    packed.write(start)
                    packed.write(pixels)
            else:
                file.write(start)
                file.write(pixels)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _flipped(array: NDArray[Any], flips: tuple[bool, bool, bool]) -> NDArray[Any]:
    return array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]


def _index_map(
    shape: tuple[int, int, int], axes: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> NDArray[np.float64]:
    """4×4: an index of the turned array → the index (i, j, k) of the stored one."""
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    for turned, (stored, flip) in enumerate(zip(axes, flips, strict=True)):
        matrix[stored, turned] = -1.0 if flip else 1.0
        matrix[stored, 3] = shape[stored] - 1 if flip else 0.0
    return matrix
