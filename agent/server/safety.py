"""Safety: what every request passes before a route sees it, and what every response carries."""

from __future__ import annotations

import ipaddress
import json
from urllib.parse import urlsplit

from scanwright.agent.server.signin import COOKIE, SignIn
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSRF = "x-scanwright"
# What needs no sign-in: whether it is there, the page itself (it holds nothing), and signing in.
OPEN = ("/health", "/api/v1/login")
# WebAssembly decodes volumes in the viewer; its workers come as blobs.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; font-src 'self' data:; connect-src 'self' blob: data:; media-src 'self' blob:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)
DATA_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=(), usb=(), microphone=(self)",
}


class Safety:
    """Middleware: the host, the sign-in, the origin of what changes something, the size of a body, the headers.

    hosts are the names by which the server may be called, None any (it binds to all addresses and demands a token).
    """

    def __init__(self, app: ASGIApp, *, sign_in: SignIn, hosts: frozenset[str] | None, max_body: int) -> None:
        self._app, self._sign_in, self._hosts, self._max_body = app, sign_in, hosts, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is not None:
            await _answer(refused[0], refused[1], _with_headers(scope, send))
            return
        await self._app(scope, receive, _with_headers(scope, send))

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers, path = Headers(scope=scope), scope["path"]
        name = host_name(headers.get("host", ""))
        if name is None or not self._knows(name):
            return 421, "This server does not answer to that name: call it by its own address."
        if _needs_sign_in(path) and not self._sign_in.admits(bearer_of(headers), cookie_of(headers)):
            return 401, "Sign in first: the token is missing, wrong or has run out."
        if scope["method"] not in ("GET", "HEAD"):
            if CSRF not in headers:
                return 403, "A request that changes something carries the header X-Scanwright: 1."
            if not _same_origin(headers):
                return 403, "That request came from a page of another site, so nothing was done."
            if not _streams(path) and "transfer-encoding" in headers:
                return 411, "Say how long the body is (Content-Length)."
            if not _streams(path) and _length(headers) > self._max_body:
                return 413, f"That is more than the {self._max_body // 2**20} MB that this address takes."
        return None

    def _knows(self, name: str) -> bool:
        return self._hosts is None or name in self._hosts


def host_name(host: str) -> str | None:
    """The name in a Host header, without its port; None where it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """True for an address of this machine that no other reaches."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bearer_of(headers: Headers) -> str | None:
    """The bearer token."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def cookie_of(headers: Headers) -> str | None:
    """The page's cookie."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def _needs_sign_in(path: str) -> bool:
    if path in OPEN:
        return False
    return path.startswith("/api/") or path in ("/metrics", "/openapi.json")


def _streams(path: str) -> bool:
    """Routes that bound their own body."""
    return path.startswith(("/api/v1/uploads/", "/api/v1/masks")) or path.endswith("/corrections")


def _same_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isdigit() else 0


def _with_headers(scope: Scope, send: Send) -> Send:
    data = scope["path"].startswith("/api/")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Content-Security-Policy", DATA_POLICY if data else PAGE_POLICY)
            if data:
                # Pixels are named by their content and may be kept by the browser alone; everything else is asked anew.
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


async def _answer(code: int, sentence: str, send: Send) -> None:
    body = json.dumps({"error": sentence, "missing": [], "offers": []}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if code == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
