"""A server that speaks the chat API and does what a test says: answers, lies, drips, dies. A real one, on loopback."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Asked", dict[str, Any]], None]


class Asked(BaseHTTPRequestHandler):
    """One request, and ways of answering it."""

    script: list[Answer]
    heard: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.append(body)
        number = min(len(self.heard), len(self.script)) - 1
        with suppress(BrokenPipeError, ConnectionResetError):
            self.script[number](self, body)

    def do_GET(self) -> None:
        self.heard.append({"get": self.path})
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Silent."""

    def start(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "text/event-stream"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def event(text: str, **more: Any) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m",
             "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **more}  # fmt: skip
    return f"data: {json.dumps(chunk)}\n\n".encode()


def says(text: str, tokens: tuple[int, int] | None = (11, 7)) -> Answer:
    """Answers with text, in two pieces."""

    def answer(asked: Asked, body: dict[str, Any]) -> None:
        asked.start()
        half = len(text) // 2
        asked.wfile.write(event(text[:half]) + event(text[half:]))
        if tokens is not None:
            usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
            asked.wfile.write(event("", usage=usage))
        asked.wfile.write(b"data: [DONE]\n\n")

    return answer


def fails(status: int, **headers: str) -> Answer:
    """Answers with a status."""

    def answer(asked: Asked, body: dict[str, Any]) -> None:
        asked.start(status, **{"Content-Type": "application/json", **headers})
        asked.wfile.write(b'{"error": {"message": "no"}}')

    return answer


def sends(data: bytes, **headers: str) -> Answer:
    """Answers with bytes as they are."""

    def answer(asked: Asked, body: dict[str, Any]) -> None:
        asked.start(**headers)
        asked.wfile.write(data)

    return answer


def floods(asked: Asked, body: dict[str, Any]) -> None:
    """Answers with 100 MB."""
    asked.start()
    piece = event("x" * 100_000)
    for _ in range(1000):
        asked.wfile.write(piece)


def drips(asked: Asked, body: dict[str, Any]) -> None:
    """Answers a letter at a time for a minute."""
    asked.start()
    for _ in range(600):
        asked.wfile.write(event("x"))
        asked.wfile.flush()
        time.sleep(0.1)


def is_silent(asked: Asked, body: dict[str, Any]) -> None:
    """Says nothing for a minute."""
    time.sleep(60)


def packed_bomb(asked: Asked, body: dict[str, Any]) -> None:
    """Answers with a few kB that unpack to 30 MB, though nobody asked for packed answers."""
    sends(gzip.compress(event("x" * 30_000_000)), Content_Encoding="gzip")(asked, body)


@contextmanager
def llm_server(*script: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The base address of a server that follows the script (its last answer again and again), and what it heard."""
    heard: list[dict[str, Any]] = []
    handler = type("Scripted", (Asked,), {"script": list(script), "heard": heard})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", heard
    finally:
        server.shutdown()
        server.server_close()
