"""From a scan to labels on its own grid: conform, normalise, crop, run, bring back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.engines.card import ModelCard
from scanwright.tools.engines.conform import conform
from scanwright.tools.engines.intensity import box_of, normalised
from scanwright.tools.engines.layers_model import read_layers
from scanwright.tools.engines.meshnet import MeshNet, Precision, best_precision
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging.geometry import Geometry

LARGER_THAN_CUBE = "the scan is larger than the 256 mm that the network looks at, and what was found reaches its edge"


@dataclass(frozen=True)
class Labelled:
    """labels (i, j, k) on the scan's grid, cube (256³) as the network gave them, and what a reader must know."""

    labels: NDArray[np.uint8]
    cube: NDArray[np.uint8]
    flags: tuple[str, ...]


def network(card: ModelCard, files: dict[str, Path], precision: Precision | None = None) -> MeshNet:
    """The network of a card, from its files by role. Raises ToolFailed where it is not the one the card describes."""
    import torch

    layers = read_layers(files["model"], files["weights"])
    if layers[-1].channels != len(card.classes):
        raise ToolFailed(
            f"The network {card.name} has {layers[-1].channels} classes, and {len(card.classes)} are known: fetch it "
            "again."
        )
    if torch.cuda.is_available():
        return MeshNet(layers, precision or "float32", "cuda")
    return MeshNet(layers, precision or (card.tiles if best_precision() == "bfloat16" else "float32"))


def label(ctx: ToolContext, card: ModelCard, voxels: NDArray[Any], geometry: Geometry) -> Labelled:
    """What the network of card sees in a scan (i, j, k).

    The network stays loaded in the worker. Raises ToolFailed where the weights are missing or the scan is empty, and
    Cancelled where the person stops the run.
    """
    ctx.progress(0.02, "loading the network")
    net = ctx.resident(f"meshnet/{card.name}", lambda: network(card, ctx.weights(card.weights)))
    ctx.progress(0.05, "bringing the scan to 1 mm")
    conformed = conform(voxels, geometry)
    prepared = normalised(conformed.cube, card.normalisation)
    box = box_of(prepared, card.crop.threshold, card.crop.margin)
    cube = np.zeros(prepared.shape, np.uint8)
    cube[box] = net.labels(prepared[box], lambda done: ctx.progress(0.1 + 0.85 * done, "looking"))
    ctx.progress(0.96, "bringing the labels back")
    flags = (LARGER_THAN_CUBE,) if conformed.cut(cube) else ()
    return Labelled(conformed.back(cube), cube, flags)
