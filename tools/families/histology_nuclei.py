"""Nuclei on slides: found by stain, counted, measured, and the share that is positive."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scanwright.tools import measuring_flat
from scanwright.tools.artifacts import Cells, Measurement, Measurements, Region, Slide
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions_flat import PixelSizeAtMost, PixelSizeKnown, StainIs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.measuring_flat import flat_measured, flat_together
from scanwright.tools.morphology import nuclei, slide_cells, slide_nuclei, stains, tissue
from scanwright.tools.morphology.slide_cells import cells_of, view_of
from scanwright.tools.morphology.slide_nuclei import (
    Tile,
    brown_share,
    counts_at,
    tiles_of,
)

# The range of a count is told from at most so many tiles.
RANGE_TILES = 4
SHIFT = 0.1
POSITIVE_OD = 0.2
# Outlines run this far outside of a phantom's sharp discs.
OUTLINE_UM = 0.4
# More brown than this is no stain of nuclei: they never fill that much of a tissue.
BROWN_AT_MOST = 0.4
POSITIVE_SHIFT = 0.2
USUAL = "nuclei of usual size (12–600 µm²) only; one cell is taken to have one nucleus"
WHEN = (
    StainIs(one_of=slide_nuclei.STAINS),
    PixelSizeKnown(why="the size of a nucleus in pixels is not known"),
    PixelSizeAtMost(um=0.8),
)


@tool(
    examples=(
        "Find the nuclei.",
        "Segment all nuclei on this tile.",
        "Mark every cell nucleus on the slide.",
        "Detect the cells.",
        "Outline the nuclei on this H&E.",
        "Where are the nuclei in this fluorescence image?",
    ),
    near_misses=(
        "Find the mitoses. (not assessed)",
        "Which cells are lymphocytes? (not assessed)",
        "Outline the cells' membranes. (not assessed: nuclei only)",
    ),
    when=WHEN,
    needs=Needs(memory_gb=1.5, seconds=8.0),
    reference="Haematoxylin by colour deconvolution (Ruifrok & Johnston 2001), Otsu's threshold, watershed of the "
    "distance to the outline and of the Laplacian of Gaussian.",
    error=(
        MeasuredError(
            text="fluorescence, 54 hand-labelled nuclei, no constant chosen on them: F1 0.89 at IoU 0.5, 7 % too few"
        ),
        MeasuredError(
            text="H&E: 333 nuclei where two published tools find 319 and 331 (constants chosen on this tile)"
        ),
        MeasuredError(
            text="Ki-67: 911 nuclei where a published tool finds 1066–1323 (one constant chosen on this tile)"
        ),
    ),
    uses=(nuclei, slide_cells, slide_nuclei, stains, tissue),
)
def nuclei_by_stain(ctx: ToolContext, slide: Slide) -> Annotated[Cells, Of("nucleus", side="whole")]:
    """The nuclei of a tile or a whole slide, each with its place, area, shape and staining.

    On H&E by haematoxylin, on immunohistochemistry by haematoxylin and DAB together, in fluorescence by light.
    Whole slides are worked on tile by tile where there is tissue; a run that was stopped goes on from the finished
    tiles. Outlines are kept of images up to 36 million pixels.
    """
    view = view_of(ctx, slide)
    if (
        slide.image.stain == "IHC DAB"
        and (share := brown_share(view.read, view.how, view.tissue, view.down)) > BROWN_AT_MOST
    ):
        raise ToolInputError(
            f"{100 * share:.0f} % of the tissue is brown, so the antibody marks more than nuclei (a membrane or the "
            "cytoplasm): nuclei cannot be told apart there. Mark them by hand."
        )
    return cells_of(ctx, slide, view, nuclei_by_stain.card.code_hash, USUAL)


@tool(
    examples=(
        "How many nuclei are there?",
        "Count the nuclei.",
        "How many cells are on this tile?",
        "Number of nuclei in this H&E tile",
        "Count the cells on the slide.",
        "What is the cell count?",
    ),
    near_misses=(
        "How many are positive? (positive_fraction)",
        "How many mitoses are there? (not assessed)",
        "How many nuclei per mm²? (nuclei_density)",
    ),
    when=WHEN,
    needs=Needs(memory_gb=1.5, seconds=12.0),
    reference="Objects counted; range by the threshold 10 % lower and higher.",
    error=(MeasuredError(text="H&E: 333 where two published tools find 319 and 331"),),
    uses=(nuclei, slide_cells, slide_nuclei, stains, tissue, measuring_flat),
)
def nuclei_count(
    ctx: ToolContext, slide: Slide, cells: Annotated[Cells, Of("nucleus", side="whole")]
) -> Annotated[Measurement, Of("nucleus", side="whole", quantity="nuclei_count")]:
    """How many nuclei the tile or slide has. The range is that of the threshold moved by 10 % either way.

    On a large slide the range comes from four tiles spread over the tissue.
    """
    return flat_measured(
        "nuclei_count",
        cells.count,
        "{count}",
        cells,
        method="nuclei counted",
        uncertainty=_range(ctx, slide, cells, 1.0),
    )


@tool(
    examples=(
        "How many nuclei per mm²?",
        "What is the cell density?",
        "Density of nuclei in the tissue",
        "How cellular is this tissue, in cells per square millimetre?",
        "Nuclei per square millimetre of tissue, please.",
        "How densely packed are the cells?",
    ),
    near_misses=("How many nuclei are there? (nuclei_count)", "How dense is the stain? (stain_density)"),
    when=WHEN,
    needs=Needs(memory_gb=1.5, seconds=12.0),
    reference="Count divided by the area of the tissue (not of the image).",
    error=(MeasuredError(text="as the count's; the area of the tissue adds its own"),),
    uses=(nuclei, slide_cells, slide_nuclei, stains, tissue, measuring_flat),
)
def nuclei_density(
    ctx: ToolContext,
    slide: Slide,
    cells: Annotated[Cells, Of("nucleus", side="whole")],
    region: Annotated[Region, Of("tissue", side="whole")],
) -> Annotated[Measurement, Of("nucleus", side="whole", quantity="nuclei_density")]:
    """Nuclei per mm² of tissue. The range is that of the threshold moved by 10 % either way."""
    mm2 = region.frame.mm2_per_pixel
    assert mm2 is not None
    area = region.pixels * mm2
    if not region.pixels:
        return flat_measured("nuclei_density", None, "/mm2", cells, method="nuclei by area of the tissue")
    return flat_measured(
        "nuclei_density", cells.count / area, "/mm2", cells,
        method=f"nuclei by area of the tissue ({area:.4g} mm²)", uncertainty=_range(ctx, slide, cells, 1 / area),
    )  # fmt: skip


@tool(
    examples=(
        "What share of the nuclei is positive?",
        "What is the Ki-67 index?",
        "How many percent of the cells are DAB positive?",
        "Labelling index of this Ki-67 stain",
        "What fraction of nuclei stains brown?",
        "Percentage of oestrogen receptor positive nuclei",
    ),
    near_misses=(
        "What is the H-score? (not assessed)",
        "Is HER2 positive? (not assessed: membranes)",
        "How strong is the DAB stain? (stain_density)",
    ),
    when=(StainIs(one_of=("IHC DAB",)),),
    needs=Needs(memory_gb=0.1, seconds=0.1),
    reference="Mean DAB optical density of a nucleus at or above the threshold (Ruifrok & Johnston 2001); "
    "thresholds of 0.2 and 0.5 are both in published use, and counts swing with them.",
    error=(
        MeasuredError(
            text="Ki-67: 20.7 % at 0.2 where a published tool gives 16.6–20.5 %; at 0.5 9.2 % and 11.9–14.7 %"
        ),
    ),
    uses=(measuring_flat,),
)
def positive_fraction(
    ctx: ToolContext, cells: Annotated[Cells, Of("nucleus", side="whole")], threshold: float = POSITIVE_OD
) -> Annotated[Measurement, Of("nucleus", side="whole", quantity="positive_fraction")]:
    """Share of nuclei whose mean DAB optical density reaches a threshold, in percent; of all nuclei, tumour or not.

    The range is that of the threshold moved by 20 % either way. Raises ToolInputError where the threshold is not
    above 0, or the nuclei were not measured for DAB.
    """
    if not 0 < threshold < 3:
        raise ToolInputError(f"A threshold of {threshold:g} is no optical density of DAB: give one between 0 and 3.")
    columns = ctx.cell_table(cells)
    if "dab_od" not in columns:
        raise ToolInputError("The nuclei were not measured for DAB: the slide is not stained with it.")
    density = columns["dab_od"]
    if not len(density):
        return flat_measured("positive_fraction", None, "%", cells, method="DAB optical density of nuclei")

    def share(at: float) -> float:
        return 100 * float((density >= at).mean())

    ends = (share(threshold * (1 + POSITIVE_SHIFT)), share(threshold * (1 - POSITIVE_SHIFT)))
    return flat_measured(
        "positive_fraction", share(threshold), "%", cells,
        method=f"nuclei with a mean DAB optical density of {threshold:g} or more",
        uncertainty=Uncertainty(
            kind="range", low=ends[0], high=ends[1], n=2,
            method=f"threshold {threshold * (1 + POSITIVE_SHIFT):.3g} and {threshold * (1 - POSITIVE_SHIFT):.3g}",
        ),
        flags=("counted among all nuclei: tumour is not told from other cells",),
    )  # fmt: skip


@tool(
    examples=(
        "How large are the nuclei?",
        "What is the mean nuclear area?",
        "Average size of a nucleus in µm²",
        "How much do the nuclei vary in size?",
        "Spread of the nuclear areas",
        "Is there a large variation of nuclear size (anisokaryosis), as a number?",
    ),
    near_misses=("What is the nuclear grade? (not assessed)", "How large is the tissue? (tissue_area)"),
    needs=Needs(memory_gb=0.1, seconds=0.1),
    reference="Area by pixels counted; standard deviation over nuclei.",
    error=(MeasuredError(text="sharp discs of 50 µm² in a phantom: 20 % too large", relative_error=0.2),),
    uses=(measuring_flat,),
)
def nuclear_area(
    ctx: ToolContext, cells: Annotated[Cells, Of("nucleus", side="whole")]
) -> Annotated[Measurements, Of("nucleus", side="whole", quantity=("mean_nuclear_area", "sd_nuclear_area"))]:
    """Mean area of the nuclei in µm², and its standard deviation over the nuclei.

    The range of the mean is that of every outline moved by 0.4 µm, as far as outlines of a phantom were off.
    """
    columns = ctx.cell_table(cells)
    area, around = columns["area_um2"].astype(np.float64), columns["perimeter_um"].astype(np.float64)
    if not len(area):
        items = tuple(
            flat_measured(q, None, "um2", cells, method="pixels counted")
            for q in ("mean_nuclear_area", "sd_nuclear_area")
        )
        return flat_together(items, cells, "area of the nuclei")
    moved = float(OUTLINE_UM * around.mean())
    mean = float(area.mean())
    spread = Uncertainty(
        kind="range",
        low=max(mean - moved, 0.0),
        high=mean + moved,
        method=f"every outline moved by {OUTLINE_UM:g} µm",
        n=2,
    )
    items = (
        flat_measured("mean_nuclear_area", mean, "um2", cells, method="pixels counted", uncertainty=spread),
        flat_measured(
            "sd_nuclear_area", float(area.std()), "um2", cells, method=f"standard deviation over {len(area)} nuclei"
        ),
    )
    return flat_together(items, cells, "area of the nuclei")


def _range(ctx: ToolContext, slide: Slide, cells: Cells, scale: float) -> Uncertainty | None:
    """The range of a number of nuclei times scale when the threshold is moved; None for cells found otherwise."""
    if cells.count == 0 or slide_nuclei.BY_NETWORK in cells.flags:
        return None
    view = view_of(ctx, slide)
    found = list(tiles_of(slide.frame, view.how, view.tissue, view.down))
    some: list[Tile] = found[:: max(1, -(-len(found) // RANGE_TILES))]
    few, base, many = counts_at(view.read, some, view.how, (1 + SHIFT, 1.0, 1 - SHIFT))
    if base == 0:
        return None
    ends = sorted((cells.count * few / base * scale, cells.count * scale, cells.count * many / base * scale))
    return Uncertainty(
        kind="range", low=ends[0], high=ends[-1], n=2,
        method=f"threshold of the stain 10 % higher and lower, on {len(some)} of {len(found)} tiles",
    )  # fmt: skip
