"""Windows of intensity around a click, and how well the region that each gives stands out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import parts
from scanwright.tools.morphology.seeded_grid import Index, WorkingGrid

LEVELS = 14
# Passages narrower than these shares of the width at the click are closed in turn: a leak is narrower than the body.
CLOSED = (0.0, 0.15, 0.3, 0.45, 0.6)
# An edge counts in full where it rises by this many times the spread around the click.
EDGE = 3.0
# A region that scores less is no structure that stands out: even noise gives up to 0.2 in a volume. On a single slice
# it gives up to 0.4, and a body as faint as its noise 0.2, so that there the person has to look.
LEAST, LEAST_FLAT = 0.2, 0.08
# A region that takes up more of the faces of what is looked at is the background.
BACKGROUND = 0.5
# Regions of fewer blocks score less: a speck of noise has sharp edges too.
SPECK = 50.0


@dataclass(frozen=True)
class Candidate:
    """A region (blocks, packed) around a click and its score, from 0 to about 1."""

    packed: NDArray[np.uint8]
    shape: Index
    score: float
    blocks: int

    @cached_property
    def region(self) -> NDArray[np.bool_]:
        """The region (x, y, z)."""
        count = int(np.prod(self.shape))
        return np.unpackbits(self.packed, count=count).astype(np.bool_).reshape(self.shape)

    def holds(self, at: Index) -> bool:
        """True where a block lies in the region."""
        return bool(self.region[at])


def candidates(grid: WorkingGrid, at: Index, allowed: NDArray[np.bool_] | None = None) -> list[Candidate]:
    """Regions around a click that stand out, from narrow windows to wide ones, whole and with passages closed."""
    middle, spread, widest = around(grid.values, at)
    apart = np.abs(grid.values - middle)
    edges = _edges(grid, EDGE * spread)
    least = max(float(apart[at]) * 1.01, spread)
    least_score = LEAST if _flat_axis(grid.values.shape) is None else LEAST_FLAT
    found: list[Candidate] = []
    seen: set[tuple[int, float]] = set()
    for width in np.geomspace(least, max(widest, 1.5 * least), LEVELS):
        window = apart <= width
        if allowed is not None:
            window &= allowed
        for region in _regions(grid, window, at):
            score = _score(grid, region, edges)
            if score < least_score:
                continue
            blocks = int(np.count_nonzero(region))
            if (blocks, score) in seen:
                continue
            seen.add((blocks, score))
            i, j, k = region.shape
            found.append(Candidate(np.packbits(region), (i, j, k), score, blocks))
    return found


def around(values: NDArray[np.float32], at: Index) -> tuple[float, float, float]:
    """The median around a block, the spread there (no less than the noise), and the widest window of sense."""
    ball = values[tuple(slice(max(0, i - 1), i + 2) for i in at)]
    middle = float(np.median(ball))
    low, high = (float(v) for v in np.percentile(values, (1, 99)))
    noise = max(_noise(values, axis) for axis in range(3))
    spread = max(1.4826 * float(np.median(np.abs(ball - middle))), noise, 0.005 * (high - low), 1e-6)
    return middle, spread, max(high - middle, middle - low, 4 * spread) / 2


def depth_mm(grid: WorkingGrid, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance of each block of a mask from the nearest outside it; the end of the array is no outside."""
    from scipy.ndimage import distance_transform_edt

    if mask.all():
        return np.full(mask.shape, np.inf)
    flat = _flat_axis(mask.shape)
    step = grid.spacing_mm
    if flat is None:
        return np.asarray(distance_transform_edt(mask, sampling=step))
    sampling = tuple(s for axis, s in enumerate(step) if axis != flat)
    return np.expand_dims(distance_transform_edt(mask.squeeze(flat), sampling=sampling), flat)


def _regions(grid: WorkingGrid, window: NDArray[np.bool_], at: Index) -> list[NDArray[np.bool_]]:
    whole = _part_at(window, at)
    if whole is None:
        return []
    found = [whole]
    depth = depth_mm(grid, whole)
    step = _step(grid)
    for share in CLOSED[1:]:
        by = share * float(depth[at])
        # Below one block nothing is closed that the window has not closed itself.
        if step <= by < np.inf:
            core = _part_at(depth > by, at)
            if core is not None:
                found.append(_grown_back(grid, core, whole, by + step / 2))
    return found


