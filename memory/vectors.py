"""VectorStore: one interface over Qdrant, as a server, as an embedded engine, or inside its client."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Scalar: TypeAlias = str | int | float | bool
Wanted: TypeAlias = Mapping[str, Scalar | list[str] | list[int]]
ID_FIELD = "_id"
# What Qdrant calls the index for a payload field of a Python type.
KINDS: dict[type, str] = {str: "keyword", int: "integer", float: "float", bool: "bool"}
# Any fixed namespace will do, as long as it never changes: points are found again by it.
_NAMESPACE = uuid.UUID("6f1c5b0e-52a7-5d55-9a55-8b8f8f0f7c11")


@dataclass(frozen=True)
class Hit:
    """A point that was found; score is the cosine similarity, 1 for the same direction."""

    id: str
    score: float
    payload: dict[str, Any]


class VectorStore(Protocol):
    """Named collections of vectors, compared by cosine. What upsert and delete return from is on disk.

    A filter maps a payload field to the value it must have, or to a list of which it must have one.
    """

    def ensure(self, collection: str, dim: int, indexed: Mapping[str, type] | None = None) -> None:
        """Makes a collection where there is none; indexed names payload fields that filters will use, each with
        its type (str, int, float or bool).

        Raises ValueError where it exists with another dimension.
        """
        ...

    def upsert(
        self,
        collection: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Adds points, or replaces those with the same ids; vectors is (n, dim)."""
        ...

    def search(
        self,
        collection: str,
        vector: NDArray[np.float32],
        limit: int = 10,
        filter: Wanted | None = None,  # noqa: A002
    ) -> list[Hit]:
        """The nearest points to vector (dim,), nearest first."""
        ...

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Removes points; nothing happens for those that are not there."""
        ...

    def count(self, collection: str) -> int:
        """How many points there are."""
        ...

    def drop(self, collection: str) -> None:
        """Removes a collection with its files; nothing happens where there is none."""
        ...

    def close(self) -> None:
        """Closes it."""
        ...


def open_vectors(folder: Path, qdrant_url: str | None = None) -> VectorStore:
    """The server at qdrant_url, else the embedded engine in folder, else (no engine for this machine) the client.

    Raises UserInputError where the server does not answer.
    """
    from scanwright.memory.vectors_edge import EdgeVectors, edge_is_there
    from scanwright.memory.vectors_qdrant import QdrantVectors

    if qdrant_url:
        return QdrantVectors.on_server(qdrant_url)
    if edge_is_there():
        return EdgeVectors(folder / "edge")
    return QdrantVectors.in_folder(folder / "local")


def point_id(name: str) -> str:
    """The UUID under which a point with this id is kept: Qdrant takes no other text."""
    return str(uuid.uuid5(_NAMESPACE, name))


def as_payload(name: str, payload: Mapping[str, Any] | None) -> dict[str, Any]:
    """A payload with the point's own id in it. Raises ValueError where the field is taken."""
    payload = dict(payload or {})
    if ID_FIELD in payload:
        raise ValueError(f"{ID_FIELD} is the field of the point's own id")
    return {**payload, ID_FIELD: name}


def as_hit(payload: Mapping[str, Any] | None, score: float) -> Hit:
    """The point that as_payload made this payload for."""
    rest = dict(payload or {})
    return Hit(id=str(rest.pop(ID_FIELD)), score=float(score), payload=rest)
