"""A small network of the CT encoder's layout with random weights, and the plain way to run it."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from scanwright.tools.weights.entries import Folder, WeightsEntry, WeightsFile

WIDTH, DEPTHS = 4, (1, 2, 1, 1)


def small_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """The published keys with fewer channels and blocks: stem 4 wide, bottlenecks 4 to 32, the vector 128."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, torch.Tensor] = {}

    def convolution(name: str, outer: int, inner: int, *size: int) -> None:
        fan = inner * size[0] * size[1] * size[2]
        state[f"{name}.weight"] = torch.randn(outer, inner, *size, generator=generator) * (2 / fan) ** 0.5

    def norm(name: str, width: int) -> None:
        state[f"{name}.weight"] = 0.5 + torch.rand(width, generator=generator)
        state[f"{name}.bias"] = 0.1 * torch.randn(width, generator=generator)
        state[f"{name}.running_mean"] = 0.1 * torch.randn(width, generator=generator)
        state[f"{name}.running_var"] = 0.5 + torch.rand(width, generator=generator)
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    convolution("conv1", WIDTH, 3, 3, 7, 7)
    norm("bn1", WIDTH)
    have = WIDTH
    for layer, depth in enumerate(DEPTHS, 1):
        inner = WIDTH * 2 ** (layer - 1)
        for block in range(depth):
            name = f"layer{layer}.{block}"
            convolution(f"{name}.conv1", inner, have, 1, 1, 1)
            convolution(f"{name}.conv2", inner, inner, 3, 3, 3)
            convolution(f"{name}.conv3", 4 * inner, inner, 1, 1, 1)
            for number, width in ((1, inner), (2, inner), (3, 4 * inner)):
                norm(f"{name}.bn{number}", width)
            if block == 0:
                convolution(f"{name}.downsample.0", 4 * inner, have, 1, 1, 1)
                norm(f"{name}.downsample.1", 4 * inner)
            have = 4 * inner
    return state


def plainly(state: dict[str, torch.Tensor], crop: Any) -> Any:
    """The vector of a crop (x, y, z) by the network as it is published: three channels, norms apart."""

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        parts = [state[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *parts, training=False, eps=1e-5)

    x = torch.from_numpy(crop)[None, None].permute(0, 1, 4, 2, 3).repeat(1, 3, 1, 1, 1)
    x = functional.conv3d(x, state["conv1.weight"], stride=(1, 2, 2), padding=(1, 3, 3))
    x = functional.max_pool3d(norm(x, "bn1").relu(), 3, 2, 1)
    for layer, depth in enumerate(DEPTHS, 1):
        for block in range(depth):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            beside = x
            if block == 0:
                beside = functional.conv3d(x, state[f"{name}.downsample.0.weight"], stride=stride)
                beside = norm(beside, f"{name}.downsample.1")
            x = norm(functional.conv3d(x, state[f"{name}.conv1.weight"]), f"{name}.bn1").relu()
            x = functional.conv3d(x, state[f"{name}.conv2.weight"], stride=stride, padding=1)
            x = norm(functional.conv3d(norm(x, f"{name}.bn2").relu(), state[f"{name}.conv3.weight"]), f"{name}.bn3")
            x = (x + beside).relu()
    return x.mean((2, 3, 4))[0].numpy()


def write_parts(folder: Path, state: dict[str, torch.Tensor], name: str = "astra-ct") -> WeightsEntry:
    """The state dict as one torch file in three parts below folder, and its entry of a catalogue."""
    whole = io.BytesIO()
    torch.save({"state_dict": state, "meta": {"made": "by a test"}}, whole)
    data = whole.getvalue()
    third = len(data) // 3 + 1
    (folder / name).mkdir(parents=True)
    files = []
    for number in range(1, 4):
        part = data[(number - 1) * third : number * third]
        (folder / name / f"part_{number}.bin").write_bytes(part)
        digest = hashlib.sha256(part).hexdigest()
        files.append(WeightsFile(role=f"part_{number}", file=f"part_{number}.bin", sha256=digest, size=len(part)))
    return WeightsEntry(
        name=name, licence="CC0-1.0", source="made here", files=tuple(files), places=(Folder(path=name),)
    )
