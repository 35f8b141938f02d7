"""Nuclei in one piece of an image, without weights: threshold at the scale of a nucleus, then parted by shape.

All steps but the last look no farther than REACH_UM, so that pieces that overlap by twice as much give what one
piece gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

WORK_UM: Final = 0.5
REACH_UM: Final = 48.0
SMOOTH_UM: Final = 0.8
# Around a nucleus, wide enough to hold what is not nucleus.
SURROUND_UM: Final = 15.0
SMALLEST_UM2: Final = 12.0
LARGEST_UM2: Final = 600.0
# A neck this much narrower than both sides parts two nuclei.
NECK_UM: Final = 0.55
SHAPE_SMOOTH_UM: Final = 0.6
SIGNAL_SHARE, ABOVE_SHARE, CROWD = 0.85, 0.12, 1.6
CLUMP_UM2: Final = 90.0
BLOB_UM: Final = 1.8
PROMINENCE: Final = 0.2
DARKEST: Final = 3.0
LEAST_SOLIDITY: Final = 0.7
# In fluorescence nuclei stand apart and bright, so that surroundings are looked at more closely.
FLUORESCENT_SURROUND_UM, FLUORESCENT_ABOVE, FLUORESCENT_NECK_UM = 10.0, 0.2, 0.3


@dataclass(frozen=True)
class Threshold:
    """From which signal on a pixel may be nucleus: everywhere, and above its surroundings.

    fluorescent: light on dark, where nuclei are parted by shape alone; else dye, where dark middles part them too,
    but not where most of a nucleus is as dark as the signal goes (ceiling).
    """

    signal: float
    above: float
    fluorescent: bool = False
    ceiling: float = np.inf

    def times(self, factor: float) -> Threshold:
        """Both, so many times higher."""
        return replace(self, signal=self.signal * factor, above=self.above * factor)


def threshold_of(
    signal: NDArray[np.float32], um: float, where: NDArray[np.bool_] | None = None, *, fluorescent: bool = False
) -> Threshold:
    """The threshold for a stain's optical density or a fluorescence (rows, columns), pixels of um micrometres.

    Otsu's threshold of the smoothed signal where the mask allows (the tissue, without what outshines all else).
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    smooth = gaussian_filter(signal, SMOOTH_UM / um)
    values = smooth.ravel() if where is None else smooth[where]
    top = float(np.percentile(values, 99.5)) if values.size else 0.0
    if top <= 0:
        return Threshold(np.inf, np.inf, fluorescent)
    # On the square root, few very dark nuclei do not draw the threshold above the many pale ones.
    split = float(threshold_otsu(np.sqrt(np.clip(values, 0, top)))) ** 2
    return Threshold(SIGNAL_SHARE * split, (FLUORESCENT_ABOVE if fluorescent else ABOVE_SHARE) * split, fluorescent)


def nuclei_in(signal: NDArray[np.float32], um: float, threshold: Threshold) -> NDArray[np.int32]:
    """Labels (rows, columns) 1, 2, … of nuclei, 0 elsewhere. signal as for threshold_of."""
    from scipy.ndimage import binary_fill_holes, binary_opening, gaussian_filter, gaussian_laplace
    from skimage.morphology import disk, remove_small_objects

    if not threshold.fluorescent:
        signal = np.minimum(signal, DARKEST * threshold.signal)
    smooth = gaussian_filter(signal, SMOOTH_UM / um)
    wide = FLUORESCENT_SURROUND_UM if threshold.fluorescent else SURROUND_UM
    around = gaussian_filter(signal, wide / um, truncate=(REACH_UM - 4) / wide)
    mask = (smooth > threshold.signal) & (smooth > around + threshold.above)
    # In a crowd the surroundings are nuclei as well: there, what is far above the threshold needs no more.
    if not threshold.fluorescent:
        mask |= smooth > CROWD * threshold.signal
    mask = binary_opening(_small_holes_filled(mask, um), disk(max(1, round(0.75 / um))))
    mask = remove_small_objects(mask, max_size=max(1, int(SMALLEST_UM2 / um**2)))
    labels = _parted_by_shape(mask, um, FLUORESCENT_NECK_UM if threshold.fluorescent else NECK_UM)
    # The same scale as a small nucleus: dark middles stand apart where outlines have merged.
    blob = -(BLOB_UM**2 / um**2) / threshold.signal * gaussian_laplace(signal, BLOB_UM / um)
    full = signal >= 0.95 * threshold.ceiling
    out = np.zeros(labels.shape, np.int32)
    number = 0
    for box, shape in _parts(labels):
        pieces = [shape]
        crowd = shape.sum() * um**2 > CLUMP_UM2 or _solidity(shape) < 0.8
        if crowd and not threshold.fluorescent and (full[box] & shape).sum() < 0.4 * shape.sum():
            pieces = _parted_by_darkness(shape, blob[box])
        for piece in pieces:
            area = int(piece.sum()) * um**2
            if SMALLEST_UM2 <= area <= LARGEST_UM2 and _solidity(piece) > LEAST_SOLIDITY:
                number += 1
                out[box][binary_fill_holes(piece)] = number
    return out


def _parted_by_shape(mask: NDArray[np.bool_], um: float, neck_um: float) -> NDArray[np.int32]:
    """Labels of a mask, parted at its necks."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter, label
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    depth = gaussian_filter(distance_transform_edt(mask) * um, SHAPE_SMOOTH_UM / um).astype(np.float32)
    depth[~mask] = 0
    seeds, _ = label(h_maxima(depth, neck_um), np.ones((3, 3)))
    return np.asarray(watershed(-depth, seeds, mask=mask), dtype=np.int32)


def _parted_by_darkness(shape: NDArray[np.bool_], blob: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    """The pieces of a shape that holds several dark middles; the shape itself where it holds one."""
    from scipy.ndimage import label
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    middles, count = label(h_maxima(np.where(shape, blob, -1), PROMINENCE), np.ones((3, 3)))
    if count < 2:
        return [shape]
    parted = watershed(-blob, middles, mask=shape)
    return [parted == n for n in np.unique(parted) if n]


def _parts(labels: NDArray[np.int32]) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    from scipy.ndimage import find_objects

    for number, box in enumerate(find_objects(labels), 1):
        if box is not None:
            yield box, labels[box] == number


def _solidity(shape: NDArray[np.bool_]) -> float:
    """Area by the area of the convex hull of the pixels' corners."""
    from scipy.spatial import ConvexHull

    rows = np.flatnonzero(shape.any(axis=1))
    first, last = shape[rows].argmax(axis=1), shape.shape[1] - shape[rows, ::-1].argmax(axis=1)
    corners = np.concatenate([np.column_stack([rows + d, c]) for d in (0, 1) for c in (first, last)])
    return float(shape.sum() / ConvexHull(corners).volume)


def _small_holes_filled(mask: NDArray[np.bool_], um: float) -> NDArray[np.bool_]:
    from skimage.morphology import remove_small_holes

    return np.asarray(remove_small_holes(mask, max_size=int(20 / um**2)), dtype=np.bool_)
