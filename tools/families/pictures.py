"""A picture of three planes, with the contour of a mask, marks of direction and a scale bar."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scanwright.tools.artifacts import Figure, Mask, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import Of
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes, orient
from scanwright.tools.imaging.geometry import Geometry

WIDTH = 900
HEIGHT_AT_MOST = 760
GAP = 12
HEAD = 40
FOOT = 46
BACKGROUND = (12, 14, 18)
TEXT = (222, 226, 232)
QUIET = (150, 158, 168)
CONTOUR = (255, 190, 20)
RESEARCH_USE = "Research use: not a medical device."

# Level and width in HU as radiology departments use them (e.g. Hofer, CT Teaching Manual).
BONE_WINDOW = (400.0, 2000.0)
AIR_WINDOW = (-400.0, 1500.0)
BRAIN_WINDOW = (40.0, 80.0)
SOFT_WINDOW = (40.0, 400.0)
WINDOW_OF = {
    "bone": BONE_WINDOW,
    "skull": BONE_WINDOW,
    "air_space": AIR_WINDOW,
    "lung": AIR_WINDOW,
    "airway": AIR_WINDOW,
    "brain": BRAIN_WINDOW,
}


@dataclass(frozen=True)
class _Panel:
    """One plane: its grey picture and mask, top row first, and what its four edges are."""

    title: str
    grey: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None
    size_mm: tuple[float, float]
    edges: tuple[str, str, str, str]


@tool(
    examples=(
        "Show me the brain.",
        "Make a picture with the outline of the skull.",
        "Can I see the mask on the scan?",
        "Show the scan in three planes.",
        "Draw the contour of the lesion.",
        "An overlay of the air spaces, please.",
        "Picture of the marked region",
    ),
    near_misses=(
        "Save the mask as NIfTI. (mask_nifti)",
        "Make a 3D model of the skull. (surface_stl)",
    ),
    needs=Needs(memory_gb=0.5, seconds=1.0),
    reference="Radiological display: the patient's right on the left side of the picture (DICOM PS3.3 C.7.6.1.1.1).",
    error=(MeasuredError(text="an asymmetric phantom lies within one voxel of its true place, 48 axis orders"),),
    uses=(axes, orient),
)
def overlay(
    ctx: ToolContext, volume: Volume, mask: Annotated[Mask | None, Of("?s", side="?d")] = None
) -> Annotated[Figure, Of("?s", side="?d", quantity="overlay")]:
    """Axial, coronal and sagittal plane through the middle of a mask (or of the image), with the mask's contour.

    Radiological display: the patient's right is on the left side of the picture; anterior is on the left of the
    sagittal plane. R and L are marked only where the file says which side is which. One scale in all three planes,
    in millimetres, with a scale bar. The planes are those of the stored voxels that lie closest to axial, coronal
    and sagittal; nothing is resampled across them. Raises ToolInputError where the grids differ.
    """
    view, turned, _ = orient.canonical(ctx.voxels(volume), volume.geometry)
    shown: NDArray[np.bool_] | None = None
    if mask is not None:
        if not mask.geometry.same_grid(volume.geometry):
            raise ToolInputError(
                f"The {mask.name} lies on another grid than the {volume.name}: give a mask of this image."
            )
        if mask.voxels:
            shown, _, _ = orient.canonical(ctx.voxels(mask), volume.geometry)
    centre = _centre(shown) if shown is not None else tuple((n - 1) / 2 for n in view.shape)
    at = tuple(min(max(int(np.floor(c + 0.5)), 0), n - 1) for c, n in zip(centre, view.shape, strict=True))
    low, high, window = _window(view, volume, None if mask is None else mask.type.structure)
    panels = _panels(view, shown, turned, (at[0], at[1], at[2]), low, high)
    name = "image" if mask is None else mask.name
    if mask is not None and mask.voxels == 0:
        name = f"{mask.name}: not found"
    known = volume.geometry.sides_known
    sides = "The patient's right is on the left." if known else "Sides not known: no right or left is marked."
    png = _draw(panels, f"{name}", window, f"{sides} {RESEARCH_USE}")
    caption = f"{name[:1].upper()}{name[1:]}, axial, coronal and sagittal; {window}. {sides} {RESEARCH_USE}"
    figure = ctx.figure(png, name=f"picture of the {name}", caption=caption)
    if mask is None:
        return figure.model_copy(
            update={"type": figure.type.model_copy(update={"structure": "image", "side": "whole"})}
        )
    return figure.model_copy(update={"flags": mask.flags})


def _centre(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The centroid of a mask as an index; the same to the last bit however the array is stored."""
    middle = []
    for axis in range(3):
        counts = np.count_nonzero(mask, axis=tuple(a for a in range(3) if a != axis))
        middle.append(float(int((counts * np.arange(len(counts))).sum()) / int(counts.sum())))
    return middle[0], middle[1], middle[2]


