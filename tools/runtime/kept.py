"""Images that come from outside go into the blob store: scans as arrays, flat images as pixels or as their files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from scanwright.tools.artifacts import BlobRef, Image, Photograph, Slide
from scanwright.tools.contract.context import Blobs
from scanwright.tools.hashing import pixel_hash, sha256_file, sha256_json
from scanwright.tools.imaging.flat.picture import KINDS
from scanwright.tools.imaging.loaded import Loaded, LoadedFlat, LoadedImage
from scanwright.tools.runtime.context import store_volume
from scanwright.tools.runtime.flat import flat_hash, store_flat, store_pixels

SLIDE_TYPE = "application/vnd.scanwright.slide"


def content_hash(image: Loaded) -> str:
    """Equal for equal pixels on an equal grid; of a slide that is kept as it came, for equal files."""
    if isinstance(image, LoadedImage):
        return pixel_hash(image.voxels, image.geometry.matrix)
    if image.pixels is not None:
        return flat_hash(image.pixels, image.frame)
    return sha256_json([image.frame.model_dump(mode="json"), [sha256_file(f) for f in image.files]])


def keep_image(blobs: Blobs, image: Loaded, content: str, *, name: str, subject: str, time: str) -> Image:
    """The image as an artifact, its pixels in the store; content is its content_hash, for slides can be gigabytes.

    Its original files are copied, never moved or changed.
    """
    if isinstance(image, LoadedImage):
        return store_volume(
            blobs, image.voxels, image.geometry, image.image, name=name, subject=subject, time=time, content=content
        )
    kind = KINDS[image.image.modality or ""]
    assert issubclass(kind, Slide | Photograph)
    if image.pixels is not None:
        return store_pixels(
            blobs, image.pixels, image.frame, image.image, kind=kind, name=name, subject=subject, time=time,
            content=content,
        )  # fmt: skip
    return store_flat(
        _keep_files(blobs, image), image.frame, image.image, kind=kind, stored=image.stored, pixel_hash=content,
        name=name, subject=subject, time=time,
    )  # fmt: skip


def _keep_files(blobs: Blobs, image: LoadedFlat) -> list[BlobRef]:
    refs = []
    for file in image.files:
        with tempfile.TemporaryDirectory(prefix="scanwright-") as folder:
            copy = Path(folder) / "slide"
            shutil.copyfile(file, copy)
            refs.append(blobs.put(copy, SLIDE_TYPE))
    return refs
