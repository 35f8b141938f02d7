"""The flat half of WorkerContext: pixels of slides and photographs, regions and cells on them, stored."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import BlobRef, Cells, Flat, ImageFacts, Photograph, Region, Slide
from scanwright.tools.contract.context import Blobs
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import ToolInputError
from scanwright.tools.hashing import sha256_json
from scanwright.tools.imaging.flat.frame import Box, Frame
from scanwright.tools.imaging.flat.reader import FlatReader, open_reader, read_box, write_pixels

PIXELS_TYPE = "application/vnd.scanwright.pixels+npy"
REGION_TYPE = "application/vnd.scanwright.region+npy+zstd"
TABLE_TYPE = "application/vnd.scanwright.table+npy+zstd"
CELL_LABELS_TYPE = "application/vnd.scanwright.cell-labels+npy+zstd"

F = TypeVar("F", bound=Flat)
Store = Callable[[Callable[[Path], object], str], BlobRef]


class FlatPixels:
    """Reads and writes what lies on flat images, through the blob store."""

    def __init__(self, blobs: Blobs, store: Store) -> None:
        self._blobs, self._store = blobs, store
        self._open: dict[tuple[str, ...], FlatReader] = {}

    def pixels(self, image: Flat, box: Box | None = None, *, downsample: float = 1.0) -> NDArray[np.uint8]:
        """RGB (rows, columns, 3) of a box (x, y, width, height in the image's own pixels), or of all of it.

        Raises ToolInputError where the box does not lie in the image.
        """
        key = tuple(f.sha256 for f in image.files)
        if key not in self._open:
            self._open[key] = open_reader(image.stored, [self._blobs.path(f) for f in image.files])
        return read_box(self._open[key], image.frame, box, downsample)

    def region(
        self, pixels: NDArray[np.bool_], like: Slide | Photograph, structure: str, *, downsample: float = 1.0,
        side: str = "whole", name: str | None = None,
    ) -> Region:  # fmt: skip
        """A region of the image, stored. Raises ToolInputError where the array (rows, columns) has another size."""
        frame = like.frame.smaller(downsample)
        if pixels.shape != (frame.height, frame.width):
            raise ToolInputError(
                f"A region of {pixels.shape} pixels does not lie on an image of {(frame.height, frame.width)}."
            )
        edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
        return Region(
            type=_on(like, "Region", structure, side), name=name or structure.replace("_", " "), frame=frame,
            downsample=downsample, image=like.image,
            blob=self._store(lambda file: file.write_bytes(_packed(pixels.view(np.uint8))), REGION_TYPE),
            pixel_hash=flat_hash(pixels, frame), pixels=int(pixels.sum()), touches=any(bool(e.any()) for e in edges),
        )  # fmt: skip

    def region_pixels(self, region: Region) -> NDArray[np.bool_]:
        """The region as a read-only array (rows, columns) of its own frame."""
        return _unpacked(self._blobs.path(region.blob).read_bytes()).view(np.bool_)

    def cells(
        self, table: NDArray[np.float32], columns: Sequence[str], like: Slide, structure: str, *,
        labels: NDArray[np.int32] | None = None, searched: float = 1.0, name: str | None = None,
    ) -> Cells:  # fmt: skip
        """Cells of the image, stored. Raises ToolInputError where the table is not (count, columns) with x and y."""
        if table.ndim != 2 or table.shape[1] != len(columns) or list(columns[:2]) != ["x", "y"]:
            raise ToolInputError(f"A table of cells has one row a cell and the columns x, y, …; got {list(columns)}.")
        kept = None
        if labels is not None:
            packed = _packed(labels.astype(np.int32, copy=False))
            kept = self._store(lambda file: file.write_bytes(packed), CELL_LABELS_TYPE)
        data = _packed(table.astype(np.float32, copy=False))
        return Cells(
            type=_on(like, "Cells", structure, "whole"), name=name or structure.replace("_", " "), frame=like.frame,
            image=like.image, blob=self._store(lambda file: file.write_bytes(data), TABLE_TYPE),
            columns=tuple(columns), count=len(table), labels=kept, searched=searched,
        )  # fmt: skip

    def cell_table(self, cells: Cells) -> dict[str, NDArray[np.float32]]:
        """The columns of the table of cells, by name."""
        table = _unpacked(self._blobs.path(cells.blob).read_bytes())
        return {name: table[:, i] for i, name in enumerate(cells.columns)}

    def cell_labels(self, cells: Cells) -> NDArray[np.int32] | None:
        """Row number + 1 at each pixel (rows, columns) of a cell, 0 elsewhere; None where it was not kept."""
        return None if cells.labels is None else _unpacked(self._blobs.path(cells.labels).read_bytes())


def store_flat(
    files: Sequence[BlobRef],
    frame: Frame,
    image: ImageFacts,
    *,
    kind: type[F],
    stored: str,
    pixel_hash: str,
    name: str,
    subject: str,
    time: str,
) -> F:
    """A flat image whose files are in the store already."""
    type_ = ArtifactType(kind=kind.KIND, modality=image.modality, grid=frame.grid, time=time, subject=subject)
    known = {"type": type_, "name": name, "frame": frame, "image": image, "files": tuple(files)}
    return kind.model_validate({**known, "stored": stored, "pixel_hash": pixel_hash})


def store_pixels(
    blobs: Blobs,
    pixels: NDArray[np.uint8],
    frame: Frame,
    image: ImageFacts,
    *,
    kind: type[F],
    name: str,
    subject: str,
    time: str,
    content: str | None = None,
) -> F:
    """An array of RGB (rows, columns, 3) as a flat image, stored. content is its hash, where that is known."""
    with tempfile.TemporaryDirectory(prefix="scanwright-") as folder:
        file = Path(folder) / "blob"
        write_pixels(pixels, file)
        blob = blobs.put(file, PIXELS_TYPE)
    known = {"stored": "pixels", "pixel_hash": content or flat_hash(pixels, frame)}
    return store_flat([blob], frame, image, kind=kind, name=name, subject=subject, time=time, **known)


def flat_hash(pixels: NDArray[Any], frame: Frame) -> str:
    """Hash of pixels (rows, columns, …) and their frame."""
    digest = hashlib.sha256(np.ascontiguousarray(pixels).data)
    digest.update(sha256_json([frame.model_dump(mode="json"), list(pixels.shape), str(pixels.dtype)]).encode())
    return digest.hexdigest()


def _on(like: Slide | Photograph, kind: str, structure: str, side: str) -> ArtifactType:
    return like.type.model_copy(update={"kind": kind, "structure": structure, "side": side, "quantity": ()})


def _packed(array: NDArray[Any]) -> bytes:
    import zstandard

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return zstandard.ZstdCompressor(level=1).compress(buffer.getbuffer())


def _unpacked(data: bytes) -> NDArray[Any]:
    import zstandard

    array: NDArray[Any] = np.lib.format.read_array(
        io.BytesIO(zstandard.ZstdDecompressor().decompress(data)), allow_pickle=False
    )
    array.flags.writeable = False
    return array
