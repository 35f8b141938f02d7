"""Reading slides that are stored in several sizes: the best size for what is asked, averaged over areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed, ToolInputError, UserInputError
from scanwright.tools.imaging.flat.frame import Box

MAX_OUT: Final = 8192 * 8192
# A slide is read block by block; a block of the file is at most this many pixels (three bytes each).
MAX_BLOCK: Final = 4096 * 4096
MISSING: Final = "Reading whole slides needs more packages: install scanwright with the extra `pathology`."


@dataclass(frozen=True)
class Level:
    """One stored size. downsample is how many of the image's own pixels one of its pixels spans, in x and y."""

    width: int
    height: int
    downsample: tuple[float, float]


class Stored(Protocol):
    """An open file with one image in several sizes, finest first."""

    @property
    def levels(self) -> Sequence[Level]:
        """The stored sizes."""
        ...

    def part(self, level: int, box: Box) -> NDArray[np.uint8]:
        """RGB (rows, columns, 3) of a box that lies in the level, in the level's own pixels."""
        ...


def levels_of(sizes: Sequence[tuple[int, int]]) -> tuple[Level, ...]:
    """Levels from their (width, height), the finest first.

    A level that is a whole number of times smaller, up to a part of a pixel that was dropped or filled up, has
    exactly that downsample: the ratio of the rounded sizes would drift over the width of a slide.
    """
    (width, height), found = sizes[0], []
    for w, h in sizes:
        ratios = (width / w, height / h)
        whole = round(sum(ratios) / 2)
        exact = whole >= 1 and abs(w - width / whole) < 1 and abs(h - height / whole) < 1
        found.append(Level(w, h, (float(whole), float(whole)) if exact else ratios))
    return tuple(found)


