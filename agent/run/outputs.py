"""Outputs: what a tool gave is looked at before it counts; a value that cannot be is no result.

The tool's own checks run in its worker. These run here, so that a tool that lies about grid, unit or size is a failed
step and never a number in an answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
from scanwright.agent.answer.units import CANONICAL_UNITS, SHOWN_UNITS, convertible, factor
from scanwright.tools.artifacts import Artifact, LabelMap, Mask, Measurement, Measurements, Volume
from scanwright.tools.hashing import pixel_hash

_UNSIGNED = frozenset(
    {
        "volume", "component_volumes", "volume_fraction", "surface_area", "longest_diameter", "longest_axial_diameter",
        "axial_diameters", "bounding_box", "spacing", "field_of_view", "emphysema_index", "area_at_level",
        "component_count", "dimensions",
    }
)  # fmt: skip
_SLACK = 1.05  # an outline moved by half a voxel may reach a little beyond the scan
Inputs = Mapping[str, Artifact | tuple[Artifact, ...]]


def what_is_wrong(artifact: Artifact, inputs: Inputs) -> str | None:
    """Why an output cannot be believed, in one sentence; None where nothing speaks against it."""
    if isinstance(artifact, Mask | LabelMap | Volume) and artifact.type.grid not in (None, artifact.geometry.grid):
        return "It gave voxels on another grid than it said."
    if isinstance(artifact, Mask) and artifact.voxels == 0 and not _is_empty(artifact):
        return "It said that it found nothing, and its mask is not empty."
    found: tuple[Measurement, ...] = (artifact,) if isinstance(artifact, Measurement) else ()
    if isinstance(artifact, Measurements):
        found = artifact.items
    scans = [g.geometry for g in _given(inputs) if isinstance(g, Volume | Mask | LabelMap)]
    largest_ml = max((math.prod(g.shape) * g.voxel_ml for g in scans), default=None)
    return next((wrong for m in found if (wrong := _measurement(m, largest_ml)) is not None), None)


def _is_empty(mask: Mask) -> bool:
    nothing = np.zeros(mask.geometry.shape, np.uint8)
    return mask.pixel_hash == pixel_hash(nothing, mask.geometry.matrix)


def _given(inputs: Inputs) -> Iterator[Artifact]:
    for value in inputs.values():
        yield from value if isinstance(value, tuple) else (value,)


def _measurement(m: Measurement, largest_ml: float | None) -> str | None:
    usual = CANONICAL_UNITS.get(m.quantity)
    if isinstance(m.value, str):
        return None if usual is None else f"It gave words for {m.quantity}, which is a number."
    if not _is_unit(m.unit):
        return f"It gave {m.quantity} in a unit that nobody knows."
    # A length on a picture whose pixels have no known size is told in pixels.
    in_pixels = m.unit == "{pixels}" and usual is not None and convertible(usual, "mm")
    if usual not in (None, "1") and m.value is not None and not in_pixels and not convertible(m.unit, str(usual)):
        return f"It gave {m.quantity} in {m.unit or 'no unit'}, which is no unit of that."
    values = m.value if isinstance(m.value, tuple) else () if m.value is None else (m.value,)
    if not all(math.isfinite(v) for v in values):
        return f"It gave {m.quantity} as a number that is none."
    if m.quantity in _UNSIGNED and any(v < 0 for v in values):
        return f"It gave a negative {m.quantity}."
    if m.quantity == "volume" and largest_ml is not None:
        in_ml = factor(m.unit, "mL")
        if any(v * in_ml > largest_ml * _SLACK for v in values):
            return "It gave a volume that is larger than the scan."
    u = m.uncertainty
    if u is not None and u.low is not None and u.high is not None and isinstance(m.value, int | float):
        slack = 1e-6 * max(abs(m.value), abs(u.high), 1.0)
        if not u.low - slack <= m.value <= u.high + slack:
            return f"It gave {m.quantity} outside of its own range."
    return None


def _is_unit(unit: str) -> bool:
    """True where UCUM knows it."""
    return not unit or unit in SHOWN_UNITS or unit in CANONICAL_UNITS.values() or _in_ucum(unit)


@cache
def _in_ucum(unit: str) -> bool:
    # What stands in braces is free text to UCUM.
    if not re.fullmatch(r"[\w\[\]{}()'/.*%+-]{1,40}", unit):
        return False
    try:
        from ucumvert import PintUcumRegistry

        PintUcumRegistry().from_ucum(unit)
    except Exception:
        return False
    return True
