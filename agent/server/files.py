"""Sending a file: named by its content, so that a browser that has it asks no second time; in parts where it wants."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response


def sent(request: Request, file: Path, etag: str, media_type: str, *, name: str | None = None) -> Response:
    """The file, a part of it (Range), or 304 where the client has it. name makes it a download."""
    headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if f'"{etag}"' in held:
        return Response(status_code=304, headers=headers)
    return FileResponse(file, media_type=media_type, headers=headers, filename=name)
