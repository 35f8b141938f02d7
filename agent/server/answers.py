"""What the server answers with: the forms of studies, series, runs and evidence."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel
from scanwright.agent.server.pixel_files import PixelFiles
from scanwright.memory.records import SeriesRecord, StudyRecord
from scanwright.tools.artifacts import Slide, Volume


class Problem(BaseModel):
    """Every error: one sentence, what is missing, what can be done instead."""

    error: str
    missing: list[str] = []
    offers: list[str] = []


class SeriesView(BaseModel):
    """A series. affine maps (i, j, k) to RAS+ mm; size_px and um_per_pixel are of flat images."""

    name: str
    kind: Literal["volume", "slide", "photograph"]
    modality: str | None
    body_part: str | None
    shape: list[int]
    spacing_mm: list[float] | None
    affine: list[list[float]] | None
    unit: str
    sides_known: bool
    space: str | None
    window: list[float] | None
    um_per_pixel: list[float] | None = None
    stain: str | None = None
    pixel_hash: str
    artifact: str
    warnings: list[str]


class StudyView(BaseModel):
    """A study as the page shows it; subject is a pseudonym, relative_day counts from a secret day."""

    study_id: str
    name: str
    created_utc: str
    series: list[SeriesView]
    warnings: list[str]
    relative_day: int | None
    subject: str
    age_band: str | None
    sex: str | None
    scanner: str | None
    source_format: str


def study_view(record: StudyRecord, pixels: PixelFiles, *, windows: bool = True) -> StudyView:
    """A study as the API tells it. windows False leaves out what the voxels have to be looked at for."""
    series = [series_view(s, pixels, windows=windows) for s in record.series]
    return StudyView(
        study_id=record.study_id, name=record.name, created_utc=record.created_utc.isoformat(), series=series,
        warnings=[w for s in record.series for w in s.warnings], relative_day=record.relative_day,
        subject=record.subject, age_band=record.age_band, sex=record.sex, scanner=record.scanner,
        source_format=record.source_format,
    )  # fmt: skip


def series_view(series: SeriesRecord, pixels: PixelFiles, *, windows: bool = True) -> SeriesView:
    """A series as the API tells it."""
    image = series.image
    known: dict[str, Any] = {
        "name": series.name, "modality": image.image.modality, "body_part": image.image.body_part,
        "unit": image.image.unit, "pixel_hash": image.pixel_hash, "artifact": image.hash,
        "warnings": list(series.warnings), "stain": image.image.stain,
    }  # fmt: skip
    if isinstance(image, Volume):
        geometry = image.geometry
        shown = pixels.window(image) if windows or image.image.modality == "CT" else None
        known |= {"kind": "volume", "shape": list(geometry.shape), "spacing_mm": list(geometry.spacing_mm)}
        known |= {"affine": [list(row) for row in geometry.affine], "sides_known": geometry.sides_known}
        return SeriesView(**known, space=geometry.space, window=None if shown is None else list(shown))
    um = image.frame.um_per_pixel
    known |= {"kind": "slide" if isinstance(image, Slide) else "photograph", "spacing_mm": None, "affine": None}
    known |= {"shape": [image.frame.width, image.frame.height], "um_per_pixel": None if um is None else list(um)}
    return SeriesView(**known, sides_known=False, space=None, window=None)
