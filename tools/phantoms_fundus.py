"""A drawn fundus with vessels of known place, length and width: what methods are measured on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP = 0.004
# Colours of a light fundus, its disc and its frame, as RGB.
FUNDUS, DISC, FRAME = (196.0, 98.0, 56.0), (238.0, 196.0, 130.0), 5.0


@dataclass(frozen=True)
class Fundus:
    """rgb is (rows, columns, 3); field and vessels (rows, columns) are true where these are; sizes are in pixels.

    length is that of the vessels' middle lines inside the field, counted once where they run over one another, and
    calibre the mean width along them.
    """

    rgb: NDArray[np.uint8]
    field: NDArray[np.bool_]
    vessels: NDArray[np.bool_]
    length: float
    calibre: float


def fundus(
    diameter: int = 700, *, frame: tuple[int, int] = (760, 900), seed: int = 5,
    widths: tuple[float, float] = (2.0, 7.0), noise: float = 3.0, contrast: float = 0.3,
) -> Fundus:  # fmt: skip
    """A fundus whose field is diameter pixels wide in a frame of (rows, columns), off its middle, disc to the left.

    widths are those of the thinnest and the widest vessel in pixels of a field 540 wide.
    """
    from PIL import Image, ImageDraw
    from scipy import ndimage

    random = np.random.default_rng(seed)
    rows, columns = frame
    x0, y0 = columns * 0.48, rows * 0.51
    y, x = np.ogrid[0.5:rows, 0.5:columns]
    field = (x - x0) ** 2 + (y - y0) ** 2 <= (diameter / 2) ** 2
    fine = 3
    canvas = Image.new("L", (columns * fine, rows * fine))
    pen = ImageDraw.Draw(canvas)
    unit = diameter / 540
    used = np.zeros((rows, columns), np.bool_)
    length = weighted = 0.0
    for path, width in _tree(random, widths):
        places = [(x0 + px * diameter / 2, y0 + py * diameter / 2) for px, py in path]
        w = width * unit
        for at, to in itertools.pairwise(places):
            row, column = int(at[1]), int(at[0])
            if 0 <= row < rows and 0 <= column < columns and field[row, column] and not used[row, column]:
                step = float(np.hypot(to[0] - at[0], to[1] - at[1]))
                length, weighted = length + step, weighted + step * w
        for px, py in places:
            r = w * fine / 2
            pen.ellipse((px * fine - r, py * fine - r, px * fine + r, py * fine + r), 255)
        used |= np.asarray(canvas.resize((columns, rows), Image.Resampling.BOX)) > 127
    share = np.asarray(canvas.resize((columns, rows), Image.Resampling.BOX)).astype(np.float32) / 255
    rgb = _coloured(x, y, (x0, y0), diameter)
    dark = ndimage.gaussian_filter(share, 0.7 * unit)
    rgb *= 1 - dark[..., None] * np.array([0.45, 1.0, 0.7], np.float32) * contrast
    texture = ndimage.gaussian_filter(random.normal(0, 1, (rows, columns)), 3 * unit) * 6 * 3 * unit
    rgb += (texture + random.normal(0, noise, (rows, columns)))[..., None]
    rgb[~field] = FRAME
    return Fundus(
        np.clip(rgb, 0, 255).astype(np.uint8), field, (share > 0.5) & field, length, weighted / max(length, 1.0)
    )


def _tree(random: np.random.Generator, widths: tuple[float, float]) -> list[tuple[list[tuple[float, float]], float]]:
    """Middle lines in units of the field's radius with their widths: arcades from the disc, and branches of them."""
    thin, wide = widths
    paths = []
    for start in (-1.25, -0.75, 0.8, 1.2, -2.4, 2.5):
        trunk = _path(random, (-0.62, -0.04), start, 1.9, -np.sign(start) * 0.55)
        paths.append((trunk, wide * random.uniform(0.75, 1.0)))
        for share in (0.15, 0.3, 0.45, 0.6, 0.75):
            at = int(share * len(trunk))
            (xa, ya), (xb, yb) = trunk[at], trunk[at + 1]
            turn = random.choice((-1, 1)) * random.uniform(0.6, 1.1)
            branch = _path(random, trunk[at], np.arctan2(yb - ya, xb - xa) + turn, random.uniform(0.4, 0.9), -turn / 3)
            paths.append((branch, thin + (wide - thin) * random.uniform(0.0, 0.45)))
    return paths


def _path(
    random: np.random.Generator, start: tuple[float, float], heading: float, length: float, bend: float
) -> list[tuple[float, float]]:
    places = [start]
    wobble = 0.0
    for _ in range(int(length / STEP)):
        wobble = 0.97 * wobble + random.normal(0, 0.02)
        heading += (bend + 6 * wobble) * STEP
        x, y = places[-1]
        places.append((x + STEP * float(np.cos(heading)), y + STEP * float(np.sin(heading))))
    return places


def _coloured(
    x: NDArray[np.float64], y: NDArray[np.float64], middle: tuple[float, float], diameter: int
) -> NDArray[np.float32]:
    """The ground: brighter at one side, darker at the macula, the disc pale."""
    u, v = (x - middle[0]) / diameter * 2, (y - middle[1]) / diameter * 2
    light = 1.0 + 0.12 * u - 0.08 * v - 0.15 * (u * u + v * v)
    light = light * (1 - 0.3 * np.exp(-((u - 0.15) ** 2 + v**2) / 0.02))
    disc = 1 / (1 + np.exp(np.minimum(((u + 0.62) ** 2 + (v + 0.04) ** 2 - 0.017) / 0.003, 50)))
    ground = np.array(FUNDUS)[None, None] * light[..., None]
    return (ground * (1 - disc[..., None]) + np.array(DISC) * disc[..., None]).astype(np.float32)
