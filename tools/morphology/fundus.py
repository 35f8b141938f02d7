"""The field of view of a fundus photograph: a lit disc in a black frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A frame is never perfectly black: it is noise of the sensor and marks of the JPEG.
ABOVE_FRAME = 8.0
SHARE_OF_LIGHT = 0.12
# The disc of a camera is round to within this share of its radius, notch and all.
ROUND_TO = 0.03
ARC_AT_LEAST = 0.45
# The camera sees the fundus as a disc that takes up much of the picture's smaller side.
RADIUS_AT_LEAST = 0.3
# Of a disc that is cut above and below, a tenth and less is missing.
OVERLAP_AT_LEAST = 0.88


@dataclass(frozen=True)
class Circle:
    """A circle in pixels: the upper left corner of the image is (0, 0), the middle of its first pixel (0.5, 0.5)."""

    x: float
    y: float
    radius: float

    def scaled(self, by: float) -> Circle:
        """The circle where pixels are smaller by this factor."""
        return Circle(self.x * by, self.y * by, self.radius * by)


@dataclass(frozen=True)
class Field:
    """The lit pixels (rows, columns) and the circle through their border; why says what is no fundus about it."""

    lit: NDArray[np.bool_]
    circle: Circle | None
    why: str = ""


def field_of_view(rgb: NDArray[np.uint8]) -> Field:
    """The field of view in RGB (rows, columns, 3), or why there is none.

    Lit is what is brighter than the corners by a share of the picture's light; the largest such part, filled, must
    have a round border over at least 45 % of a circle (a camera may cut it above and below).
    """
    from scipy import ndimage

    light = rgb.max(axis=2).astype(np.float32)
    nothing = np.zeros(light.shape, np.bool_)
    frame = _corner_level(light)
    bright = float(np.percentile(light, 95))
    if bright - frame < 3 * ABOVE_FRAME:
        return Field(nothing, None, "it has no lit field in a dark frame")
    light = ndimage.uniform_filter(light, 3)
    labels, count = ndimage.label(light > frame + max(ABOVE_FRAME, SHARE_OF_LIGHT * (bright - frame)))
    if not count:
        return Field(nothing, None, "it has no lit field in a dark frame")
    largest = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    lit = ndimage.binary_opening(ndimage.binary_fill_holes(largest), iterations=2)
    circle, arc = _round(lit)
    if circle is None or circle.radius < RADIUS_AT_LEAST * min(light.shape):
        return Field(nothing, None, "its lit field is not the disc of a camera")
    disc = within(circle, light.shape)
    overlap = 2 * np.count_nonzero(disc & lit) / (np.count_nonzero(disc) + np.count_nonzero(lit))
    if arc < ARC_AT_LEAST or overlap < OVERLAP_AT_LEAST:
        return Field(nothing, None, "its lit field is not round")
    return Field(lit, circle)


def circle_of(lit: NDArray[np.bool_]) -> Circle | None:
    """The circle through the border of a field of view (rows, columns); None where it has no round border."""
    return _round(lit)[0]


def within(circle: Circle, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels (rows, columns) whose middle lies in the circle."""
    y, x = np.ogrid[0.5 : shape[0], 0.5 : shape[1]]
    return np.asarray((x - circle.x) ** 2 + (y - circle.y) ** 2 <= circle.radius**2, np.bool_)


def _round(lit: NDArray[np.bool_]) -> tuple[Circle | None, float]:
    """The circle through the border, and the share of it that there is border of."""
    from scipy.ndimage import binary_erosion

    # Where the camera cuts the disc there is no border of it.
    y, x = np.nonzero(lit & ~binary_erosion(lit, border_value=1))
    circle, on = _fitted(x.astype(np.float64) + 0.5, y.astype(np.float64) + 0.5)
    if circle is None:
        return None, 0.0
    # The points are middles of pixels inside: the edge is half a pixel further out.
    circle = Circle(circle.x, circle.y, circle.radius + 0.5)
    angles = np.arctan2(y[on] + 0.5 - circle.y, x[on] + 0.5 - circle.x)
    return circle, len(np.unique((angles * (180 / np.pi) // 2).astype(int))) / 180


def _corner_level(light: NDArray[np.float32]) -> float:
    """How bright the frame is: the second darkest of the four corners, as one may hold writing or a mark."""
    side = max(2, min(light.shape) // 40)
    corners = (light[:side, :side], light[:side, -side:], light[-side:, :side], light[-side:, -side:])
    return float(sorted(float(np.median(c)) for c in corners)[1])


def _fitted(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Circle | None, NDArray[np.bool_]]:
    """The circle through most of the points, and which lie on it (within 3 % of its radius)."""
    kept = np.ones(len(x), np.bool_)
    circle = None
    for turn in range(8):
        if kept.sum() < 20:
            return None, kept
        middle = x[kept].mean(), y[kept].mean()
        u, v = x[kept] - middle[0], y[kept] - middle[1]
        terms = np.column_stack((2 * u, 2 * v, np.ones(len(u))))
        (a, b, c), *_ = np.linalg.lstsq(terms, u * u + v * v, rcond=None)
        if c + a * a + b * b <= 0:
            return None, kept
        circle = Circle(float(a + middle[0]), float(b + middle[1]), float(np.sqrt(c + a * a + b * b)))
        off = np.abs(np.hypot(x - circle.x, y - circle.y) - circle.radius)
        now = off < max(ROUND_TO * circle.radius, 1.5) if turn > 2 else off <= np.percentile(off, 80)
        if np.array_equal(now, kept):
            break
        kept = now
    return circle, kept
