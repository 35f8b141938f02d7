"""/api/v1/studies: what is imported, and its pixels as a browser reads them."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from scanwright.agent.server.answers import StudyView, study_view
from scanwright.agent.server.asking import Erase, TheDesk
from scanwright.agent.server.desk import Desk, NotThere
from scanwright.agent.server.files import sent
from scanwright.agent.server.pixel_files import TILE
from scanwright.memory.records import SeriesRecord
from scanwright.tools.artifacts import Image, Volume
from scanwright.tools.errors import NeedsInput, UserInputError

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])


@router.get("")
def studies(desk: TheDesk) -> list[StudyView]:
    """All studies, newest first."""
    return [study_view(r, desk.pixels, windows=False) for r in reversed(desk.home.studies.list())]


@router.get("/{study_id}")
def study(study_id: str, desk: TheDesk) -> StudyView:
    """A study with its series."""
    return study_view(desk.study(study_id), desk.pixels)


@router.delete("/{study_id}")
def erase(study_id: str, body: Erase, desk: TheDesk) -> dict[str, Any]:
    """Erases the study's patient for good: all of the patient's studies, and what was made of them."""
    record = desk.study(study_id)
    if body.confirm != study_id:
        raise NeedsInput("Erasing is for good: write the study's id to confirm it.", ("confirm",), (study_id,))

    def gone() -> dict[str, Any]:
        erased = desk.home.identities.erase(record.subject)
        desk.pixels.forget()
        for each in erased.studies:
            desk.uploads.forget_study(each)
        return erased.model_dump(mode="json")

    # Between two questions, so that no step writes about the patient while its data goes.
    done: dict[str, Any] = desk.questions.add(f"erase/{study_id}", gone).result()
    return done


@router.get("/{study_id}/thumbnail.png")
def thumbnail(study_id: str, request: Request, desk: TheDesk, series: str | None = None) -> Response:
    """A small picture: the middle axial slice, or the slide as a whole."""
    image = _series(desk, study_id, series).image
    return sent(request, desk.pixels.thumbnail(image), f"{image.pixel_hash[:32]}-t", "image/png")


@router.get("/{study_id}/suggestions")
def suggestions(study_id: str, desk: TheDesk, series: str | None = None) -> list[str]:
    """Questions that can be answered of this study by itself, those of different families in turn."""
    return desk.suggestions.of(desk.study(study_id), _series(desk, study_id, series).name)


@router.get("/{study_id}/fits")
def fits(study_id: str, desk: TheDesk, series: str | None = None) -> dict[str, str | None]:
    """For each tool why it cannot be used on this study; null where it can."""
    return _fits(desk, study_id, series)


@router.get("/{study_id}/series/{series:path}/volume.nii.gz")
def volume(study_id: str, series: str, request: Request, desk: TheDesk) -> Response:
    """The voxels on their own grid and in their own order, the affine as sform."""
    image = _series(desk, study_id, series).image
    if not isinstance(image, Volume):
        raise UserInputError("This series is a flat image: look at its picture or its tiles.")
    return sent(request, desk.pixels.nifti(image), image.pixel_hash, "application/gzip")


@router.get("/{study_id}/series/{series:path}/image.png")
def picture(study_id: str, series: str, request: Request, desk: TheDesk) -> Response:
    """A photograph or a small tile, whole."""
    image = _flat(desk, study_id, series)
    return sent(request, desk.pixels.picture(image), image.pixel_hash, "image/png")


@router.get("/{study_id}/series/{series:path}/dzi")
def deep_zoom(study_id: str, series: str, desk: TheDesk) -> Response:
    """The Deep Zoom description of a slide or photograph."""
    frame = _flat(desk, study_id, series).frame
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpeg" Overlap="0" TileSize="{TILE}">'
        f'<Size Width="{frame.width}" Height="{frame.height}"/></Image>\n'
    )
    return Response(xml, media_type="application/xml")


@router.get("/{study_id}/series/{series:path}/dzi_files/{level}/{col}_{row}.jpeg")
def tile(study_id: str, series: str, level: int, col: int, row: int, desk: TheDesk) -> Response:
    """A tile of the Deep Zoom pyramid."""
    image = _flat(desk, study_id, series)
    if not 0 <= level <= 64:
        raise NotThere("The image has no such level.")
    try:
        data = desk.pixels.tile(image, level, col, row)
    except UserInputError as error:
        raise NotThere(str(error)) from None
    tag = hashlib.sha256(f"{image.pixel_hash}/{level}/{col}/{row}".encode()).hexdigest()[:32]
    return Response(
        data, media_type="image/jpeg", headers={"ETag": f'"{tag}"', "Cache-Control": "private, max-age=86400"}
    )


def _series(desk: Desk, study_id: str, series: str | None) -> SeriesRecord:
    record = desk.study(study_id)
    found = next((s for s in record.series if series in (None, s.name)), None)
    if found is None:
        raise NotThere(f"The study has no series {(series or '')[:64]!r}.")
    return found


def _flat(desk: Desk, study_id: str, series: str) -> Any:
    image: Image = _series(desk, study_id, series).image
    if isinstance(image, Volume):
        raise UserInputError("This series is a volume: look at its voxels.")
    return image


def _fits(desk: Desk, study_id: str, series: str | None) -> dict[str, str | None]:
    from scanwright.agent.given import Given

    name = _series(desk, study_id, series).name
    return desk.bench.fits(study_id, Given(series=name))
