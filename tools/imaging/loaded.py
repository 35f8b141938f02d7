"""What reading a file gives: scans in space, flat images, and what the person said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator
from scanwright.tools.artifacts import ImageFacts
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.geometry import Geometry


class GivenFacts(BaseModel):
    """What the person said of the scan; it wins over the sidecar, and the sidecar over the file's header.

    modality is a DICOM Modality (PS3.3 C.7.3.1.1.1; "MRI" and "PET" are understood), body_part a DICOM
    BodyPartExamined in lower case; gated: synchronised with the heartbeat. stain and pixel_size_um (micrometres,
    square pixels) are of flat images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: str | None = None
    body_part: str | None = None
    sides: Literal["known", "unknown"] | None = None
    stain: str | None = None
    pixel_size_um: float | None = Field(None, gt=0, lt=10_000)
    gated: bool | None = None

    @field_validator("modality")
    @classmethod
    def _as_dicom(cls, modality: str | None) -> str | None:
        return as_modality(modality)

    @field_validator("body_part")
    @classmethod
    def _lower(cls, body_part: str | None) -> str | None:
        return as_body_part(body_part)

    @field_validator("stain")
    @classmethod
    def _as_stain(cls, stain: str | None) -> str | None:
        return as_stain(stain)


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """An image as it was stored.

    voxels is (i, j, k) in Fortran order, in its stored type where scaling allows; geometry maps (i, j, k) to RAS+ mm.
    identity holds the identifying DICOM tags by keyword (empty for NIfTI) and goes to the sealed record only;
    SOPInstanceUID there lists the slices in order of k, parted by backslashes. safe holds facts of patient and scanner
    that identify nobody: sex, age_band, manufacturer, model, kvp, series_number, contrast.
    """

    voxels: NDArray[Any]
    geometry: Geometry
    image: ImageFacts
    name: str
    warnings: tuple[str, ...] = ()
    identity: dict[str, str] = field(default_factory=dict)
    safe: dict[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LoadedFlat:
    """A slide, a tile or a photograph.

    pixels is RGB (rows, columns, 3) of uint8, or None where the image is kept as the files it came in (stored says
    how). identity and safe are as for a scan.
    """

    frame: Frame
    image: ImageFacts
    name: str
    pixels: NDArray[Any] | None = None
    files: tuple[Path, ...] = ()
    stored: Literal["pixels", "pyramid", "dicom"] = "pixels"
    warnings: tuple[str, ...] = ()
    identity: dict[str, str] = field(default_factory=dict)
    safe: dict[str, str | float] = field(default_factory=dict)


Loaded: TypeAlias = LoadedImage | LoadedFlat


@dataclass(frozen=True, eq=False)
class LoadedStudy:
    """The images of one person that a file, folder or zip holds. source_format is "NIfTI", "DICOM" or "picture"."""

    images: tuple[Loaded, ...]
    source_format: str
    warnings: tuple[str, ...] = ()


def as_modality(text: str | None) -> str | None:
    """A DICOM modality code out of what people and sidecars write; None for nothing."""
    code = (text or "").strip().upper()
    return {"": None, "MRI": "MR", "PET": "PT"}.get(code, code)


def as_body_part(text: str | None) -> str | None:
    """A body part in lower case; None for nothing, and for words that name no part."""
    part = (text or "").strip().lower()
    return None if part in ("", "partialbody", "unknown", "other", "none", "n/a") else part


_STAINS = {
    "H&E": ("h&e", "he", "h & e", "hematoxylin and eosin", "haematoxylin and eosin", "haematoxylin & eosin"),
    "IHC DAB": ("ihc", "dab", "ihc dab", "h-dab", "h dab", "immunohistochemistry", "ki-67", "ki67", "er", "pr"),
    "fluorescence": ("fluorescence", "immunofluorescence", "if", "dapi", "hoechst"),
}


def as_stain(text: str | None) -> str | None:
    """The name of a stain as conditions of use know it ("H&E", "IHC DAB", "fluorescence"); others stay as written."""
    word = (text or "").strip()
    return next((name for name, ways in _STAINS.items() if word.lower() in ways), word or None)
