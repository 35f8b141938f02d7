"""A CT encoder: an inflated 3D ResNet-152 that makes one vector of a scan, crop by crop.

The published preparation is: axes to right, anterior, superior; 1.5 × 1.5 × 3 mm, linear; −1000 to 1000 HU to 0 to 1;
the middle 224 × 224 columns. The network sees 64 slices at a time; the vectors of the crops are averaged.
Batch norms are folded into the convolutions before them, which changes nothing but rounding.
Source: Blankemeier et al., Merlin: a computed tomography vision–language foundation model and dataset, Nature 2026
(arXiv 2406.06512); the weights are Astra's, which go on from Merlin's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.meshnet import Precision
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry

if TYPE_CHECKING:
    import torch

SPACING_MM = (1.5, 1.5, 3.0)
LOW_HU, HIGH_HU = -1000.0, 1000.0
ACROSS = 224
SLICES = 64
NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Prepared:
    """Crops (n, x, y, z) of 224 × 224 × 64 voxels, float32 in 0..1; cut where the scan is wider than they are."""

    crops: NDArray[np.float32]
    cut: bool


def prepare(voxels: NDArray[Any], geometry: Geometry) -> Prepared:
    """The crops of a scan (i, j, k) in HU: as many as its height needs, evenly spaced, the last up to its top."""
    view, turned, _ = orient.canonical(voxels, geometry)
    small = _resampled(view, turned.spacing_mm)
    small -= LOW_HU
    small /= HIGH_HU - LOW_HU
    np.clip(small, 0.0, 1.0, out=small)
    cut = max(small.shape[:2]) > ACROSS
    small = _centred(_centred(small, 0), 1)
    if small.shape[2] < SLICES:
        small = _centred(small, 2, SLICES)
    count = -(-small.shape[2] // SLICES)
    starts = np.linspace(0, small.shape[2] - SLICES, count).round().astype(int)
    return Prepared(np.stack([small[:, :, s : s + SLICES] for s in starts]), cut)


class CtEncoder:
    """The network, ready to run; its depth and widths are those of the state dict. precision is that of activations."""

    def __init__(self, state: Mapping[str, torch.Tensor], precision: Precision = "float32") -> None:
        """Raises ToolFailed where the state dict is not that of such a network."""
        import torch

        self._dtype: torch.dtype = getattr(torch, precision)
        try:
            stem = _folded(state, "conv1", "bn1", 1, torch.float32)
            # The scan is seen three times, once for each colour: the sum of the three kernels sees it once.
            self._stem = _Convolution(stem.weight.sum(1, keepdim=True), stem.bias, (1, 2, 2), (1, 3, 3))
            self._blocks = [
                _Block.of(state, f"layer{layer}.{i}", 2 if layer > 1 and i == 0 else 1, self._dtype)
                for layer in range(1, 5)
                for i in range(_depth(state, layer))
            ]
        except KeyError as error:
            raise ToolFailed(
                f"The weights of the CT encoder have no {error}: they are not of the published layout."
            ) from error
        self.dimensions = int(self._blocks[-1].last.bias.shape[0])

    def encode(self, crop: NDArray[np.float32], progress: Callable[[float], None] | None = None) -> NDArray[np.float32]:
        """The vector (dimensions,) of one crop (x, y, z) in 0..1. progress is told a fraction after each block."""
        import torch
        import torch.nn.functional as functional

        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))[None, None]
            x = functional.relu_(self._stem.run(x)).to(self._dtype)
            # Channels last, in which the kernels of the processor take half the time.
            x = functional.max_pool3d(x, 3, 2, 1).contiguous(memory_format=torch.channels_last_3d)
            for done, block in enumerate(self._blocks, 1):
                x = block.run(x)
                if progress is not None:
                    progress(done / len(self._blocks))
            vector: NDArray[np.float32] = x.float().mean((2, 3, 4))[0].numpy()
            return vector


@dataclass(frozen=True)
class _Convolution:
    weight: torch.Tensor
    bias: torch.Tensor
    stride: tuple[int, int, int]
    padding: tuple[int, int, int]

    def run(self, x: torch.Tensor) -> torch.Tensor:
        import torch.nn.functional as functional

        return functional.conv3d(x, self.weight, self.bias, self.stride, self.padding)


@dataclass(frozen=True)
class _Block:
    """A bottleneck: 1×1×1, 3×3×3 (which takes the stride), 1×1×1, and what is added to them."""

    first: _Convolution
    middle: _Convolution
    last: _Convolution
    beside: _Convolution | None

    @classmethod
    def of(cls, state: Mapping[str, torch.Tensor], name: str, stride: int, dtype: torch.dtype) -> _Block:
        beside = f"{name}.downsample"
        return cls(
            _folded(state, f"{name}.conv1", f"{name}.bn1", 1, dtype),
            _folded(state, f"{name}.conv2", f"{name}.bn2", stride, dtype),
            _folded(state, f"{name}.conv3", f"{name}.bn3", 1, dtype),
            _folded(state, f"{beside}.0", f"{beside}.1", stride, dtype) if f"{beside}.0.weight" in state else None,
        )

    def run(self, x: torch.Tensor) -> torch.Tensor:
        import torch.nn.functional as functional

        beside = x if self.beside is None else self.beside.run(x)
        x = functional.relu_(self.first.run(x))
        x = functional.relu_(self.middle.run(x))
        return functional.relu_(self.last.run(x).add_(beside))


def _folded(
    state: Mapping[str, torch.Tensor], convolution: str, norm: str, stride: int, dtype: torch.dtype
) -> _Convolution:
    """A convolution with the batch norm after it, which at inference is a factor and a shift for each channel."""
    import torch

    weight = state[f"{convolution}.weight"].float()
    gain, shift, mean, variance = (
        state[f"{norm}.{part}"].float() for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = gain * torch.rsqrt(variance + NORM_EPSILON)
    kernel = weight * factor.reshape(-1, 1, 1, 1, 1)
    padding = (kernel.shape[2] // 2, kernel.shape[3] // 2, kernel.shape[4] // 2)
    kernel = kernel.to(dtype).contiguous(memory_format=torch.channels_last_3d)
    return _Convolution(kernel, (shift - mean * factor).to(dtype), (stride,) * 3, padding)


def _depth(state: Mapping[str, torch.Tensor], layer: int) -> int:
    found = {int(key.split(".")[1]) for key in state if key.startswith(f"layer{layer}.")}
    if found != set(range(len(found))) or not found:
        raise KeyError(f"layer{layer}.{len(found)}")
    return len(found)


def _resampled(view: NDArray[Any], spacing_mm: tuple[float, ...]) -> NDArray[np.float32]:
    """view (x, y, z) at the network's spacing: linear along each axis, the first voxel stays where it is."""
    small = view.astype(np.float32)
    # The axis that shrinks most goes first: it saves the others work.
    for axis in sorted(range(3), key=lambda a: spacing_mm[a] / SPACING_MM[a]):
        count = int(np.floor((small.shape[axis] - 1) * spacing_mm[axis] / SPACING_MM[axis] + 0.5)) + 1
        at = np.minimum(np.arange(count) * SPACING_MM[axis] / spacing_mm[axis], small.shape[axis] - 1)
        low = at.astype(int)
        high = np.minimum(low + 1, small.shape[axis] - 1)
        share = (at - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        below, above = small.take(low, axis), small.take(high, axis)
        above -= below
        above *= share
        below += above
        small = below
    return small


def _centred(array: NDArray[np.float32], axis: int, length: int = ACROSS) -> NDArray[np.float32]:
    """The middle of an axis, or all of it in the middle of noughts (−1000 HU)."""
    have = array.shape[axis]
    if have >= length:
        start = have // 2 - length // 2
        return array.take(range(start, start + length), axis)
    before = (length - have) // 2
    return np.pad(array, [(before, length - have - before) if a == axis else (0, 0) for a in range(3)])
