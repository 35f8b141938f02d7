"""A transport that trusts no server: an answer has a size and a time, is not packed, leads nowhere else, can be cut."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import httpx2 as httpx

_TAIL = 64


class AnswerTooLarge(httpx.TransportError):
    """The server sent more than an answer can be."""


class _Counted(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, max_bytes: int, deadline: float) -> None:
        self._inner, self._max_bytes, self._deadline = inner, max_bytes, deadline
        self.tail = b""

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for chunk in self._inner:
            seen += len(chunk)
            if seen > self._max_bytes:
                raise AnswerTooLarge(f"more than {self._max_bytes} bytes")
            # A server that drips a byte at a time never times out by itself.
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the answer took too long")
            self.tail = (self.tail + chunk[-_TAIL:])[-_TAIL:]
            yield chunk

    def close(self) -> None:
        self._inner.close()


class GuardedTransport(httpx.BaseTransport):
    """Limits what one call may bring back. deadline is on time.monotonic's clock."""

    def __init__(self, inner: httpx.BaseTransport, max_bytes: int, deadline: float) -> None:
        self._inner, self._max_bytes, self._deadline = inner, max_bytes, deadline
        self._socket: socket.socket | None = None
        self._answer: _Counted | None = None
        self._is_cut = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request as it is, and wraps the answer."""
        if self._is_cut:
            raise httpx.ConnectError("the call was stopped")
        # A packed answer of a few kB can be gigabytes.
        request.headers["Accept-Encoding"] = "identity"
        request.extensions = {**request.extensions, "trace": self._traced}
        response = self._inner.handle_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise AnswerTooLarge("a packed answer, which was not asked for")
        assert isinstance(response.stream, httpx.SyncByteStream)
        self._answer = stream = _Counted(response.stream, self._max_bytes, self._deadline)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    @property
    def said_done(self) -> bool:
        """True where the last streamed answer ended with the mark that says so."""
        return self._answer is not None and b"[DONE]" in self._answer.tail

    def cut(self) -> None:
        """Ends the connection from another thread, now: closing alone leaves a thread that waits for bytes waiting."""
        self._is_cut = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()

    def _traced(self, event: str, info: Mapping[str, Any]) -> None:
        stream = info.get("return_value")
        if event.endswith(("connect_tcp.complete", "start_tls.complete")) and stream is not None:
            self._socket = stream.get_extra_info("socket")
            if self._is_cut:
                self.cut()
