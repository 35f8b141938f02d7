"""Slides for tests: discs of haematoxylin, some with DAB, on pale eosin, at known places; a quarter is glass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.morphology.stains import VECTORS

DISC_UM = 4.0


def mixed(amounts: dict[str, NDArray[np.float64]]) -> NDArray[np.uint8]:
    """RGB (rows, columns, 3) of dyes with these optical densities (rows, columns), through glass of 242."""
    density = sum(a[..., None] * np.array(VECTORS[d]) / np.linalg.norm(VECTORS[d]) for d, a in amounts.items())
    return np.clip(np.rint(242 * 10.0**-density), 0, 255).astype(np.uint8)


def tile(
    rows: int = 360,
    columns: int = 500,
    um: float = 0.5,
    *,
    brown_every: int = 0,
    spacing_um: float = 14.0,
    seed: int = 3,
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_]]:
    """The picture, the discs' middles (x, y) in pixels, and which of them are brown.

    Tissue fills the right three quarters; discs have a radius of 4 µm and lie on a jittered grid.
    """
    random = np.random.default_rng(seed)
    step = spacing_um / um
    left = columns * 0.25 + step / 2
    middles = np.array(
        [
            (x + random.uniform(-0.12, 0.12) * step, y + random.uniform(-0.12, 0.12) * step)
            for y in np.arange(step / 2, rows - step / 2, step)
            for x in np.arange(left, columns - step / 2, step)
        ]
    )
    brown = np.zeros(len(middles), np.bool_)
    if brown_every:
        brown[::brown_every] = True
    v, u = np.mgrid[:rows, :columns]
    blue, dab = np.zeros((rows, columns)), np.zeros((rows, columns))
    for (x, y), positive in zip(middles, brown, strict=True):
        inside = (u - x) ** 2 + (v - y) ** 2 <= (DISC_UM / um) ** 2
        (dab if positive else blue)[inside] = 0.8 if positive else 0.55
    tissue = u >= columns * 0.25
    second = {"DAB": dab + np.where(tissue, 0.04, 0)} if brown_every else {"eosin": np.where(tissue, 0.25, 0.0)}
    noise = random.normal(0, 0.015, (rows, columns))
    return mixed({"haematoxylin": np.maximum(blue + np.where(tissue, 0.06 + noise, 0), 0), **second}), middles, brown
