"""Vessels of the fundus without weights: dark ridges of the green channel, at several widths.

Source: Sato et al., Med Image Anal 1998;2:143–168 (ridge filter); green channel and evened background after
Soares et al., IEEE Trans Med Imaging 2006;25:1214–1222.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.fundus_canvas import FIELD

# Standard deviations of the ridges looked for, in pixels of the canvas: vessels about 2 to 8 pixels wide.
WIDTHS = (1.0, 1.5, 2.0, 2.5, 3.0)
BACKGROUND = 12.0
LOCAL = 30.0
# In units of the local spread of the evened green channel, chosen on drawn fundi and one photograph.
SURE, SEED = 0.42, 0.6
PARTS_AT_LEAST = 30


def ridges(rgb: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much each pixel of a canvas (rows, columns, 3) is a dark ridge; 0 outside.

    Green over its blurred background, in units of its local spread, so that light and contrast do not matter.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import sato

    weight = inside.astype(np.float32)

    def blurred(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
        share = np.maximum(gaussian_filter(weight, sigma), 1e-3)
        return np.asarray(gaussian_filter(values * weight, sigma) / share, np.float32)

    green = rgb[..., 1].astype(np.float32)
    evened = np.where(inside, green / np.maximum(blurred(green, BACKGROUND), 1.0) - 1.0, 0.0).astype(np.float32)
    spread = np.sqrt(np.maximum(blurred(evened * evened, LOCAL), 1e-8))
    found = sato(evened / spread, sigmas=WIDTHS, black_ridges=True).astype(np.float32)
    return np.where(inside, found, np.float32(0))


def vessels(strength: NDArray[np.float32], *, canvas_pixels: float = 1.0) -> NDArray[np.bool_]:
    """Ridges (rows, columns) above a threshold, where they hang together with a stronger one and are no speck.

    canvas_pixels is how many pixels of strength a pixel of the canvas is wide.
    """
    from skimage.filters import apply_hysteresis_threshold
    from skimage.measure import label

    found: NDArray[np.bool_] = apply_hysteresis_threshold(strength, SURE, SEED)
    parts = label(found, connectivity=2)
    large = np.bincount(parts.ravel()) >= PARTS_AT_LEAST * canvas_pixels**2
    large[0] = False
    return np.asarray(large[parts], np.bool_)


def canvas_pixel(diameter: float) -> float:
    """How wide a pixel of the canvas is in pixels of an image whose field of view is diameter wide."""
    return diameter / FIELD
