"""HD-BET: a residual 3D U-Net for brain extraction on MR of any sequence, run from its published weights.

The network is put together here from the names and shapes in the state dict; nothing of the weights is executed.
Source: Isensee et al., Automated brain extraction of multisequence MRI using artificial neural networks,
Hum Brain Mapp 2019;40:4952–4964.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

SPACING_MM = 1.5
AT_LEAST = 128
MULTIPLE = 16
SLOPE = 0.01
# At the bottom and at the end the published network leaks more.
WIDE_SLOPE = 0.1
LEVELS = 4
# Signs of progress in one pass: two for each level down, one at the bottom, two for each level up, two at the end.
PARTS = 4 * LEVELS + 3
# Most of the published weights have decayed to numbers that no processor multiplies at full speed: as nought they
# change nothing and the network runs fifty times faster.
NOUGHT = 1e-30
Progress: TypeAlias = Callable[[float], None]


def usable(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a state dict without the numbers that are nought in all but name."""
    import torch

    return {
        name: torch.where(values.abs() < NOUGHT, torch.zeros_like(values), values)
        for name, values in state.items()
        if name.endswith((".weight", ".bias"))
    }


def brain_probability(
    state: Mapping[str, torch.Tensor], scan: NDArray[np.float32], progress: Progress
) -> NDArray[np.float32]:
    """How likely each voxel is brain (0..1), for a scan (z, y, x) of 1.5 mm: axes to superior, anterior, right.

    progress is told a fraction after each part of the network, and may raise to stop it.
    """
    import torch

    scan = (scan - scan.mean()) / max(float(scan.std()), 1e-6)
    padded = np.zeros([max(AT_LEAST, -(-n // MULTIPLE) * MULTIPLE) for n in scan.shape], np.float32)
    padded[tuple(slice(n) for n in scan.shape)] = scan
    with torch.inference_mode():
        scores = _Network(state, progress).scores(torch.from_numpy(padded)[None, None])
        brain = torch.sigmoid(scores[0, 1] - scores[0, 0])
    return np.ascontiguousarray(brain.numpy()[tuple(slice(n) for n in scan.shape)])


class _Network:
    """The forward pass, with as few activations alive as it takes."""

    def __init__(self, state: Mapping[str, torch.Tensor], progress: Progress) -> None:
        self._state = state
        self._progress = progress
        self._done = 0

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (1, 2, z, y, x) of background and brain."""
        import torch

        x = self._convolved(x, "init_conv")
        skips: list[torch.Tensor] = []
        for level in range(1, LEVELS + 1):
            x = self._context(x, level)
            skips.append(self._normed(x, f"down{level}.bn"))
            x = self._convolved(skips[-1], f"down{level}.downsample", stride=2)
            self._tell()
        x = self._normed(self._context(x, LEVELS + 1), "bn_after_context5", WIDE_SLOPE)
        for level in range(1, LEVELS + 1):
            x = torch.nn.functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=True)
            x = self._normed(self._convolved(x, f"up{level}.upsample_conv"), f"up{level}.bn")
            self._tell()
            x = torch.cat((skips.pop(), x), dim=1)
            if level < LEVELS:
                x = self._normed(self._convolved(x, f"loc{level}.conv1"), f"loc{level}.bn_1")
                x = self._normed(self._convolved(x, f"loc{level}.conv2"), f"loc{level}.bn_2")
            self._tell()
        for end in (1, 2):
            x = self._normed(self._convolved(x, f"end_conv_{end}"), f"end_conv_{end}_bn", WIDE_SLOPE)
            self._tell()
        return self._convolved(x, "seg_layer")

    def _context(self, x: torch.Tensor, level: int) -> torch.Tensor:
        inner = self._convolved(self._normed(x, f"context{level}.bn_1"), f"context{level}.conv1")
        self._tell()
        return self._convolved(self._normed(inner, f"context{level}.bn_2"), f"context{level}.conv2").add_(x)

    def _convolved(self, x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        import torch

        kernel = self._state[f"{name}.weight"]
        return torch.nn.functional.conv3d(
            x, kernel, self._state.get(f"{name}.bias"), stride=stride, padding=kernel.shape[-1] // 2
        )

    def _normed(self, x: torch.Tensor, name: str, slope: float = SLOPE) -> torch.Tensor:
        """Instance norm by the volume's own mean and variance, then leaky ReLU."""
        import torch

        weight, bias = self._state[f"{name}.weight"], self._state[f"{name}.bias"]
        x = torch.nn.functional.instance_norm(x, weight=weight, bias=bias)
        return torch.nn.functional.leaky_relu_(x, slope)

    def _tell(self) -> None:
        self._done += 1
        self._progress(self._done / PARTS)
