"""VISTA3D: one encoder, asked for each class by its number, or for what lies at points.

Source: He et al., VISTA3D: a unified segmentation foundation model for 3D medical imaging, CVPR 2025.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.volumetric.model import Forward, VolumetricModel
from scanwright.tools.engines.volumetric.preparing import Prepared, prepare
from scanwright.tools.engines.volumetric.restoring import Restorer
from scanwright.tools.engines.volumetric.windows import padding
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging.geometry import Geometry

# Whole things whose parts have classes of their own, and lesions, which the published automatic run leaves out too.
NOT_AUTOMATIC = frozenset({2, 16, 18, 20, 21, 23, 24, 25, 26, 27, 128, 129, 130, 131, 132})
CLASSES_AT_ONCE = 16


def automatic(labels: Sequence[str]) -> tuple[int, ...]:
    """The classes that an automatic run asks for."""
    return tuple(v for v in range(1, len(labels)) if v not in NOT_AUTOMATIC)


def forward_of(classes: tuple[int, ...]) -> Forward:
    """A forward pass that asks for classes: the encoder once, then some classes at a time."""

    def forward(network: Any, window: Any) -> Iterator[tuple[slice, Any]]:
        import torch

        _, features = network.image_encoder(window, with_point=False, with_label=True)
        for begin in range(0, len(classes), CLASSES_AT_ONCE):
            asked = classes[begin : begin + CLASSES_AT_ONCE]
            # The head takes two classes or more at once.
            pair = asked if len(asked) > 1 else asked * 2
            scores, _ = network.class_head(features, torch.tensor(pair, device=window.device)[:, None])
            yield slice(begin, begin + len(asked)), scores[: len(asked), 0]

    return forward


def mask_at(
    model: VolumetricModel,
    voxels: NDArray[Any],
    geometry: Geometry,
    inside: NDArray[np.float64],
    outside: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """What lies at the points inside, and not at those outside ((n, 3), RAS+ mm): a mask (i, j, k).

    One window is looked at, with the points inside in its middle. Raises ToolInputError where they do not fit one.
    """
    import torch

    prepared = prepare(voxels, geometry, model.axcodes, model.steps)
    within, without = (_on_grid(p, geometry, model, prepared) for p in (inside, outside))
    patch = np.array(model.windows.patch)
    if np.any(np.ptp(within, axis=0) >= patch):
        raise ToolInputError("The points lie too far apart to be seen at once: give points on one structure.")
    pads = padding(prepared.voxels.shape, model.windows.patch)
    scan = np.pad(prepared.voxels, pads, mode="edge")
    shift = np.array([p[0] for p in pads])
    middle = (within.min(axis=0) + within.max(axis=0)) / 2 + shift
    start = np.clip(np.round(middle - patch / 2), 0, np.array(scan.shape) - patch).astype(int)
    points = np.concatenate([within, without]) + shift - start
    marks = np.array([1] * len(within) + [0] * len(without))
    seen = np.all((points >= -0.5) & (points < patch - 0.5), axis=1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    window = np.ascontiguousarray(scan[tuple(slice(s, s + p) for s, p in zip(start, patch, strict=True))])
    with torch.inference_mode():
        scores = model.networks[0](
            torch.from_numpy(window)[None, None].to(device),
            point_coords=torch.from_numpy(points[seen]).float()[None].to(device),
            point_labels=torch.from_numpy(marks[seen])[None].to(device),
        )[0, 0]
    whole = torch.full(scan.shape, -1.0)
    whole[tuple(slice(s, s + p) for s, p in zip(start, patch, strict=True))] = scores.float().cpu()
    kept = whole[tuple(slice(p[0], p[0] + n) for p, n in zip(pads, prepared.voxels.shape, strict=True))]
    one = _one_region(model)
    restorer = Restorer(one, prepared)
    restorer.take(0, kept[..., None].contiguous())
    return np.asarray(prepared.undo(restorer.labels)) > 0


def _one_region(model: VolumetricModel) -> VolumetricModel:
    from dataclasses import replace

    return replace(model, heads="regions", regions=(1,), channels=1, labels=("background", "structure"))


def _on_grid(
    points: NDArray[np.float64], geometry: Geometry, model: VolumetricModel, prepared: Prepared
) -> NDArray[np.float64]:
    """Points in RAS+ mm as positions on the network's grid (n, 3)."""
    from scanwright.tools.engines.volumetric.preparing import turned_matrix

    if not len(points):
        return np.zeros((0, 3))
    matrix = turned_matrix(geometry, model.axcodes)
    at = np.linalg.solve(matrix[:3, :3], (np.asarray(points) - matrix[:3, 3]).T).T
    return np.stack([a.factor * at[:, i] + a.offset for i, a in enumerate(prepared.axes)], axis=1)
