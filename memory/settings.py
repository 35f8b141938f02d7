"""Settings of the memory layer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class MemorySettings(BaseModel):
    """Where things are kept; None means "in the home folder".

    database_url is a SQLAlchemy URL ("postgresql+psycopg://…"), blob_url an fsspec URL ("s3://bucket/folder"),
    qdrant_url the address of a Qdrant server ("http://localhost:6333").
    """

    model_config = ConfigDict(extra="forbid")

    database_url: str | None = None
    blob_url: str | None = None
    qdrant_url: str | None = None
