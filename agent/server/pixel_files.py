"""PixelFiles: stored pixels as files that a browser reads: NIfTI with its grid, thumbnails, pictures.

Files are made when they are first asked for and lie in a folder that can be thrown away; an erasure empties it.
"""

from __future__ import annotations

import io
import math
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Cells, Image, LabelMap, Mask, Photograph, Region, Slide, Volume
from scanwright.tools.contract.context import Blobs
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.flat.frame import Box
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.pixels import read_labels, read_mask, read_volume
from scanwright.tools.runtime.flat import FlatPixels

THUMBNAIL = 256
TILE = 256
MOST_PIXELS = 4096
MOST_BYTES = 20 * 2**30
# NIfTI's kinds that a viewer in a browser reads without loss.
_READ = ("u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8")


class PixelFiles:
    """Makes and keeps the files. Two who ask for the same file at once wait for one making of it."""

    def __init__(self, folder: Path, blobs: Blobs) -> None:
        self._folder, self._blobs = folder, blobs
        self._turn = threading.Lock()
        self._windows: dict[str, tuple[float, float]] = {}
        self.forget()

    def forget(self) -> None:
        """Removes all files."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)

    def nifti(self, artifact: Volume | Mask | LabelMap) -> Path:
        """The voxels as .nii.gz on their own grid and in their own order, bool as uint8."""
        file = self._folder / f"{artifact.pixel_hash}.nii.gz"
        with self._turn:
            if not file.exists():
                from scanwright.tools.imaging.orient import write_nifti

                self._make_room()
                write_nifti(_viewable(self._voxels(artifact)), artifact.geometry, file)
        return file

    def window(self, volume: Volume) -> tuple[float, float]:
        """What is shown black and white; the voxels are looked at once."""
        if volume.pixel_hash not in self._windows:
            grey, _ = _middle(self._voxels(volume), volume.geometry)
            self._windows[volume.pixel_hash] = window(volume, grey)
        return self._windows[volume.pixel_hash]

    def thumbnail(self, image: Image) -> Path:
        """A small PNG: the middle axial slice of a volume, or the whole flat image."""
        return self._png(f"{image.pixel_hash}.thumb", lambda: self._small(image))

    def picture(self, image: Slide | Photograph) -> Path:
        """A flat image as PNG. Raises UserInputError where it is too large to be one picture."""
        if max(image.frame.width, image.frame.height) > MOST_PIXELS:
            raise UserInputError("This slide is too large to be one picture: look at its tiles.")
        return self._png(image.pixel_hash, lambda: self._flat(image, MOST_PIXELS))

    def outline(self, artifact: Region | Cells) -> Path:
        """A region, or the cells, as a PNG of 0 and 255 (L) in the image's own pixels, or in a region's larger ones."""
        flat = self._pixels()
        array = flat.cell_labels(artifact) if isinstance(artifact, Cells) else flat.region_pixels(artifact)
        if array is None:
            raise UserInputError("The outlines of these cells are not kept.")
        outlined = np.asarray(array) != 0

        def draw() -> Any:
            from PIL import Image as Pillow

            return Pillow.fromarray(outlined.astype(np.uint8) * 255)

        return self._png(f"{artifact.hash}.outline", draw)

    def _png(self, name: str, draw: Any) -> Path:
        file = self._folder / f"{name}.png"
        with self._turn:
            if not file.exists():
                buffer = io.BytesIO()
                draw().save(buffer, "PNG")
                draft = file.with_suffix(".draft")
                draft.write_bytes(buffer.getvalue())
                draft.replace(file)
        return file

    def _small(self, image: Image) -> Any:
        from PIL import Image as Pillow

        if not isinstance(image, Volume):
            return self._flat(image, THUMBNAIL)
        grey, (across, up) = _middle(self._voxels(image), image.geometry)
        low, high = window(image, grey)
        scaled = np.clip((grey - low) / max(high - low, 1e-6), 0, 1) * 255
        # Rows run down and the patient's right is on the left, as radiologists look at it.
        picture = Pillow.fromarray(np.ascontiguousarray(scaled.T[::-1, ::-1]).astype(np.uint8))
        width, height = grey.shape[0] * across, grey.shape[1] * up
        scale = THUMBNAIL / max(width, height)
        return picture.resize((max(1, round(width * scale)), max(1, round(height * scale))), Pillow.Resampling.BILINEAR)

    def tile(self, image: Slide | Photograph, level: int, col: int, row: int) -> bytes:
        """A tile of the Deep Zoom pyramid as JPEG. Raises UserInputError where there is none."""
        scale = 2.0 ** (top_level(image) - level)
        side = TILE * scale
        x, y = col * side, row * side
        frame = image.frame
        if scale < 1 or col < 0 or row < 0 or x >= frame.width or y >= frame.height:
            raise UserInputError("The image has no such tile.")
        box = (int(x), int(y), int(min(side, frame.width - x)), int(min(side, frame.height - y)))
        buffer = io.BytesIO()
        self._picture(image, box, scale).save(buffer, "JPEG", quality=85)
        return buffer.getvalue()

    def _flat(self, image: Slide | Photograph, most: int) -> Any:
        frame = image.frame
        return self._picture(image, None, max(1.0, max(frame.width, frame.height) / most))

    def _picture(self, image: Slide | Photograph, box: Box | None, scale: float) -> Any:
        from PIL import Image as Pillow

        return Pillow.fromarray(np.ascontiguousarray(self._pixels().pixels(image, box, downsample=scale)))

    def _pixels(self) -> FlatPixels:
        return FlatPixels(self._blobs, _no_keep)

    def _voxels(self, artifact: Volume | Mask | LabelMap) -> NDArray[Any]:
        path = self._blobs.path(artifact.blob)
        if isinstance(artifact, LabelMap):
            return read_labels(path)
        return read_mask(path) if isinstance(artifact, Mask) else read_volume(path)

    def _make_room(self) -> None:
        files = sorted(self._folder.iterdir(), key=lambda f: f.stat().st_mtime)
        size = sum(f.stat().st_size for f in files)
        while files and size > MOST_BYTES:
            oldest = files.pop(0)
            size -= oldest.stat().st_size
            oldest.unlink()


def window(volume: Volume, grey: NDArray[Any]) -> tuple[float, float]:
    """What is shown black and white: of CT by body part, else the middle of the values."""
    if volume.image.modality == "CT":
        return {"head": (0.0, 80.0), "brain": (0.0, 80.0), "chest": (-1000.0, 200.0)}.get(
            (volume.image.body_part or "").lower(), (-160.0, 240.0)
        )
    values = grey[np.isfinite(grey)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, (1, 99.5))
    return float(low), float(high) if high > low else float(low) + 1.0


def top_level(image: Slide | Photograph) -> int:
    """The level of the Deep Zoom pyramid that shows every pixel; level 0 is one pixel."""
    return math.ceil(math.log2(max(image.frame.width, image.frame.height, 1)))


def _middle(voxels: NDArray[Any], geometry: Geometry) -> tuple[NDArray[np.float32], tuple[float, float]]:
    from scanwright.tools.imaging.orient import canonical

    view, turned, _ = canonical(voxels, geometry)
    grey = np.nan_to_num(np.asarray(view[:, :, view.shape[2] // 2], dtype=np.float32))
    return grey, (turned.spacing_mm[0], turned.spacing_mm[1])


def _viewable(voxels: NDArray[Any]) -> NDArray[Any]:
    kind = voxels.dtype.newbyteorder("=").str[1:]
    if voxels.dtype == np.bool_ or kind in _READ:
        return voxels
    return voxels.astype(np.float32 if kind == "f2" else np.float64)


def _no_keep(*_: Any, **__: Any) -> Any:
    raise AssertionError("looking at an image keeps nothing")
