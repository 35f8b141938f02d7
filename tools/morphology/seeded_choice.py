"""From regions around clicks to the one that was meant: what agrees with all clicks, and corrections near each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import parts
from scanwright.tools.morphology.seeded_grid import Index, WorkingGrid
from scanwright.tools.morphology.seeded_windows import Candidate, around, depth_mm

# What is left of a region's score for each click outside that it takes in.
SPILT = 0.8
# A click outside takes away no more than this share of what is there; where it would, only what is near it.
TAKEN = 0.5
# A further click adds no more than this share of what is there: it corrects, it does not begin anew.
ADDED = 0.5
# How far around itself a click corrects: so many times its distance from the boundary, and so many blocks.
REACH, BEYOND = 1.0, 1.5
# Hollows up to this share of a region belong to it (vessels, calcifications).
HOLLOW = 0.05


def first_region(found: Sequence[Candidate], outside: Sequence[Index]) -> NDArray[np.bool_] | None:
    """The region that stands out best, with few of the clicks outside in it; None where there is none."""
    best, best_score = None, 0.0
    for each in found:
        spilt = sum(each.holds(at) for at in outside)
        score = each.score * SPILT**spilt
        if score > best_score:
            best, best_score = each, score
    return None if best is None else best.region.copy()


def with_click(
    grid: WorkingGrid, region: NDArray[np.bool_], found: Sequence[Candidate], at: Index, outside: Sequence[Index]
) -> NDArray[np.bool_]:
    """region and what a further click inside adds: its own region where that is small, else what is near and alike."""
    if region[at]:
        return region
    limit = ADDED * np.count_nonzero(region)
    fitting = [
        c for c in found
        if not any(c.holds(o) for o in outside) and np.count_nonzero(c.region & ~region) <= limit
    ]  # fmt: skip
    near = _near(grid, region, at)
    if fitting:
        near = near | max(fitting, key=lambda c: c.score).region
    return region | near


def without_click(
    grid: WorkingGrid, region: NDArray[np.bool_], at: Index, inside: Sequence[Index], outside: Sequence[Index]
) -> NDArray[np.bool_]:
    """region without the part that a click outside lies in, parted at the narrowest places, and what is near it."""
    from skimage.segmentation import watershed

    if not region[at]:
        return region
    depth = depth_mm(grid, region)
    depth[~np.isfinite(depth)] = 0.0
    markers = np.zeros(region.shape, np.int32)
    for each in inside:
        markers[each] = 1
    for each in outside:
        markers[each] = 2
    taken: NDArray[np.bool_] = np.asarray(watershed(-depth, markers, mask=region) == 2)
    if np.count_nonzero(taken) > TAKEN * np.count_nonzero(region):
        taken[:] = False
    # A click in a thin crust takes the crust near it, not all that the crust surrounds.
    taken |= _near(grid, region, at)
    return region & ~taken


def kept(region: NDArray[np.bool_], inside: Sequence[Index], outside: Sequence[Index]) -> NDArray[np.bool_]:
    """The parts of a region that clicks lie in, without small hollows."""
    from scipy.ndimage import binary_fill_holes

    seeds = np.zeros(region.shape, np.bool_)
    for at in inside:
        seeds[at] = True
    region = parts.touching(region | seeds, seeds, 6)
    flat = next((axis for axis, n in enumerate(region.shape) if n == 1), None)
    filled = (
        binary_fill_holes(region) if flat is None else np.expand_dims(binary_fill_holes(region.squeeze(flat)), flat)
    )
    labels, sizes = parts.labelled(filled & ~region, 6)
    keep = (sizes > 0) & (sizes <= HOLLOW * np.count_nonzero(region))
    keep[[int(labels[at]) for at in outside]] = False
    return region | parts.chosen(labels, keep)


def _near(grid: WorkingGrid, region: NDArray[np.bool_], at: Index) -> NDArray[np.bool_]:
    """The blocks on a click's side of the boundary within its distance from it, and no more unlike it than the rest."""
    side = region if region[at] else ~region
    reach = float(depth_mm(grid, side)[at])
    step = max(s for s, n in zip(grid.spacing_mm, region.shape, strict=True) if n > 1)
    away = sum(
        ((np.arange(n) - i) * s).reshape([-1 if a == axis else 1 for a in range(3)]) ** 2
        for axis, (n, i, s) in enumerate(zip(region.shape, at, grid.spacing_mm, strict=True))
    )
    middle, spread, _ = around(grid.values, at)
    alike = np.abs(grid.values - middle) <= 3 * spread
    ball = np.asarray(away <= (REACH * min(reach, 1e6) + BEYOND * step) ** 2)
    near = side & ball & alike
    near[at] = True
    return np.asarray(near)
