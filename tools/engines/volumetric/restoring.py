"""From scores on a network's grid to labels on the scan's grid, row by row, as the rows become final.

Scores are interpolated and only then decided. Where all eight neighbours have one label so has what lies between
them (their scores are mixed with weights that add up to 1), so only voxels at a border are interpolated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.engines.volumetric.model import VolumetricModel
from scanwright.tools.engines.volumetric.preparing import Axis, Prepared

# Interpolated at once: 200,000 voxels of 120 channels are 100 MB.
NUMBERS_AT_ONCE = 24_000_000


class Restorer:
    """Takes rows of scores in order and fills labels (i, j, k) of the turned scan; outside the box they are 0."""

    def __init__(self, model: VolumetricModel, prepared: Prepared) -> None:
        self.labels = np.zeros(prepared.shape, np.uint8)
        self._model = model
        self._rows = _Line.of(prepared.axes[0], prepared.shape[0])
        self._columns = [_Line.of(a, n) for a, n in zip(prepared.axes[1:], prepared.shape[1:], strict=True)]
        self._size = prepared.axes[0].size
        self._next = self._rows.first
        self._kept: dict[int, tuple[Any, NDArray[np.uint8]]] = {}

    def take(self, first: int, scores: Any) -> None:
        """scores (rows, j, k, channels) of the rows from first on; they follow those taken before."""
        rows, upto = self._rows, first + scores.shape[0]
        for index in range(scores.shape[0]):
            self._kept[first + index] = (scores[index].float(), self._decided(scores[index]))
            while self._next < rows.last and rows.high[self._next] <= first + index:
                self._fill(self._next)
                self._next += 1
            wanted = int(rows.low[self._next]) if self._next < rows.last else upto
            for old in [k for k in self._kept if k < wanted and k < first + index]:
                del self._kept[old]

    def _fill(self, row: int) -> None:
        import torch

        low, high = int(self._rows.low[row]), int(self._rows.high[row])
        y, z = self._columns
        below, above = self._kept[low], self._kept[high]
        columns = np.s_[y.first : y.last, z.first : z.last]
        corners = [
            plane[1][np.ix_(ys[y.first : y.last], zs[z.first : z.last])]
            for plane in (below, above)
            for ys in (y.low, y.high)
            for zs in (z.low, z.high)
        ]
        made = corners[0].copy()
        border = np.zeros(made.shape, np.bool_)
        for corner in corners[1:]:
            border |= corner != made
        at_y, at_z = np.nonzero(border)
        if at_y.size:
            width = below[0].shape[1]
            table = torch.cat([p[0].reshape(-1, self._model.channels) for p in (below, above)])
            plane_size = below[0].shape[0] * width
            share = self._rows.share[row]
            at_once = max(1, NUMBERS_AT_ONCE // self._model.channels)
            for begin in range(0, at_y.size, at_once):
                ys, zs = at_y[begin : begin + at_once] + y.first, at_z[begin : begin + at_once] + z.first
                where, much = [], []
                for offset, of_row in ((0, 1 - share), (plane_size, share)):
                    for line_y, of_y in ((y.low, 1 - y.share), (y.high, y.share)):
                        for line_z, of_z in ((z.low, 1 - z.share), (z.high, z.share)):
                            where.append(offset + line_y[ys] * width + line_z[zs])
                            much.append(of_row * of_y[ys] * of_z[zs])
                mixed = torch.nn.functional.embedding_bag(
                    torch.from_numpy(np.stack(where, 1)),
                    table,
                    mode="sum",
                    per_sample_weights=torch.from_numpy(np.stack(much, 1).astype(np.float32)),
                )
                made[at_y[begin : begin + at_once], at_z[begin : begin + at_once]] = self._decided(mixed)
        self.labels[row][columns] = made

    def _decided(self, scores: Any) -> NDArray[np.uint8]:
        """Labels of scores (…, channels)."""
        import torch

        if self._model.heads == "argmax":
            return np.asarray(scores.argmax(-1).to(torch.uint8).numpy())
        if self._model.heads == "best":
            score, channel = scores.max(-1)
            values = torch.tensor(self._model.regions, dtype=torch.uint8)
            return np.asarray(torch.where(score > 0, values[channel], 0).to(torch.uint8).numpy())
        painted = torch.zeros(scores.shape[:-1], dtype=torch.uint8)
        for channel, label in enumerate(self._model.regions):
            painted[scores[..., channel] > 0] = label
        return np.asarray(painted.numpy())


class _Line:
    """For each voxel of an axis its two neighbours on the network's grid, and the share of the second.

    Voxels first to last lie inside the network's box.
    """

    def __init__(self, at: NDArray[Any], size: int, nearest: bool) -> None:
        inside = np.flatnonzero((at > -0.5 - 1e-6) & (at < size - 0.5 + 1e-6))
        self.first, self.last = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
        at = np.clip(np.round(at) if nearest else at, 0, size - 1)
        # A voxel that falls on a voxel must not be mixed with the next one for a rounding error.
        at = np.where(np.abs(at - np.round(at)) < 1e-6, np.round(at), at)
        self.low = np.floor(at).astype(np.intp)
        self.share = at - self.low
        self.high = np.minimum(self.low + (self.share > 0), size - 1)

    @classmethod
    def of(cls, axis: Axis, count: int) -> _Line:
        """The line of count voxels that lie on the network's grid as axis says."""
        return cls(axis.factor * np.arange(count) + axis.offset, axis.size, axis.nearest)
