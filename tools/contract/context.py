"""ToolContext: what a tool can ask of its surroundings. Everything from above `tools` comes through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import (
    BlobRef,
    CaseList,
    Cells,
    Embedding,
    Figure,
    File,
    Flat,
    ImageFacts,
    LabelMap,
    Mask,
    Photograph,
    Region,
    Slide,
    Volume,
)
from scanwright.tools.imaging.flat.frame import Box


class Blobs(Protocol):
    """Content-addressed files. Implemented by `memory`, handed to workers by pickling."""

    def put(self, file: Path, media_type: str) -> BlobRef:
        """Takes the file in (it may be moved) and returns once it is on disk."""
        ...

    def path(self, ref: BlobRef) -> Path:
        """A local, read-only file with the content. Raises ToolFailed where it is missing or damaged."""
        ...


class Cases(Protocol):
    """Kept scans and their vectors. Implemented by `memory`, in the process that owns the home."""

    def nearest(self, embedding: Embedding, limit: int, filters: Mapping[str, str]) -> CaseList:
        """The kept cases whose vectors are nearest, by the same encoder, without the scan's own study.

        filters are facts that a case must have (modality, body_part, sex, age_band, scanner): a value, or "same" for
        that of the scan's study; patient "other" leaves out the scan's patient.
        Raises ToolInputError where a fact is not known, or no case is left to compare.
        """
        ...


class ToolContext(Protocol):
    """What a running tool may use."""

    @property
    def cases(self) -> Cases:
        """The kept cases. Raises ToolFailed where this run has none to ask."""
        ...

    def voxels(self, artifact: Volume | Mask | LabelMap) -> NDArray[Any]:
        """The array (i, j, k) in stored order, read-only; masks are bool, label maps uint8."""
        ...

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
        ...

    def label_map(
        self, voxels: NDArray[np.uint8], like: Volume, scheme: str, names: Sequence[str], *, name: str
    ) -> LabelMap:
        """Labels on the grid of like, stored; names are those of the values 0, 1, 2, …"""
        ...

    def volume(self, voxels: NDArray[Any], like: Volume, *, name: str, image: ImageFacts | None = None) -> Volume:
        """A volume on the grid of like, stored."""
        ...

    def pixels(self, image: Flat, box: Box | None = None, *, downsample: float = 1.0) -> NDArray[np.uint8]:
        """RGB (rows, columns, 3) of a box (x, y, width, height in the image's own pixels), or of all of it.

        Raises ToolInputError where the box does not lie in the image.
        """
        ...

    def region(
        self,
        pixels: NDArray[np.bool_],
        like: Slide | Photograph,
        structure: str,
        *,
        downsample: float = 1.0,
        side: str = "whole",
        name: str | None = None,
    ) -> Region:
        """A region of the image, stored; the array is (rows, columns) of pixels downsample times larger.

        Raises ToolInputError where it has another size than the image so seen.
        """
        ...

    def region_pixels(self, region: Region) -> NDArray[np.bool_]:
        """The region as a read-only array (rows, columns) of its own frame."""
        ...

    def cells(
        self,
        table: NDArray[np.float32],
        columns: Sequence[str],
        like: Slide,
        structure: str,
        *,
        labels: NDArray[np.int32] | None = None,
        searched: float = 1.0,
        name: str | None = None,
    ) -> Cells:
        """Cells of the image, stored: one row each, the first columns x and y in pixels of the image."""
        ...

    def cell_table(self, cells: Cells) -> dict[str, NDArray[np.float32]]:
        """The columns of the table of cells, by name."""
        ...

    def cell_labels(self, cells: Cells) -> NDArray[np.int32] | None:
        """Row number + 1 at each pixel (rows, columns) of a cell, 0 elsewhere; None where it was not kept."""
        ...

    def figure(self, png: bytes, *, name: str, caption: str) -> Figure:
        """A picture, stored."""
        ...

    def file(self, data: bytes, *, name: str, filename: str, media_type: str) -> File:
        """A file to hand out, stored."""
        ...

    def progress(self, fraction: float, doing: str = "") -> None:
        """Says how far the tool is (0..1). Raises Cancelled where the person has stopped the run."""
        ...

    def scratch(self, key: str) -> Path:
        """A folder that outlives a run that was stopped or killed: the next run with the same key finds it.

        The tool removes it when it is done; what is left is not an answer, and may be thrown away at any time.
        """
        ...

    def weights(self, name: str) -> dict[str, Path]:
        """The verified files of named weights, by role. Raises ToolFailed where they are not there."""
        ...

    def resident(self, key: str, make: Any) -> Any:
        """make(), kept in this worker under key: models stay loaded."""
        ...
