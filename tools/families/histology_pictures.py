"""Pictures of slides: the outline of a region, nuclei with their colour, a scale bar; and nuclei as a table."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scanwright.tools.artifacts import Cells, Figure, File, Region, Slide
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging.flat.frame import Box, Frame

LONGEST = 1200
FOOT = 46
BACKGROUND, TEXT = (12, 14, 18), (222, 226, 232)
OUTLINE, NEGATIVE, POSITIVE = (0, 150, 60), (20, 90, 255), (255, 40, 40)
ON_DARK = (255, 190, 20)
RESEARCH_USE = "Research use: not a medical device."
POSITIVE_OD = 0.2
# Of a larger slide the part with most nuclei is shown, at its own pixels.
SHOWN_WHOLE = 3000


@tool(
    examples=(
        "Show me the slide.",
        "Show the tissue on the slide.",
        "Make a picture with the outline of the tissue.",
        "Can I see the tissue mask?",
        "Draw the contour of the tissue.",
        "Picture of the whole tile, please.",
    ),
    near_misses=("Show the nuclei. (cells_overlay)", "How large is the tissue? (tissue_area)"),
    needs=Needs(memory_gb=1.0, seconds=2.0),
    reference="The slide as it was scanned: x to the right, y down.",
    error=(MeasuredError(text="an asymmetric phantom lies within one pixel of its true place"),),
)
def slide_overlay(
    ctx: ToolContext, slide: Slide, region: Annotated[Region | None, Of("?s", side="?d")] = None
) -> Annotated[Figure, Of("?s", side="?d", quantity="overlay")]:
    """The whole slide or tile, as it was scanned, with the outline of a region and a scale bar.

    The scale bar stands only where it is known how large a pixel is.
    """
    down = max(1.0, max(slide.frame.width, slide.frame.height) / LONGEST)
    rgb = np.array(ctx.pixels(slide, downsample=down))
    name = "slide" if region is None else region.name
    if region is not None:
        mask = ctx.region_pixels(region)
        _draw_outline(rgb, _resized(mask.astype(np.uint8), rgb.shape[:2]), _colour(rgb))
        if region.pixels == 0:
            name = f"{region.name}: not found"
    caption = f"{name[:1].upper()}{name[1:]}, as scanned. {RESEARCH_USE}"
    figure = ctx.figure(_png(rgb, slide.frame, down, name), name=f"picture of the {name}", caption=caption)
    if region is None:
        return figure.model_copy(
            update={"type": figure.type.model_copy(update={"structure": "image", "side": "whole"})}
        )
    return figure.model_copy(update={"flags": region.flags})


@tool(
    examples=(
        "Show the nuclei.",
        "Show me the cells on the tile.",
        "Draw the outlines of the nuclei.",
        "Make a picture of the positive and negative nuclei.",
        "Which nuclei were counted? Show them.",
        "Picture with every cell marked",
    ),
    near_misses=("How many nuclei are there? (nuclei_count)", "Show the tissue. (slide_overlay)"),
    needs=Needs(memory_gb=1.0, seconds=2.0),
    reference="The slide as it was scanned: x to the right, y down.",
    error=(MeasuredError(text="an asymmetric phantom lies within one pixel of its true place"),),
)
def cells_overlay(
    ctx: ToolContext, slide: Slide, cells: Annotated[Cells, Of("?s", side="?d")]
) -> Annotated[Figure, Of("?s", side="?d", quantity="overlay")]:
    """The nuclei on the tile: outlines where they are kept, else a ring each; on DAB, positive ones red, others blue.

    Positive is a mean DAB optical density of 0.2 or more. Of an image over 3000 pixels wide or high, the part with
    most nuclei is shown.
    """
    table = ctx.cell_table(cells)
    box = _crowded(slide.frame, table["x"], table["y"])
    down = max(1.0, max(box[2:]) / LONGEST)
    rgb = np.array(ctx.pixels(slide, box, downsample=down))
    if down == 1.0 and max(box[2:]) * 2 <= LONGEST:
        rgb = rgb.repeat(2, axis=0).repeat(2, axis=1)
        down = 0.5
    positive = table["dab_od"] >= POSITIVE_OD if "dab_od" in table else None
    labels = ctx.cell_labels(cells)
    if labels is not None:
        x, y, width, height = box
        part = _resized(labels[y : y + height, x : x + width], rgb.shape[:2])
        if positive is None:
            _draw_outline(rgb, part, _colour(rgb))
        else:
            red = np.concatenate([[False], positive])[part]
            _draw_outline(rgb, np.where(red, 0, part), NEGATIVE)
            _draw_outline(rgb, np.where(red, part, 0), POSITIVE)
    else:
        rgb = _rings(rgb, table, positive, box, down)
    name = f"{cells.name}: {cells.count} found"
    key = "" if positive is None else " Red: mean DAB optical density of 0.2 or more; blue: less."
    part_of = "" if box[2:] == (slide.frame.width, slide.frame.height) else " The part with most nuclei is shown."
    caption = f"{name[:1].upper()}{name[1:]}.{key}{part_of} {RESEARCH_USE}"
    png = _png(rgb, slide.frame, down, f"{name}{'' if positive is None else '; red: positive'}")
    figure = ctx.figure(png, name=f"picture of the {cells.name}", caption=caption)
    return figure.model_copy(update={"flags": cells.flags})


@tool(
    examples=(
        "Save the nuclei as a table.",
        "Export all nuclei with their area as CSV.",
        "Give me the measurements of each cell for a spreadsheet.",
        "Download the coordinates of the nuclei.",
        "CSV of the nuclei and their staining, please.",
        "Write every nucleus to a file.",
    ),
    near_misses=("Save the outline of the tissue. (not possible yet)", "Show the nuclei. (cells_overlay)"),
    needs=Needs(memory_gb=0.3, seconds=1.0),
    reference="RFC 4180 (CSV), UTF-8; x and y in pixels of the slide, (0, 0) the middle of its upper left pixel.",
    error=(MeasuredError(text="read back: every number to the precision that is kept", relative_error=0.0),),
    reaches_out=True,
)
def cells_csv(
    ctx: ToolContext, cells: Annotated[Cells, Of("?s", side="?d")]
) -> Annotated[File, Of("?s", side="?d", quantity="table_csv")]:
    """A row for each nucleus: place in pixels, area in µm², perimeter in µm, shape, mean optical density of each dye.

    Raises ToolInputError where there are none.
    """
    if cells.count == 0:
        raise ToolInputError(f"No {cells.name} were found, so there is no table to write.")
    table = ctx.cell_table(cells)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["number", *table])
    for number, row in enumerate(zip(*table.values(), strict=True), 1):
        writer.writerow([number, *(f"{float(v):.6g}" for v in row)])
    return ctx.file(
        out.getvalue().encode(), name=f"table of the {cells.name}", filename=f"{cells.type.structure}.csv",
        media_type="text/csv",
    ).model_copy(update={"flags": cells.flags})  # fmt: skip


def _crowded(frame: Frame, x: NDArray[np.float32], y: NDArray[np.float32]) -> Box:
    """The whole image where it is small, else the square of it with most nuclei."""
    if max(frame.width, frame.height) <= SHOWN_WHOLE:
        return 0, 0, frame.width, frame.height
    side = min(LONGEST, frame.width, frame.height)
    left = top = 0
    if len(x):
        places = (x // side).astype(np.int64) + (y // side).astype(np.int64) * 1_000_000
        values, counts = np.unique(places, return_counts=True)
        best = int(values[int(counts.argmax())])
        left, top = best % 1_000_000 * side, best // 1_000_000 * side
    return min(left, frame.width - side), min(top, frame.height - side), side, side


def _resized(labels: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """The label under the middle of each pixel of a picture of shape (rows, columns)."""
    rows = ((np.arange(shape[0]) + 0.5) * labels.shape[0] / shape[0]).astype(np.int64)
    columns = ((np.arange(shape[1]) + 0.5) * labels.shape[1] / shape[1]).astype(np.int64)
    return np.asarray(labels[np.ix_(rows, columns)])


def _draw_outline(rgb: NDArray[np.uint8], labels: NDArray[Any], colour: tuple[int, int, int]) -> None:
    from skimage.segmentation import find_boundaries

    rgb[find_boundaries(labels, mode="inner")] = colour


def _colour(rgb: NDArray[np.uint8]) -> tuple[int, int, int]:
    return ON_DARK if float(np.median(rgb)) < 90 else OUTLINE


def _rings(
    rgb: NDArray[np.uint8],
    table: dict[str, NDArray[np.float32]],
    positive: NDArray[np.bool_] | None,
    box: Box,
    down: float,
) -> NDArray[np.uint8]:
    picture = Image.fromarray(rgb)
    draw = ImageDraw.Draw(picture)
    x, y = (table["x"] - box[0] + 0.5) / down, (table["y"] - box[1] + 0.5) / down
    for n in np.flatnonzero((x >= 0) & (y >= 0) & (x < rgb.shape[1]) & (y < rgb.shape[0])):
        colour = OUTLINE if positive is None else POSITIVE if positive[n] else NEGATIVE
        draw.ellipse((x[n] - 6, y[n] - 6, x[n] + 6, y[n] + 6), outline=colour, width=2)
    return np.asarray(picture)


def _png(rgb: NDArray[np.uint8], frame: Frame, down: float, title: str) -> bytes:
    height, width = rgb.shape[:2]
    picture = Image.new("RGB", (max(width, 420), height + FOOT), BACKGROUND)
    picture.paste(Image.fromarray(rgb), (0, 0))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    draw.text((10, height + 6), title, fill=TEXT, font=font)
    draw.text((10, height + 25), RESEARCH_USE, fill=TEXT, font=ImageFont.load_default(12))
    if frame.um_per_pixel is not None:
        um = frame.um_per_pixel[0] * down
        length = _round_length(um * picture.width / 4)
        pixels, right = round(length / um), picture.width - 12
        draw.rectangle((right - pixels, height + 30, right, height + 34), fill=TEXT)
        # In mm: the font has no µ.
        said = f"{length / 1000:g} mm"
        draw.text((right - pixels, height + 8), said, fill=TEXT, font=font)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _round_length(most: float) -> float:
    """The largest of 1, 2, 5, 10, 20, … that is not more."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(m * power for m in (1, 2, 5) if m * power <= most))
