"""Planes side by side with what was measured on them: outlines, lines with their words, sides, one scale bar each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.plane_picture import (
    BACKGROUND,
    CYAN,
    QUIET,
    RESEARCH_USE,
    TEXT,
    YELLOW,
    outlined,
    sides_words,
)

__all__ = ["CYAN", "ORANGE", "YELLOW", "Colour", "Mark", "Panel", "drawn", "in_plane"]

Colour = tuple[int, int, int]
ORANGE: Colour = (255, 150, 20)
GAP, HEAD, FOOT, LABEL = 12, 40, 34, 22
PANEL = (430, 430)
ACROSS = 3


@dataclass(frozen=True)
class Mark:
    """A line from start to end in mm from the centre of the plane's first voxel, with its words."""

    start: tuple[float, float]
    end: tuple[float, float]
    words: str
    colour: Colour = YELLOW


@dataclass(frozen=True)
class Panel:
    """One plane. grey is (to the patient's right, upwards); outlines are masks of that shape with their colours.

    up and down name the upper and the lower edge ("A", "P" or "S", "I"); window is the darkest and brightest value.
    """

    grey: NDArray[np.float32]
    spacing_mm: tuple[float, float]
    title: str
    window: tuple[float, float]
    outlines: tuple[tuple[NDArray[np.bool_], Colour], ...] = ()
    marks: tuple[Mark, ...] = ()
    up: str = "A"
    down: str = "P"


def in_plane(point_mm: Sequence[float] | NDArray[np.float64], turned: Geometry, across: int) -> tuple[float, float]:
    """A point in RAS+ mm in the coordinates of Mark; turned is the canonical geometry, across the axis left out."""
    index = np.linalg.solve(turned.matrix, np.array([*point_mm, 1.0]))[:3]
    first, second = (a for a in range(3) if a != across)
    return float(index[first] * turned.spacing_mm[first]), float(index[second] * turned.spacing_mm[second])


def drawn(panels: Sequence[Panel], title: str, sides_known: bool) -> bytes:
    """PNG bytes: the panels in rows of three. Raises ValueError where there is none."""
    pictures = [_panel(p, sides_known) for p in panels]
    rows = [pictures[i : i + ACROSS] for i in range(0, len(pictures), ACROSS)]
    width = max(560, *(sum(p.width + GAP for p in row) + GAP for row in rows))
    height = HEAD + sum(max(p.height for p in row) + GAP for row in rows) + FOOT
    canvas = Image.new("RGB", (width, height), BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    pen.text((GAP, 10), title, TEXT, font=ImageFont.load_default(size=17))
    top = HEAD
    for row in rows:
        left = GAP
        for picture in row:
            canvas.paste(picture, (left, top))
            left += picture.width + GAP
        top += max(p.height for p in row) + GAP
    words = f"{sides_words(sides_known)} {RESEARCH_USE}"
    pen.text((width - GAP, height - 10), words, QUIET, font=ImageFont.load_default(size=13),
             anchor="rd")  # fmt: skip
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", optimize=False, compress_level=6)
    return buffer.getvalue()


def _panel(panel: Panel, sides_known: bool) -> Image.Image:
    size_mm = tuple(n * s for n, s in zip(panel.grey.shape, panel.spacing_mm, strict=True))
    scale = min(PANEL[0] / size_mm[0], PANEL[1] / size_mm[1])
    size = max(1, round(size_mm[0] * scale)), max(1, round(size_mm[1] * scale))
    low, high = panel.window
    grey = np.clip((np.nan_to_num(panel.grey) - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    # Rows run downwards, columns from the patient's right: both against the array.
    picture = Image.fromarray(grey.T[::-1, ::-1]).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    for inside, colour in panel.outlines:
        picture = outlined(picture, inside, colour)
    canvas = Image.new("RGB", (size[0], size[1] + LABEL), BACKGROUND)
    canvas.paste(picture, (0, LABEL))
    pen = ImageDraw.Draw(canvas)
    big, small = ImageFont.load_default(size=17), ImageFont.load_default(size=13)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = (size_mm[0] - panel.spacing_mm[0] / 2 - point[0]) * scale
        return x, LABEL + (size_mm[1] - panel.spacing_mm[1] / 2 - point[1]) * scale

    for mark in panel.marks:
        _line(pen, at(mark.start), at(mark.end), mark, size[0], small)
    pen.text((0, 2), panel.title, QUIET, font=small)
    edges: list[tuple[str, float, float, str]] = [
        (panel.up, size[0] / 2, LABEL + 3, "ma"),
        (panel.down, size[0] / 2, LABEL + size[1] - 3, "md"),
    ]
    if sides_known:
        middle = LABEL + size[1] / 2
        edges += [("R", 4, middle, "lm"), ("L", size[0] - 4, middle, "rm")]
    for letter, x, y, anchor in edges:
        pen.text((x, y), letter, TEXT, font=big, anchor=anchor, stroke_width=2, stroke_fill=BACKGROUND)
    _bar(pen, scale, LABEL + size[1] - 12, small)
    return canvas


def _line(
    pen: ImageDraw.ImageDraw, first: tuple[float, float], second: tuple[float, float], mark: Mark, width: int, font: Any
) -> None:
    pen.line([first, second], mark.colour, width=2)
    for x, y in (first, second):
        pen.ellipse([x - 2, y - 2, x + 2, y + 2], mark.colour)
    x, y = max(first, second)
    anchor = "rs" if x > width * 0.6 else "ls"
    pen.text((x + (-4 if anchor == "rs" else 6), y - 6), mark.words, mark.colour, font=font, anchor=anchor,
             stroke_width=2, stroke_fill=BACKGROUND)  # fmt: skip


def _bar(pen: ImageDraw.ImageDraw, scale: float, y: float, font: Any) -> None:
    length = max((n for n in (1, 2, 5, 10, 20, 50, 100) if n * scale <= 120), default=1)
    pen.line([(8, y), (8 + length * scale, y)], TEXT, width=3)
    pen.text((14 + length * scale, y), f"{length} mm", TEXT, font=font, anchor="lm", stroke_width=2,
             stroke_fill=BACKGROUND)  # fmt: skip
