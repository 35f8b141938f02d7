"""The application: routes, what every request passes, and how errors are told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from scanwright.agent.correcting import ChangedMeanwhile
from scanwright.agent.server import page
from scanwright.agent.server.answers import Problem
from scanwright.agent.server.desk import Desk, NotThere, refusal
from scanwright.agent.server.logs import Metrics, Watched
from scanwright.agent.server.routes import about, artifacts, plans, runs, sessions, studies, uploads
from scanwright.agent.server.safety import Safety
from scanwright.agent.server.settings import ServerSettings
from scanwright.agent.server.signin import SignIn
from scanwright.agent.server.uploads import NoUpload, TooLarge, WrongOffset
from scanwright.tools.errors import Cancelled, NeedsInput, ScanwrightError, ToolFailed, ToolInputError, UserInputError
from starlette.exceptions import HTTPException

log = logging.getLogger("scanwright.server")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CODES: tuple[tuple[type[Exception], int], ...] = (
    (NotThere, 404), (NoUpload, 404), (TooLarge, 413), (WrongOffset, 409), (ChangedMeanwhile, 409), (NeedsInput, 409),
    (UserInputError, 422), (ToolInputError, 422), (Cancelled, 409), (ToolFailed, 422), (ScanwrightError, 500),
)  # fmt: skip


def make_app(
    desk: Desk | None,
    *,
    sign_in: SignIn | None = None,
    hosts: Sequence[str] | None = (),
    settings: ServerSettings | None = None,
) -> FastAPI:
    """The application on an open desk (None: for its description alone).

    hosts are names by which it may be called beside this machine's own; None takes every name.
    """
    problems: dict[int | str, dict[str, Any]] = {
        code: {"model": Problem} for code in (401, 403, 404, 409, 411, 413, 421, 422)
    }
    app = FastAPI(
        title="Scanwright", version="1", docs_url=None, redoc_url=None, responses=problems,
        description="Ask a question about a scan. Research use only: this is not a medical device.",
    )  # fmt: skip
    app.state.desk = desk
    app.state.metrics = Metrics()
    app.state.sign_in = sign_in = sign_in or SignIn()
    for part in (about, studies, uploads, sessions, plans, runs, artifacts, page):
        app.include_router(part.router)
    _tell_errors(app)
    limits = settings or (desk.settings if desk is not None else ServerSettings())
    known = None if hosts is None else LOOPBACK | {h.lower() for h in (*hosts, *limits.hosts)}
    app.add_middleware(Safety, sign_in=sign_in, hosts=known, max_body=limits.max_body)
    app.add_middleware(Watched, metrics=app.state.metrics)
    return app


def _tell_errors(app: FastAPI) -> None:
    @app.exception_handler(ScanwrightError)
    async def told(request: Request, error: ScanwrightError) -> JSONResponse:
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        body = refusal(error)
        if isinstance(error, WrongOffset):
            body["offset"] = error.offset
        if isinstance(error, ChangedMeanwhile):
            body |= {"kept": error.kept, "newest": error.newest, "author": error.author}
        return JSONResponse(body, code)

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"] if p not in ("body", "query", "path"))
        said = f"{where or 'The request'} is wrong: {first['msg'][:200]}."
        return JSONResponse({"error": said, "missing": [], "offers": []}, 422)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:
            return JSONResponse({"error": "The body is no JSON in UTF-8.", "missing": [], "offers": []}, 422)
        said = {404: "There is nothing at that address.", 405: "That address does not do this."}
        return JSONResponse(
            {"error": said.get(error.status_code, str(error.detail)), "missing": [], "offers": []},
            error.status_code, headers=error.headers,
        )  # fmt: skip

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", exc_info=error)
        return JSONResponse(refusal(error), 500)
