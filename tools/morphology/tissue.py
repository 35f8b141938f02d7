"""Where on a slide there is tissue, from a small view of all of it."""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.morphology.stains import white_of

# The view is at most so many pixels, and its pixels about this large where that is known.
MAX_VIEW: Final = 4096 * 4096
VIEW_UM: Final = 8.0
# Islands and holes smaller than this are not told from dust and from cracks.
SMALLEST_MM2: Final = 0.005
SMALLEST_SHARE: Final = 0.0005
# Optical density: paler than the first is glass on every slide, darker than the second is tissue on every one.
CLEAR_OD, TISSUE_OD = 0.03, 0.06
CLOSED_UM: Final = 10.0


def view_downsample(frame: Frame) -> float:
    """How many times coarser a slide is viewed to find its tissue: a whole number, 1 for a small tile."""
    least = ceil((frame.width * frame.height / MAX_VIEW) ** 0.5)
    wanted = 1 if frame.um_per_pixel is None else int(VIEW_UM / max(frame.um_per_pixel))
    # A tile of a few hundred pixels keeps enough of them to have an outline.
    return float(max(least, min(wanted, min(frame.width, frame.height) // 128), 1))


def tissue_of(rgb: NDArray[np.uint8], um: float | None, *, fluorescence: bool = False) -> NDArray[np.bool_]:
    """The tissue in a view (rows, columns, 3) of a slide; um is the size of its pixels.

    What lets less light through than clear glass does, by half of the threshold that parts the view's optical
    densities (Otsu), held between what is glass and what is tissue on every slide; gaps of a few cells are closed.
    Pen that is blue, green or black is left out. In fluorescence dark glass is not told from dark tissue: all of it.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu
    from skimage.morphology import closing, disk

    if fluorescence:
        return np.ones(rgb.shape[:2], np.bool_)
    white = white_of(rgb)
    density = np.mean([np.log10(white[c] / np.maximum(rgb[..., c].astype(np.float32), 1)) for c in range(3)], axis=0)
    density = gaussian_filter(np.maximum(density, 0), 1)
    clipped = np.minimum(density, 0.6)
    split = float(threshold_otsu(clipped)) if float(np.ptp(clipped)) > CLEAR_OD else TISSUE_OD
    # Otsu lies midway between glass and what is darkest; pale stroma is nearer to glass than that.
    threshold = min(max(split / 2, CLEAR_OD), TISSUE_OD)
    radius = 1 if um is None else round(CLOSED_UM / um)
    mask = closing(density > threshold, disk(min(max(radius, 1), 8))) & ~_pen(rgb)
    return _tidy(np.asarray(mask, dtype=np.bool_), None if um is None else um**2 * 1e-6)


def _pen(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Blue, green and black ink: colours that no dye of tissue has (red is less than green or far less than blue)."""
    red, green, blue = (rgb[..., c].astype(np.int16) for c in range(3))
    green_ink = (green > red + 30) & (green > blue + 10)
    blue_ink = (blue > red + 90) & (blue > green + 40) & (red < 110)
    black_ink = rgb.max(axis=2) < 45
    return np.asarray(green_ink | blue_ink | black_ink)


def _tidy(mask: NDArray[np.bool_], mm2_per_pixel: float | None) -> NDArray[np.bool_]:
    from skimage.morphology import remove_small_holes, remove_small_objects

    least = SMALLEST_SHARE * mask.size if mm2_per_pixel is None else SMALLEST_MM2 / mm2_per_pixel
    least = int(max(min(least, 0.01 * mask.size), 4))
    return np.asarray(remove_small_holes(remove_small_objects(mask, max_size=least), max_size=least), dtype=np.bool_)
