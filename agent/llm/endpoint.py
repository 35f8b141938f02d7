"""Endpoint: where a language model answers, what it costs, and whether it lies inside the trust boundary."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator
from scanwright.tools.errors import UserInputError

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Endpoint(BaseModel):
    """A server that speaks the OpenAI API (vLLM, Ollama, llama.cpp, OpenAI, Azure).

    inside says that patients' data may be sent there; None means that only this machine itself counts as inside.
    api_key_env names the environment variable with the key, which is kept in no file. timeout_s is for a whole call
    with its retries. prices are per million tokens, in any currency. Raises ValueError where base_url is no http(s)
    address.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str
    model: str
    api_key_env: str | None = None
    inside: bool | None = None
    timeout_s: float = Field(60.0, gt=0)
    max_answer_bytes: int = Field(2_000_000, gt=0)
    max_tokens: int = Field(700, gt=0)
    retries: int = Field(2, ge=0, le=10)
    price_in: float | None = None
    price_out: float | None = None

    @field_validator("base_url")
    @classmethod
    def _http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an endpoint's base_url looks like http://127.0.0.1:8000/v1")
        return url.rstrip("/")

    @property
    def trusted(self) -> bool:
        """True where identifiers may be sent."""
        return self.inside if self.inside is not None else urlsplit(self.base_url).hostname in _LOOPBACK

    @property
    def shown(self) -> str:
        """How it is named in messages: model and host, never a key or a password."""
        parts = urlsplit(self.base_url)
        port = f":{parts.port}" if parts.port else ""
        return f"{self.model} at {parts.hostname}{port}"

    @property
    def api_key(self) -> str:
        """The key. Raises UserInputError where the variable that should hold it is not set."""
        if self.api_key_env is None:
            return "none"
        key = os.environ.get(self.api_key_env)
        if not key:
            raise UserInputError(
                f"The endpoint {self.shown} needs a key: set the environment variable {self.api_key_env}."
            )
        return key

    def cost(self, tokens_in: int, tokens_out: int) -> float | None:
        """What a call costs; None where no price is set."""
        if self.price_in is None and self.price_out is None:
            return None
        return ((self.price_in or 0) * tokens_in + (self.price_out or 0) * tokens_out) / 1e6
