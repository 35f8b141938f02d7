"""What reading a file gives: images with their geometry, and what the person said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator
from scanwright.tools.artifacts import ImageFacts
from scanwright.tools.imaging.geometry import Geometry


class GivenFacts(BaseModel):
    """What the person said of the scan; it wins over the sidecar, and the sidecar over the file's header.

    modality is a DICOM Modality (PS3.3 C.7.3.1.1.1; "MRI" and "PET" are understood), body_part a DICOM
    BodyPartExamined in lower case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: str | None = None
    body_part: str | None = None
    sides: Literal["known", "unknown"] | None = None

    @field_validator("modality")
    @classmethod
    def _as_dicom(cls, modality: str | None) -> str | None:
        return as_modality(modality)

    @field_validator("body_part")
    @classmethod
    def _lower(cls, body_part: str | None) -> str | None:
        return as_body_part(body_part)


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
class LoadedStudy:
    """The images of one person that a file, folder or zip holds. source_format is "NIfTI" or "DICOM"."""

    images: tuple[LoadedImage, ...]
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
