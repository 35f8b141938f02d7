"""The U-Net of orobix/retina-unet: vessels on colour photographs of the fundus, from its published Keras weights.

The network is put together here from the names and shapes of its arrays; nothing of the file is run. It was trained
on DRIVE, whose field of view is 540 pixels wide, and knows vessels at that size only: give it the picture of
engines.fundus_canvas. Source: Ronneberger et al., U-Net, MICCAI 2015; https://github.com/orobix/retina-unet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.contract.card import MeasuredError
from scanwright.tools.errors import ToolFailed

if TYPE_CHECKING:
    import torch

Progress: TypeAlias = Callable[[float], None]
Layers: TypeAlias = "list[tuple[torch.Tensor, torch.Tensor]]"

LAYERS = 11
MULTIPLE = 4
# A pixel of the result sees 20 pixels each way, and pooling looks at blocks of four.
HALO = 24
TILE = 192
CLIP = 2.0
TILES_ACROSS = 8
GAMMA = 1.2


@dataclass(frozen=True)
class RetinaCard:
    """What is known of the network beside its weights; error was measured here, published elsewhere."""

    published: MeasuredError
    name: str = "retina-unet"
    weights: str = "retina-vessel-unet"
    repository: str = "https://github.com/orobix/retina-unet"
    commit: str = "f6ff63bb39409942fd3aaf6907dbce74ca143207"
    licence: str = "MIT"
    licence_grade: str = "B"
    sees: str = "colour photographs of the fundus, field of view about 45°"
    conforming: str = "the field of view 540 pixels wide on a black square of 576"
    normalisation: str = "grey 0.299 R + 0.587 G + 0.114 B, stretched, CLAHE 2.0 in 8×8 tiles, gamma 1.2, over 255"
    classes: tuple[str, str] = ("background", "vessel")


CARD = RetinaCard(
    published=MeasuredError(
        text="published, not measured here: area under the ROC curve 0.979 on DRIVE (20 photographs by the same camera "
        "as those it was trained on)",
        modality="OP",
    )
)


def layers_of(arrays: Mapping[str, NDArray[np.float32]]) -> Layers:
    """Kernels (out, in, rows, columns) and biases of the eleven convolutions, in order.

    Raises ToolFailed where one is missing or the channels do not follow on one another.
    """
    import torch

    found: Layers = []
    for n in range(1, LAYERS + 1):
        name = f"convolution2d_{n}"
        kernel, bias = (arrays.get(f"{name}/{name}_{part}") for part in "Wb")
        if kernel is None or bias is None or kernel.ndim != 4 or bias.shape != kernel.shape[:1]:
            raise ToolFailed(f"The weights of {CARD.name} have no {name} of the published shape: fetch them again.")
        found.append((torch.from_numpy(kernel.copy()), torch.from_numpy(bias.copy())))
    given, taken = [k.shape[0] for k, _ in found], [k.shape[1] for k, _ in found]
    a, b, bottom = given[1], given[3], given[5]
    wanted = [1, given[0], a, given[2], b, given[4], bottom + b, given[6], given[7] + a, given[8], given[9]]
    if taken != wanted or given[10] != 2:
        raise ToolFailed(f"The weights of {CARD.name} are not those of the published network: fetch them again.")
    return found


def prepared(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """RGB (rows, columns, 3) as the network wants it: grey (rows, columns) in 0..1 with local contrast evened out."""
    grey = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    low, high = float(grey.min()), float(grey.max())
    stretched = (grey - low) / max(high - low, 1.0) * 255.0
    evened = clahe(np.clip(np.rint(stretched), 0, 255).astype(np.uint8)).astype(np.float32)
    return np.asarray((evened / 255.0) ** (1.0 / GAMMA), np.float32)


def clahe(grey: NDArray[np.uint8], clip: float = CLIP, across: int = TILES_ACROSS) -> NDArray[np.uint8]:
    """Contrast-limited adaptive histogram equalisation of grey (rows, columns), sides divisible by across.

    Source: Zuiderveld, Graphics Gems IV, 1994: histograms of across × across tiles, cut at clip times the mean and
    the excess spread evenly; values between tile centres by bilinear interpolation.
    """
    rows, columns = (n // across for n in grey.shape)
    if rows * across != grey.shape[0] or columns * across != grey.shape[1]:
        raise ValueError(f"a picture of {grey.shape} does not divide into {across}×{across} tiles")
    limit = max(int(clip * rows * columns / 256), 1)
    table = np.empty((across, across, 256), np.float32)
    for i in range(across):
        for j in range(across):
            tile = grey[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
            counts = np.bincount(tile.ravel(), minlength=256)
            excess = int(np.maximum(counts - limit, 0).sum())
            counts = np.minimum(counts, limit) + excess // 256
            # What does not divide by 256 goes to every n-th value.
            if rest := excess % 256:
                counts[: rest * max(256 // rest, 1) : max(256 // rest, 1)] += 1
            table[i, j] = np.rint(counts.cumsum() * (255.0 / (rows * columns)))
    (i0, i1, y), (j0, j1, x) = _between(grey.shape[0], rows, across), _between(grey.shape[1], columns, across)
    upper = table[i0[:, None], j0, grey] * (1 - x) + table[i0[:, None], j1, grey] * x
    lower = table[i1[:, None], j0, grey] * (1 - x) + table[i1[:, None], j1, grey] * x
    return np.clip(np.rint(upper * (1 - y[:, None]) + lower * y[:, None]), 0, 255).astype(np.uint8)


def _between(size: int, tile: int, across: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each pixel of an axis the tiles before and after it, and how far it is on the way between their centres."""
    place = np.arange(size, dtype=np.float32) / tile - 0.5
    before = np.floor(place)
    first, second = (np.clip(before + n, 0, across - 1).astype(np.intp) for n in (0, 1))
    return first, second, np.asarray(place - before, np.float32)


