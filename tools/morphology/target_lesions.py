"""Target lesions of a mask by RECIST 1.1: its separate parts, each with its diameter in the axial plane, and response.

Eisenhauer et al., Eur J Cancer 2009;45:228–247: longest diameter, of lymph nodes the short axis; at most five.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging import axes, extent
from scanwright.tools.imaging.geometry import Geometry

Category = Literal["CR", "PR", "SD", "PD"]

AT_MOST: Final = 5
LESION_MM, NODE_MM, NODE_GONE_MM = 10.0, 15.0, 10.0
# Slices thicker than 5 mm raise what is measurable to twice their thickness.
THICK_MM: Final = 5.0
PARTS_AT_MOST: Final = 100
ORDER: tuple[Category, ...] = ("CR", "PR", "SD", "PD")


class TooManyParts(Exception):
    """The mask has more separate parts than anybody marks as lesions."""


@dataclass(frozen=True)
class Lesion:
    """A separate part: its longest axial line, the extent at right angles to it, and the stored slice of both."""

    line: extent.Diameter
    slice_index: int
    node: bool

    @property
    def short_mm(self) -> float:
        """The short axis on the slice of the longest diameter."""
        return self.line.across_mm or 0.0

    @property
    def mm(self) -> float:
        """What counts: the longest diameter, of a lymph node the short axis."""
        return self.short_mm if self.node else self.line.length_mm

    @property
    def low_mm(self) -> float:
        """Half a voxel less at each end."""
        return max(0.0, self.mm - self.line.voxel_mm)

    @property
    def high_mm(self) -> float:
        """Half a voxel more at each end."""
        return self.mm + self.line.voxel_mm


def lesions(mask: NDArray[np.bool_], geometry: Geometry, *, nodes: bool) -> list[Lesion]:
    """The separate parts (26 neighbours) of a mask (i, j, k), the largest first. Raises TooManyParts."""
    import cc3d

    if not mask.any():
        return []
    around = axes.bounding_slices(mask)
    labels = cc3d.connected_components(mask[around].astype(np.uint8), connectivity=26)
    boxes = cc3d.statistics(labels)["bounding_boxes"][1:]
    if len(boxes) > PARTS_AT_MOST:
        raise TooManyParts
    axis = geometry.axes[2]
    found = []
    for number, box in enumerate(boxes, start=1):
        part = np.ascontiguousarray(labels[box] == number)
        start = [s.start + a.start for s, a in zip(box, around, strict=True)]
        moved = geometry.matrix.copy()
        moved[:3, 3] = axes.to_mm(np.array([start]), geometry.matrix)[0]
        best: tuple[extent.Diameter, int] | None = None
        for index in range(part.shape[axis]):
            line = extent.longest_in_slice(part, moved, axis, index)
            if line is not None and (best is None or line.length_mm > best[0].length_mm):
                best = (line, index + start[axis])
        if best is not None:
            found.append(Lesion(best[0], best[1], nodes))
    return sorted(found, key=lambda lesion: -lesion.mm)


def measurable_mm(geometry: Geometry, *, nodes: bool) -> float:
    """What a lesion must have at baseline to be a target."""
    thickness = geometry.spacing_mm[geometry.axes[2]]
    least = NODE_MM if nodes else LESION_MM
    return max(least, 2 * thickness) if thickness > THICK_MM else least


def summed(chosen: Sequence[Lesion]) -> tuple[float, float, float]:
    """The lowest, the measured and the highest sum of diameters in mm."""
    return sum(s.low_mm for s in chosen), sum(s.mm for s in chosen), sum(s.high_mm for s in chosen)


def category(baseline_mm: float, later_mm: float, *, gone: bool) -> Category:
    """Response of target lesions where the baseline is the nadir too; gone: none is left (nodes: all under 10 mm)."""
    if gone:
        return "CR"
    grown = later_mm - baseline_mm
    if grown >= 5.0 and grown >= 0.2 * baseline_mm:
        return "PD"
    return "PR" if -grown >= 0.3 * baseline_mm else "SD"


def possible(
    baseline: tuple[float, float, float], later: tuple[float, float, float], *, surely_gone: bool, maybe_gone: bool
) -> tuple[Category, ...]:
    """The categories that the ranges of both sums allow, from CR to PD."""
    if surely_gone:
        return ("CR",)
    ends = {category(b, n, gone=False) for b in baseline for n in later}
    first, last = min(map(ORDER.index, ends)), max(map(ORDER.index, ends))
    return (*(("CR",) if maybe_gone else ()), *ORDER[first : last + 1])
