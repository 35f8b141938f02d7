"""Seeded segmentation: the structure around points that a person clicks, without a trained network.

`Promptable` is what every engine for clicks answers to, this one and networks alike; `WindowEngine` is the classical
one. Arrays are (x, y, z) in RAS+ order; a single slice is an array with one voxel along the axis across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology import seeded_grid, seeded_windows
from scanwright.tools.morphology.seeded_grid import Index, WorkingGrid

# Tried on phantoms and on the organs of the accuracy run: 64³ gains nothing over it and takes twice as long.
WORKING_VOXELS = 110_000


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

    def segment(
        self, crop: NDArray[Any], spacing_mm: tuple[float, float, float], prompt: Prompt
    ) -> NDArray[np.bool_]:
        """The mask (x, y, z) of what the prompt means on crop (x, y, z). Empty where nothing stands out there.

        Raises ValueError where the prompt names no voxel inside the crop.
        """
        ...


class WindowEngine:
    """Region growing by windows of intensity around each click, parted by geodesic distance from what is outside.

    For each click inside, the windows around its local value give nested connected regions, each also with narrow
    passages closed; the one whose boundary lies on edges for most of its length is taken (after Hojjatoleslami and
    Kittler, IEEE TIP 1998;7:1079–1084). Clicks outside take the part that is nearer to them along paths of like
    intensity (Criminisi et al., ECCV 2008, geodesic segmentation).
    """

    name = "windows and geodesic distance"

    def segment(
        self, crop: NDArray[Any], spacing_mm: tuple[float, float, float], prompt: Prompt
    ) -> NDArray[np.bool_]:
        """See Promptable."""
        seeds = prompt.seeds()
        if not seeds:
            raise ValueError("a prompt needs a point inside the structure, a box or a scribble")
        for at in (*seeds, *prompt.outside):
            if any(not 0 <= i < n for i, n in zip(at, crop.shape, strict=True)):
                raise ValueError(f"the point {at} lies outside the crop of shape {crop.shape}")
        if not all(np.isfinite(crop[at]) for at in seeds):
            return np.zeros(crop.shape, np.bool_)
        grid = WorkingGrid.of(crop, spacing_mm, WORKING_VOXELS)
        allowed = self._allowed(grid, prompt)
        region = np.zeros(grid.values.shape, np.bool_)
        inside = [grid.index(at) for at in seeds]
        outside = [grid.index(at) for at in prompt.outside]
        for at in dict.fromkeys(inside):
            region |= seeded_windows.grown(grid, at, allowed, outside)
        if outside and region.any():
            region = seeded_windows.parted(grid, region, inside, outside)
        region &= allowed
        if not region.any():
            return np.zeros(crop.shape, np.bool_)
        result = seeded_grid.refined(crop, grid, region)
        for at, value in ((*((a, True) for a in seeds), *((a, False) for a in prompt.outside))):
            result[at] = value
        if prompt.scribble is not None:
            result |= prompt.scribble
        return result

    def _allowed(self, grid: WorkingGrid, prompt: Prompt) -> NDArray[np.bool_]:
        allowed = np.ones(grid.values.shape, np.bool_)
        if prompt.box is not None:
            low, high = (grid.index(corner) for corner in prompt.box)
            allowed[:] = False
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
