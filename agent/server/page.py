"""The page: static files that are built into agent/server/static; any other address of the page is the page itself."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

STATIC = Path(__file__).with_name("static")
NOT_BUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Scanwright</title>"
    "<p>The web page was not built into this copy of Scanwright; the API is at /openapi.json."
)
_KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".css": "text/css"}

router = APIRouter(include_in_schema=False)


@router.api_route("/{path:path}", methods=["GET", "HEAD"])
def page(path: str, request: Request) -> Response:
    """A file of the page, or the page."""
    if path.startswith(("api/", "health", "metrics")):
        return JSONResponse({"error": "There is nothing at that address.", "missing": [], "offers": []}, 404)
    # Looked up among the files that are there: a client's path is compared and never opened.
    known = _files()
    file = known.get(path) or (None if "." in path.rsplit("/", 1)[-1] else known.get("index.html"))
    if file is None:
        if known:
            return JSONResponse({"error": "The page has no such file.", "missing": [], "offers": []}, 404)
        return HTMLResponse(NOT_BUILT, 200 if path == "" else 404)
    # Vite names what is in assets by its content.
    keep = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
    return FileResponse(file, media_type=_KINDS.get(file.suffix), headers={"Cache-Control": keep})


def _files() -> dict[str, Path]:
    if not STATIC.is_dir():
        return {}
    return {str(f.relative_to(STATIC)): f for f in STATIC.rglob("*") if f.is_file() and f.name != "__init__.py"}
