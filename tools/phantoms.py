"""Phantoms with known truth, asymmetric in every axis: what tests and benches measure against.

Arrays are (x, y, z) in RAS+ order unless reoriented; voxels are sampled at their centres.
"""

from __future__ import annotations

from itertools import permutations
from math import ceil, pi
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vec = tuple[float, float, float]


class Phantom(NamedTuple):
    """voxels (i, j, k), affine to RAS+ mm, and the truth, each value with its unit in its name."""

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    truth: dict[str, float]


def ellipsoid(
    shape: tuple[int, int, int] = (61, 73, 53),
    spacing_mm: Vec = (1.0, 1.25, 1.5),
    centre_mm: Vec = (27.0, 49.0, 36.0),
    radii_mm: Vec = (17.0, 30.0, 23.0),
    *,
    inside: int = 100,
    outside: int = 0,
    origin_mm: Vec = (0.0, 0.0, 0.0),
) -> Phantom:
    """An axis-aligned ellipsoid, int16; the centre of the first voxel lies at origin_mm.

    truth: volume_ml, longest_diameter_mm, and left_ml and right_ml, cut at the middle of the field of view.
    """
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = origin_mm
    voxels = np.full(shape, outside, np.int16, order="F")
    voxels[_within(shape, affine, centre_mm, radii_mm)] = inside
    middle = origin_mm[0] + (shape[0] - 1) * spacing_mm[0] / 2
    volume = _ellipsoid_ml(radii_mm)
    left = volume * _share_below((middle - centre_mm[0]) / radii_mm[0])
    truth = {
        "volume_ml": volume,
        "longest_diameter_mm": 2.0 * max(radii_mm),
        "left_ml": left,
        "right_ml": volume - left,
    }
    return Phantom(voxels, affine, truth)


# Centre and radii in mm (RAS+). The markers are bleeds: the larger is on the patient's left.
_SKIN: Final = ((2.0, -4.0, 3.0), (78.0, 100.0, 92.0))
_SKULL: Final = ((2.0, -10.0, 12.0), (70.0, 84.0, 74.0))
_BRAIN: Final = ((2.0, -10.0, 12.0), (63.0, 77.0, 67.0))
_SINUS: Final = ((8.0, 74.0, -20.0), (13.0, 8.0, 11.0))
_LEFT: Final = ((-24.0, -2.0, 25.0), (15.0, 12.0, 13.0))
_RIGHT: Final = ((27.0, -33.0, 4.0), (9.0, 10.0, 8.0))
_LOW: Final = (-90.0, -124.0, -101.0)
_HIGH: Final = (96.0, 110.0, 105.0)


def head_ct(spacing_mm: Vec = (1.0, 1.1, 1.25), *, marker_hu: int = 75) -> Phantom:
    """A head in HU, int16: air, soft tissue 40, a skull shell 1000, brain 35, an air sinus in front, two bleeds.

    truth in mL: head_ml (all inside the skin), skull_ml, brain_ml (bleeds left out), intracranial_ml, sinus_ml,
    marker_left_ml, marker_right_ml, soft_tissue_ml (40 HU: between skin and skull). Coarser spacing is quicker and
    less exact: at the default every volume but the markers' is within half a percent.
    """
    shape = tuple(ceil((h - lo) / s) for lo, h, s in zip(_LOW, _HIGH, spacing_mm, strict=True))
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = _LOW
    voxels = np.full(shape, -1000, np.int16, order="F")
    layers = ((_SKIN, 40), (_SKULL, 1000), (_BRAIN, 35), (_SINUS, -1000), (_LEFT, marker_hu), (_RIGHT, marker_hu))
    for (centre, radii), hu in layers:
        voxels[_within((shape[0], shape[1], shape[2]), affine, centre, radii)] = hu
    skin, skull, inside, sinus, left, right = (
        _ellipsoid_ml(radii) for _, radii in (_SKIN, _SKULL, _BRAIN, _SINUS, _LEFT, _RIGHT)
    )
    truth = {
        "head_ml": skin,
        "skull_ml": skull - inside,
        "brain_ml": inside - left - right,
        "intracranial_ml": inside,
        "sinus_ml": sinus,
        "marker_left_ml": left,
        "marker_right_ml": right,
        "soft_tissue_ml": skin - skull - sinus,
    }
    return Phantom(voxels, affine, truth)


def reoriented(
    voxels: NDArray[Any], affine: NDArray[np.float64], k: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:  # fmt: skip
    """The same image stored in one of 48 ways: axis order k // 8, flips by the bits of k % 8; k = 0 changes nothing.

    Returns voxels in Fortran order and the affine that keeps every voxel where it was. Raises ValueError for other k.
    """
    if not 0 <= k < 48:
        raise ValueError(f"there are 48 axis orders and flips, 0 to 47; {k} is none of them")
    order = list(permutations(range(3)))[k // 8]
    moved = np.eye(4)
    moved[:, :3] = np.eye(4)[:, list(order)]
    turned = voxels.transpose(order)
    for axis in range(3):
        if k >> axis & 1:
            moved[:, 3] += moved[:, axis] * (turned.shape[axis] - 1)
            moved[:, axis] *= -1.0
            turned = np.flip(turned, axis)
    return np.asfortranarray(turned), affine @ moved


def _within(shape: tuple[int, int, int], affine: NDArray[np.float64], centre: Vec, radii: Vec) -> NDArray[np.bool_]:
    terms = []
    for axis in range(3):
        mm = affine[axis, 3] + np.arange(shape[axis]) * affine[axis, axis]
        ends = [shape[axis] if other == axis else 1 for other in range(3)]
        terms.append((((mm - centre[axis]) / radii[axis]) ** 2).reshape(ends))
    return np.asarray(terms[0] + terms[1] + terms[2] <= 1.0)


def _ellipsoid_ml(radii: Vec) -> float:
    return 4.0 / 3.0 * pi * radii[0] * radii[1] * radii[2] / 1000.0


def _share_below(t: float) -> float:
    """Share of a ball's volume below the plane at t radii from its centre (spherical cap)."""
    t = min(max(t, -1.0), 1.0)
    return (2.0 + 3.0 * t - t**3) / 4.0
