"""One plane as a picture with the lines that were measured on it: radiological display, marks of side, scale bar."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry

HEIGHT = 620
HEAD, FOOT, GAP = 40, 44, 12
BACKGROUND, TEXT, QUIET = (12, 14, 18), (222, 226, 232), (150, 158, 168)
YELLOW, CYAN, RED = (255, 205, 40), (70, 220, 240), (255, 90, 80)
CONTOUR = (255, 150, 20)
RESEARCH_USE = "Research use: not a medical device."


@dataclass(frozen=True)
class Slab:
    """grey (right, anterior) in the scan's intensities, contour a mask of the same shape, spacing along both."""

    grey: NDArray[np.float32]
    contour: NDArray[np.bool_] | None
    spacing_mm: tuple[float, float]


@dataclass(frozen=True)
class Line:
    """From start to end, in mm from the centre of the plane's first voxel (right, anterior), with its words."""

    start: tuple[float, float]
    end: tuple[float, float]
    words: str
    colour: tuple[int, int, int]


def axial(
    voxels: NDArray[Any], geometry: Geometry, index: int, mask: NDArray[np.bool_] | None = None
) -> Slab:  # fmt: skip
    """A stored slice that lies closest to axial, turned to right and anterior; index counts as stored."""
    view, turned, _ = orient.canonical(voxels, geometry)
    level = geometry.shape[geometry.axes[2]] - 1 - index if geometry.flips[2] else index
    contour = None if mask is None else orient.canonical(mask, geometry)[0][:, :, level]
    grey = np.nan_to_num(view[:, :, level].astype(np.float32))
    return Slab(grey, contour, (turned.spacing_mm[0], turned.spacing_mm[1]))


def in_plane(point_mm: NDArray[np.float64], geometry: Geometry) -> NDArray[np.float64]:
    """A point in RAS+ mm in the coordinates of Line on the stored slice that holds it."""
    _, turned, _ = orient.canonical(np.empty(geometry.shape, np.bool_), geometry)
    index = np.linalg.solve(turned.matrix, [*point_mm, 1.0])[:2]
    return np.asarray(index * np.array(turned.spacing_mm[:2]))


def points_of_part(slab: Slab, near: NDArray[np.float64]) -> NDArray[np.float64]:
    """Face middles (n, 2), in mm as in Line, of the connected part of the contour that lies nearest to a point."""
    from scipy.ndimage import label

    if slab.contour is None or not slab.contour.any():
        raise ValueError("the slab has no contour")
    labels, _ = label(slab.contour, np.ones((3, 3)))
    step = np.array(slab.spacing_mm)
    index = np.argwhere(slab.contour)
    nearest = index[np.argmin(np.linalg.norm(index * step - near, axis=1))]
    own = np.argwhere(labels == labels[tuple(nearest)])
    return np.concatenate([(own + half) * step for half in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))])


def sides_words(known: bool) -> str:
    """What is said of left and right under a picture."""
    return "The patient's right is on the left." if known else "Sides not known: none is marked."


def foot(geometry: Geometry) -> str:
    """What is said under every picture."""
    return f"{sides_words(geometry.sides_known)} {RESEARCH_USE}"


def outlined(picture: Image.Image, inside: NDArray[np.bool_], colour: tuple[int, int, int]) -> Image.Image:
    """The picture with the border of a mask (to the patient's right, upwards), one pixel wide and inside of it."""
    soft = Image.fromarray(inside.T[::-1, ::-1].astype(np.uint8) * 255).resize(picture.size, Image.Resampling.BILINEAR)
    there = np.pad(np.asarray(soft) > 127, 1)
    core = there[1:-1, 1:-1] & there[:-2, 1:-1] & there[2:, 1:-1] & there[1:-1, :-2] & there[1:-1, 2:]
    pixels = np.array(picture)
    pixels[there[1:-1, 1:-1] & ~core] = colour
    return Image.fromarray(pixels)


