"""Logs and metrics: one JSON object a line, with routes, ids and pseudonyms and never a name, a path or a question."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("method", "route", "status", "seconds", "study", "run", "turn", "session", "address", "home")
BOUNDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON; of what it carries only fields in SAFE, and of an error its kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, Any] = {
            "utc": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "what": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in SAFE if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            # The message of an error can hold a file's name; where it was raised cannot.
            line["error"] = record.exc_info[0].__name__
            line["at"] = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in _frames(record.exc_info[2])][-6:]
        return json.dumps(line, ensure_ascii=False)


class Metrics:
    """Counts of requests by route and status, and how long they took, in Prometheus' text format 0.0.4."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._count: Counter[tuple[str, str, int]] = Counter()
        self._within: Counter[tuple[str, float]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._all: Counter[str] = Counter()

    def saw(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request."""
        with self._turn:
            self._count[method, route, status] += 1
            self._all[route] += 1
            self._seconds[route] += seconds  # type: ignore[assignment]
            for bound in BOUNDS:
                if seconds <= bound:
                    self._within[route, bound] += 1

    def text(self, gauges: dict[str, float]) -> str:
        """All of it; gauges are further values by name."""
        name = "scanwright_http_request_duration_seconds"
        with self._turn:
            lines = ["# TYPE scanwright_http_requests_total counter"]
            for (method, route, status), n in sorted(self._count.items()):
                lines.append(
                    f'scanwright_http_requests_total{{method="{method}",route="{route}",status="{status}"}} {n}'
                )
            lines.append(f"# TYPE {name} histogram")
            for route, n in sorted(self._all.items()):
                lines += [f'{name}_bucket{{route="{route}",le="{b:g}"}} {self._within[route, b]}' for b in BOUNDS]
                lines.append(f'{name}_bucket{{route="{route}",le="+Inf"}} {n}')
                lines.append(f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}')
                lines.append(f'{name}_count{{route="{route}"}} {n}')
        for gauge, value in sorted(gauges.items()):
            lines += [f"# TYPE scanwright_{gauge} gauge", f"scanwright_{gauge} {value:g}"]
        return "\n".join(lines) + "\n"


class Watched:
    """Middleware: counts and logs every request by its route, never by its address."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._log = logging.getLogger("scanwright.server")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "refused" if status in (401, 403, 421) else "other")
            seconds = time.perf_counter() - start
            self._metrics.saw(scope["method"] if scope["method"] in _METHODS else "OTHER", route, status, seconds)
            told = {"method": scope["method"][:8], "route": route, "status": status, "seconds": round(seconds, 4)}
            self._log.info("request", extra=told)


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _frames(trace: Any) -> list[Any]:
    import traceback

    return list(traceback.extract_tb(trace))