def _window(view: NDArray[Any], volume: Volume, structure: str | None) -> tuple[float, float, str]:
    """The darkest and the brightest value, and words for them."""
    if volume.image.unit == HU:
        level, width = WINDOW_OF.get(structure or "", SOFT_WINDOW)
        return level - width / 2, level + width / 2, f"window {level:g}/{width:g} HU"
    step = tuple(slice(None, None, max(1, n // 128)) for n in view.shape)
    sample: NDArray[Any] = view[step].ravel()
    sample = sample[np.isfinite(sample)]
    body = sample[sample != 0]
    low, high = np.percentile(body, (1, 99.5)) if body.size else (0.0, 1.0)
    if high <= low:
        low, high = float(low) - 1.0, float(low) + 1.0
    return float(low), float(high), "window from the 1st to the 99.5th percentile"


def _panels(
    view: NDArray[Any],
    mask: NDArray[np.bool_] | None,
    geometry: Geometry,
    at: tuple[int, int, int],
    low: float,
    high: float,
) -> list[_Panel]:
    """Axial, coronal, sagittal. The view runs right, anterior, superior; pictures run from its ends to its starts."""
    known = geometry.sides_known
    right, left = ("R", "L") if known else ("", "")
    place = axes.to_mm(np.array([at]), geometry.matrix)[0]
    titles = [f"{plane}  {axis} {value:.0f} mm" for plane, axis, value in
              zip(("axial", "coronal", "sagittal"), "zyx", place[::-1] + 0.0, strict=True)]  # fmt: skip
    if not known:
        titles[2] = "sagittal"
    result = []
    for title, across, edges in zip(
        titles, (2, 1, 0), ((right, left, "A", "P"), (right, left, "S", "I"), ("A", "P", "S", "I")), strict=True
    ):
        horizontal, vertical = (a for a in range(3) if a != across)
        plane = np.nan_to_num(np.moveaxis(view, across, 0)[at[across]].astype(np.float32)).T[::-1, ::-1]
        grey = np.clip((plane - low) / (high - low) * 255, 0, 255).astype(np.uint8)
        part = None if mask is None else np.moveaxis(mask, across, 0)[at[across]].T[::-1, ::-1]
        size = (plane.shape[1] * geometry.spacing_mm[horizontal], plane.shape[0] * geometry.spacing_mm[vertical])
        result.append(_Panel(title, grey, part, size, edges))
    return result


def _draw(panels: list[_Panel], title: str, window: str, foot: str) -> bytes:
    """PNG bytes: the panels side by side at one scale, bottom-aligned text around them."""
    scale = (WIDTH - 4 * GAP) / sum(p.size_mm[0] for p in panels)
    scale = min(scale, HEIGHT_AT_MOST / max(p.size_mm[1] for p in panels))
    sizes = [(max(1, round(p.size_mm[0] * scale)), max(1, round(p.size_mm[1] * scale))) for p in panels]
    tallest = max(h for _, h in sizes)
    canvas = Image.new("RGB", (WIDTH, HEAD + tallest + FOOT + 22), BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    big, small = ImageFont.load_default(size=17), ImageFont.load_default(size=13)
    pen.text((GAP, 10), title, TEXT, font=big)
    pen.text((WIDTH - GAP, 13), window, QUIET, font=small, anchor="ra")
    left = (WIDTH - sum(w for w, _ in sizes) - 2 * GAP) // 2
    for panel, size in zip(panels, sizes, strict=True):
        top = HEAD + (tallest - size[1]) // 2
        canvas.paste(_render(panel, size), (left, top))
        _mark(pen, panel, (left, top), size, big)
        pen.text((left + size[0] / 2, HEAD + tallest + 5), panel.title, QUIET, font=small, anchor="ma")
        left += size[0] + GAP
    _scale_bar(pen, scale, HEAD + tallest + 34, small)
    pen.text((WIDTH - GAP, HEAD + tallest + 40), foot, QUIET, font=small, anchor="ra")
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", optimize=False, compress_level=6)
    return buffer.getvalue()


def _render(panel: _Panel, size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(panel.grey).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    if panel.mask is None:
        return picture
    soft = Image.fromarray(panel.mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    inside = np.asarray(soft) > 127
    thinner = _eroded(_eroded(inside))
    pixels = np.array(picture)
    pixels[inside & ~thinner] = CONTOUR
    return Image.fromarray(pixels)


def _eroded(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    wide = np.pad(inside, 1)
    return inside & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def _mark(pen: ImageDraw.ImageDraw, panel: _Panel, corner: tuple[int, int], size: tuple[int, int], font: Any) -> None:
    (x, y), (w, h) = corner, size
    places = (
        (x + 5, y + h / 2, "lm"),
        (x + w - 5, y + h / 2, "rm"),
        (x + w / 2, y + 4, "ma"),
        (x + w / 2, y + h - 4, "md"),
    )
    for letter, (px, py, anchor) in zip(panel.edges, places, strict=True):
        if letter:
            pen.text((px, py), letter, TEXT, font=font, anchor=anchor, stroke_width=2, stroke_fill=BACKGROUND)


def _scale_bar(pen: ImageDraw.ImageDraw, scale: float, y: float, font: Any) -> None:
    """A bar of a round number of millimetres, about 100 pixels long, with its length."""
    length = max((n for n in (1, 2, 5, 10, 20, 50, 100, 200) if n * scale <= 120), default=1)
    pen.line([(GAP, y + 12), (GAP + length * scale, y + 12)], TEXT, width=3)
    for x in (GAP, GAP + length * scale):
        pen.line([(x, y + 7), (x, y + 17)], TEXT, width=1)
    pen.text((GAP + length * scale + 8, y + 12), f"{length} mm", TEXT, font=font, anchor="lm")