def drawn(
    slab: Slab,
    lines: Sequence[Line],
    title: str,
    sides_known: bool,
    *,
    window: tuple[float, float] | None = None,
    dots: Sequence[tuple[float, float]] = (),
) -> bytes:
    """PNG bytes of a slab, its lines and dots (mm, as in Line).

    window is the darkest and the brightest value; without it, the 1st and 99.5th percentile of what is not nought.
    """
    nx, ny = slab.grey.shape
    size_mm = nx * slab.spacing_mm[0], ny * slab.spacing_mm[1]
    scale = HEIGHT / size_mm[1]
    width = max(1, round(size_mm[0] * scale))
    low, high = window or _window(slab.grey)
    grey = np.clip((slab.grey - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    # Rows run from anterior, columns from the patient's right.
    picture = Image.fromarray(grey.T[::-1, ::-1]).resize((width, HEIGHT), Image.Resampling.BICUBIC).convert("RGB")
    if slab.contour is not None:
        picture = outlined(picture, slab.contour, CONTOUR)
    canvas = Image.new("RGB", (max(width + 2 * GAP, 560), HEAD + HEIGHT + FOOT), BACKGROUND)
    left = (canvas.width - width) // 2
    canvas.paste(picture, (left, HEAD))
    pen = ImageDraw.Draw(canvas)
    big, small = ImageFont.load_default(size=17), ImageFont.load_default(size=13)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = left + (size_mm[0] - slab.spacing_mm[0] / 2 - point[0]) * scale
        return x, HEAD + (size_mm[1] - slab.spacing_mm[1] / 2 - point[1]) * scale

    pen.text((GAP, 10), title, TEXT, font=big)
    for dot in dots:
        x, y = at(dot)
        pen.ellipse([x - 2, y - 2, x + 2, y + 2], RED)
    for line in lines:
        first, second = at(line.start), at(line.end)
        pen.line([first, second], line.colour, width=2)
        for x, y in (first, second):
            pen.ellipse([x - 3, y - 3, x + 3, y + 3], line.colour)
        x, y = max(first, second)
        anchor = "rs" if x > left + width * 0.75 else "ls"
        pen.text((x + (-4 if anchor == "rs" else 6), y - 6), line.words, line.colour, font=small, anchor=anchor,
                 stroke_width=2, stroke_fill=BACKGROUND)  # fmt: skip
    marks = [("A", left + width / 2, HEAD + 4.0, "ma"), ("P", left + width / 2, HEAD + HEIGHT - 4.0, "md")]
    if sides_known:
        middle = HEAD + HEIGHT / 2
        marks += [("R", left + 5, middle, "lm"), ("L", left + width - 5, middle, "rm")]
    for letter, x, y, anchor in marks:
        pen.text((x, y), letter, TEXT, font=big, anchor=anchor, stroke_width=2, stroke_fill=BACKGROUND)
    _bar(pen, scale, HEAD + HEIGHT + 18, small)
    words = f"{sides_words(sides_known)} {RESEARCH_USE}"
    pen.text((canvas.width - GAP, HEAD + HEIGHT + 12), words, QUIET, font=small, anchor="ra")
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", optimize=False, compress_level=6)
    return buffer.getvalue()


def _window(grey: NDArray[np.float32]) -> tuple[float, float]:
    body = grey[grey != 0]
    low, high = np.percentile(body, (1, 99.5)) if body.size else (0.0, 1.0)
    return float(low), float(high)


def _bar(pen: ImageDraw.ImageDraw, scale: float, y: float, font: Any) -> None:
    length = max((n for n in (1, 2, 5, 10, 20, 50, 100) if n * scale <= 150), default=1)
    pen.line([(GAP, y), (GAP + length * scale, y)], TEXT, width=3)
    pen.text((GAP + length * scale + 8, y), f"{length} mm", TEXT, font=font, anchor="lm")
