"""/api/v1/artifacts, masks and clicks: typed values by their hash, and those that a person makes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from scanwright.agent.correcting import drawn
from scanwright.agent.plan.plan import Plan, PlannedGoal, Step, StudyRef
from scanwright.agent.server.asking import Clicks, TheDesk
from scanwright.agent.server.bodies import whole_body
from scanwright.agent.server.desk import Desk, NotThere
from scanwright.agent.server.files import sent
from scanwright.agent.server.forms import MaskView
from scanwright.agent.server.nifti_mask import mask_from_nifti
from scanwright.agent.server.provenance import artifact_view
from scanwright.agent.server.talk import GivenHere
from scanwright.tools.artifacts import Cells, Figure, File, LabelMap, Mask, Photograph, Region, Slide, Volume
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import ToolFailed, UserInputError

router = APIRouter(prefix="/api/v1", tags=["artifacts"])
NIFTI = {"requestBody": {"required": True, "content": {"application/gzip": {}}}}
CLICKED = "clicked_structure"


@router.get("/artifacts/{artifact_hash}")
def artifact(artifact_hash: str, desk: TheDesk) -> dict[str, Any]:
    """An artifact as JSON, its pixels as references."""
    found = desk.artifact(artifact_hash)
    return {**found.model_dump(mode="json"), **artifact_view(found)}


@router.get("/artifacts/{artifact_hash}/mask.nii.gz")
def voxels(artifact_hash: str, request: Request, desk: TheDesk) -> Response:
    """A mask, or a map of labels, on its own grid and in its own order."""
    found = desk.artifact(artifact_hash)
    if not isinstance(found, Mask | LabelMap | Volume):
        raise NotThere(f"This {found.type.kind} has no voxels.")
    return sent(request, desk.pixels.nifti(found), found.pixel_hash, "application/gzip")


@router.get("/artifacts/{artifact_hash}/picture.png")
def picture(artifact_hash: str, request: Request, desk: TheDesk) -> Response:
    """A picture; of a region or of cells, where they are (white)."""
    found = desk.artifact(artifact_hash)
    if isinstance(found, Figure):
        return sent(request, desk.home.blobs.path(found.blob), found.blob.sha256, "image/png")
    if isinstance(found, Region | Cells):
        return sent(request, desk.pixels.outline(found), f"{artifact_hash[:32]}-o", "image/png")
    if isinstance(found, Volume | Slide | Photograph):
        return sent(request, desk.pixels.thumbnail(found), f"{artifact_hash[:32]}-t", "image/png")
    raise NotThere(f"This {found.type.kind} has no picture.")


@router.get("/artifacts/{artifact_hash}/file")
def file(artifact_hash: str, request: Request, desk: TheDesk) -> Response:
    """A file to take along. It is never shown as a page."""
    found = desk.artifact(artifact_hash)
    if not isinstance(found, File | Figure):
        raise NotThere(f"This {found.type.kind} is no file.")
    name = found.filename if isinstance(found, File) else f"{found.name}.png"
    safe = "".join(c if c.isalnum() or c in "._-+ " else "_" for c in name)[-120:] or "file"
    kind = found.blob.media_type if isinstance(found, File) else "image/png"
    if kind.startswith(("text/html", "image/svg", "application/xhtml", "text/xml", "application/xml")):
        kind = "application/octet-stream"
    return sent(request, desk.home.blobs.path(found.blob), found.blob.sha256, kind, name=safe)


@router.post("/masks", status_code=201, openapi_extra=NIFTI, response_model=MaskView)
async def mask(
    request: Request,
    desk: TheDesk,
    study: Annotated[str, Query(max_length=200)],
    series: Annotated[str | None, Query(max_length=400)] = None,
    author: Annotated[str, Query(max_length=200)] = "",
) -> dict[str, Any]:
    """Keeps a mask that a person drew on a series; its hash is the `mask` of a turn."""
    body = await whole_body(request, desk.settings.max_mask)

    def kept() -> dict[str, Any]:
        volume = _volume(desk, study, series)
        region = drawn(
            desk.home, mask_from_nifti(body, volume.geometry), volume,
            ArtifactType(kind="Mask", structure="given_region", side="whole", modality=volume.type.modality,
                         grid=volume.geometry.grid, time=volume.type.time, subject=volume.type.subject),
            "given region", " ".join(author.split())[:80],
        )  # fmt: skip
        if region.voxels == 0:
            raise UserInputError("The mask is empty: draw something first.")
        return {"artifact": desk.home.step_cache.keep(region), "voxels": region.voxels}

    return await run_in_threadpool(kept)


@router.post("/clicks", status_code=201, response_model=MaskView)
def clicks(body: Clicks, desk: TheDesk) -> dict[str, Any]:
    """Outlines what lies at a point; further points inside and outside correct it."""
    desk.study(body.study)
    name = _named(desk, body.study, body.series)
    several = len(desk.study(body.study).series) > 1
    ref = StudyRef(study="S1", item="image", series=name if several else None)
    params: dict[str, Any] = {"at": body.at.model_dump()}
    for key, points in (("more", body.more), ("not_at", body.not_at)):
        if points:
            params[key] = {"points": [p.model_dump() for p in points]}
    card = desk.bench.registry.get(CLICKED).card
    step = Step(id="s1", tool=CLICKED, version=card.version, inputs={"volume": ref}, params=params, why=(0,))
    goal = Goal.model_validate({"want": "mask", "of": CLICKED, "series": name, "params": params})
    plan = Plan(steps=(step,), goals=(PlannedGoal(goal=goal, status="planned", answers=("s1",)),))
    given = GivenHere(at=body.at, series=name)
    result = desk.questions.add(f"click/{body.study}", lambda: desk.bench.run_plan(plan, [body.study], given)).result()
    made = desk.home.runs.finished_steps(result.run_id or "").get("s1") if result.status == "answered" else None
    if not isinstance(made, Mask):
        raise ToolFailed(result.answer)
    return {"artifact": made.hash, "voxels": made.voxels, "flags": list(made.flags), "run_id": result.run_id}


def _named(desk: Desk, study: str, series: str | None) -> str:
    names = [s.name for s in desk.study(study).series if series in (None, s.name)]
    if not names:
        raise NotThere(f"The study has no series {(series or '')[:64]!r}.")
    return names[0]


def _volume(desk: Desk, study: str, series: str | None) -> Volume:
    name = _named(desk, study, series)
    image = next(s.image for s in desk.study(study).series if s.name == name)
    if not isinstance(image, Volume):
        raise UserInputError("A mask is drawn on a 3D scan, and this series is a flat image.")
    return image
