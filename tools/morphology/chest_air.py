"""Air in the chest on CT (x, y, z in RAS+ order, HU): lungs, trachea and main bronchi, and which lung is which."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging.axes import bounding_slices
from scanwright.tools.morphology import columns, parts, reach
from scanwright.tools.morphology.reach import Spacing

Mask3 = NDArray[np.bool_]

# Half way between lung (−850) and soft tissue (40), where partial volume puts the border.
LUNG_HU = -400
# The mean of bowel gas is that of air (−1000 to −960), that of lungs, emphysema too, lies above.
GAS_HU = -950
SOLID_HU = -500
CORE_MM = 3.0
CORE_ML = 5.0
# What the scan does not cut is no lung below this; what it cuts above may be a lung's base.
WHOLE_ML, CUT_ML = 300.0, 20.0

# Cross-section of the trachea: 10 to 27 mm wide (Breatnach et al., AJR 1984;142:903–906), wider in age and disease.
TRACHEA_MM2 = (60.0, 800.0)
TRACHEA_HU = -900
OFF_MIDDLE_MM = 45.0
SEED_MM = 20.0
# Growing by rising thresholds until it leaks: Mori et al., IEEE Trans Med Imaging 2000;19:103–114.
GROW_HU = range(-960, -600, 15)
LEAK_ML, TREE_ML, LEAK_RATIO = 20.0, 150.0, 1.5
WALL_HU = -500
MAIN_BRONCHUS_MM = 4.5
# Main bronchi narrow and turn: the tree is followed this far beyond its wide part.
ON_MM = 10.0


def lung_air(hu: NDArray[Any], body: Mask3, spacing: Spacing) -> Mask3:
    """The voxels below −400 HU of the parts of air in a body that are lung and not gas, with the airways.

    A part is lung where its core's mean lies between −950 and −500 HU and it has 300 mL, or 20 mL and is cut by the
    upper face of the array.
    """
    ml = float(np.prod(spacing)) / 1000.0
    air = body & (hu < LUNG_HU)
    labels, sizes = parts.labelled(air, 6)
    core = reach.shrunk(air, CORE_MM, spacing)
    inside = labels[core]
    count = np.bincount(inside, minlength=len(sizes))
    mean = np.bincount(inside, weights=hu[core], minlength=len(sizes)) / np.maximum(count, 1)
    cut = np.zeros(len(sizes), np.bool_)
    cut[np.unique(labels[..., -1])] = True
    large = (sizes * ml >= WHOLE_ML) | (cut & (sizes * ml >= CUT_ML))
    return parts.chosen(labels, large & (count * ml >= CORE_ML) & (mean > GAS_HU) & (mean < SOLID_HU))


def main_airways(hu: NDArray[Any], body: Mask3, lungs: Mask3, spacing: Spacing) -> Mask3:
    """Trachea and main bronchi: the airway tree where it is wider than 4.5 mm and 10 mm on. Empty without a trachea.

    Grown from the trachea by rising thresholds until the tree leaks into the lung, then out to its wall.
    """
    from scipy.ndimage import uniform_filter

    found = np.zeros(hu.shape, np.bool_)
    seed = _trachea(hu, body, lungs, spacing)
    if not seed.any():
        return found
    at = _around(seed, spacing)
    near = hu[at]
    smooth = uniform_filter(near.astype(np.float32), [2 * round(0.75 / step) + 1 for step in spacing], mode="nearest")
    inside, start = body[at], seed[at] & (smooth < TRACHEA_HU)
    tree = _grown_until_leak(smooth, inside, start, spacing)
    # Partial volume shrinks the lumen at low thresholds: out to half way to the wall, by no more than a wall's width.
    tree |= reach.grown(tree, 1.2, spacing) & inside & (near < WALL_HU)
    wide = reach.grown(reach.opened(tree, MAIN_BRONCHUS_MM, spacing), ON_MM, spacing)
    found[at] = parts.touching(tree & wide, start & tree & wide, 26)
    return found


def sides(lungs: Mask3, body: Mask3, spacing: Spacing) -> tuple[Mask3, Mask3] | None:
    """The right and the left lung; each may be empty. None where they cannot be told apart.

    Lungs that touch are shrunk until no part of 8 % or more lies across the middle of the body; what was shrunk away
    goes to the nearer side.
    """
    right, left = np.zeros(lungs.shape, np.bool_), np.zeros(lungs.shape, np.bool_)
    if not lungs.any():
        return right, left
    middle = _middle(body)
    at = bounding_slices(lungs, margin=2)
    inside = lungs[at]
    seeds = _seeds(inside, middle - at[0].start, spacing)
    if seeds is None:
        return None
    is_right = _nearer(inside, *seeds, spacing)
    right[at], left[at] = inside & is_right, inside & ~is_right
    return right, left


def _trachea(hu: NDArray[Any], body: Mask3, lungs: Mask3, spacing: Spacing) -> Mask3:
    """The longest column of round air near the middle, in the upper part of the lungs and above."""
    filled = np.flatnonzero(lungs.any(axis=(0, 1)))
    if not filled.size:
        return np.zeros(hu.shape, np.bool_)
    first = int(filled[0] + 0.4 * (filled[-1] - filled[0]))
    dark = body & (hu < TRACHEA_HU)
    dark[..., :first] = False
    return columns.found(dark, body, TRACHEA_MM2, OFF_MIDDLE_MM, SEED_MM, spacing)[0]


def _around(seed: Mask3, spacing: Spacing) -> tuple[slice, slice, slice]:
    """The box that holds the main bronchi of a trachea: 90 and 80 mm around it, 80 mm below, up to the top."""
    box = bounding_slices(seed)
    x, y = ((box[a].start + box[a].stop) / 2 for a in (0, 1))
    return (
        slice(max(0, int(x - 90 / spacing[0])), int(x + 90 / spacing[0])),
        slice(max(0, int(y - 80 / spacing[1])), int(y + 80 / spacing[1])),
        slice(max(0, int(box[2].start - 80 / spacing[2])), seed.shape[2]),
    )


def _grown_until_leak(hu: NDArray[np.float32], body: Mask3, seed: Mask3, spacing: Spacing) -> Mask3:
    ml = float(np.prod(spacing)) / 1000.0
    tree, volume = seed, float(np.count_nonzero(seed)) * ml
    for threshold in GROW_HU:
        grown = parts.touching(body & (hu < threshold), seed, 6)
        more = float(np.count_nonzero(grown)) * ml
        if more > TREE_ML or (more > LEAK_RATIO * volume and more - volume > LEAK_ML and threshold > GROW_HU[0]):
            break
        tree, volume = grown | seed, more
    return tree


def _middle(body: Mask3) -> float:
    """The index along x that the body's outer borders lie around, the median over its slices."""
    seen = np.asarray(body.any(axis=1))
    edges = [np.flatnonzero(seen[:, k])[[0, -1]].mean() for k in range(seen.shape[1]) if seen[:, k].any()]
    return float(np.median(edges)) if edges else (body.shape[0] - 1) / 2


