"""A NIfTI header, read and judged before any voxel is: shape, type, scaling, and where the voxels lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry, Space
from scanwright.tools.imaging.wording import shown

NIFTI1_SIZE: Final = 348
NIFTI2_SIZE: Final = 540

# qform_code and sform_code of nifti1.h: 1 scanner, 2 aligned to another image of the patient, 3 and 4 atlases, 5 a
# template that has no code of its own.
_SPACES: Final[dict[int, tuple[Space, str | None]]] = {
    1: ("native", None), 2: ("native", None),
    3: ("normalised", "Talairach"), 4: ("normalised", "MNI"), 5: ("normalised", "template"),
}  # fmt: skip

# Our own masks carry this where nobody knows which side is left (field descrip, at most 79 bytes).
SIDES_UNKNOWN_NOTE: Final = "sides unknown"


@dataclass(frozen=True)
class NiftiHeader:
    """What the header says. dtype is that of the file, byte order included; oriented is False without any form."""

    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    geometry: Geometry
    oriented: bool
    warnings: tuple[str, ...]

    @property
    def voxel_bytes(self) -> int:
        """Bytes of all voxels, as a Python integer that cannot overflow."""
        count = self.dtype.itemsize
        for length in self.geometry.shape:
            count *= length
        return count


def header_size(start: bytes) -> int | None:
    """Length of the NIfTI header that starts with these bytes, in either byte order; None if none does."""
    for size in (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")):
        if size in (NIFTI1_SIZE, NIFTI2_SIZE):
            return size
    return None


def parse_header(block: bytes, path: Path) -> NiftiHeader:
    """Judges the bytes of a header (348 or 540). Raises UserInputError naming path."""
    import nibabel

    name = shown(path)
    kind = nibabel.Nifti1Header if len(block) == NIFTI1_SIZE else nibabel.Nifti2Header
    header = kind(block, check=False)
    magic = bytes(header["magic"].item())[:3]
    if magic in (b"ni1", b"ni2"):
        raise UserInputError(f"{name} is half of a .hdr/.img pair: convert it into one .nii or .nii.gz file first.")
    if magic not in (b"n+1", b"n+2"):
        raise UserInputError(f"{name} is not a NIfTI file: scans are read from .nii, .nii.gz and DICOM.")
    shape = _shape(header, name)
    slope, intercept = _scaling(header, name)
    dtype, offset = _dtype(header, name), _offset(header, len(block), name)
    geometry, oriented, warnings = _geometry(header, shape, name)
    return NiftiHeader(dtype, offset, slope, intercept, geometry, oriented, warnings)


def _shape(header: Any, name: str) -> tuple[int, int, int]:
    dims = [int(d) for d in header["dim"]]
    if not 1 <= dims[0] <= 7 or any(d < 1 for d in dims[1 : dims[0] + 1]):
        raise UserInputError(f"{name} has a damaged header (dimensions {dims}): get it again from its source.")
    shape = dims[1 : dims[0] + 1]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) > 3:
        volumes = int(np.prod([float(d) for d in shape[3:]]))
        raise UserInputError(
            f"{name} holds {volumes} volumes (time points or channels), and one at a time is read: "
            "write the one you mean into a file of its own."
        )
    if len(shape) < 3 or min(shape) == 1:
        size = "×".join(str(d) for d in shape)
        raise UserInputError(f"{name} is a single 2D picture ({size}), and a 3D scan is needed: give the whole series.")
    return shape[0], shape[1], shape[2]


def _dtype(header: Any, name: str) -> np.dtype[Any]:
    from nibabel.nifti1 import data_type_codes
    from nibabel.spatialimages import HeaderDataError

    try:
        dtype: np.dtype[Any] = np.dtype(header.get_data_dtype())
    except (HeaderDataError, KeyError) as error:
        raise UserInputError(f"{name} has voxels of an unknown type: get it again from its source.") from error
    if dtype.kind not in "iuf" or dtype.fields or dtype.itemsize > 8:
        label = data_type_codes.label[int(header["datatype"])]
        raise UserInputError(f"{name} has {label} voxels, and one real number a voxel is needed: convert it first.")
    return dtype


def _offset(header: Any, size: int, name: str) -> int:
    offset = float(header["vox_offset"])
    if offset == 0.0:
        return size + 4
    if not np.isfinite(offset) or offset < size or offset != int(offset):
        raise UserInputError(f"{name} has a damaged header (voxel offset {offset:g}): get it again from its source.")
    return int(offset)


def _scaling(header: Any, name: str) -> tuple[float, float]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0.0 or not np.isfinite(slope):
        return 1.0, 0.0
    if not np.isfinite(intercept):
        raise UserInputError(f"{name} has an intercept that is no number (scl_inter): write the file again without it.")
    return slope, intercept


def _geometry(header: Any, shape: tuple[int, int, int], name: str) -> tuple[Geometry, bool, tuple[str, ...]]:
    warnings: list[str] = []
    space: Space = "unknown"
    space_name = None
    affine, code = header.get_sform(coded=True)
    other, other_code = _qform(header, name)
    if affine is None:
        affine, code, other = other, other_code, None
    oriented = affine is not None
    sides_known = oriented and SIDES_UNKNOWN_NOTE not in bytes(header["descrip"].item()).decode("ascii", "replace")
    if affine is None:
        affine = np.diag([*_pixdim(header, name), 1.0])
        warnings.append(
            f"{name} has neither qform nor sform: how it lies in the patient is not known, so neither are its sides."
        )
    else:
        space, space_name = _SPACES.get(int(code), ("unknown", None))
    affine = _in_mm(np.array(affine, dtype=np.float64), header, name, warnings)
    _check_affine(affine, name)
    if other is not None and np.linalg.det(other[:3, :3]) * np.linalg.det(affine[:3, :3]) < 0:
        sides_known = False
        warnings.append(f"{name} contradicts itself (qform and sform are mirror images): its sides count as unknown.")
    try:
        geometry = Geometry.of(shape, affine, space=space, space_name=space_name, sides_known=sides_known)
    except ValidationError as error:
        raise UserInputError(f"{name} has an unusable affine: {error.errors()[0]['msg']}.") from error
    return geometry, oriented, tuple(warnings)


def _qform(header: Any, name: str) -> tuple[NDArray[np.float64] | None, int]:
    from nibabel.spatialimages import HeaderDataError

    if int(header["qform_code"]) == 0:
        return None, 0
    try:
        affine, code = header.get_qform(coded=True)
    except (HeaderDataError, ValueError) as error:
        if int(header["sform_code"]) > 0:
            return None, 0
        raise UserInputError(f"{name} has a damaged qform ({error}): write its orientation again.") from error
    return affine, int(code)


def _pixdim(header: Any, name: str) -> list[float]:
    sizes = [float(v) for v in header["pixdim"][1:4]]
    if not all(np.isfinite(v) and v != 0.0 for v in sizes):
        raise UserInputError(
            f"{name} says neither how large its voxels are nor where they lie: write its affine again."
        )
    return [abs(v) for v in sizes]


def _in_mm(affine: NDArray[np.float64], header: Any, name: str, warnings: list[str]) -> NDArray[np.float64]:
    # xyzt_units, lower three bits (nifti1.h): 1 metre, 2 millimetre, 3 micrometre; 0 is taken for millimetre.
    factor, unit = {1: (1000.0, "metres"), 3: (0.001, "micrometres")}.get(int(header["xyzt_units"]) & 7, (1.0, ""))
    if unit:
        affine[:3] *= factor
        warnings.append(f"{name} gives its geometry in {unit}; it was converted to millimetres.")
    return affine


def _check_affine(affine: NDArray[np.float64], name: str) -> None:
    if not np.isfinite(affine).all():
        raise UserInputError(f"{name} has an affine that is no number (NaN or infinite): write its orientation again.")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if (lengths == 0).any() or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-6:
        raise UserInputError(
            f"{name} has a zero or flat affine, so its voxels have no volume: write its orientation again."
        )
