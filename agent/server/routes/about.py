"""/health, /metrics, /api/v1/about, tools and demos."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from scanwright.agent.answer.result import RESEARCH_USE
from scanwright.agent.given import Given
from scanwright.agent.server.answers import StudyView, study_view
from scanwright.agent.server.asking import Login, TheDesk
from scanwright.agent.server.desk import Desk, NotThere
from scanwright.agent.server.forms import AboutView, DemoView
from scanwright.agent.server.safety import cookie_of
from scanwright.agent.server.signin import COOKIE
from scanwright.tools.contract.card import ToolCard

router = APIRouter()


class OfferedTool(ToolCard):
    """A tool's card, and whether it can be used here."""

    offered: bool
    why_not: str | None


@router.get("/health")
def health(desk: TheDesk) -> dict[str, Any]:
    """Whether it is there, and with how many tools."""
    return {"status": "ok", "tools": len(desk.bench.registry)}


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, desk: TheDesk) -> str:
    """Counts, in Prometheus' text format."""
    gauges = {"questions_waiting": float(desk.questions.waiting), "imports_waiting": float(desk.imports.waiting)}
    text: str = request.app.state.metrics.text(gauges | {"event_streams": float(desk.feed.listeners)})
    return text


@router.post("/api/v1/login", tags=["about"])
def login(request: Request, body: Login) -> Response:
    """Signs a page in: its cookie cannot be read by scripts and goes to no other site."""
    sign_in = request.app.state.sign_in
    cookie = sign_in.open_page(body.token)
    if cookie is None:
        return JSONResponse({"error": "That token is not the one of this server.", "missing": [], "offers": []}, 401)
    response = JSONResponse({"signed_in": True})
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, cookie, max_age=int(sign_in.session_s), httponly=True, samesite="strict", secure=secure, path="/"
    )
    return response


@router.post("/api/v1/logout", tags=["about"])
def logout(request: Request) -> Response:
    """Signs a page out."""
    request.app.state.sign_in.close_page(cookie_of(request.headers))
    response = JSONResponse({"signed_in": False})
    response.delete_cookie(COOKIE, path="/")
    return response


@router.get("/api/v1/about", tags=["about"], response_model=AboutView)
def about(request: Request, desk: TheDesk) -> dict[str, Any]:
    """What runs here, who is asked for language, what is kept, and what leaves the house (nothing unless said)."""
    llm, endpoint = desk.bench.settings.llm, desk.bench.settings.llm.endpoint
    disk = shutil.disk_usage(desk.home.path)
    return {
        "version": _version(),
        "notice": RESEARCH_USE,
        "llm": None if endpoint is None else {
            "planner": llm.planner, "writer": llm.writer, "endpoint": endpoint.shown, "trusted": endpoint.trusted
        },
        "home": {
            "studies": len(desk.home.studies.list()), "runs": len(desk.home.runs.list(100_000)),
            "free_bytes": disk.free, "total_bytes": disk.total,
            "vectors": "server" if desk.bench.settings.memory.qdrant_url else "embedded",
        },
        "privacy": {
            "pseudonyms": True, "originals_changed": False,
            "leaves_this_machine": endpoint is not None and not endpoint.trusted,
            "identifiers_leave": False,
        },
        "limits": {"max_upload": desk.settings.max_upload, "max_file": desk.settings.max_file,
                   "max_files": desk.settings.max_files, "max_chunk": desk.settings.max_chunk},
        "auth": request.app.state.sign_in.kind,
    }  # fmt: skip


@router.get("/api/v1/tools", tags=["tools"])
def tools(desk: TheDesk) -> list[OfferedTool]:
    """Every tool's card, with why it cannot be used where it cannot."""
    return [_offered(desk, t.card.id) for t in desk.bench.registry]


@router.get("/api/v1/tools/{tool_id}", tags=["tools"])
def tool(tool_id: str, desk: TheDesk) -> OfferedTool:
    """A tool's card."""
    if tool_id not in desk.bench.registry:
        raise NotThere(f"There is no tool {tool_id[:64]!r} here.")
    return _offered(desk, tool_id)


@router.get("/api/v1/demos", tags=["studies"], response_model=list[DemoView])
def demos(desk: TheDesk) -> list[dict[str, Any]]:
    """The demo scans that are here."""
    return [{"name": name, "about": _ABOUT.get(name, name.replace("_", " "))} for name in _demos(desk)]


@router.post("/api/v1/demos/{name}", tags=["studies"])
def demo(name: str, desk: TheDesk) -> StudyView:
    """Imports a demo scan, or gives the study that it is already."""
    file = _demos(desk).get(name)
    if file is None:
        raise NotThere(f"There is no demo {name[:64]!r} here.")
    return study_view(desk.import_files(file, Given(), f"demo/{name}"), desk.pixels)


_ABOUT = {
    "brain_t1": "A brain on MR (T1), in a template's space.",
    "head_ct": "A head on CT.",
}


def _demos(desk: Desk) -> dict[str, Path]:
    folder = Path(desk.settings.demos) if desk.settings.demos else Path(__file__).resolve().parents[3] / "demo"
    return {f.name.removesuffix(".nii.gz"): f for f in sorted(folder.glob("*.nii.gz"))}


def _offered(desk: Desk, tool_id: str) -> OfferedTool:
    tool = desk.bench.registry.get(tool_id)
    why = desk.bench.why_not(tool)
    return OfferedTool(**tool.card.model_dump(), offered=why is None, why_not=why)


def _version() -> str:
    from importlib.metadata import version

    return version("scanwright")
