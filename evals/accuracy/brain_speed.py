"""The MeshNet engine against the plain network: seconds, processor seconds, and Dice of the worst class."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.evals.accuracy.brain_references import BrainScan
from scanwright.tools.engines.brainchop import CARDS
from scanwright.tools.engines.conform import conform
from scanwright.tools.engines.intensity import box_of, normalised
from scanwright.tools.engines.layers_model import Layer, read_layers
from scanwright.tools.engines.meshnet import MeshNet, Precision
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.runtime.memory import peak_memory_mb, reset_peak_memory
from scanwright.tools.weights.store import WeightsStore

ROWS_AT_ONCE = 16
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


def plain_labels(layers: Sequence[Layer], volume: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What the network gives run as it stands: float32, channels first, whole layers, activations in place."""
    import torch
    from torch.nn import functional

    with torch.inference_mode():
        x = torch.from_numpy(np.ascontiguousarray(volume))[None, None]
        for layer in layers[:-1]:
            kernel = torch.from_numpy(layer.kernel.transpose(4, 3, 0, 1, 2).copy())
            bias = None if layer.bias is None else torch.from_numpy(layer.bias.copy())
            x = functional.conv3d(x, kernel, bias, padding=layer.dilation, dilation=layer.dilation)
            if layer.normed:
                x = functional.instance_norm(x)
            if layer.activation == "gelu":
                x = functional.gelu(x)
            else:
                x = functional.relu(x, inplace=True) if layer.activation == "relu" else functional.elu(x, inplace=True)
        last = layers[-1]
        kernel = torch.from_numpy(last.kernel.transpose(4, 3, 0, 1, 2).copy())
        bias = None if last.bias is None else torch.from_numpy(last.bias.copy())
        labels = np.empty(volume.shape, np.uint8)
        for begin in range(0, volume.shape[0], ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            labels[rows] = functional.conv3d(x[:, :, rows], kernel, bias)[0].argmax(0).to(torch.uint8).numpy()
        return labels


def speed_of(scan: BrainScan, store: WeightsStore) -> list[dict[str, Any]]:
    """For every network that is here: the plain run and ours in each precision, on the same window of one scan."""
    cube = conform(scan.voxels, Geometry.of(scan.voxels.shape, scan.affine)).cube
    rows: list[dict[str, Any]] = []
    for card in CARDS:
        if not store.available(card.weights):
            continue
        files = store.resolve(card.weights)
        layers = read_layers(files["model"], files["weights"])
        prepared = normalised(cube, card.normalisation)
        window = np.ascontiguousarray(prepared[box_of(prepared, card.crop.threshold, card.crop.margin)])
        truth, wall, work, _ = _timed(lambda layers=layers, window=window: plain_labels(layers, window))  # type: ignore[misc]
        for precision in PRECISIONS:
            net = MeshNet(layers, precision)
            ours, our_wall, our_work, peak = _timed(lambda net=net, window=window: net.labels(window))  # type: ignore[misc]
            worst = min((dice(truth == c, ours == c), card.classes[c]) for c in range(len(card.classes)))
            rows.append({
                "network": card.name, "precision": precision, "window": list(window.shape),
                "seconds": round(our_wall, 1), "plain_seconds": round(wall, 1), "wall_ratio": round(our_wall / wall, 3),
                "processor_seconds": round(our_work, 1), "plain_processor_seconds": round(work, 1),
                "work_ratio": round(our_work / work, 3), "peak_gb": round(peak, 2),
                "worst_class": worst[1], "worst_dice": round(worst[0], 4),
            })  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Twice the common voxels over all; 1 where both are empty."""
    both = int(a.sum()) + int(b.sum())
    return 1.0 if both == 0 else 2 * int((a & b).sum()) / both


def _timed(run: Callable[[], NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], float, float, float]:
    reset_peak_memory()
    wall, work = time.perf_counter(), time.process_time()
    labels = run()
    return labels, time.perf_counter() - wall, time.process_time() - work, peak_memory_mb() / 1000
