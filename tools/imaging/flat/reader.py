"""Reading parts of a flat image: any box at any size, without the rest of the image in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.imaging.flat.frame import Box, Frame


class FlatReader(Protocol):
    """An open flat image."""

    def read(self, box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The box (x, y, width, height in the image's own pixels) as RGB (rows, columns, 3) of size (columns, rows)."""
        ...


class PixelsReader:
    """An image that lies as one array (rows, columns, 3) of uint8 in a .npy file; mapped, not read."""

    def __init__(self, file: Path) -> None:
        self._pixels: NDArray[np.uint8] = np.lib.format.open_memmap(file, mode="r")

    def read(self, box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
        """See FlatReader."""
        x, y, width, height = box
        part = np.ascontiguousarray(self._pixels[y : y + height, x : x + width])
        if (width, height) == size:
            return part
        from PIL import Image

        return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BOX))


def open_reader(stored: str, files: Sequence[Path]) -> FlatReader:
    """The reader for how an image is stored. Raises ToolFailed where it cannot be opened."""
    if stored == "pixels":
        return PixelsReader(files[0])
    if stored == "pyramid":
        from scanwright.tools.imaging.flat.pyramid import open_pyramid

        return open_pyramid(files[0])
    if stored == "dicom":
        from scanwright.tools.imaging.flat.dicom_wsi import open_dicom

        return open_dicom(files)
    raise ToolFailed(f"Images stored as {stored!r} cannot be read by this version: import the image again.")


def read_box(reader: FlatReader, frame: Frame, box: Box | None, downsample: float) -> NDArray[np.uint8]:
    """A box of the image (None: all of it) with downsample times larger pixels, as RGB (rows, columns, 3).

    Raises ToolInputError where the box does not lie in the image.
    """
    x, y, width, height = box or (0, 0, frame.width, frame.height)
    if min(x, y) < 0 or min(width, height) < 1 or x + width > frame.width or y + height > frame.height:
        raise ToolInputError(
            f"The box {x},{y} {width}×{height} does not lie in the image of {frame.width}×{frame.height} pixels."
        )
    if downsample < 1:
        raise ToolInputError("An image cannot be read finer than its own pixels: downsample is 1 or more.")
    small = Frame(width=width, height=height).smaller(downsample)
    return reader.read((x, y, width, height), (small.width, small.height))


def write_pixels(pixels: NDArray[Any], file: Path) -> None:
    """Writes RGB (rows, columns, 3) of uint8 as .npy."""
    with file.open("wb") as out:
        np.lib.format.write_array(out, np.ascontiguousarray(pixels, dtype=np.uint8), allow_pickle=False)
