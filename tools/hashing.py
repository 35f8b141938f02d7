"""Canonical JSON and the hashes that identify pixels, code and results."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces; two equal values give equal text. Raises ValueError on NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """A parameter as JSON data: a quantity or a point as its fields, anything else as it is."""
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def sha256_json(value: Any) -> str:
    """SHA-256 of the canonical JSON of value, as hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def pixel_hash(voxels: NDArray[Any], affine: NDArray[np.float64]) -> str:
    """SHA-256 over little-endian voxels in stored order, then shape, dtype and affine, as hex.

    Stored order is Fortran order (first axis fastest), the order of NIfTI and of our own cache.
    """
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256()
    flat = little.reshape(-1, order="F")
    digest.update(flat.data if flat.flags.c_contiguous else flat.tobytes())
    digest.update(canonical_json([list(voxels.shape), little.dtype.str]).encode())
    digest.update(np.ascontiguousarray(affine, dtype="<f8").tobytes())
    return digest.hexdigest()
