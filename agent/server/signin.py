"""Sign-in: who may ask. Nobody is asked on loopback; elsewhere a token, or an identity by OpenID Connect."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanwright.agent.server.settings import ServerSettings
from scanwright.tools.errors import UserInputError

COOKIE = "scanwright"
SESSION_S = 12 * 3600.0
MIN_TOKEN = 20


@dataclass
class SignIn:
    """tokens are the SHA-256 of those that are taken: the person's, and the one of this machine's own commands.

    required False lets everybody in (loopback). session_s is how long a page stays signed in.
    """

    required: bool = False
    tokens: list[bytes] = field(default_factory=list)
    oidc: OpenID | None = None
    session_s: float = SESSION_S
    _pages: dict[bytes, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """ "none", "token" or "oidc"."""
        return "none" if not self.required else "oidc" if self.oidc is not None else "token"

    def add(self, token: str) -> None:
        """Takes this token from now on."""
        self.tokens.append(_digest(token))

    def admits(self, bearer: str | None, cookie: str | None) -> bool:
        """True where a bearer token or a page's cookie may ask. Compares in constant time."""
        if not self.required:
            return True
        if bearer and (self._is_token(bearer) or (self.oidc is not None and self.oidc.admits(bearer))):
            return True
        return cookie is not None and self._pages.get(_digest(cookie), 0.0) > time.time()

    def open_page(self, token: str) -> str | None:
        """The cookie of a page that shows the right token, or None."""
        if not (self._is_token(token) or (self.oidc is not None and self.oidc.admits(token))):
            return None
        now = time.time()
        self._pages = {page: until for page, until in self._pages.items() if until > now}
        cookie = secrets.token_urlsafe(32)
        self._pages[_digest(cookie)] = now + self.session_s
        return cookie

    def close_page(self, cookie: str | None) -> None:
        """Signs a page out."""
        if cookie is not None:
            self._pages.pop(_digest(cookie), None)

    def _is_token(self, token: str) -> bool:
        given = _digest(token)
        # Every one is compared, so that the time says nothing of which was near.
        return any([hmac.compare_digest(given, known) for known in self.tokens])  # noqa: C419


@dataclass
class OpenID:
    """Bearer tokens of an OpenID provider: signed by one of its keys, for this audience, not expired."""

    issuer: str
    audience: str
    keys: dict[str, Any]

    def admits(self, token: str) -> bool:
        """True for a valid token."""
        import jwt  # type: ignore[import-not-found,unused-ignore]

        try:
            kid = jwt.get_unverified_header(token).get("kid")
            for key in jwt.PyJWKSet.from_dict(self.keys).keys:
                if kid in (None, key.key_id):
                    jwt.decode(
                        token, key, algorithms=["RS256", "ES256", "PS256", "EdDSA"], audience=self.audience,
                        issuer=self.issuer, options={"require": ["exp", "iss", "aud"]},
                    )  # fmt: skip
                    return True
        except jwt.PyJWTError:
            return False
        return False


def openid(settings: ServerSettings) -> OpenID | None:
    """The provider that the settings name, or None. Raises UserInputError where they are not whole."""
    named = (settings.oidc_issuer, settings.oidc_audience, settings.oidc_keys)
    if not any(named):
        return None
    from importlib.util import find_spec

    if find_spec("jwt") is None:
        raise UserInputError("Sign-in by OpenID Connect needs the package pyjwt: install the extra `oidc`.")
    issuer, audience, file = named
    if not (issuer and audience and file):
        raise UserInputError("[server] names part of OpenID Connect: set oidc_issuer, oidc_audience and oidc_keys.")
    try:
        keys = json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError):
        raise UserInputError(f"{file} holds no JSON Web Key Set: save the provider's keys there.") from None
    return OpenID(issuer, audience, keys)


def token_from(file: Path) -> str:
    """The token that a file holds. Raises UserInputError where it is none that protects."""
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserInputError(
            f"The token file {file} cannot be read: {getattr(error, 'strerror', 'it is no text')}."
        ) from None
    if len(token) < MIN_TOKEN:
        raise UserInputError(f"The token in {file} is shorter than {MIN_TOKEN} characters, so it could be guessed.")
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
