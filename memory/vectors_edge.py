"""EdgeVectors: Qdrant's engine inside this process, one shard (a folder) per collection.

A point that upsert returned from survives kill -9; a shard takes one process at a time, which the home's lock
sees to.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.memory.vectors import KINDS, Hit, Wanted, as_hit, as_payload, point_id
from scanwright.tools.errors import UserInputError

BATCH = 1000
# qdrant-edge-py 0.9 turns the flag that a filter asks for into 0 or 1, which no flag equals; so the names of a
# point's flags are kept as texts too.
FLAGS = {True: "_true", False: "_false"}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def edge_is_there() -> bool:
    """True where the engine is installed for this machine."""
    return importlib.util.find_spec("qdrant_edge") is not None


class EdgeVectors:
    """The embedded engine. Raises UserInputError where a shard is damaged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[str, Any] = {}
        self._turn = threading.RLock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def ensure(self, collection: str, dim: int, indexed: Mapping[str, type] | None = None) -> None:
        """Makes a collection where there is none. Raises ValueError where it exists with another dimension."""
        import qdrant_edge as edge

        with self._turn:
            folder = self._path(collection)
            if not folder.exists():
                # Made under another name and renamed: a shard that was killed while it was made cannot be loaded.
                making = self._folder / f".{collection}.new"
                shutil.rmtree(making, ignore_errors=True)
                (making / "shard").mkdir(parents=True)
                vectors = edge.EdgeVectorParams(size=dim, distance=edge.Distance.Cosine)
                shard = edge.EdgeShard.create(str(making / "shard"), edge.EdgeConfig(vectors=vectors))
                for name, kind in {**(indexed or {}), FLAGS[True]: str, FLAGS[False]: str}.items():
                    field_type = getattr(edge.PayloadSchemaType, KINDS[kind].capitalize())
                    shard.update(edge.UpdateOperation.create_field_index(name, field_type))
                shard.flush()
                shard.close()
                (making / "dim").write_text(str(dim))
                making.rename(folder)
            have = int((folder / "dim").read_text())
            if have != dim:
                raise ValueError(f"the collection {collection} holds vectors of {have} numbers, not {dim}")

    def upsert(
        self,
        collection: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Adds or replaces points; vectors is (n, dim). They are on disk when it returns."""
        import qdrant_edge as edge

        rows = np.asarray(vectors, dtype=np.float32)
        given = payloads if payloads is not None else [{}] * len(ids)
        if rows.ndim != 2 or not len(ids) == len(rows) == len(given):
            raise ValueError(f"{len(ids)} ids, vectors of shape {rows.shape} and {len(given)} payloads do not match")
        points = [
            edge.Point(point_id(name), row, {**as_payload(name, payload), **_flags(payload)})
            for name, row, payload in zip(ids, rows.tolist(), given, strict=True)
        ]
        with self._turn:
            shard = self._shard(collection)
            for first in range(0, len(points), BATCH):
                shard.update(edge.UpdateOperation.upsert_points(points[first : first + BATCH]))
            shard.flush()

    def search(
        self,
        collection: str,
        vector: NDArray[np.float32],
        limit: int = 10,
        filter: Wanted | None = None,  # noqa: A002
    ) -> list[Hit]:
        """The nearest points to vector (dim,), nearest first."""
        import qdrant_edge as edge

        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(np.asarray(vector, dtype=np.float32).tolist()),
            filter=_filter(filter),
            with_payload=True,
        )
        with self._turn:
            found = self._shard(collection).query(request)
        own = (FLAGS[True], FLAGS[False])
        plain = ({name: value for name, value in point.payload.items() if name not in own} for point in found)
        return [as_hit(payload, point.score) for payload, point in zip(plain, found, strict=True)]

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Removes points; nothing happens for those that are not there."""
        import qdrant_edge as edge

        with self._turn:
            shard = self._shard(collection)
            shard.update(edge.UpdateOperation.delete_points([point_id(name) for name in ids]))
            shard.flush()

    def count(self, collection: str) -> int:
        """How many points there are."""
        import qdrant_edge as edge

        with self._turn:
            return int(self._shard(collection).count(edge.CountRequest(exact=True)))

    def optimize(self, collection: str) -> None:
        """Builds the search index over all points: minutes for hundreds of thousands, and worth it from there on."""
        with self._turn:
            shard = self._shard(collection)
            shard.optimize()
            shard.flush()

    def drop(self, collection: str) -> None:
        """Removes a collection with its files, so that nothing of its points can be read any more."""
        with self._turn:
            folder = self._path(collection)
            if (shard := self._shards.pop(collection, None)) is not None:
                shard.close()
            for path in (folder, self._folder / f".{collection}.new", self._folder / f".{collection}.old"):
                if path.exists():
                    # Renamed first: half a shard under its own name could not be loaded.
                    going = self._folder / f".{collection}.old"
                    if path != going:
                        shutil.rmtree(going, ignore_errors=True)
                        path.rename(going)
                    shutil.rmtree(going)

    def close(self) -> None:
        """Closes all shards."""
        with self._turn:
            while self._shards:
                self._shards.popitem()[1].close()

    def _path(self, collection: str) -> Path:
        if not _NAME.fullmatch(collection):
            raise ValueError(f"{collection!r} is no name for a collection: letters, digits, - and _ only")
        return self._folder / collection

    def _shard(self, collection: str) -> Any:
        import qdrant_edge as edge

        if collection not in self._shards:
            path = self._path(collection)
            if not path.exists():
                raise ValueError(f"there is no collection {collection}: call ensure first")
            try:
                self._shards[collection] = edge.EdgeShard.load(str(path / "shard"))
            except Exception as error:
                raise UserInputError(
                    f"The vectors in {path} cannot be read ({error}): delete that folder, and they are made anew."
                ) from error
        return self._shards[collection]


def _flags(payload: Mapping[str, Any]) -> dict[str, list[str]]:
    return {field: [name for name, value in payload.items() if value is flag] for flag, field in FLAGS.items()}


def _filter(wanted: Wanted | None) -> Any:
    import qdrant_edge as edge

    if not wanted:
        return None
    conditions: list[Any] = []
    for name, value in wanted.items():
        if isinstance(value, list):
            conditions.append(edge.FieldCondition(name, match=edge.MatchAny(value)))
        elif isinstance(value, bool):
            conditions.append(edge.FieldCondition(FLAGS[value], match=edge.MatchValue(name)))
        elif isinstance(value, float):
            conditions.append(edge.FieldCondition(name, range=edge.RangeFloat(gte=value, lte=value)))
        else:
            conditions.append(edge.FieldCondition(name, match=edge.MatchValue(value)))
    return edge.Filter(must=conditions)
