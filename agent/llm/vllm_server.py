"""Starts vLLM's own server behind a short list of what it answers: PARENT, then the arguments of vLLM's server.

vLLM serves many paths beside those that are used here, and its key guards only some of them. It imports nothing of
Scanwright, so that any Python with vLLM can run it by its path. It ends when the process PARENT does (0: it stays).
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
import types
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

ALLOWED = {("GET", "/v1/models"), ("POST", "/v1/chat/completions")}
HOSTS = ("127.0.0.1", "localhost")
_NAME = "scanwright_vllm_gate"

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Callable[[dict[str, Any]], Awaitable[None]]], Awaitable[None]]


class Gate:
    """ASGI middleware: what is not listed, or was asked by a page of a browser, is not there."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Passes on what is allowed; the rest gets a 404."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and _allowed(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close", "code": 1008})


def _allowed(scope: Scope) -> bool:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    # A page in a browser says where it comes from, and one that renames this machine says that name.
    from_here = headers.get(b"host", "").rsplit(":", 1)[0] in HOSTS and b"origin" not in headers
    return from_here and (scope["method"], scope["path"]) in ALLOWED


def _ends_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def main(parent: str, *words: str) -> None:
    """Runs vLLM's server in this process; it is stopped by a signal."""
    # The folder of this file holds modules that are not vLLM's.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    module = types.ModuleType(_NAME)
    module.__dict__["Gate"] = Gate
    sys.modules[_NAME] = module
    if parent != "0":
        threading.Thread(target=_ends_with, args=(int(parent),), daemon=True).start()
    sys.argv = ["api_server", *words, "--middleware", f"{_NAME}.Gate"]
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