def vessel_probability(
    layers: Layers, picture: NDArray[np.float32], progress: Progress | None = None, *, tile: int = TILE
) -> NDArray[np.float32]:
    """How likely each pixel of a prepared picture (rows, columns) is vessel, 0..1.

    Runs in tiles whose halo is wider than the network sees, so that the result is that of the whole picture at once
    and memory is that of a tile. progress is told a fraction after each, and may raise to stop it.
    """
    import torch

    height, width = picture.shape
    padded = np.pad(picture, [(0, -n % MULTIPLE) for n in picture.shape])
    result = np.empty(picture.shape, np.float32)
    corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
    with torch.inference_mode():
        for done, (y, x) in enumerate(corners, 1):
            top, left = max(y - HALO, 0), max(x - HALO, 0)
            part = padded[top : y + tile + HALO, left : x + tile + HALO]
            seen = _vessel(layers, torch.from_numpy(np.ascontiguousarray(part))).numpy()
            inner = result[y : y + tile, x : x + tile]
            inner[:] = seen[y - top : y - top + inner.shape[0], x - left : x - left + inner.shape[1]]
            if progress is not None:
                progress(done / len(corners))
    return result


def _vessel(layers: Layers, picture: torch.Tensor) -> torch.Tensor:
    import torch
    from torch.nn import functional

    def convolved(x: torch.Tensor, n: int) -> torch.Tensor:
        kernel, bias = layers[n - 1]
        return functional.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2).relu_()

    def up(x: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(x, scale_factor=2, mode="nearest")

    a = convolved(convolved(picture[None, None], 1), 2)
    b = convolved(convolved(functional.max_pool2d(a, 2), 3), 4)
    x = convolved(convolved(functional.max_pool2d(b, 2), 5), 6)
    x = convolved(convolved(torch.cat((up(x), b), 1), 7), 8)
    x = convolved(convolved(torch.cat((up(x), a), 1), 9), 10)
    # The published network has a ReLU after the last convolution too, before the softmax.
    return torch.softmax(convolved(x, 11), 1)[0, 1]
