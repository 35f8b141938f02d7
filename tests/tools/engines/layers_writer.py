"""Writes small networks in TensorFlow.js layers format, as a converter does, and runs them by hand in torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.hashing import sha256_file
from scanwright.tools.weights.entries import Folder, WeightsEntry, WeightsFile
from scanwright.tools.weights.store import WeightsStore


def write_network(
    folder: Path,
    *,
    channels: int = 5,
    classes: int = 3,
    dilations: Sequence[int] = (1, 2, 4),
    activation: str = "relu",
    bias: bool = True,
    normed: bool = False,
    seed: int = 7,
    change: Any = None,
) -> list[dict[str, Any]]:
    """model.json and model.bin in folder; returns kernels, biases and dilations. change edits the description."""
    random = np.random.default_rng(seed)
    made: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 256, 256, 256, 1], "name": "input"},
         "name": "input", "inbound_nodes": []}
    ]  # fmt: skip
    manifest: list[dict[str, Any]] = []
    data = b""
    before, inner = "input", 1
    for i, dilation in enumerate((*dilations, 1)):
        last = i == len(dilations)
        name = "output" if last else f"c{i}{'_gn' if normed else ''}"
        size, outer = (1, classes) if last else (3, channels)
        kernel = random.normal(0, 1.6 / np.sqrt(inner * size**3), (size, size, size, inner, outer)).astype("<f4")
        used = bias or last
        layers.append(_layer("Conv3D", name, before, _convolution(outer, size, dilation, used)))
        tensors = {f"{name}/kernel": kernel}
        if used:
            tensors[f"{name}/bias"] = random.normal(0, 0.05, outer).astype("<f4")
        for tensor, values in tensors.items():
            manifest.append({"name": tensor, "shape": list(values.shape), "dtype": "float32"})
            data += values.tobytes()
        before, inner = name, outer
        if not last:
            layers.append(_layer("Activation", f"a{i}", name, {"activation": activation}))
            before = f"a{i}"
        made.append({"kernel": kernel, "bias": tensors.get(f"{name}/bias"), "dilation": dilation})
    described = {
        "format": "layers-model",
        "modelTopology": {"model_config": {"class_name": "Functional", "config": {"name": "model", "layers": layers}}},
        "weightsManifest": [{"paths": ["model.bin"], "weights": manifest}],
    }
    if change is not None:
        change(described)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(described))
    (folder / "model.bin").write_bytes(data)
    return made


def store_of(folder: Path, name: str = "toy") -> WeightsStore:
    """A store that knows the network in folder/<name> under its name, with the hashes it has now."""
    files = []
    for role, file in (("model", "model.json"), ("weights", "model.bin")):
        path = folder / name / file
        files.append(WeightsFile(role=role, file=file, sha256=sha256_file(path), size=path.stat().st_size))
    entry = WeightsEntry(
        name=name, licence="CC0-1.0", source="made here", files=tuple(files), places=(Folder(path=name),)
    )
    return WeightsStore(folder, catalogue=[entry])


def by_hand(made: Sequence[dict[str, Any]], volume: NDArray[np.float32], activation: str, normed: bool) -> Any:
    """The scores (class, i, j, k) of the plain network, layer after layer, channels first, float32."""
    import torch
    from torch.nn import functional

    x = torch.from_numpy(volume)[None, None]
    for layer in made[:-1]:
        kernel = torch.from_numpy(layer["kernel"].transpose(4, 3, 0, 1, 2).copy())
        offset = None if layer["bias"] is None else torch.from_numpy(layer["bias"])
        x = functional.conv3d(x, kernel, offset, padding=layer["dilation"], dilation=layer["dilation"])
        if normed:
            spread = ((x - x.mean((2, 3, 4), keepdim=True)) ** 2).mean((2, 3, 4), keepdim=True)
            x = (x - x.mean((2, 3, 4), keepdim=True)) / torch.sqrt(spread + 1e-5)
        x = {"relu": functional.relu, "elu": functional.elu, "gelu": functional.gelu}[activation](x)
    kernel = torch.from_numpy(made[-1]["kernel"].transpose(4, 3, 0, 1, 2).copy())
    return functional.conv3d(x, kernel, torch.from_numpy(made[-1]["bias"]))[0].numpy()


def _layer(kind: str, name: str, before: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}, "name": name,
            "inbound_nodes": [[[before, 0, 0, {}]]]}  # fmt: skip


def _convolution(filters: int, size: int, dilation: int, bias: bool) -> dict[str, Any]:
    return {"filters": filters, "kernel_size": [size] * 3, "strides": [1, 1, 1], "dilation_rate": [dilation] * 3,
            "padding": "same", "data_format": "channels_last", "groups": 1, "activation": "linear",
            "use_bias": bias}  # fmt: skip
