"""Settings of the server: [server] in scanwright.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ServerSettings(BaseModel):
    """What the server takes in, and who may ask it.

    Sizes are in bytes. keep_free is what an upload leaves free on the disk; hosts are further names by which the
    server may be called (a proxy's name), beside its address. demos is a folder with demo scans, where they are not
    beside the program. oidc_issuer and oidc_audience switch on sign-in by OpenID Connect bearer tokens, whose keys are
    read from oidc_keys, a file with a JSON Web Key Set.
    """

    model_config = ConfigDict(extra="forbid")

    max_upload: int = Field(default=16 * 2**30, gt=0)
    max_file: int = Field(default=8 * 2**30, gt=0)
    max_files: int = Field(default=20_000, gt=0)
    max_chunk: int = Field(default=64 * 2**20, gt=0)
    max_body: int = Field(default=4 * 2**20, gt=0)
    max_mask: int = Field(default=256 * 2**20, gt=0)
    keep_free: int = Field(default=2**30, ge=0)
    keep_uploads_days: float = Field(default=7.0, gt=0)
    hosts: tuple[str, ...] = ()
    demos: str | None = None
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_keys: str | None = None
