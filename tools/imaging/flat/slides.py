"""Whole slides: what a file or folder holds, from its header alone.

The label and the overview of a slide are never read: a name is written on many.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.flat.dicom_wsi import wsi_frame, wsi_levels, wsi_stain
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.flat.pyramid import MISSING, scanner_format
from scanwright.tools.imaging.wording import shown

MAX_TILE: Final = 8192 * 8192
MAX_SIDE: Final = 2_000_000
# A microscope's pixel; screen and print resolutions that programs write by default lie far outside.
PLAUSIBLE_UM: Final = (0.02, 20.0)
UNITS: Final = {"µm": 1.0, "μm": 1.0, "um": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}
TIFF_STARTS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class SlideDescription:
    """A slide as it is stored: files in the order in which the reader wants them."""

    frame: Frame
    stored: Literal["pyramid", "dicom"]
    files: tuple[Path, ...]
    stain: str | None = None
    warnings: tuple[str, ...] = ()


def describe_slide(path: Path | Iterable[Path]) -> SlideDescription | None:
    """What the slide in a file, a folder of DICOM files or a list of those is; None where it is no whole slide.

    A whole slide is a tiled or many-sized TIFF (OME-TIFF, Aperio, Hamamatsu, Leica and others), or VL Whole Slide
    Microscopy images. Reads headers only. Raises UserInputError where it is a slide that cannot be read, or where the
    packages that read slides are not installed.
    """
    if not isinstance(path, Path):
        return _dicom(tuple(path))
    if path.is_dir():
        return _dicom(tuple(sorted(f for f in path.rglob("*") if f.is_file())))
    if path.suffix.lower() in (".mrxs", ".vms", ".vmu"):
        raise UserInputError(
            f"{shown(path)} is one of several files that make up a slide: export it as one file, for example OME-TIFF."
        )
    with path.open("rb") as file:
        start = file.read(132)
    if start[128:] == b"DICM":
        return _dicom((path,))
    return _tiff(path) if start.startswith(TIFF_STARTS) else None


def _dicom(files: tuple[Path, ...]) -> SlideDescription | None:
    levels = wsi_levels(files)
    if not levels:
        return None
    _require("wsidicom")
    head = levels[0][1]
    frame = wsi_frame(head)
    _bounded(frame)
    return SlideDescription(frame, "dicom", tuple(f for f, _ in levels), wsi_stain(head))


def _tiff(path: Path) -> SlideDescription | None:
    try:
        import tifffile
    except ImportError as error:
        raise UserInputError(MISSING) from error
    try:
        with tifffile.TiffFile(path) as file:
            if not file.series:
                return None
            series = file.series[0]
            pages: list[Any] = [level.pages[0] for level in series.levels]
            ome, described = file.ome_metadata, str(file.pages.first.description or "")
            scanned = scanner_format(path)
            if scanned is None and not _is_slide(pages, series, bool(ome)):
                return None
            _readable(path, pages, series)
            frame = Frame(width=pages[0].imagewidth, height=pages[0].imagelength)
            um = _ome_um(ome) if ome else _aperio_um(described) or _resolution_um(pages[0])
    except (tifffile.TiffFileError, OSError, IndexError, ValueError, KeyError) as error:
        raise UserInputError(f"{shown(path)} cannot be read as a TIFF ({error}): get it again.") from error
    if scanned is not None:
        frame, um = _by_openslide(path, frame, um)
    _bounded(frame)
    _require("imagecodecs")
    return SlideDescription(Frame(width=frame.width, height=frame.height, um_per_pixel=um), "pyramid", (path,))


def _is_slide(pages: list[Any], series: Any, ome: bool) -> bool:
    """True for a tiled image, one in several sizes, or one that says how large its pixels are, in colour or grey."""
    colour = series.axes in ("YXS", "YX") and series.dtype == "uint8"
    return colour and (ome or pages[0].is_tiled or len(pages) > 1)


def _readable(path: Path, pages: list[Any], series: Any) -> None:
    """Raises UserInputError for images in other colours than are read, or in parts too large to hold."""
    if series.axes not in ("YXS", "YX") or series.dtype != "uint8" or any(p.planarconfig != 1 for p in pages):
        raise UserInputError(
            f"{shown(path)} is a slide with axes {series.axes} of {series.dtype}: only RGB and grey of 8 bits are read."
        )
    for page in pages:
        part = page.tilewidth * page.tilelength if page.is_tiled else page.imagewidth * page.rowsperstrip
        if part > MAX_TILE:
            raise UserInputError(f"{shown(path)} has parts of more than 8192×8192 pixels: write it as a tiled TIFF.")


def _bounded(frame: Frame) -> None:
    if max(frame.width, frame.height) > MAX_SIDE:
        raise UserInputError(f"The slide says it has {frame.width}×{frame.height} pixels, more than any scanner makes.")


def _ome_um(xml: str) -> tuple[float, float] | None:
    """PhysicalSizeX and Y of the first image. By its attributes alone: the document is not trusted to be parsed."""
    pixels = re.search(r"<(?:\w+:)?Pixels\s[^>]*>", xml)
    if pixels is None:
        return None
    found = []
    for axis in "XY":
        size = re.search(rf'\bPhysicalSize{axis}="([^"]+)"', pixels[0])
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', pixels[0])
        scale = UNITS.get(unit[1].replace("&#181;", "µ").replace("&#xB5;", "µ")) if unit else 1.0
        if size is None or scale is None:
            return None
        found.append(float(size[1]) * scale)
    return _plausible((found[0], found[1]))


def _aperio_um(description: str) -> tuple[float, float] | None:
    mpp = re.search(r"\bMPP\s*=\s*([0-9.]+)", description)
    return None if mpp is None else _plausible((float(mpp[1]), float(mpp[1])))


def _resolution_um(page: Any) -> tuple[float, float] | None:
    """From XResolution and YResolution (TIFF 6.0, section 8), where they are a microscope's."""
    tags = {name: page.tags.get(name) for name in ("XResolution", "YResolution", "ResolutionUnit")}
    if any(t is None for t in tags.values()) or int(tags["ResolutionUnit"].value) not in (2, 3):
        return None
    unit_um = 25_400.0 if int(tags["ResolutionUnit"].value) == 2 else 10_000.0
    x, y = (tags[name].value for name in ("XResolution", "YResolution"))
    if x[0] == 0 or y[0] == 0:
        return None
    return _plausible((unit_um * x[1] / x[0], unit_um * y[1] / y[0]))


def _by_openslide(path: Path, frame: Frame, um: tuple[float, float] | None) -> tuple[Frame, tuple[float, float] | None]:
    import openslide

    try:
        with openslide.OpenSlide(path) as slide:
            width, height = slide.dimensions
            said = [slide.properties.get(f"openslide.mpp-{axis}") for axis in "xy"]
    except openslide.OpenSlideError as error:
        raise UserInputError(f"{shown(path)} is a damaged slide ({error}): get it again.") from error
    if said[0] and said[1]:
        um = _plausible((float(said[0]), float(said[1])))
    return Frame(width=width, height=height), um


def _plausible(um: tuple[float, float]) -> tuple[float, float] | None:
    return um if all(PLAUSIBLE_UM[0] <= v <= PLAUSIBLE_UM[1] for v in um) else None


def _require(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UserInputError(MISSING)
