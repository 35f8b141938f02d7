"""MeshNet: a chain of dilated 3D convolutions at full resolution, run layer by layer in slabs.

Two buffers hold the activations of the whole volume, channels last; each layer reads slabs from one and writes them
to the other. So memory is twice one layer whatever the depth, progress can be told and a run stopped between slabs,
and the result is that of the plain network to within rounding.
Source: Fedorov et al., End-to-end learning of brain tissue segmentation from imperfect labeling, IJCNN 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.layers_model import Layer

if TYPE_CHECKING:
    import torch

Precision: TypeAlias = Literal["float32", "bfloat16"]
Progress: TypeAlias = Callable[[float], None]

# oneDNN's fast kernels take channels in eights; others fall back to kernels two to three times slower.
CHANNELS_MULTIPLE = 8
# Slabs of about this many voxels: large enough to keep two cores busy, small enough for a quick answer to "stop".
SLAB_VOXELS = 800_000
# Logits of one slab, in numbers: 50 classes of a whole slab would take as much memory as the network.
LOGITS_AT_ONCE = 24_000_000
# With this padding or more the bfloat16 kernels fall back to a reference implementation, 30 times slower; padding
# the slab beforehand avoids that.
PAD_BEFOREHAND_FROM = 4
NORM_EPSILON = 1e-5


class MeshNet:
    """A network ready to run. precision "bfloat16" keeps activations in bfloat16 and sums in float32."""

    def __init__(self, layers: Sequence[Layer], precision: Precision = "float32", device: str = "cpu") -> None:
        import torch

        self.classes = layers[-1].channels
        self._dtype: torch.dtype = getattr(torch, precision)
        self._device = device
        # The first layer has one channel: float32 costs little there, and intensities are not rounded.
        types = [torch.float32, *(self._dtype for _ in layers[2:])]
        self._hidden = [_Convolution(layer, dtype, device) for layer, dtype in zip(layers[:-1], types, strict=True)]
        last = layers[-1]
        kernel = torch.from_numpy(last.kernel[0, 0, 0].copy())
        self._head = torch.zeros(_padded(kernel.shape[0]), self.classes)
        self._head[: kernel.shape[0]] = kernel
        self._head = self._head.to(device)
        self._head_bias = torch.from_numpy(
            np.zeros(self.classes, np.float32) if last.bias is None else last.bias.copy()
        )
        self._head_bias = self._head_bias.to(device)

    def labels(self, volume: NDArray[np.float32], progress: Progress | None = None) -> NDArray[np.uint8]:
        """The class with the highest score at each voxel of volume (i, j, k); of equal scores the lower class."""
        import torch

        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(volume, dtype=np.float32))[..., None]
            x = x.to(self._device)
            spare: torch.Tensor | None = None
            steps = len(self._hidden) + 1
            for done, layer in enumerate(self._hidden):
                shape = (*x.shape[:3], layer.width)
                if spare is None or spare.shape != shape:
                    spare = torch.empty(shape, dtype=self._dtype, device=self._device)
                layer.run(x, spare, _part(progress, done, steps))
                x, spare = spare, x
            del spare
            return self._argmax(x, _part(progress, steps - 1, steps))

    def _argmax(self, x: torch.Tensor, progress: Progress) -> NDArray[np.uint8]:
        import torch

        labels = np.empty(x.shape[:3], np.uint8)
        for begin, end in _slabs(x.shape, LOGITS_AT_ONCE // self.classes):
            scores = torch.addmm(self._head_bias, x[begin:end].reshape(-1, x.shape[3]).float(), self._head)
            labels[begin:end] = scores.argmax(1).to(torch.uint8).reshape(end - begin, *x.shape[1:3]).cpu().numpy()
            progress(end / x.shape[0])
        return labels


class _Convolution:
    """One hidden layer: convolution, norm where there is one, activation."""

    def __init__(self, layer: Layer, dtype: torch.dtype, device: str) -> None:
        import torch

        inner, outer = layer.kernel.shape[3:]
        self.width = _padded(outer)
        self._inner = _padded(inner)
        kernel = torch.zeros(self.width, self._inner, *layer.kernel.shape[:3])
        kernel[:outer, :inner] = torch.from_numpy(layer.kernel.transpose(4, 3, 0, 1, 2).copy())
        self._kernel = kernel.to(device, dtype).contiguous(memory_format=torch.channels_last_3d)
        bias = torch.zeros(self.width)
        if layer.bias is not None:
            bias[:outer] = torch.from_numpy(layer.bias.copy())
        self._bias = bias.to(device, dtype)
        self._dilation = layer.dilation
        self._reach = layer.dilation * (layer.kernel.shape[0] // 2)
        self._normed = layer.normed
        self._activation = layer.activation

    def run(self, x: torch.Tensor, out: torch.Tensor, progress: Progress) -> None:
        """Writes the layer's output for x (i, j, k, channel) into out."""
        import torch

        total = torch.zeros(self.width, device=out.device, dtype=torch.float64)
        squares = torch.zeros_like(total)
        share = 0.7 if self._normed else 1.0
        for begin, end in _slabs(x.shape, SLAB_VOXELS):
            slab = self._convolved(x, begin, end)
            if self._normed:
                for row in slab:
                    # A product of matrices sums faster than sum() along the long axis, and as exactly.
                    flat = row.reshape(-1, self.width).float()
                    total += flat.sum(0)
                    squares += (flat.T @ flat).diagonal()
            else:
                slab = self._activated(slab)
            out[begin:end] = slab
            progress(share * end / x.shape[0])
        if not self._normed:
            return
        count = out.shape[0] * out.shape[1] * out.shape[2]
        mean = total / count
        scale = torch.rsqrt((squares / count - mean * mean).clamp_min(0) + NORM_EPSILON)
        shift = (-mean * scale).float()
        scale = scale.float()
        # Row by row, so that the three passes find their numbers in the cache.
        for index, row in enumerate(out):
            row.copy_(self._activated(row.float().mul_(scale).add_(shift)))
            progress(share + (1 - share) * (index + 1) / x.shape[0])

    def _convolved(self, x: torch.Tensor, begin: int, end: int) -> torch.Tensor:
        """The convolution for rows begin to end, as (i, j, k, channel)."""
        import torch.nn.functional as functional

        reach = self._reach
        low, high = max(0, begin - reach), min(x.shape[0], end + reach)
        around = reach if reach >= PAD_BEFOREHAND_FROM and x.dtype.itemsize == 2 else 0
        missing = self._inner - x.shape[3]
        pads = (0, missing, around, around, around, around, low - (begin - reach), end + reach - high)
        slab = x[low:high]
        if any(pads):
            slab = functional.pad(slab, pads)
        inside = reach - around
        made = functional.conv3d(
            slab.permute(3, 0, 1, 2)[None],
            self._kernel,
            self._bias,
            padding=(0, inside, inside),
            dilation=self._dilation,
        )
        return made[0].permute(1, 2, 3, 0)

    def _activated(self, x: torch.Tensor) -> torch.Tensor:
        """The activation, in place."""
        import torch
        import torch.nn.functional as functional

        if self._activation == "relu":
            return x.relu_()
        if self._activation == "elu":
            return functional.elu(x, inplace=True)
        return torch.ops.aten.gelu_(x) if self._activation == "gelu" else x


def _padded(channels: int) -> int:
    return -(-channels // CHANNELS_MULTIPLE) * CHANNELS_MULTIPLE


def _slabs(shape: Sequence[int], voxels: int) -> list[tuple[int, int]]:
    """Ranges of rows of the first axis with about this many voxels each."""
    rows = max(1, voxels // max(1, shape[1] * shape[2]))
    return [(begin, min(begin + rows, shape[0])) for begin in range(0, shape[0], rows)]


def _part(progress: Progress | None, done: int, steps: int) -> Progress:
    def tell(fraction: float) -> None:
        if progress is not None:
            progress((done + fraction) / steps)

    return tell


def best_precision() -> Precision:
    """bfloat16 where this processor multiplies it in hardware tiles, else float32."""
    import torch

    tiles: Any = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return "bfloat16" if tiles is not None and tiles() else "float32"
