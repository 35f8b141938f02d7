"""Nuclei on slides by InstanSeg, once a person has put its weights into the weights folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from scanwright.tools.artifacts import Cells, Slide
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions_flat import PixelSizeAtMost, PixelSizeKnown, StainIs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.engines import instanseg
from scanwright.tools.morphology import nuclei, slide_cells, slide_nuclei, stains, tissue
from scanwright.tools.morphology.slide_cells import cells_of, view_of

WEIGHTS = "instanseg-brightfield"


@tool(
    family="histology",
    examples=(
        "Find the nuclei with InstanSeg.",
        "Segment the nuclei by the InstanSeg network.",
        "Outline the nuclei with a network.",
        "Detect the nuclei on this H&E with InstanSeg.",
        "Mark the nuclei with the network.",
        "Outline all nuclei by InstanSeg.",
    ),
    near_misses=(
        "Find the nuclei by their stain. (nuclei_by_stain)",
        "Which cells are lymphocytes? (not assessed)",
        "Outline the cells' membranes. (not assessed: nuclei only)",
    ),
    when=(
        StainIs(one_of=("H&E", "IHC DAB")),
        PixelSizeKnown(why="the size of a nucleus in pixels is not known"),
        PixelSizeAtMost(um=0.8),
    ),
    needs=Needs(memory_gb=2.5, seconds=60.0, torch=True),
    weights=(WEIGHTS,),
    reference="Goldsborough et al., InstanSeg, arXiv 2408.15954 (2024): brightfield nuclei at 0.5 µm a pixel.",
    error=(MeasuredError(text="not measured here: the weights are not bundled"),),
    licence="Apache-2.0; weights Apache-2.0, not bundled",
    uses=(instanseg, nuclei, slide_cells, slide_nuclei, stains, tissue),
)
def nuclei_by_instanseg(ctx: ToolContext, slide: Slide) -> Annotated[Cells, Of("nucleus", side="whole")]:
    """The nuclei of a tile or a whole slide by the InstanSeg network, each with its place, area, shape and staining.

    Worked on tile by tile where there is tissue, at about 0.5 µm a pixel; a run that was stopped goes on from the
    finished tiles. Outlines are kept of images up to 36 million pixels.
    """
    network = _network(ctx)
    return cells_of(
        ctx, slide, view_of(ctx, slide), nuclei_by_instanseg.card.code_hash, slide_nuclei.BY_NETWORK,
        find=lambda rgb: instanseg.instanseg_labels(network, rgb),
    )  # fmt: skip


def _network(ctx: ToolContext) -> Any:
    from scanwright.tools.weights.loading import load_torchscript

    files = ctx.weights(WEIGHTS)
    path: Path = next(file for role, file in sorted(files.items()) if role.endswith(".pt"))
    return ctx.resident(f"{WEIGHTS}:{path}:{path.stat().st_mtime_ns}", lambda: load_torchscript(path))
