"""Stains of tissue in transmitted light: how much of each dye a pixel holds, as optical density."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Dye: TypeAlias = Literal["haematoxylin", "eosin", "DAB"]
# Optical density of each dye in red, green, blue, of length 1 (Ruifrok & Johnston, Anal Quant Cytol Histol
# 2001;23:291-299).
VECTORS: Final[dict[Dye, tuple[float, float, float]]] = {
    "haematoxylin": (0.650, 0.704, 0.286),
    "eosin": (0.072, 0.990, 0.105),
    "DAB": (0.268, 0.570, 0.776),
}
DYES: Final[dict[str, tuple[Dye, Dye]]] = {"H&E": ("haematoxylin", "eosin"), "IHC DAB": ("haematoxylin", "DAB")}
# What a scanner writes for clear glass where a tile shows none.
CLEAR: Final = (242.0, 242.0, 242.0)
# Paler than this in every channel is taken for glass.
GLASS_OD: Final = 0.15
# A dye's estimate further than this from its published colour is not believed: another dye, or too little of it.
FARTHEST_DEGREES: Final = 25.0


def white_of(rgb: NDArray[np.uint8]) -> tuple[float, float, float]:
    """What clear glass looks like: the median of the brightest pixels, where they are bright, grey and not few.

    rgb is (rows, columns, 3), best of the whole slide. Where no glass is seen, a usual value.
    """
    flat = rgb.reshape(-1, 3).astype(np.int16)
    bright = (flat.min(axis=1) > 200) & (flat.max(axis=1) - flat.min(axis=1) < 24)
    if bright.sum() < max(50, 0.01 * len(flat)):
        return CLEAR
    red, green, blue = np.median(flat[bright], axis=0)
    return float(red), float(green), float(blue)


def optical_density(rgb: NDArray[np.uint8], white: tuple[float, float, float] = CLEAR) -> NDArray[np.float32]:
    """-log10 of the light that comes through, (rows, columns, 3), 0 for clear glass (Beer and Lambert)."""
    values = np.maximum(np.arange(256), 1)
    out = np.empty(rgb.shape, np.float32)
    for channel in range(3):
        table = np.maximum(np.log10(white[channel] / values), 0).astype(np.float32)
        out[..., channel] = table[rgb[..., channel]]
    return out


def separated(
    density: NDArray[np.float32], dyes: tuple[Dye, Dye], vectors: NDArray[np.float64] | None = None
) -> dict[Dye, NDArray[np.float32]]:
    """The optical density of two dyes (rows, columns), 0 or more; what neither explains is left over.

    vectors (2, 3) are the dyes' own colours where they were estimated. Source: Ruifrok & Johnston 2001, the third
    direction at right angles to both.
    """
    pair = np.array([VECTORS[d] for d in dyes]) if vectors is None else vectors
    unit = pair / np.linalg.norm(pair, axis=1, keepdims=True)
    rest = np.cross(unit[0], unit[1])
    inverse = np.linalg.inv(np.vstack([unit, rest / np.linalg.norm(rest)])).astype(np.float32)
    return {
        dye: np.maximum(
            density[..., 0] * inverse[0, i] + density[..., 1] * inverse[1, i] + density[..., 2] * inverse[2, i], 0
        )
        for i, dye in enumerate(dyes)
    }


def estimated_vectors(density: NDArray[np.float32], dyes: tuple[Dye, Dye]) -> NDArray[np.float64] | None:
    """The two dyes' colours (2, 3) on this slide, or None where they cannot be told and published ones must serve.

    Extreme directions in the plane of greatest spread (Macenko et al., ISBI 2009:1107-1110; first and 99th
    percentile of the angle). density is (…, 3).
    """
    flat = density.reshape(-1, 3)
    flat = flat[flat.max(axis=1) > GLASS_OD].astype(np.float64)
    if len(flat) < 1000:
        return None
    flat = flat[:: max(1, len(flat) // 200_000)]
    _, _, axes = np.linalg.svd(flat.T @ flat)
    plane = axes[:2] * np.where(axes[:2].sum(axis=1, keepdims=True) < 0, -1, 1)
    angle = np.arctan2(flat @ plane[1], flat @ plane[0])
    low, high = np.percentile(angle, (1, 99))
    found = np.array([np.cos(a) * plane[0] + np.sin(a) * plane[1] for a in (low, high)])
    published = np.array([VECTORS[d] for d in dyes])
    published /= np.linalg.norm(published, axis=1, keepdims=True)
    cosines = found @ published.T
    if cosines[0, 1] + cosines[1, 0] > cosines[0, 0] + cosines[1, 1]:
        found, cosines = found[::-1], cosines[::-1]
    near = np.cos(np.radians(FARTHEST_DEGREES))
    if min(cosines[0, 0], cosines[1, 1]) < near or found[0] @ found[1] > np.cos(np.radians(12)):
        return None
    return np.asarray(np.maximum(found, 0))
