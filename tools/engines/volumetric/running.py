"""Running a volumetric model: window after window, scores added up in a band of rows that moves along the scan."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.meshnet import Precision, best_precision
from scanwright.tools.engines.volumetric.model import VolumetricModel
from scanwright.tools.engines.volumetric.preparing import Prepared, prepare
from scanwright.tools.engines.volumetric.restoring import Restorer
from scanwright.tools.engines.volumetric.windows import padding, starts, weights
from scanwright.tools.imaging.geometry import Geometry

Progress: TypeAlias = Callable[[float], None]
# Bands above this are kept in half precision: scores are summed with weights of at most 1, so 11 bits are enough.
BAND_BYTES = 1_500_000_000
GATE_DICE = 0.99
# Classes with fewer voxels than this in the window that is tried say nothing about the precision.
GATE_VOXELS = 200


@dataclass(frozen=True)
class Seen:
    """labels (i, j, k) on the scan's own grid, and the precision in which the network ran."""

    labels: NDArray[np.uint8]
    precision: Precision


def labels_of(
    model: VolumetricModel,
    voxels: NDArray[Any],
    geometry: Geometry,
    progress: Progress,
    *,
    mirror: bool = False,
    precision: Precision | None = None,
) -> Seen:
    """What the model sees in a scan (i, j, k).

    mirror averages over mirrored looks where the model allows them. precision None: bfloat16 where this processor
    multiplies it in hardware tiles and the labels of the middle window stay the same (Dice of the worst class 0.99
    and more), else float32. progress is told a fraction after each window, and may raise to stop.
    """
    prepared = prepare(voxels, geometry, model.axcodes, model.steps)
    restorer = Restorer(model, prepared)
    look = _Look(model, prepared, mirror)
    chosen: Precision = precision or look.precision()
    look.run(chosen, restorer, progress)
    return Seen(prepared.undo(restorer.labels), chosen)


class _Look:
    """One scan before one model."""

    def __init__(self, model: VolumetricModel, prepared: Prepared, mirror: bool) -> None:
        import torch

        windows = model.windows
        pads = padding(prepared.voxels.shape, windows.patch)
        mode = "edge" if windows.padding == "replicate" else "constant"
        scan = np.pad(prepared.voxels, pads, mode=mode) if any(map(any, pads)) else prepared.voxels  # type: ignore[call-overload]
        self._scan = torch.from_numpy(np.ascontiguousarray(scan))
        self._inside = tuple(slice(p[0], p[0] + n) for p, n in zip(pads, prepared.voxels.shape, strict=True))
        self._model = model
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._starts = [starts(n, p, windows) for n, p in zip(scan.shape, windows.patch, strict=True)]
        axes = model.mirrors if mirror else ()
        self._flips = [c for n in range(len(axes) + 1) for c in itertools.combinations(axes, n)]
        self._weights = torch.from_numpy(weights(windows))

    def precision(self) -> Precision:
        """bfloat16 where the processor is made for it and the middle window looks the same, else float32."""
        if self._device != "cpu" or best_precision() != "bfloat16":
            return "float32"
        at = tuple(line[len(line) // 2] for line in self._starts)
        return "bfloat16" if self.gate(at) >= GATE_DICE else "float32"

    def gate(self, at: tuple[int, ...]) -> float:
        """The Dice of the worst class between float32 and bfloat16, in the window at a start."""
        exact, fast = (self._labels(at, p) for p in ("float32", "bfloat16"))
        worst = 1.0
        for value in np.unique(exact):
            one, other = exact == value, fast == value
            if (size := int(one.sum())) >= GATE_VOXELS:
                worst = min(worst, 2 * int((one & other).sum()) / (size + int(other.sum())))
        return worst

    def _labels(self, at: tuple[int, ...], precision: Any) -> NDArray[np.int64]:
        import torch

        scores = torch.empty((self._model.channels, *self._model.windows.patch))
        for channels, part in self._scores(at, precision, self._model.networks[0], ()):
            scores[channels] = part.float().cpu()
        if self._model.heads == "argmax":
            return np.asarray(scores.argmax(0).numpy())
        if self._model.heads == "best":
            best, channel = scores.max(0)
            return np.asarray(torch.where(best > 0, channel + 1, 0).numpy())
        codes = (scores > 0).long() * (2 ** torch.arange(len(scores)))[:, None, None, None]
        return np.asarray(codes.sum(0).numpy())

    def run(self, precision: Precision, restorer: Restorer, progress: Progress) -> None:
        """Looks at every window and gives rows to restorer once no window to come reaches them."""
        import torch

        model, patch = self._model, self._model.windows.patch
        _, wide, deep = self._scan.shape
        numbers = patch[0] * wide * deep * model.channels
        kind = torch.float16 if numbers * 4 > BAND_BYTES else torch.float32
        band = torch.zeros((patch[0], wide, deep, model.channels), dtype=kind)
        counted = torch.zeros((patch[0], wide, deep))
        total = len(self._starts[0]) * len(self._starts[1]) * len(self._starts[2])
        done = 0
        for index, first in enumerate(self._starts[0]):
            for y, z in itertools.product(self._starts[1], self._starts[2]):
                box = np.s_[:, y : y + patch[1], z : z + patch[2]]
                self._add((first, y, z), precision, band[box])
                counted[box] += self._weights
                done += 1
                progress(done / total)
            last = index + 1 == len(self._starts[0])
            final = patch[0] if last else self._starts[0][index + 1] - first
            self._give(first, band[:final], counted[:final], restorer)
            if not last:
                for each in (band, counted):
                    each[: patch[0] - final] = each[final:].clone()
                    each[patch[0] - final :] = 0

    def _add(self, at: tuple[int, int, int], precision: Precision, band: Any) -> None:
        """Adds the weighed scores of a window to band (i, j, k, channels), averaged over folds and mirrored looks."""
        counts = self._weights / (len(self._model.networks) * len(self._flips))
        for network in self._model.networks:
            for flip in self._flips:
                for channels, scores in self._scores(at, precision, network, flip):
                    weighed = scores.float().cpu() * counts
                    band[..., channels] += weighed.permute(1, 2, 3, 0).to(band.dtype)

    def _scores(self, at: tuple[int, ...], precision: Any, network: Any, flip: tuple[int, ...]) -> Any:
        import torch

        place = tuple(slice(a, a + p) for a, p in zip(at, self._model.windows.patch, strict=True))
        window = self._scan[place][None, None].to(self._device)
        if flip:
            window = window.flip([axis + 2 for axis in flip])
        fast = precision == "bfloat16"
        with torch.inference_mode(), torch.autocast(self._device, torch.bfloat16, enabled=fast):
            for channels, scores in self._model.forward(network, window):
                yield channels, scores.flip([axis + 1 for axis in flip]) if flip else scores

    def _give(self, first: int, band: Any, counted: Any, restorer: Restorer) -> None:
        """Rows of the padded scan from first on: those inside go to restorer."""
        rows, ys, zs = self._inside
        low, high = max(first, rows.start), min(first + band.shape[0], rows.stop)
        if low >= high:
            return
        part = np.s_[low - first : high - first, ys, zs]
        # Row by row, so that no second band is made.
        for row in range(low - first, high - first):
            scores = band[row, ys, zs].float() / counted[part][row - (low - first)][..., None]
            restorer.take(first + row - rows.start, scores[None])