def _grown_back(grid: WorkingGrid, core: NDArray[np.bool_], whole: NDArray[np.bool_], by: float) -> NDArray[np.bool_]:
    """The blocks of whole no farther from core than by, worked out in a box around it."""
    from scanwright.tools.imaging import axes

    box = tuple(
        slice(max(0, s.start - margin), s.stop + margin)
        for s, margin in zip(axes.bounding_slices(core), (int(by / s) + 1 for s in grid.spacing_mm), strict=True)
    )
    result = np.zeros(whole.shape, np.bool_)
    result[box] = whole[box] & (depth_mm(grid, ~core[box]) <= by)
    return result


def _score(grid: WorkingGrid, region: NDArray[np.bool_], edges: tuple[NDArray[np.float32], ...]) -> float:
    """The share of the boundary that lies on edges, times the root of how round the region is (a ball: 1).

    Faces at the end of the array lie on no edge, and count twice: what is cut there is seldom what was meant.
    """
    flat = _flat_axis(region.shape)
    step = grid.spacing_mm
    thick = 1.0 if flat is None else step[flat]
    on_edge = area = cut = 0.0
    for axis in range(3):
        if axis == flat:
            continue
        face = float(np.prod(step)) / step[axis] / thick
        differs = region.take(range(1, region.shape[axis]), axis) != region.take(range(region.shape[axis] - 1), axis)
        on_edge += face * float(edges[axis][differs].sum())
        area += face * int(np.count_nonzero(differs))
        cut += face * int(np.count_nonzero(region.take((0, -1), axis=axis)))
    size = np.count_nonzero(region) * float(np.prod(step)) / thick
    if cut > BACKGROUND * _surface(grid):
        return 0.0
    faces = max(area + cut, 1e-9)
    roundness = (
        2 * (np.pi * size) ** 0.5 / faces if flat is not None else (36 * np.pi) ** (1 / 3) * size ** (2 / 3) / faces
    )
    speck = np.count_nonzero(region) / (np.count_nonzero(region) + SPECK)
    return float(on_edge / (faces + cut) * roundness**0.5 * speck)


def _surface(grid: WorkingGrid) -> float:
    """The surface of the whole grid, in mm² (the outline of a single slice, in mm)."""
    flat = _flat_axis(grid.values.shape)
    x, y, z = (float(n * s) for n, s in zip(grid.values.shape, grid.spacing_mm, strict=True))
    if flat is not None:
        return 2 * sum(e for axis, e in enumerate((x, y, z)) if axis != flat)
    return 2 * (x * y + y * z + x * z)


def _noise(values: NDArray[np.float32], axis: int) -> float:
    """The noise along one axis, from the median step between neighbours."""
    if values.shape[axis] < 2:
        return 0.0
    return 1.4826 * float(np.median(np.abs(np.diff(values, axis=axis)))) / 2**0.5


def _edges(grid: WorkingGrid, full: float) -> tuple[NDArray[np.float32], ...]:
    """For each axis how much of an edge lies between each block and the next, 0 to 1."""
    return tuple(np.minimum(np.abs(np.diff(grid.values, axis=a)) / full, 1.0).astype(np.float32) for a in range(3))


def _part_at(window: NDArray[np.bool_], at: Index) -> NDArray[np.bool_] | None:
    if not window[at]:
        return None
    labels, _ = parts.labelled(window, 6)
    return np.asarray(labels == labels[at])


def _step(grid: WorkingGrid) -> float:
    return min(s for s, n in zip(grid.spacing_mm, grid.values.shape, strict=True) if n > 1 or grid.values.size == 1)


def _flat_axis(shape: tuple[int, ...]) -> int | None:
    """The axis across a single slice, or None."""
    return next((axis for axis, n in enumerate(shape) if n == 1), None)
