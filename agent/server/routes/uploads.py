"""/api/v1/uploads: files come in pieces, each synced before it is acknowledged."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from scanwright.agent.server.answers import StudyView, study_view
from scanwright.agent.server.asking import Facts, NewUpload, TheDesk
from scanwright.agent.server.forms import Offset, UploadView
from scanwright.agent.server.uploads import TooLarge, no_room
from scanwright.tools.errors import UserInputError
from starlette.requests import ClientDisconnect

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"])
GATHER = 1 << 20


@router.post("", status_code=201, response_model=UploadView)
def begin(body: NewUpload, desk: TheDesk) -> dict[str, Any]:
    """Begins an upload; nothing of it is read before all is here."""
    upload = desk.uploads.begin([(f.name, f.size) for f in body.files])
    return {"upload_id": upload, "files": [{"index": i, "offset": 0} for i in range(len(body.files))]}


@router.get("/{upload_id}", response_model=UploadView)
def offsets(upload_id: str, desk: TheDesk) -> dict[str, Any]:
    """How much of each file is here: where to go on."""
    files = [{"index": f.index, "offset": f.offset, "size": f.size} for f in desk.uploads.files(upload_id)]
    return {"upload_id": upload_id, "study_id": desk.uploads.study(upload_id), "files": files}


@router.patch(
    "/{upload_id}/{index}", response_model=Offset,
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}},
)  # fmt: skip
async def piece(upload_id: str, index: int, request: Request, desk: TheDesk) -> Response:
    """Adds the body at Upload-Offset. A break in the middle keeps what came; ask for the offset and go on."""
    text = request.headers.get("upload-offset", "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise UserInputError("Say where this piece begins: the header Upload-Offset, in bytes.")
    file, wanted = await run_in_threadpool(desk.uploads.open_at, upload_id, index, int(text))
    start = int(text)
    wanted = min(wanted, desk.settings.max_chunk)
    done, gathered = 0, bytearray()
    try:
        try:
            async for data in request.stream():
                gathered += data
                if done + len(gathered) > wanted:
                    raise TooLarge("This piece is longer than what is missing of the file, or than one piece may be.")
                if len(gathered) >= GATHER:
                    done += await run_in_threadpool(_write, file, bytes(gathered))
                    gathered.clear()
        except ClientDisconnect:
            pass
        done += await run_in_threadpool(_write, file, bytes(gathered))
        await run_in_threadpool(_sync, file)
    except TooLarge:
        await run_in_threadpool(os.truncate, file.name, start)
        raise
    except OSError as error:
        if not no_room(error):
            raise
        # What half a write left is taken back, so that the offset is what was acknowledged.
        await run_in_threadpool(os.truncate, file.name, start)
        said = "There is no room left on the server's disk: free some space there, then go on where you were."
        return JSONResponse({"error": said, "missing": [], "offers": [], "offset": start}, 507)
    finally:
        file.close()
    return JSONResponse({"offset": start + done})


@router.post("/{upload_id}/finish", status_code=201)
def finish(upload_id: str, body: Facts, desk: TheDesk) -> StudyView:
    """Imports what was uploaded. Asked again after a break, it gives the same study."""
    known = desk.uploads.study(upload_id)
    if known is not None:
        return study_view(desk.study(known), desk.pixels)
    given, target = body.given(), desk.uploads.ready(upload_id)
    record = desk.import_files(target, given, upload_id)
    desk.uploads.finish(upload_id, record.study_id)
    return study_view(record, desk.pixels)


@router.delete("/{upload_id}", status_code=204)
def drop(upload_id: str, desk: TheDesk) -> Response:
    """Forgets an upload."""
    desk.uploads.drop(upload_id)
    return Response(status_code=204)


def _write(file: Any, data: bytes) -> int:
    file.write(data)
    return len(data)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
