"""Reading flat images: PNG, JPEG, BMP and TIFF, and slides by their own reader.

A picture does not say what it shows: its modality comes from the person or from the file beside it, and says
whether it is a slide (SM, GM) or a photograph (OP, XC, ES, DMS).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Flat, ImageFacts, Photograph, Slide
from scanwright.tools.errors import NeedsInput, UserInputError
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.loaded import GivenFacts, LoadedFlat, as_body_part, as_modality, as_stain
from scanwright.tools.imaging.sidecar import Sidecar, read_sidecar
from scanwright.tools.imaging.wording import shown

PICTURES: Final = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
KINDS: Final[dict[str, type[Flat]]] = {
    "SM": Slide, "GM": Slide, "OP": Photograph, "XC": Photograph, "ES": Photograph, "DMS": Photograph,
}  # fmt: skip
# What is read into memory at once; larger images come as pyramids, which are read by tiles.
MAX_PIXELS: Final = 120_000_000


def picture_format(start: bytes) -> str | None:
    """The format of a picture by its first bytes."""
    return next((kind for magic, kind in PICTURES.items() if start.startswith(magic)), None)


def is_whole_slide(file: Path) -> bool:
    """True for a DICOM VL Whole Slide Microscopy image (PS3.3 A.32.8)."""
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info

    try:
        # The preamble's own group alone: what follows it may be a bomb.
        return str(read_file_meta_info(file).get("MediaStorageSOPClassUID", "")) == "1.2.840.10008.5.1.4.1.1.77.1.6"
    except (InvalidDicomError, OSError, ValueError, EOFError, RecursionError):
        return False


def read_picture(path: Path, given: GivenFacts) -> LoadedFlat:
    """A picture, a slide file, or a folder with a DICOM slide.

    Raises NeedsInput where nothing says what it shows, UserInputError where it is damaged.
    """
    from scanwright.tools.imaging.flat.slides import describe_slide

    sidecar = read_sidecar(path)
    slide = describe_slide(path)
    modality = given.modality or as_modality(sidecar.modality) or (None if slide is None else "SM")
    frame, pixels, warnings = (slide.frame, None, slide.warnings) if slide is not None else _pixels(path)
    kind = _kind_of(path, modality)
    facts = ImageFacts(
        modality=modality,
        body_part=given.body_part or as_body_part(sidecar.body_part) or ("eye" if modality == "OP" else None),
        stain=given.stain or as_stain(sidecar.stain) or (None if slide is None else as_stain(slide.stain)),
        source_format="slide" if slide is not None else "picture",
    )
    if kind is Photograph and facts.stain is not None:
        raise UserInputError(f"{shown(path)} is said to be a photograph and to be stained: give one of the two.")
    return LoadedFlat(
        frame=_sized(frame, sidecar, given),
        image=facts,
        name=path.name.split(".")[0],
        pixels=pixels,
        files=() if slide is None else slide.files,
        stored="pixels" if slide is None else slide.stored,
        warnings=warnings,
    )


def _kind_of(path: Path, modality: str | None) -> type[Flat]:
    if modality is None:
        raise NeedsInput(
            f"{shown(path)} is a picture, and nothing says what it shows: a microscope slide (SM) or a photograph of "
            "the eye (OP).",
            ("modality",),
            ("SM", "OP"),
        )
    if modality not in KINDS:
        raise UserInputError(
            f"{shown(path)} is a flat picture, and {modality} is not read from pictures: give the scan as DICOM or "
            f"NIfTI, or one of {', '.join(KINDS)} as --modality."
        )
    return KINDS[modality]


def _sized(frame: Frame, sidecar: Sidecar, given: GivenFacts) -> Frame:
    um = (given.pixel_size_um, given.pixel_size_um) if given.pixel_size_um is not None else sidecar.um_per_pixel
    return frame if um is None else Frame(width=frame.width, height=frame.height, um_per_pixel=um)


def _pixels(path: Path) -> tuple[Frame, NDArray[np.uint8], tuple[str, ...]]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings: list[str] = []
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise UserInputError(
                    f"{shown(path)} has {picture.width}×{picture.height} pixels, more than are read at once: give "
                    "it as a tiled pyramid (for example OME-TIFF)."
                )
            if (held := getattr(picture, "n_frames", 1)) > 1:
                raise UserInputError(f"{shown(path)} holds {held} pictures: give one of them by itself.")
            # The person sees what the camera meant as up.
            upright = ImageOps.exif_transpose(picture)
            rgb = _rgb(np.asarray(_plain(upright)), warnings)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise UserInputError(f"{shown(path)} cannot be read as a picture ({error}): get it again.") from error
    return Frame(width=rgb.shape[1], height=rgb.shape[0]), rgb, tuple(warnings)


def _plain(picture: object) -> object:
    """Without a palette, and without transparency: on white, as it would be seen."""
    from PIL import Image

    assert isinstance(picture, Image.Image)
    if picture.mode in ("P", "LA", "PA", "RGBA"):
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba).convert("RGB")
    return picture.convert("RGB") if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "1") else picture


def _rgb(pixels: NDArray[np.generic], warnings: list[str]) -> NDArray[np.uint8]:
    """Grey or deep pictures as RGB of 8 bits; what is lost by that is said."""
    values = pixels
    if values.dtype != np.uint8:
        top = float(np.nanmax(values)) if values.size else 0.0
        warnings.append(f"The picture has {values.dtype.itemsize * 8} bits a pixel and was scaled to 8 by its maximum.")
        values = np.clip(np.nan_to_num(values.astype(np.float32)) * (255 / top if top > 0 else 0), 0, 255).round()
    if values.ndim == 2:
        values = np.repeat(values[:, :, None], 3, axis=2)
    return np.ascontiguousarray(values[:, :, :3], dtype=np.uint8)
