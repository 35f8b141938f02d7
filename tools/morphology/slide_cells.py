"""Nuclei of a slide as cells: how it is looked at, and a run over its tiles that goes on where it was stopped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Cells, Slide
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.hashing import sha256_json
from scanwright.tools.imaging.flat.frame import Box
from scanwright.tools.morphology.slide_nuclei import Find, Looking, Read, all_nuclei, looking, tissue_view

# Outlines are kept of images up to this size; of larger ones the table alone.
LABELS_AT_MOST: Final = 36_000_000


@dataclass(frozen=True, eq=False)
class View:
    """A slide as it is looked at: how to read it, its thresholds, and its tissue in a view down times coarser."""

    read: Read
    how: Looking
    tissue: NDArray[np.bool_]
    down: float


def view_of(ctx: ToolContext, slide: Slide) -> View:
    """How a slide whose stain and pixel size are known is looked at."""

    def read(box: Box | None, downsample: float) -> NDArray[np.uint8]:
        return ctx.pixels(slide, box, downsample=downsample)

    stain = str(slide.image.stain)
    tissue, down = tissue_view(read, slide.frame, stain)
    return View(read, looking(read, slide.frame, stain, tissue, down), tissue, down)


def cells_of(ctx: ToolContext, slide: Slide, view: View, code: str, flag: str, find: Find | None = None) -> Cells:
    """The nuclei by their stain, or by find, with flag put on them.

    code is the hash of what finds them: unfinished tiles of other code, or of another slide, are not gone on with.
    """
    unfinished = ctx.scratch(sha256_json(["nuclei", code, slide.pixel_hash, str(view.how)]))
    keep = slide.frame.width * slide.frame.height <= LABELS_AT_MOST
    table, labels = all_nuclei(
        view.read, slide.frame, view.how, view.tissue, view.down,
        unfinished=unfinished, report=ctx.progress, keep_labels=keep, find=find,
    )  # fmt: skip
    found = ctx.cells(table, view.how.columns, slide, "nucleus", labels=labels, name="nuclei")
    shutil.rmtree(unfinished, ignore_errors=True)
    return found.model_copy(update={"flags": (flag,)})
