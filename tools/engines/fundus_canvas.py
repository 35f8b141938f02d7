"""The square on which methods look at a fundus: its field of view 540 pixels wide, in the middle of 576.

The same for photographs of every size, so that a vessel has the width that methods know, and memory does not grow
with the photograph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Photograph
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.imaging.flat.frame import Box
from scanwright.tools.morphology.fundus import Circle

FIELD = 540
SIDE = 576


@dataclass(frozen=True)
class Canvas:
    """rgb is (576, 576, 3); box is what it shows, in pixels of the photograph; place where that lies on the canvas.

    place is (left, top, width, height) in pixels of the canvas.
    """

    rgb: NDArray[np.uint8]
    box: Box
    place: Box

    def onto(self, values: NDArray[np.float32], shape: tuple[int, int], downsample: float) -> NDArray[np.float32]:
        """Values (576, 576) on pixels (rows, columns) of the photograph downsample times larger, 0 beside it."""
        from scipy.ndimage import affine_transform

        steps, starts = [], []
        for axis in (1, 0):
            scale = self.place[2 + axis] / self.box[2 + axis]
            steps.append(downsample * scale)
            starts.append((downsample * 0.5 - self.box[axis]) * scale + self.place[axis] - 0.5)
        result: NDArray[np.float32] = affine_transform(values, steps, starts, output_shape=shape, order=1)
        return result


def canvas_of(ctx: ToolContext, photograph: Photograph, field: Circle) -> Canvas:
    """The photograph with its field of view (a circle in its own pixels) on the canvas."""
    from PIL import Image

    scale = FIELD / (2 * field.radius)
    left, top = field.x - SIDE / 2 / scale, field.y - SIDE / 2 / scale
    x, y = max(0, int(left)), max(0, int(top))
    width = min(photograph.frame.width, int(np.ceil(left + SIDE / scale))) - x
    height = min(photograph.frame.height, int(np.ceil(top + SIDE / scale))) - y
    seen = ctx.pixels(photograph, (x, y, width, height), downsample=max(1.0, 1 / scale))
    if scale > 1:
        size = (round(width * scale), round(height * scale))
        seen = np.asarray(Image.fromarray(seen).resize(size, Image.Resampling.BICUBIC))
    across, down = max(0, round((x - left) * scale)), max(0, round((y - top) * scale))
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    shown = seen[: SIDE - down, : SIDE - across]
    rgb[down : down + shown.shape[0], across : across + shown.shape[1]] = shown
    return Canvas(rgb, (x, y, width, height), (across, down, seen.shape[1], seen.shape[0]))
