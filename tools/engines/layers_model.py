"""Reads convolutional networks in TensorFlow.js layers format: model.json and one binary. No code is executed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed
from scanwright.tools.weights.verified import require_verified

Activation: TypeAlias = Literal["linear", "relu", "elu", "gelu"]

# The exporter that wrote the normalised networks puts the norm into the name of the convolution before it; the
# format has no layer for it.
NORM_SUFFIX = "_gn"


@dataclass(frozen=True)
class Layer:
    """A 3D convolution with what follows it.

    kernel is (depth, height, width, in, out), bias (out) or None; normed: an instance norm over the whole volume
    comes between the convolution and the activation.
    """

    name: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32] | None
    dilation: int
    normed: bool
    activation: Activation

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return int(self.kernel.shape[4])


def read_layers(model: Path, weights: Path) -> tuple[Layer, ...]:
    """The layers of a plain chain of stride-1 convolutions with "same" padding, in order.

    Raises ToolFailed where a file was not verified, is damaged, or holds anything that such a chain does not.
    """
    require_verified(model)
    require_verified(weights)
    try:
        described = json.loads(model.read_text(encoding="utf-8"))
        config = described["modelTopology"]["model_config"]["config"]
        tensors = _tensors(described["weightsManifest"], weights)
        return tuple(_chain(config["layers"], tensors))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ToolFailed(f"The network in {model.name} cannot be read ({_first(error)}): fetch it again.") from error


def _tensors(manifest: list[dict[str, Any]], weights: Path) -> dict[str, NDArray[np.float32]]:
    """float32 arrays by name: the binary holds them one after another, in the order of the manifest."""
    if len(manifest) != 1 or len(manifest[0]["paths"]) != 1:
        raise ValueError("the weights are in several files")
    data = np.frombuffer(weights.read_bytes(), dtype="<f4")
    found: dict[str, NDArray[np.float32]] = {}
    at = 0
    for entry in manifest[0]["weights"]:
        if entry["dtype"] != "float32" or "quantization" in entry:
            raise ValueError(f"{entry['name']} is not plain float32")
        shape = tuple(int(n) for n in entry["shape"])
        size = int(np.prod(shape))
        if min(shape, default=0) < 1 or at + size > data.size:
            raise ValueError(f"{entry['name']} has no place in the binary")
        found[entry["name"]] = data[at : at + size].reshape(shape)
        at += size
    if at != data.size:
        raise ValueError("the binary is longer than its manifest")
    return found


def _chain(layers: list[dict[str, Any]], tensors: dict[str, NDArray[np.float32]]) -> list[Layer]:
    made: list[Layer] = []
    before: str | None = None
    for layer in layers:
        kind, config = layer["class_name"], layer["config"]
        if before is not None and [node[0][0] for node in layer["inbound_nodes"]] != [before]:
            raise ValueError(f"{config['name']} does not follow the layer before it")
        if kind == "InputLayer" and before is None:
            _check_input(config)
        elif kind == "Conv3D":
            made.append(_convolution(config, tensors, made[-1].channels if made else 1))
        elif kind == "Activation" and made and made[-1].activation == "linear":
            made[-1] = _activated(made[-1], config["activation"])
        else:
            raise ValueError(f"a layer of kind {kind} is not known here")
        before = config["name"]
    if not made or made[-1].activation != "linear" or made[-1].normed or made[-1].kernel.shape[:3] != (1, 1, 1):
        raise ValueError("the last layer is no plain 1×1×1 convolution")
    return made


def _check_input(config: dict[str, Any]) -> None:
    shape = config["batch_input_shape"]
    if len(shape) != 5 or shape[4] != 1:
        raise ValueError("the input is not a volume of one channel")


def _convolution(config: dict[str, Any], tensors: dict[str, NDArray[np.float32]], channels: int) -> Layer:
    name = config["name"]
    kernel = tensors[f"{name}/kernel"]
    bias = tensors[f"{name}/bias"] if config["use_bias"] else None
    dilation = set(config["dilation_rate"])
    plain = (
        config["strides"] == [1, 1, 1]
        and config["padding"] == "same"
        and config["data_format"] == "channels_last"
        and config.get("groups", 1) == 1
        and len(dilation) == 1
        and len(set(config["kernel_size"])) == 1
        and config["kernel_size"][0] in (1, 3)
    )
    if not plain:
        raise ValueError(f"{name} is not a plain convolution")
    if kernel.shape != (*config["kernel_size"], channels, config["filters"]):
        raise ValueError(f"the kernel of {name} has the shape {kernel.shape}")
    if bias is not None and bias.shape != (config["filters"],):
        raise ValueError(f"the bias of {name} has the shape {bias.shape}")
    if config["activation"] != "linear":
        raise ValueError(f"{name} has an activation of its own")
    return Layer(name, kernel, bias, int(dilation.pop()), name.endswith(NORM_SUFFIX), "linear")


def _activated(layer: Layer, activation: str) -> Layer:
    if activation not in get_args(Activation):
        raise ValueError(f"the activation {activation} is not known here")
    return Layer(layer.name, layer.kernel, layer.bias, layer.dilation, layer.normed, activation)  # type: ignore[arg-type]


def _first(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
