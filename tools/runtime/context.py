"""WorkerContext: the ToolContext that a tool gets inside a worker process."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import BlobRef, Figure, File, ImageFacts, Label, LabelMap, Mask, Volume
from scanwright.tools.contract.context import Blobs, Cases
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.hashing import pixel_hash
from scanwright.tools.imaging.geometry import Edge, Geometry
from scanwright.tools.pixels import (
    LABELS_TYPE,
    MASK_TYPE,
    VOLUME_TYPE,
    read_labels,
    read_mask,
    read_volume,
    write_labels,
    write_mask,
    write_volume,
)
from scanwright.tools.runtime.flat import FlatPixels


class WorkerContext(FlatPixels):
    """Reads and writes pixels through the blob store, reports progress, keeps models resident."""

    def __init__(
        self,
        blobs: Blobs,
        *,
        weights: Callable[[str], dict[str, Path]],
        progress: Callable[[float, str], None] | None = None,
        residents: dict[str, Any] | None = None,
        cases: Cases | None = None,
        scratch: Path | None = None,
    ) -> None:
        super().__init__(blobs, self._keep)
        self._weights = weights
        self._progress = progress
        self._residents = {} if residents is None else residents
        self._scratch = scratch
        self._cases = cases

    @property
    def cases(self) -> Cases:
        """The kept cases. Raises ToolFailed where this run has none to ask."""
        if self._cases is None:
            raise ToolFailed("There are no kept cases here: a home keeps them, and this tool runs without one.")
        return self._cases

    def voxels(self, artifact: Volume | Mask | LabelMap) -> NDArray[Any]:
        """The array (i, j, k) in stored order, read-only; masks are bool, label maps uint8."""
        path = self._blobs.path(artifact.blob)
        if isinstance(artifact, LabelMap):
            return read_labels(path)
        return read_mask(path) if isinstance(artifact, Mask) else read_volume(path)

    def mask(
        self,
        voxels: NDArray[np.bool_],
        like: Volume | Mask | LabelMap,
        structure: str,
        *,
        side: str = "whole",
        name: str | None = None,
    ) -> Mask:
        """A mask on the grid of like, stored. Raises ToolInputError where the shape differs."""
        if voxels.shape != like.geometry.shape:
            raise ToolInputError(f"A mask of shape {voxels.shape} does not lie on a grid of {like.geometry.shape}.")
        voxels = np.asarray(voxels, dtype=np.bool_)
        what = {"kind": "Mask", "structure": structure, "side": side, "quantity": ()}
        return Mask(
            type=like.type.model_copy(update={**what, "grid": like.geometry.grid}),
            name=name or structure.replace("_", " "),
            geometry=like.geometry,
            image=like.image,
            blob=self._keep(lambda file: write_mask(voxels, file), MASK_TYPE),
            pixel_hash=pixel_hash(voxels.view(np.uint8), like.geometry.matrix),
            voxels=int(np.count_nonzero(voxels)),
            touches=touched_edges(voxels, like.geometry),
        )  # fmt: skip

    def label_map(
        self, voxels: NDArray[np.uint8], like: Volume, scheme: str, names: Sequence[str], *, name: str
    ) -> LabelMap:
        """Labels on the grid of like, stored; names are those of the values 0, 1, 2, …

        Raises ToolInputError where the shape differs.
        """
        if voxels.shape != like.geometry.shape:
            raise ToolInputError(f"Labels of shape {voxels.shape} do not lie on a grid of {like.geometry.shape}.")
        counts = np.bincount(voxels.ravel(order="K"), minlength=len(names))
        return LabelMap(
            type=like.type.model_copy(update={"kind": "LabelMap", "structure": scheme}),
            name=name,
            geometry=like.geometry,
            image=like.image,
            blob=self._keep(lambda file: write_labels(voxels, file), LABELS_TYPE),
            pixel_hash=pixel_hash(voxels, like.geometry.matrix),
            labels=tuple(Label(value=v, name=n, voxels=int(counts[v])) for v, n in enumerate(names)),
        )

    def volume(self, voxels: NDArray[Any], like: Volume, *, name: str, image: ImageFacts | None = None) -> Volume:
        """A volume on the grid of like, stored."""
        if voxels.shape != like.geometry.shape:
            raise ToolInputError(f"A volume of shape {voxels.shape} does not lie on a grid of {like.geometry.shape}.")
        return Volume(
            type=like.type,
            name=name,
            geometry=like.geometry,
            image=image or like.image,
            blob=self._keep(lambda file: write_volume(voxels, file), VOLUME_TYPE),
            pixel_hash=pixel_hash(voxels, like.geometry.matrix),
        )

    def figure(self, png: bytes, *, name: str, caption: str) -> Figure:
        """A picture, stored."""
        blob = self._keep(lambda file: file.write_bytes(png), "image/png")
        return Figure(type=ArtifactType(kind="Figure"), name=name, blob=blob, caption=caption)

    def file(self, data: bytes, *, name: str, filename: str, media_type: str) -> File:
        """A file to hand out, stored."""
        blob = self._keep(lambda file: file.write_bytes(data), media_type)
        return File(type=ArtifactType(kind="File"), name=name, blob=blob, filename=filename)

    def progress(self, fraction: float, doing: str = "") -> None:
        """Says how far the tool is (0..1). Raises Cancelled where the person has stopped the run."""
        if self._progress is not None:
            self._progress(min(max(fraction, 0.0), 1.0), doing)

    def scratch(self, key: str) -> Path:
        """A folder that outlives a run that was stopped or killed: the next run with the same key finds it."""
        root = self._scratch or Path(tempfile.gettempdir()) / f"scanwright-unfinished-{os.getuid()}"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if root.stat().st_uid != os.getuid():
            raise ToolFailed(f"The folder {root} belongs to another user: set cache_dir in the settings.")
        folder = root / hashlib.sha256(key.encode()).hexdigest()[:32]
        folder.mkdir(exist_ok=True)
        return folder

    def weights(self, name: str) -> dict[str, Path]:
        """The verified files of named weights, by role. Raises ToolFailed where they are not there."""
        return self._weights(name)

    def resident(self, key: str, make: Callable[[], Any]) -> Any:
        """make(), kept in this worker under key: models stay loaded."""
        if key not in self._residents:
            self._residents[key] = make()
        return self._residents[key]

    def _keep(self, write: Callable[[Path], object], media_type: str) -> BlobRef:
        with tempfile.TemporaryDirectory(prefix="scanwright-") as folder:
            file = Path(folder) / "blob"
            write(file)
            return self._blobs.put(file, media_type)


def store_volume(
    blobs: Blobs,
    voxels: NDArray[Any],
    geometry: Geometry,
    image: ImageFacts,
    *,
    name: str,
    subject: str,
    time: str,
    content: str | None = None,
) -> Volume:
    """A volume that comes from outside (an imported file), stored. content is its pixel hash, where that is known."""
    with tempfile.TemporaryDirectory(prefix="scanwright-") as folder:
        file = Path(folder) / "blob"
        write_volume(voxels, file)
        blob = blobs.put(file, VOLUME_TYPE)
    return Volume(
        type=ArtifactType(kind="Volume", modality=image.modality, grid=geometry.grid, time=time, subject=subject),
        name=name, geometry=geometry, image=image, blob=blob,
        pixel_hash=content or pixel_hash(voxels, geometry.matrix),
    )  # fmt: skip


def touched_edges(voxels: NDArray[np.bool_], geometry: Geometry) -> tuple[Edge, ...]:
    """The faces of the field of view that a mask (i, j, k) reaches, sorted by name."""
    touched: list[Edge] = []
    for axis in range(3):
        if voxels.shape[axis] < 2:
            continue
        slices = np.moveaxis(voxels, axis, 0)
        touched += [geometry.edge_name(axis, at_end) for at_end in (False, True) if slices[-1 if at_end else 0].any()]
    return tuple(sorted(touched))
