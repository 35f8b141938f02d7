"""QdrantVectors: a Qdrant server, or the client's own local mode where no engine is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.memory.vectors import KINDS, Hit, Wanted, as_hit, as_payload, point_id
from scanwright.tools.errors import UserInputError

BATCH = 500


class QdrantVectors:
    """Vectors behind qdrant-client."""

    def __init__(self, client: Any, *, server: bool) -> None:
        self._client = client
        self._server = server

    @classmethod
    def on_server(cls, url: str) -> QdrantVectors:
        """A server. Raises UserInputError where it does not answer."""
        from qdrant_client import QdrantClient

        client = QdrantClient(url=url, timeout=30, check_compatibility=False)
        try:
            client.get_collections()
        except Exception as error:
            client.close()
            why = type(error).__name__
            raise UserInputError(
                f"The Qdrant server at {url} does not answer ({why}): start it, or leave qdrant_url out."
            ) from error
        return cls(client, server=True)

    @classmethod
    def in_folder(cls, folder: Path) -> QdrantVectors:
        """The client's local mode: slow above some ten thousand points; it reads pickles, so the folder is private."""
        from qdrant_client import QdrantClient

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(QdrantClient(path=str(folder)), server=False)

    def ensure(self, collection: str, dim: int, indexed: Mapping[str, type] | None = None) -> None:
        """Makes a collection where there is none. Raises ValueError where it exists with another dimension."""
        from qdrant_client import models

        if self._client.collection_exists(collection):
            have = self._client.get_collection(collection).config.params.vectors.size
            if have != dim:
                raise ValueError(f"the collection {collection} holds vectors of {have} numbers, not {dim}")
            return
        params = models.VectorParams(size=dim, distance=models.Distance.COSINE)
        self._client.create_collection(collection, vectors_config=params)
        if self._server:
            for name, kind in (indexed or {}).items():
                self._client.create_payload_index(collection, name, models.PayloadSchemaType(KINDS[kind]))

    def upsert(
        self,
        collection: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Adds or replaces points; vectors is (n, dim). They are on disk when it returns."""
        from qdrant_client import models

        rows = np.asarray(vectors, dtype=np.float32)
        given = payloads if payloads is not None else [{}] * len(ids)
        if rows.ndim != 2 or not len(ids) == len(rows) == len(given):
            raise ValueError(f"{len(ids)} ids, vectors of shape {rows.shape} and {len(given)} payloads do not match")
        points = [
            models.PointStruct(id=point_id(name), vector=row, payload=as_payload(name, payload))
            for name, row, payload in zip(ids, rows.tolist(), given, strict=True)
        ]
        for first in range(0, len(points), BATCH):
            self._client.upsert(collection, points[first : first + BATCH], wait=True)

    def search(
        self,
        collection: str,
        vector: NDArray[np.float32],
        limit: int = 10,
        filter: Wanted | None = None,  # noqa: A002
    ) -> list[Hit]:
        """The nearest points to vector (dim,), nearest first."""
        found = self._client.query_points(
            collection,
            query=np.asarray(vector, dtype=np.float32).tolist(),
            limit=limit,
            query_filter=_filter(filter),
            with_payload=True,
        )
        return [as_hit(point.payload, point.score) for point in found.points]

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Removes points; nothing happens for those that are not there."""
        from qdrant_client import models

        names = [point_id(name) for name in ids]
        self._client.delete(collection, models.PointIdsList(points=names), wait=True)

    def count(self, collection: str) -> int:
        """How many points there are."""
        return int(self._client.count(collection, exact=True).count)

    def drop(self, collection: str) -> None:
        """Removes a collection; nothing happens where there is none."""
        self._client.delete_collection(collection)

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _filter(wanted: Wanted | None) -> Any:
    from qdrant_client import models

    if not wanted:
        return None
    conditions: list[Any] = []
    for name, value in wanted.items():
        if isinstance(value, list):
            conditions.append(models.FieldCondition(key=name, match=models.MatchAny(any=value)))
        elif isinstance(value, float):
            conditions.append(models.FieldCondition(key=name, range=models.Range(gte=value, lte=value)))
        else:
            conditions.append(models.FieldCondition(key=name, match=models.MatchValue(value=value)))
    return models.Filter(must=conditions)