def _seeds(lungs: Mask3, middle: float, spacing: Spacing) -> tuple[Mask3, Mask3] | None:
    """Cores of the right and the left lung."""
    x: Mask3 = np.arange(lungs.shape[0]) > middle
    for width in (0.0, 3.0, 5.0, 7.0, 10.0, 14.0, 20.0, 28.0):
        core = reach.shrunk(lungs, width / 2, spacing) if width else lungs
        labels, sizes = parts.labelled(core, 6)
        on_right = np.bincount(labels[x].ravel(), minlength=len(sizes))
        share = on_right / np.maximum(sizes, 1)
        large = sizes >= 0.08 * max(1, int(sizes.sum()))
        if not large.any() or bool(np.any(large & (share > 0.2) & (share < 0.8))):
            continue
        # Small pieces (a lingula, a fissure's lobe) go by their own place where it is clear.
        clear = (sizes > 0) & ((share <= 0.2) | (share >= 0.8))
        return parts.chosen(labels, clear & (share >= 0.8)), parts.chosen(labels, clear & (share <= 0.2))
    return None


def _nearer(lungs: Mask3, right: Mask3, left: Mask3, spacing: Spacing) -> Mask3:
    """True where the right seed is nearer than the left, by distances on a grid of about 3 mm."""
    from scipy.ndimage import distance_transform_edt

    if not right.any() or not left.any():
        return np.full(lungs.shape, bool(right.any()))
    step = [max(1, round(3.0 / s)) for s in spacing]
    coarse = [s * n for s, n in zip(spacing, step, strict=True)]
    to_right, to_left = (
        distance_transform_edt(~_blocks(seed, step), sampling=coarse).astype(np.float32) for seed in (right, left)
    )
    index = np.ix_(*(np.arange(n) // s for n, s in zip(lungs.shape, step, strict=True)))
    is_right = np.asarray((to_right < to_left)[index])
    # A part that holds one seed alone is of that side, wherever it lies.
    is_right |= right
    is_right &= ~left
    return is_right


def _blocks(mask: Mask3, step: list[int]) -> Mask3:
    """True where any voxel of a block is."""
    padded = np.pad(mask, [(0, -n % s) for n, s in zip(mask.shape, step, strict=True)])
    shape = [v for n, s in zip(padded.shape, step, strict=True) for v in (n // s, s)]
    return np.asarray(padded.reshape(shape).any(axis=(1, 3, 5)))
