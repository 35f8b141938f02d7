"""A head with ventricles whose widths and whose septum's place are known: labels, brain mask and T1 image.

The septum is a bright sheet. In its lower part the labels run through it, as those of networks do; in its upper part
they leave a gap. The left horn is narrower than the right, so that the middle of both is not where the septum is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.brainchop import PARTS_18

Vec = tuple[float, float, float]
NAMES = PARTS_18.classes
TISSUE, FLUID, SHEET = 100.0, 30.0, 80.0
SHEET_MM = 1.6
# Level at which the labels begin to leave the septum out.
GAP_FROM_MM = 12.0
OUTLINE: tuple[tuple[Vec, Vec], ...] = (((0.0, 4.0, 0.0), (66.0, 80.0, 62.0)), ((0.0, -28.0, -6.0), (60.0, 55.0, 50.0)))


@dataclass(frozen=True)
class VentriclePhantom:
    """image and labels (i, j, k), brain (bool), affine to RAS+ mm; the true index and the true shift (to the right)."""

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    brain: NDArray[np.bool_]
    affine: NDArray[np.float64]
    evans: float
    shift_mm: float


def ventricle_phantom(
    shift_mm: float = 0.0,
    *,
    horns_mm: tuple[float, float] = (13.0, 18.0),
    turn_degrees: Vec = (0.0, 0.0, 0.0),
    move_mm: Vec = (0.0, 0.0, 0.0),
    spacing_mm: Vec = (1.0, 1.05, 1.2),
    noise: float = 3.0,
    seed: int = 0,
) -> VentriclePhantom:
    """horns_mm: how far the left and the right horn reach from the septum; turn_degrees: pitch, roll, yaw."""
    from scipy.spatial.transform import Rotation

    shape = (int(178 / spacing_mm[0]), int(205 / spacing_mm[1]), int(158 / spacing_mm[2]))
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = (-92.0, -107.0, -74.0)
    turn = Rotation.from_euler("xyz", turn_degrees, degrees=True).as_matrix()
    axes = [affine[a, 3] + np.arange(shape[a]) * spacing_mm[a] for a in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - np.array(move_mm)
    x, y, z = np.moveaxis(grid @ turn, -1, 0)

    def ball(centre: Vec, radii: Vec) -> NDArray[np.bool_]:
        terms = (((p - c) / r) ** 2 for p, c, r in zip((x, y, z), centre, radii, strict=True))
        return np.asarray(sum(terms) <= 1.0)

    brain = np.zeros(shape, np.bool_)
    for centre, radii in OUTLINE:
        brain |= ball(centre, radii)
    labels = np.where(brain, NAMES.index("Cerebral-White-Matter"), 0).astype(np.uint8)
    left, right = horns_mm
    for side, reach in ((-1.0, left), (1.0, right)):
        # Each horn reaches one millimetre over the septum's middle, so that the two are one.
        half = (reach + 1.0) / 2
        horn = ball((shift_mm + side * (reach - half), 23.0, 8.0), (half, 16.0, 14.0))
        atrium = ball((side * 32.0, -30.0, 8.0), (9.0, 14.0, 12.0))
        labels[horn | atrium] = NAMES.index("Lateral-Ventricle")
        labels[ball((side * 10.5, -8.0, 4.0), (8.0, 14.0, 9.0))] = NAMES.index("Thalamus")
    third = (np.abs(x - shift_mm) <= 1.6) & (y > -10) & (y < 8) & (z > -9) & (z < 5)
    labels[third] = NAMES.index("3rd-Ventricle")
    fluid = np.isin(labels, [NAMES.index("Lateral-Ventricle"), NAMES.index("3rd-Ventricle")])
    image = np.where(brain, TISSUE, 0.0)
    image[fluid] = FLUID
    # A voxel holds the sheet by the share of its width.
    share = np.clip((SHEET_MM / 2 + spacing_mm[0] / 2 - np.abs(x - shift_mm)) / spacing_mm[0], 0.0, 1.0)
    horns = (labels == NAMES.index("Lateral-Ventricle")) & (y > 5)
    image[horns] += (share * (SHEET - FLUID))[horns]
    labels[horns & (np.abs(x - shift_mm) < SHEET_MM) & (z > GAP_FROM_MM)] = NAMES.index("Cerebral-White-Matter")
    image += np.random.default_rng(seed).normal(0.0, noise, shape)
    width = max(2 * r[0] * np.sqrt(1 - ((8.0 - c[2]) / r[2]) ** 2) for c, r in OUTLINE)
    return VentriclePhantom(image.astype(np.float32), labels, brain, affine, (left + right) / float(width), shift_mm)


def given(bench: Any, phantom: VentriclePhantom, **facts: Any) -> dict[str, Any]:
    """The phantom as the artifacts that the tools take: volume, labels, brain."""
    known = {"modality": "MR", "body_part": "head", "sequence": "T1w", **facts}
    volume = bench.volume(phantom.image, phantom.affine, **known)
    labels = bench.ctx.label_map(phantom.labels, volume, "brain_parts", NAMES, name="phantom's parts")
    return {"volume": volume, "labels": labels, "brain": bench.mask(phantom.brain, volume, "brain")}
