"""StepCache: artifacts, and the results of steps by their keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from scanwright.memory import schema
from scanwright.memory.blobs import BlobStore
from scanwright.memory.database import Database, utc_now
from scanwright.tools.artifacts import Artifact, BlobRef, artifact_from_json
from scanwright.tools.errors import ToolFailed
from scanwright.tools.hashing import canonical_json
from sqlalchemy import Connection, bindparam, insert, select, update

_BY_KEY = (
    select(schema.artifacts.c.data)
    .join(schema.step_results, schema.step_results.c.artifact == schema.artifacts.c.hash)
    .where(schema.step_results.c.key == bindparam("of_key"))
)
_BY_HASH = select(schema.artifacts.c.data).where(schema.artifacts.c.hash == bindparam("of_hash"))
_HAS = select(schema.artifacts.c.hash).where(schema.artifacts.c.hash == bindparam("of_hash"))
_KEEP = insert(schema.artifacts)
_KEEP_BLOB = insert(schema.artifact_blobs)
_RESULT = insert(schema.step_results)
_NEW_RESULT = update(schema.step_results).where(schema.step_results.c.key == bindparam("of_key"))


class StepCache:
    """What steps gave, by hash of tool, inputs and parameters. A result whose pixels are gone is no result."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    def get(self, key: str) -> Artifact | None:
        """The artifact that a step with this key gave, or None where there is none that is whole."""
        with self._database.transaction() as connection:
            data = connection.execute(_BY_KEY, {"of_key": key}).scalar()
        return self._whole(data)

    def artifact(self, artifact_hash: str) -> Artifact | None:
        """The artifact with this hash, or None where it is not kept or its pixels are gone."""
        with self._database.transaction() as connection:
            data = connection.execute(_BY_HASH, {"of_hash": artifact_hash}).scalar()
        return self._whole(data)

    def is_whole(self, artifact: Artifact) -> bool:
        """True where all blobs of the artifact are in the store."""
        return all(self._blobs.exists(ref) for ref in blob_refs(artifact))

    def keep(self, artifact: Artifact) -> str:
        """Keeps an artifact that no step gave (a person's correction); returns its hash once it is on disk."""
        with self._database.transaction() as connection:
            return self.write(connection, artifact)

    def write(self, connection: Connection, artifact: Artifact, key: str | None = None) -> str:
        """Writes artifact, and with a key the step's result, in the caller's transaction; returns the hash.

        Raises ToolFailed where a blob of it is not in the store.
        """
        data = canonical_json(artifact.model_dump(mode="json"))
        artifact_hash = hashlib.sha256(data.encode()).hexdigest()
        if connection.execute(_HAS, {"of_hash": artifact_hash}).scalar() is None:
            self._insert(connection, artifact, artifact_hash, data)
        if key is not None:
            result = {"artifact": artifact_hash, "created_utc": utc_now()}
            if connection.execute(_NEW_RESULT, {"of_key": key, **result}).rowcount == 0:
                connection.execute(_RESULT, {"key": key, **result})
        return artifact_hash

    def _insert(self, connection: Connection, artifact: Artifact, artifact_hash: str, data: str) -> None:
        refs = {ref.sha256: ref for ref in blob_refs(artifact)}
        if not self.is_whole(artifact):
            raise ToolFailed(f"The pixels of {artifact.name} are not in the store: run the step again.")
        connection.execute(
            _KEEP,
            {
                "hash": artifact_hash,
                "kind": artifact.type.kind,
                "subject": artifact.type.subject,
                "data": data,
                "created_utc": utc_now(),
            },
        )
        if refs:
            connection.execute(_KEEP_BLOB, [{"hash": artifact_hash, **ref.model_dump()} for ref in refs.values()])

    def _whole(self, data: str | None) -> Artifact | None:
        if data is None:
            return None
        artifact = artifact_from_json(json.loads(data))
        return artifact if self.is_whole(artifact) else None


def blob_refs(value: Any) -> Iterator[BlobRef]:
    """Every blob that an artifact refers to, at any depth."""
    if isinstance(value, BlobRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from blob_refs(getattr(value, name))
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value.values() if isinstance(value, dict) else value:
            yield from blob_refs(item)
