"""Seeded segmentation: the structure around points that a person clicks, without a trained network.

`Promptable` is what every engine for clicks answers to, this one and networks alike; `WindowEngine` is the classical
one. Arrays are (x, y, z) in RAS+ order; a single slice is an array with one voxel along the axis across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import seeded_choice, seeded_grid, seeded_windows
from scanwright.tools.morphology.seeded_grid import Index, WorkingGrid
from scanwright.tools.morphology.seeded_windows import Candidate

# Tried on the cases of the accuracy run: twice as many gain a hundredth of Dice and take twice as long.
WORKING_VOXELS = 60_000
# Clicks whose regions are kept, each about half a megabyte.
CLICKS_KEPT = 24


@dataclass(frozen=True)
class Prompt:
    """What a person says of a structure, on one crop: indices (x, y, z) of voxels inside it and outside it.

    box is the structure's box (lowest corner, highest corner, both included); scribble a mask (x, y, z) of voxels
    that were painted over as inside. At least one of inside, box and scribble is given.
    """

    inside: tuple[Index, ...] = ()
    outside: tuple[Index, ...] = ()
    box: tuple[Index, Index] | None = None
    scribble: NDArray[np.bool_] | None = None

    def seeds(self) -> tuple[Index, ...]:
        """Voxels to start from: the clicks, else the scribble's (no more than eight), else the middle of the box."""
        if self.inside:
            return self.inside
        if self.scribble is not None and self.scribble.any():
            painted = np.argwhere(self.scribble)
            chosen = painted[np.unique(np.linspace(0, len(painted) - 1, 8).astype(int))]
            return tuple((int(i), int(j), int(k)) for i, j, k in chosen)
        if self.box is not None:
            i, j, k = ((low + high) // 2 for low, high in zip(*self.box, strict=True))
            return ((i, j, k),)
        return ()


class Promptable(Protocol):
    """An engine that segments by prompts: this classical one, or a network that takes points, boxes and scribbles."""

    name: str

    def segment(self, crop: NDArray[Any], spacing_mm: tuple[float, float, float], prompt: Prompt) -> NDArray[np.bool_]:
        """The mask (x, y, z) of what the prompt means on crop (x, y, z). Empty where nothing stands out there.

        Raises ValueError where the prompt names no voxel inside the crop.
        """
        ...


class WindowEngine:
    """Windows of intensity around each click; the region whose boundary lies on edges, and which is round, is taken.

    The windows around a click's own value give nested connected regions, each also with narrow passages closed. Of
    those the best is the one with most of its boundary on edges (after Hojjatoleslami and Kittler, IEEE Trans Image
    Process 1998;7:1079–1084) and with few of the clicks outside in it. A further click inside adds its own region;
    a click outside takes away the part it lies in, parted by the watershed of the distance from the boundary (Beucher
    and Meyer 1993). What was worked out for a click is kept for the next call on the same crop.
    """

    name = "windows of intensity, best boundary"

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Index], list[Candidate]] = {}

    def segment(self, crop: NDArray[Any], spacing_mm: tuple[float, float, float], prompt: Prompt) -> NDArray[np.bool_]:
        """See Promptable."""
        seeds = prompt.seeds()
        if not seeds:
            raise ValueError("a prompt needs a point inside the structure, a box or a scribble")
        for at in (*seeds, *prompt.outside):
            if any(not 0 <= i < n for i, n in zip(at, crop.shape, strict=True)):
                raise ValueError(f"the point {at} lies outside the crop of shape {crop.shape}")
        nothing = np.zeros(crop.shape, np.bool_)
        if not all(np.isfinite(crop[at]) for at in seeds):
            return nothing
        grid = WorkingGrid.of(crop, spacing_mm, WORKING_VOXELS)
        outside = tuple(dict.fromkeys(grid.index(at) for at in prompt.outside))
        inside = tuple(at for at in dict.fromkeys(grid.index(at) for at in seeds) if at not in outside)
        if not inside:
            return nothing
        allowed = _allowed(grid, prompt)
        key = sha256(grid.values.tobytes() + (b"" if allowed is None else allowed.tobytes())).hexdigest()
        found = {at: self._candidates(key, grid, at, allowed) for at in inside}
        region = seeded_choice.first_region(found[inside[0]], outside)
        if region is None:
            return nothing
        before = region
        for at in inside[1:]:
            region = seeded_choice.with_click(grid, region, found[at], at, outside)
        for at in outside:
            region = seeded_choice.without_click(grid, region, at, inside, outside)
        region = seeded_choice.kept(region if allowed is None else region & allowed, inside, outside)
        result = seeded_grid.refined(crop, grid, region, region != before)
        if prompt.scribble is not None:
            result |= prompt.scribble
        for at in seeds:
            result[at] = True
        for at in prompt.outside:
            result[at] = False
        return result

    def _candidates(self, key: str, grid: WorkingGrid, at: Index, allowed: NDArray[np.bool_] | None) -> list[Candidate]:
        known = self._kept.pop((key, at), None)
        self._kept[key, at] = seeded_windows.candidates(grid, at, allowed) if known is None else known
        while len(self._kept) > CLICKS_KEPT:
            del self._kept[next(iter(self._kept))]
        return self._kept[key, at]


def _allowed(grid: WorkingGrid, prompt: Prompt) -> NDArray[np.bool_] | None:
    """The blocks of the box, where one is given."""
    if prompt.box is None:
        return None
    low, high = (grid.index(corner) for corner in prompt.box)
    allowed = np.zeros(grid.values.shape, np.bool_)
    allowed[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))] = True
    return allowed


def segment_by(
    engine: Promptable, crop: NDArray[Any], spacing_mm: Sequence[float], prompt: Prompt
) -> NDArray[np.bool_]:
    """The part of an engine's mask that its clicks lie in: loose pieces elsewhere are none of what was meant."""
    from scanwright.tools.morphology import parts

    x, y, z = (float(s) for s in spacing_mm)
    mask = engine.segment(crop, (x, y, z), prompt)
    if not mask.any():
        return mask
    seeds = np.zeros(mask.shape, np.bool_)
    for at in prompt.seeds():
        seeds[at] = True
    return parts.touching(mask, seeds & mask)
