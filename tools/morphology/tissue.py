"""Where on a slide there is tissue, from a small view of all of it."""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging.flat.frame import Frame

# The view is at most so many pixels, and its pixels about this large where that is known.
MAX_VIEW: Final = 4096 * 4096
VIEW_UM: Final = 8.0
# Islands and holes smaller than this are not told from dust and from cracks.
SMALLEST_MM2: Final = 0.005
SMALLEST_SHARE: Final = 0.0005
# Optical density: paler than the first is glass on every slide, darker than the second is not glass on any.
CLEAR_OD, STAINED_OD = 0.04, 0.16


def view_downsample(frame: Frame) -> float:
    """How many times coarser a slide is viewed to find its tissue: a whole number, 1 for a small tile."""
    least = ceil((frame.width * frame.height / MAX_VIEW) ** 0.5)
    wanted = 1 if frame.um_per_pixel is None else int(VIEW_UM / max(frame.um_per_pixel))
    # A tile of a few hundred pixels keeps enough of them to have an outline.
    return float(max(least, min(wanted, min(frame.width, frame.height) // 128), 1))


def tissue_of(rgb: NDArray[np.uint8], mm2_per_pixel: float | None, *, fluorescence: bool = False) -> NDArray[np.bool_]:
    """The tissue in a view (rows, columns, 3) of a slide.

    In transmitted light: what lets less light through than glass does, by the lower of two thresholds that part
    the view's optical densities (Otsu), held between what is glass and what is stained on every slide; pen that is
    blue, green or black and has no texture of tissue is left out. In fluorescence: what is brighter than Otsu's
    threshold of the smoothed view.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    if fluorescence:
        light = gaussian_filter(rgb.max(axis=2).astype(np.float32), 2)
        if float(np.ptp(light)) < 4:
            return np.zeros(light.shape, np.bool_)
        return _tidy(light > float(threshold_otsu(light)), mm2_per_pixel)
    white = _glass(rgb)
    density = np.mean([np.log10(white[c] / np.maximum(rgb[..., c].astype(np.float32), 1)) for c in range(3)], axis=0)
    density = gaussian_filter(np.maximum(density, 0), 1)
    clipped = np.minimum(density, 0.6)
    split = float(threshold_otsu(clipped)) if float(np.ptp(clipped)) > CLEAR_OD else STAINED_OD
    # Otsu lies midway between glass and tissue; pale stroma is nearer to glass than that.
    threshold = min(max(split / 2, CLEAR_OD), STAINED_OD)
    return _tidy((density > threshold) & ~_pen(rgb), mm2_per_pixel)


def _glass(rgb: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Red, green and blue of clear glass."""
    from scanwright.tools.morphology.stains import white_of

    return white_of(rgb)


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
