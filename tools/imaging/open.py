"""Opens what a person gives: NIfTI, DICOM, a slide or a picture; a file, a folder, or a zip of these."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.dicom_header import is_dicom
from scanwright.tools.imaging.dicom_series import read_dicom
from scanwright.tools.imaging.flat.picture import is_whole_slide, picture_format, read_picture
from scanwright.tools.imaging.loaded import GivenFacts, Loaded, LoadedStudy
from scanwright.tools.imaging.nifti import GZIP_MAGIC, read_nifti
from scanwright.tools.imaging.nifti_header import header_size
from scanwright.tools.imaging.wording import shown, some
from scanwright.tools.imaging.zipped import unpacked

_READ: Final = "NIfTI (.nii, .nii.gz), DICOM series (a folder or a zip), slides, or pictures (PNG, JPEG, TIFF)"
_MAX_FILES: Final = 100_000
_NOT_YET: Final = {b"NRRD": "NRRD", b"Obje": "MetaImage", b"NDim": "MetaImage", b"%PDF": "PDF", b"GIF8": "GIF"}

Keep = Callable[[Loaded], Loaded]


def open_study(
    path: Path, given: GivenFacts | None = None, *, keep: Keep = lambda image: image, scratch: Path | None = None
) -> LoadedStudy:
    """The images in path, each in stored order with its affine to RAS+ mm.

    keep is called with each image as soon as it is read, and may hand back one whose voxels lie elsewhere, so that
    large studies are never in memory at once. scratch is where a zip is unpacked.
    Raises UserInputError, naming the file, where nothing can be read.
    """
    given = given or GivenFacts()
    try:
        if not path.exists():
            raise UserInputError(f"{shown(path)} is not there: check the path.")
        if path.is_dir():
            return _open_folder(path, given, keep)
        if not path.is_file():
            raise UserInputError(f"{shown(path)} is neither a file nor a folder: give {_READ}.")
        with path.open("rb") as file:
            start = file.read(4)
        if start in (b"PK\x03\x04", b"PK\x05\x06"):
            with unpacked(path, scratch) as folder:
                return _open_folder(folder, given, keep, called=shown(path))
        if is_dicom(path):
            return _dicom([path], given, keep, path)
        if _is_nifti(path):
            return LoadedStudy((keep(read_nifti(path, given)),), "NIfTI")
        if picture_format(start) is not None:
            return LoadedStudy((keep(read_picture(path, given)),), "picture")
    except OSError as error:
        raise UserInputError(f"{shown(path)} cannot be read: {error.strerror or error}.") from error
    raise UserInputError(_not_an_image(path, start))


def _open_folder(folder: Path, given: GivenFacts, keep: Keep, called: str | None = None) -> LoadedStudy:
    name = called or shown(folder)
    files = _files(folder, name)
    if not files:
        raise UserInputError(f"{name} is empty: give {_READ}.")
    dicom = [f for f in files if is_dicom(f)]
    rest = [f for f in files if f not in set(dicom)]
    nifti = [f for f in rest if _is_nifti(f)]
    if dicom and nifti:
        raise UserInputError(f"{name} holds both DICOM and NIfTI ({shown(nifti[0])}): give one of them.")
    pictures = [] if dicom or nifti else [f for f in rest if _is_picture(f)]
    if pictures:
        return LoadedStudy(tuple(keep(read_picture(f, given)) for f in pictures), "picture")
    if not dicom and not nifti:
        raise UserInputError(f"{name} holds no scan (it has {some([shown(f) for f in files])}): give {_READ}.")
    if dicom:
        return _dicom(dicom, given, keep, folder)
    images = [keep(read_nifti(f, given)) for f in nifti]
    return LoadedStudy(tuple(images), "NIfTI")


def _dicom(files: list[Path], given: GivenFacts, keep: Keep, path: Path) -> LoadedStudy:
    if is_whole_slide(files[0]):
        return LoadedStudy((keep(read_picture(path, given)),), "DICOM")
    warnings: list[str] = []
    images = [keep(image) for image in read_dicom(files, given, warnings)]
    return LoadedStudy(tuple(images), "DICOM", tuple(warnings))


def _files(folder: Path, name: str) -> list[Path]:
    """All files below, by path; hidden ones, links to folders and DICOMDIR (an index) are passed over."""
    found: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith((".", "__MACOSX"))]
        for file in files:
            path = Path(root, file)
            if not file.startswith(".") and file.upper() != "DICOMDIR" and path.is_file():
                found.append(path)
        if len(found) > _MAX_FILES:
            raise UserInputError(f"{name} holds more than {_MAX_FILES} files: give the folder of one scan.")
    return sorted(found)


def _is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return picture_format(file.read(4)) is not None


def _is_nifti(path: Path) -> bool:
    """By its first bytes; a .nii.gz that does not unpack is one too, so that its reader can say what is wrong."""
    named = path.name.lower().endswith((".nii", ".nii.gz"))
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == GZIP_MAGIC:
        return named or _unpacked_start_is_nifti(path)
    return header_size(start) is not None


def _unpacked_start_is_nifti(path: Path) -> bool:
    import zlib

    from isal import igzip

    try:
        with igzip.open(path, "rb") as file:
            return header_size(file.read(4)) is not None
    except (OSError, EOFError, zlib.error):
        return False


def _not_an_image(path: Path, start: bytes) -> str:
    name = shown(path)
    if not start:
        return f"{name} is empty (0 bytes): give {_READ}."
    for magic, kind in _NOT_YET.items():
        if start.startswith(magic):
            return f"{name} is {kind}, which is not read yet: give {_READ}."
    return f"{name} is not a scan that can be read: give {_READ}."
