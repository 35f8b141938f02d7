"""The API: health, tools, studies, questions. It binds to loopback; no path from a client reaches the file system."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from fastapi import Body, FastAPI, File, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.given import Given
from scanwright.agent.workbench import Workbench
from scanwright.memory.records import StudyRecord
from scanwright.tools.contract.card import ToolCard
from scanwright.tools.contract.quantity import Point
from scanwright.tools.errors import NeedsInput, ScanwrightError, UserInputError
from scanwright.tools.imaging.loaded import GivenFacts

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "testserver"}


class Question(BaseModel):
    """A question about imported studies, the one asked about last."""

    model_config = ConfigDict(extra="forbid")

    studies: list[str]
    question: str
    series: str | None = None
    at: Point | None = None
    approved: bool = False


def make_app(bench: Workbench) -> FastAPI:
    """The application on a workbench. One question is answered at a time; others wait their turn."""
    app = FastAPI(title="Scanwright", version="1", docs_url=None, redoc_url=None)
    turn = Lock()

    @app.middleware("http")
    async def only_local(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        """A page of another site that resolves to this machine (DNS rebinding) gets nothing."""
        host = request.headers.get("host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name not in LOCAL_HOSTS:
            return JSONResponse({"error": "This server answers on this machine only."}, 421)
        return await call(request)

    @app.exception_handler(ScanwrightError)
    async def told(request: Request, error: Exception) -> JSONResponse:
        code = 409 if isinstance(error, NeedsInput) else 422 if isinstance(error, UserInputError) else 500
        return JSONResponse({"error": str(error), "missing": list(getattr(error, "missing", ()))}, code)

    @app.get("/health")
    def health() -> dict[str, Any]:
        """Whether it is there, and with how many tools."""
        return {"status": "ok", "tools": len(bench.registry)}

    @app.get("/tools")
    def tools() -> list[ToolCard]:
        """Every tool's card."""
        return [tool.card for tool in bench.registry]

    @app.get("/studies")
    def studies() -> list[StudyRecord]:
        """The imported studies."""
        with turn, bench.open_home() as home:
            return home.studies.list()

    @app.post("/studies", status_code=201)
    async def add_study(
        upload: Annotated[UploadFile, File()],
        modality: Annotated[str | None, Body()] = None,
        body_part: Annotated[str | None, Body()] = None,
    ) -> StudyRecord:
        """Imports an uploaded file (NIfTI, or a zip of a DICOM series)."""
        facts = GivenFacts(modality=modality, body_part=body_part)

        def kept() -> StudyRecord:
            with tempfile.TemporaryDirectory(prefix="scanwright-upload-") as folder:
                path = Path(folder) / _safe_name(upload.filename)
                with path.open("wb") as file:
                    shutil.copyfileobj(upload.file, file)
                with turn:
                    return bench.import_study(path, Given(facts))

        return await run_in_threadpool(kept)

    @app.post("/ask")
    def ask(question: Question) -> AnswerResult:
        """Answers a question about imported studies, named by id."""
        with turn:
            with bench.open_home() as home:
                ids = [home.studies.get(study).study_id for study in question.studies]
            given = Given(series=question.series, at=question.at)
            return bench.ask(ids, question.question, given, approved=question.approved)

    return app


def _safe_name(name: str | None) -> str:
    """The last part of a file name, its ending kept, everything unusual replaced."""
    last = Path((name or "upload").replace("\\", "/")).name
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in last).lstrip(".") or "upload"