class LevelReader:
    """A FlatReader over an image in several sizes."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    def read(self, box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The box (x, y, width, height in the image's own pixels) as RGB (rows, columns, 3) of size (columns, rows).

        Each pixel is the mean over its area, from the coarsest stored size that is no coarser than what is asked.
        Raises ToolInputError where more than 8192 × 8192 pixels are asked for.
        """
        columns, rows = size
        if columns * rows > MAX_OUT:
            raise ToolInputError(
                f"{columns}×{rows} pixels are more than are read at once (8192×8192): read tiles, or coarser."
            )
        x, y, width, height = box
        step = (width / columns, height / rows)
        fits = [i for i, lv in enumerate(self._stored.levels) if max(lv.downsample) <= min(step) * 1.001]
        index = max(fits, key=lambda i: self._stored.levels[i].downsample[0], default=0)
        level = self._stored.levels[index]
        step_x, step_y = step[0] / level.downsample[0], step[1] / level.downsample[1]
        left, top = x / level.downsample[0], y / level.downsample[1]
        side = max(1, floor(MAX_BLOCK**0.5 / max(step_x, step_y, 1)) - 2)
        out = np.empty((rows, columns, 3), np.uint8)
        for r in range(0, rows, side):
            for c in range(0, columns, side):
                r1, c1 = min(r + side, rows), min(c + side, columns)
                edges_x = left + step_x * np.arange(c, c1 + 1)
                edges_y = top + step_y * np.arange(r, r1 + 1)
                out[r:r1, c:c1] = self._area(index, level, edges_x, edges_y)
        return out

    def _area(
        self, index: int, level: Level, edges_x: NDArray[np.float64], edges_y: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        """Means between the edges, which are places in the level's pixels."""
        x0, x1 = _span(edges_x, level.width)
        y0, y1 = _span(edges_y, level.height)
        part = self._stored.part(index, (x0, y0, x1 - x0, y1 - y0))
        columns, rows = len(edges_x) - 1, len(edges_y) - 1
        if part.shape[:2] == (rows, columns) and _whole(edges_x) and _whole(edges_y):
            return part
        out = np.empty((rows, columns, 3), np.uint8)
        for channel in range(3):
            across = _means(part[:, :, channel].T, edges_x - x0)
            out[:, :, channel] = np.rint(_means(across.T, edges_y - y0))
        return out


def _span(edges: NDArray[np.float64], length: int) -> tuple[int, int]:
    """The whole pixels under the edges, inside the level and at least one."""
    first = min(max(floor(edges[0] + 1e-6), 0), length - 1)
    return first, max(min(ceil(edges[-1] - 1e-6), length), first + 1)


def _whole(edges: NDArray[np.float64]) -> bool:
    return bool(np.abs(edges - np.rint(edges)).max() < 1e-6)


def _means(lines: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.float32]:
    """Mean along axis 0 between neighbouring edges; beyond the ends the last line goes on."""
    n = len(lines)
    clipped = np.clip(edges, 0, n)
    # Cells that lie wholly beyond an end would be empty.
    low, high = np.minimum(clipped[:-1], n - 1e-3), np.maximum(clipped[1:], 1e-3)
    total = np.zeros((n + 1, lines.shape[1]), np.float64)
    np.cumsum(lines, axis=0, dtype=np.float64, out=total[1:])

    def upto(at: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = np.minimum(at.astype(np.int64), n - 1)
        part = (at - whole)[:, None]
        return np.asarray(total[whole] * (1 - part) + total[whole + 1] * part)

    return np.asarray((upto(high) - upto(low)) / (high - low)[:, None], dtype=np.float32)


class TiffFileLevels:
    """Levels of a TIFF whose first image is RGB or grey of 8 bits (OME-TIFF with SubIFDs, Aperio, generic)."""

    def __init__(self, file: Path) -> None:
        """Raises ToolFailed where the file cannot be opened."""
        tifffile = _tifffile()
        try:
            self._file = tifffile.TiffFile(file)
            self._pages = [level.pages[0].aspage() for level in self._file.series[0].levels]
        except (tifffile.TiffFileError, OSError, IndexError, ValueError) as error:
            raise ToolFailed("The slide's file cannot be opened: import it again.") from error
        self.levels = levels_of([(p.imagewidth, p.imagelength) for p in self._pages])

    def part(self, level: int, box: Box) -> NDArray[np.uint8]:
        """See Stored."""
        page = self._pages[level]
        x, y, width, height = box
        tall, wide = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        across = ceil(page.imagewidth / wide)
        out = np.full((height, width, 3), 255, np.uint8)
        for row in range(y // tall, (y + height - 1) // tall + 1):
            for column in range(x // wide, (x + width - 1) // wide + 1):
                tile = self._segment(page, row * across + column)
                if tile is None:
                    continue
                top, left = row * tall, column * wide
                r0, r1 = max(top, y), min(top + tile.shape[0], y + height)
                c0, c1 = max(left, x), min(left + tile.shape[1], x + width)
                if r1 > r0 and c1 > c0:
                    out[r0 - y : r1 - y, c0 - x : c1 - x] = tile[r0 - top : r1 - top, c0 - left : c1 - left]
        return out

    def _segment(self, page: Any, index: int) -> NDArray[np.uint8] | None:
        """One tile or strip as RGB (rows, columns, 3); None where the file leaves it out."""
        size = page.databytecounts[index]
        if size == 0:
            return None
        handle = self._file.filehandle
        handle.seek(page.dataoffsets[index])
        # Read before anything else is asked of the page, which may itself read tags from the file.
        stored = handle.read(size)
        try:
            data, _, shape = page.decode(stored, index, jpegtables=page.jpegtables)
        except Exception as error:  # Every codec has its own exceptions.
            raise ToolFailed(f"A tile of the slide is damaged ({type(error).__name__}): get the file again.") from error
        if data is None:
            return None
        tile = np.asarray(data)[0, : shape[1], : shape[2]]
        return np.repeat(tile, 3, axis=2) if tile.shape[2] == 1 else tile[:, :, :3]


class OpenSlideLevels:
    """Levels of a scanner's own format (Aperio, Hamamatsu, Leica, Philips, Ventana, generic tiled TIFF)."""

    def __init__(self, file: Path) -> None:
        """Raises ToolFailed where the file cannot be opened."""
        openslide = _openslide()
        try:
            self._slide = openslide.OpenSlide(file)
        except openslide.OpenSlideError as error:
            raise ToolFailed("The slide's file cannot be opened: import it again.") from error
        self.levels = levels_of(self._slide.level_dimensions)

    def part(self, level: int, box: Box) -> NDArray[np.uint8]:
        """See Stored."""
        from PIL import Image

        x, y, width, height = box
        # The place is given in the finest level's pixels, whatever level is read.
        down = self._slide.level_downsamples[level]
        try:
            part = self._slide.read_region((round(x * down), round(y * down)), level, (width, height))
        except Exception as error:  # openslide.OpenSlideError and its subclasses; the handle is unusable afterwards.
            raise ToolFailed("A part of the slide is damaged: get the file again.") from error
        return np.asarray(Image.alpha_composite(Image.new("RGBA", part.size, (255, 255, 255, 255)), part))[:, :, :3]


def open_pyramid(file: Path) -> LevelReader:
    """The reader of a slide in one file: by openslide where it knows the format, else as TIFF.

    Raises ToolFailed where it cannot be opened.
    """
    stored: Stored = OpenSlideLevels(file) if scanner_format(file) is not None else TiffFileLevels(file)
    return LevelReader(stored)


def scanner_format(file: Path) -> str | None:
    """The scanner's format as openslide names it; None for OME-TIFF and whatever else it does not read whole."""
    try:
        found: str | None = _openslide().OpenSlide.detect_format(file)
    except UserInputError:
        return None
    # Openslide does not follow SubIFDs, where OME-TIFF keeps its smaller sizes; DICOM has a reader of its own.
    return None if found in ("generic-tiff", "dicom") else found


def _openslide() -> Any:
    try:
        import openslide
    except (ImportError, OSError) as error:
        raise UserInputError(MISSING) from error
    return openslide


def _tifffile() -> Any:
    try:
        import imagecodecs
        import tifffile
    except ImportError as error:
        raise UserInputError(MISSING) from error
    assert imagecodecs is not None
    return tifffile
