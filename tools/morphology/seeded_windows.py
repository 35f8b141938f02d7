"""Windows of intensity around a click, the region of the best boundary, and what clicks outside take away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import parts
from scanwright.tools.morphology.seeded_grid import Index, WorkingGrid

LEVELS = 18
# Passages of so many blocks' half width are closed in turn.
CLOSED = (0.0, 1.0, 2.0)
# An edge counts in full where it rises by this many times the spread around the click.
EDGE = 3.0
# A region with a lesser share of its boundary on edges is no structure that stands out.
LEAST = 0.25
# Hollows up to this share of a region belong to it (vessels, calcifications).
HOLLOW = 0.05


def grown(
    grid: WorkingGrid, at: Index, allowed: NDArray[np.bool_], outside: Sequence[Index] = ()
) -> NDArray[np.bool_]:
    """The region (blocks) around a click; empty where none stands out."""
    from scipy.ndimage import distance_transform_edt

    middle, spread, widest = _around(grid.values, at)
    apart = np.abs(grid.values - middle)
    edges = _edges(grid.values, EDGE * spread)
    best, best_score = np.zeros(apart.shape, np.bool_), LEAST
    least = max(float(apart[at]) * 1.01, spread)
    for width in np.geomspace(least, max(widest, 1.5 * least), LEVELS):
        window = (apart <= width) & allowed
        depth = None
        for closed in CLOSED:
            if closed:
                if depth is None:
                    depth = distance_transform_edt(np.pad(window, 1, mode="edge"))[1:-1, 1:-1, 1:-1]
                region = _opened(window, depth, closed, at)
            else:
                region = _part_at(window, at)
            if region is None:
                continue
            score = _score(region, edges)
            if score > best_score:
                best, best_score = region, score
    return _filled(best)


def parted(
    grid: WorkingGrid, region: NDArray[np.bool_], inside: Sequence[Index], outside: Sequence[Index]
) -> NDArray[np.bool_]:
    """region without what lies nearer to the clicks outside than to those inside, along paths of like intensity."""
    to_inside = _distance(grid, region, inside)
    to_outside = _distance(grid, region, outside)
    return region & (to_inside < to_outside)


def _distance(grid: WorkingGrid, region: NDArray[np.bool_], seeds: Sequence[Index]) -> NDArray[np.float64]:
    """Geodesic distance from the nearest of some clicks inside a region (and one block around each click)."""
    from skimage.graph import MCP_Geometric

    around = [_around(grid.values, at) for at in seeds]
    apart = np.min([np.abs(grid.values - middle) / spread for middle, spread, _ in around], axis=0)
    cost = np.where(region, 1.0 + np.minimum(apart, 20.0) ** 2, -1.0)
    for at in seeds:
        cost[at] = max(cost[at], 1.0)
        ball = tuple(slice(max(0, i - 1), i + 2) for i in at)
        cost[ball] = np.maximum(cost[ball], 1.0)
    distance, _ = MCP_Geometric(cost, fully_connected=False, sampling=grid.spacing_mm).find_costs(list(seeds))
    return np.asarray(distance)


def _around(values: NDArray[np.float32], at: Index) -> tuple[float, float, float]:
    """The median around a block, the spread there, and the widest window that makes sense."""
    ball = values[tuple(slice(max(0, i - 1), i + 2) for i in at)]
    middle = float(np.median(ball))
    low, high = (float(v) for v in np.percentile(values[::2, ::2, ::2], (1, 99)))
    spread = max(1.4826 * float(np.median(np.abs(ball - middle))), 0.005 * (high - low), 1e-6)
    return middle, spread, max(high - middle, middle - low, 4 * spread) / 2


def _edges(values: NDArray[np.float32], full: float) -> tuple[NDArray[np.float32], ...]:
    """For each axis how much of an edge lies between each block and the next, 0 to 1."""
    return tuple(np.minimum(np.abs(np.diff(values, axis=axis)) / full, 1.0).astype(np.float32) for axis in range(3))


def _score(region: NDArray[np.bool_], edges: tuple[NDArray[np.float32], ...]) -> float:
    """The share of the region's boundary that lies on edges; faces at the end of the array lie on none."""
    on_edge, faces = 0.0, 0
    for axis in range(3):
        if region.shape[axis] == 1:
            continue
        differs = np.diff(region, axis=axis)
        on_edge += float(edges[axis][differs].sum())
        faces += int(np.count_nonzero(differs))
        faces += int(np.count_nonzero(region.take((0, -1), axis=axis)))
    return on_edge / max(faces, 1)


def _part_at(window: NDArray[np.bool_], at: Index) -> NDArray[np.bool_] | None:
    if not window[at]:
        return None
    labels, _ = parts.labelled(window, 6)
    return np.asarray(labels == labels[at])


def _opened(
    window: NDArray[np.bool_], depth: NDArray[np.float64], by: float, at: Index
) -> NDArray[np.bool_] | None:
    """The part at a click of what is left where passages narrower than twice `by` are closed, grown back."""
    from scipy.ndimage import distance_transform_edt

    core = _part_at(depth > by, at)
    if core is None:
        return None
    return window & (distance_transform_edt(~core) <= by + 0.5)


def _filled(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_fill_holes

    if not region.any():
        return region
    flat = [axis for axis, n in enumerate(region.shape) if n == 1]
    filled = (
        np.expand_dims(binary_fill_holes(region.squeeze(flat[0])), flat[0]) if flat else binary_fill_holes(region)
    )
    labels, sizes = parts.labelled(filled & ~region, 6)
    return region | parts.chosen(labels, (sizes > 0) & (sizes <= HOLLOW * np.count_nonzero(region)))
