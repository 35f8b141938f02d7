"""The two U-Nets that nnU-Net plans: plain convolutions, and a residual encoder, with the published names and shapes.

Instance norm, leaky ReLU of 0.01 and 3D convolutions, which is what nnU-Net's planners write; nothing else is built.
Source: Isensee et al., nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation,
Nat Methods 2021;18:203–211; residual encoders: Isensee et al., nnU-Net revisited, MICCAI 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SLOPE = 0.01


@dataclass(frozen=True)
class Design:
    """A U-Net as a plan describes it: stages from full resolution down, strides and kernels for each of their axes.

    convolutions counts those of a stage (or its residual blocks), up those of the stages on the way up, which run
    from the coarsest to the finest.
    """

    residual: bool
    inputs: int
    classes: int
    features: tuple[int, ...]
    kernels: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]
    convolutions: tuple[int, ...]
    up: tuple[int, ...]
    bias: bool = True
    epsilon: float = 1e-5


def unet(design: Design) -> Any:
    """The network, untrained: (1, inputs, i, j, k) → scores (1, classes, i, j, k)."""
    import torch
    from torch import nn

    def block(inner: int, outer: int, kernel: Sequence[int], stride: Sequence[int], active: bool = True,
              bias: bool = design.bias) -> Any:  # fmt: skip
        """Convolution, norm, activation; each is known by two names in a state dict, as published."""
        made = nn.Module()
        made.conv = nn.Conv3d(inner, outer, tuple(kernel), tuple(stride), [(n - 1) // 2 for n in kernel], bias=bias)
        made.norm = nn.InstanceNorm3d(outer, eps=design.epsilon, affine=True)
        parts = [made.conv, made.norm]
        if active:
            parts.append(nn.LeakyReLU(SLOPE, inplace=True))
        made.all_modules = nn.Sequential(*parts)
        made.forward = made.all_modules.forward
        return made

    def stack(count: int, inner: int, outer: int, kernel: Sequence[int], stride: Sequence[int]) -> Any:
        made = nn.Module()
        made.convs = nn.Sequential(
            *(block(outer if n else inner, outer, kernel, (1, 1, 1) if n else stride) for n in range(count))
        )
        made.forward = made.convs.forward
        return made

    class Residual(nn.Module):  # type: ignore[misc]
        def __init__(self, inner: int, outer: int, kernel: Sequence[int], stride: Sequence[int]) -> None:
            super().__init__()
            self.conv1 = block(inner, outer, kernel, stride)
            self.conv2 = block(outer, outer, kernel, (1, 1, 1), active=False)
            shortcut: list[Any] = []
            if any(s != 1 for s in stride):
                shortcut.append(nn.AvgPool3d(tuple(stride), tuple(stride)))
            if inner != outer:
                shortcut.append(block(inner, outer, (1, 1, 1), (1, 1, 1), active=False, bias=False))
            if shortcut:
                self.skip = nn.Sequential(*shortcut)

        def forward(self, x: Any) -> Any:
            shortcut = self.skip(x) if hasattr(self, "skip") else x
            return nn.functional.leaky_relu_(self.conv2.forward(self.conv1.forward(x)) + shortcut, SLOPE)

    def residuals(count: int, inner: int, outer: int, kernel: Sequence[int], stride: Sequence[int]) -> Any:
        made = nn.Module()
        made.blocks = nn.Sequential(
            *(Residual(outer if n else inner, outer, kernel, (1, 1, 1) if n else stride) for n in range(count))
        )
        made.forward = made.blocks.forward
        return made

    class Encoder(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            inner = design.inputs
            if design.residual:
                self.stem = stack(1, inner, design.features[0], design.kernels[0], (1, 1, 1))
                inner = design.features[0]
            stages: list[Any] = []
            levels = zip(design.convolutions, design.features, design.kernels, design.strides, strict=True)
            for count, outer, kernel, stride in levels:
                if design.residual:
                    stages.append(residuals(count, inner, outer, kernel, stride))
                else:
                    stages.append(nn.Sequential(stack(count, inner, outer, kernel, stride)))
                inner = outer
            self.stages = nn.Sequential(*stages)

        def forward(self, x: Any) -> list[Any]:
            if design.residual:
                x = self.stem(x)
            seen = []
            for stage in self.stages:
                x = stage(x)
                seen.append(x)
            return seen

    class Decoder(nn.Module):  # type: ignore[misc]
        def __init__(self, encoder: Any) -> None:
            super().__init__()
            # The published state dicts hold the encoder a second time under the decoder.
            self.encoder = encoder
            stages, raising, heads = [], [], []
            for level in range(1, len(design.features)):
                below, beside = design.features[-level], design.features[-level - 1]
                stride = design.strides[-level]
                raising.append(nn.ConvTranspose3d(below, beside, stride, stride, bias=design.bias))
                stages.append(stack(design.up[level - 1], 2 * beside, beside, design.kernels[-level - 1], (1, 1, 1)))
                heads.append(nn.Conv3d(beside, design.classes, 1, bias=True))
            self.stages = nn.ModuleList(stages)
            self.transpconvs = nn.ModuleList(raising)
            self.seg_layers = nn.ModuleList(heads)

        def forward(self, seen: list[Any]) -> Any:
            x = seen.pop()
            for stage, raise_ in zip(self.stages, self.transpconvs, strict=True):
                x = stage(torch.cat((raise_(x), seen.pop()), 1))
            return self.seg_layers[-1](x)

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = Encoder()
            self.decoder = Decoder(self.encoder)

        def forward(self, x: Any) -> Any:
            return self.decoder(self.encoder(x))

    return Net()
