"""A transport that trusts no server: an answer has a size and a time, is not packed, and leads nowhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2 as httpx


class AnswerTooLarge(httpx.TransportError):
    """The server sent more than an answer can be."""


class _Counted(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, max_bytes: int, deadline: float) -> None:
        self._inner, self._max_bytes, self._deadline = inner, max_bytes, deadline

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for chunk in self._inner:
            seen += len(chunk)
            if seen > self._max_bytes:
                raise AnswerTooLarge(f"more than {self._max_bytes} bytes")
            # A server that drips a byte at a time never times out by itself.
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the answer took too long")
            yield chunk

    def close(self) -> None:
        self._inner.close()


class GuardedTransport(httpx.BaseTransport):
    """Limits what one call may bring back. deadline is on time.monotonic's clock."""

    def __init__(self, inner: httpx.BaseTransport, max_bytes: int, deadline: float) -> None:
        self._inner, self._max_bytes, self._deadline = inner, max_bytes, deadline

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request as it is, and wraps the answer."""
        # A packed answer of a few kB can be gigabytes.
        request.headers["Accept-Encoding"] = "identity"
        response = self._inner.handle_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise AnswerTooLarge("a packed answer, which was not asked for")
        assert isinstance(response.stream, httpx.SyncByteStream)
        stream = _Counted(response.stream, self._max_bytes, self._deadline)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    def close(self) -> None:
        """Closes the connections."""
        self._inner.close()
