"""A picture of a photograph with the outline of a region on it."""

from __future__ import annotations

import io
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scanwright.tools.artifacts import Figure, Photograph, Region
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.errors import ToolInputError

# The picture's longer side: fine enough for an outline on both sides of a thin vessel.
SIDE = 1100
AT_LEAST = 500
HEAD, FOOT, GAP = 40, 34, 12
BACKGROUND = (12, 14, 18)
TEXT, QUIET = (222, 226, 232), (150, 158, 168)
# Neither skin nor fundus has it.
CONTOUR = (60, 255, 235)
RESEARCH_USE = "Research use: not a medical device."


@tool(
    examples=(
        "Show me the fundus photograph.",
        "Show the retinal vessels on the photograph.",
        "Make a picture with the outline of the retinal vessels.",
        "Draw the field of view on the fundus photograph.",
        "Can I see the vessels on the photograph?",
        "An overlay of the retinal vessels, please.",
        "Picture of the region on the photograph",
    ),
    near_misses=("Show the brain in three planes. (overlay)", "How dense are the vessels? (vessel_density)"),
    needs=Needs(memory_gb=0.3, seconds=1.0),
    reference="Rows and columns as stored; outline of the pixels of the region that border on others.",
    error=(MeasuredError(text="an outline of an asymmetric region lies within one pixel of the picture of its place"),),
)  # fmt: skip
def photograph_overlay(
    ctx: ToolContext, photograph: Photograph, region: Annotated[Region | None, Of("?s", side="?d")] = None
) -> Annotated[Figure, Of("?s", side="?d", quantity="overlay")]:
    """A photograph with the outline of a region on it, as it is stored: not turned, not mirrored.

    The longer side has 1,100 pixels at most. A bar says how long a millimetre is where the size of a pixel is known.
    Raises ToolInputError where the region lies on another photograph.
    """
    if region is not None and region.frame != photograph.frame.smaller(region.downsample):
        raise ToolInputError(f"The {region.name} lies on another photograph than this one: give a region of this one.")
    frame = photograph.frame
    scale = SIDE / max(frame.width, frame.height)
    scale = scale if scale < 1 else max(1.0, AT_LEAST / max(frame.width, frame.height))
    size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    shown = Image.fromarray(ctx.pixels(photograph, downsample=max(1.0, 1 / scale))).resize(
        size, Image.Resampling.BICUBIC
    )
    name = "photograph"
    if region is not None:
        name = region.name if region.pixels else f"{region.name}: not found"
        shown = _outlined(shown, ctx.region_pixels(region))
    png = _framed(shown, name, None if frame.um_per_pixel is None else 1000 * scale / frame.um_per_pixel[0])
    caption = f"{name[:1].upper()}{name[1:]}, as the photograph is stored. {RESEARCH_USE}"
    figure = ctx.figure(png, name=f"picture of the {name}", caption=caption)
    if region is None:
        whole = figure.type.model_copy(update={"structure": "image", "side": "whole"})
        return figure.model_copy(update={"type": whole})
    return figure.model_copy(update={"flags": region.flags})


def _outlined(picture: Image.Image, region: NDArray[np.bool_]) -> Image.Image:
    """The picture with the border of a region, one pixel wide and outside of it, so that thin vessels stay in sight."""
    from scipy.ndimage import binary_dilation

    soft = Image.fromarray(region.astype(np.uint8) * 255).resize(picture.size, Image.Resampling.BILINEAR)
    inside = np.asarray(soft) > 127
    pixels = np.array(picture)
    pixels[binary_dilation(inside) & ~inside] = CONTOUR
    return Image.fromarray(pixels)


def _framed(picture: Image.Image, title: str, mm: float | None) -> bytes:
    """PNG bytes: the picture under its title; mm is how many of its pixels a millimetre has, None where not known."""
    width = max(picture.width, AT_LEAST)
    canvas = Image.new("RGB", (width, HEAD + picture.height + FOOT), BACKGROUND)
    canvas.paste(picture, ((width - picture.width) // 2, HEAD))
    pen = ImageDraw.Draw(canvas)
    small = ImageFont.load_default(size=13)
    pen.text((GAP, 10), title, TEXT, font=ImageFont.load_default(size=17))
    y = HEAD + picture.height + FOOT / 2
    if mm is None:
        pen.text((GAP, y), "size of a pixel not known", QUIET, font=small, anchor="lm")
    else:
        length = max((n for n in (0.01, 0.1, 1, 10, 100) if n * mm <= 160), default=0.01)
        pen.line([(GAP, y), (GAP + length * mm, y)], TEXT, width=3)
        pen.text((GAP + length * mm + 8, y), f"{length:g} mm", TEXT, font=small, anchor="lm")
    pen.text((width - GAP, y), RESEARCH_USE, QUIET, font=small, anchor="rm")
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
