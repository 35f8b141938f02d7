"""Slides without their nuclei: where the tissue is, how large it is, how deeply it is stained, what the file says."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from scanwright.tools import measuring_flat
from scanwright.tools.artifacts import Measurement, Measurements, Region, Slide
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions_flat import DyeIn, PixelSizeKnown, StainIs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.measuring_flat import flat_measured, flat_together
from scanwright.tools.morphology import stains, tissue
from scanwright.tools.morphology.tissue import tissue_of, view_downsample

NOT_STATED = "not stated in the file"
OTSU = "Otsu, IEEE Trans Syst Man Cybern 1979;9:62–66, on optical density."


@tool(
    examples=(
        "Where is the tissue on this slide?",
        "Find the tissue.",
        "Segment the tissue on the slide.",
        "Which part of the slide is tissue and which is glass?",
        "Outline the stained tissue.",
        "Mark the tissue area.",
    ),
    near_misses=("Where is the tumour? (not assessed)", "Mark the nuclei. (nuclei_by_stain)"),
    needs=Needs(memory_gb=1.0, seconds=4.0),
    reference=OTSU,
    error=(MeasuredError(text="phantom with pale and dark tissue: area within 3 %; no hand-drawn slide was at hand"),),
    uses=(tissue, stains),
)
def tissue_region(ctx: ToolContext, slide: Slide) -> Annotated[Region, Of("tissue", side="whole")]:
    """The tissue of a slide, told from clear glass by how much light it lets through.

    Found in a view of the whole slide with pixels of about 8 µm (a tile: finer). Blue, green and black pen is left
    out. In fluorescence glass cannot be told from dark tissue: all of the image counts.
    """
    down = view_downsample(slide.frame)
    um = slide.frame.smaller(down).um_per_pixel
    fluorescence = slide.image.stain == "fluorescence"
    size = None if um is None else float(np.sqrt(um[0] * um[1]))
    mask = tissue_of(ctx.pixels(slide, downsample=down), size, fluorescence=fluorescence)
    return ctx.region(mask, slide, "tissue", downsample=down)


@tool(
    examples=(
        "How large is the tissue?",
        "What is the area of the tissue in mm²?",
        "How many square millimetres of tissue are on the slide?",
        "What share of the slide is tissue?",
        "How much of the tile is covered by tissue?",
        "Tissue area of this biopsy",
    ),
    near_misses=("How large is a nucleus? (nuclear_area)", "How large is the tumour? (not assessed)"),
    when=(PixelSizeKnown(otherwise="flag"),),
    needs=Needs(memory_gb=0.2, seconds=0.1),
    reference="Pixels counted times their area.",
    error=(MeasuredError(text="exact for a given outline", relative_error=0.0),),
    uses=(measuring_flat,),
)
def tissue_area(
    ctx: ToolContext, region: Annotated[Region, Of("tissue", side="whole")]
) -> Annotated[Measurements, Of("tissue", side="whole", quantity=("tissue_area", "tissue_fraction"))]:
    """Area of the tissue in mm², and its share of the image in percent.

    The area is not known (and has no value) where the file does not say how large a pixel is. The range is that of
    the outline moved by half of a pixel of the view.
    """
    from scipy.ndimage import binary_erosion

    mask = ctx.region_pixels(region)
    edge = int(mask.sum() - binary_erosion(mask, border_value=1).sum())
    total = mask.size
    mm2 = region.frame.mm2_per_pixel
    flags = [measuring_flat.CUT] if region.touches else []
    if mm2 is None:
        flags.append(NOT_STATED)
    moved = "the outline moved by half of a pixel of the view"

    def spread(scale: float) -> Uncertainty:
        return Uncertainty(
            kind="range", low=max(region.pixels - edge / 2, 0) * scale,
            high=min(region.pixels + edge / 2, total) * scale, method=moved, n=2,
        )  # fmt: skip

    area = None if mm2 is None else region.pixels * mm2
    items = (
        flat_measured(
            "tissue_area", area, "mm2", region, method="pixels counted", flags=flags,
            uncertainty=None if mm2 is None else spread(mm2),
        ),
        flat_measured(
            "tissue_fraction", 100 * region.pixels / total, "%", region, method="pixels counted",
            uncertainty=spread(100 / total),
        ),
    )  # fmt: skip
    return flat_together(items, region, "area of the tissue")


@tool(
    examples=(
        "How strong is the haematoxylin staining?",
        "What is the mean optical density of eosin?",
        "How dense is the DAB stain in the tissue?",
        "Mean DAB intensity of this slide",
        "How deeply is the tissue stained?",
        "Optical density of the haematoxylin",
    ),
    near_misses=(
        "How many nuclei are positive? (positive_fraction)",
        "What is the H-score? (not assessed)",
    ),
    when=(StainIs(one_of=("H&E", "IHC DAB")), DyeIn(of_stain=stains.DYES)),
    needs=Needs(memory_gb=1.0, seconds=3.0),
    reference="Colour deconvolution: Ruifrok & Johnston, Anal Quant Cytol Histol 2001;23:291–299; the slide's own "
    "colours as Macenko et al., ISBI 2009:1107–1110.",
    error=(MeasuredError(text="phantom of two dyes mixed at known amounts: within 3 %", relative_error=0.03),),
    uses=(stains, measuring_flat),
)
def stain_density(
    ctx: ToolContext,
    slide: Slide,
    region: Annotated[Region, Of("tissue", side="whole")],
    dye: Literal["haematoxylin", "eosin", "DAB"] = "haematoxylin",
) -> Annotated[Measurement, Of("tissue", side="whole", quantity="stain_density")]:
    """Mean optical density of haematoxylin, eosin or DAB over the tissue (1 lets a tenth of the light through).

    By the dyes' published colours; the range is between those and the colours estimated on this slide, where these
    can be told. DAB scatters light and does not obey Beer's law strictly: its density is no amount of antigen.
    Raises ToolInputError where the slide is not stained with that dye.
    """
    dyes = stains.DYES[str(slide.image.stain)]
    if dye not in dyes:
        raise ToolInputError(f"The slide is stained with {' and '.join(dyes)}, not with {dye}: ask for one of those.")
    mask = ctx.region_pixels(region)
    rgb = ctx.pixels(slide, downsample=region.downsample)
    density = stains.optical_density(rgb, stains.white_of(rgb))
    inside = density[mask][None]
    if not region.pixels:
        return flat_measured("stain_density", None, "1", region, method="colour deconvolution")
    values = [float(stains.separated(inside, dyes)[dye].mean())]
    own = stains.estimated_vectors(inside, dyes)
    if own is not None:
        values.append(float(stains.separated(inside, dyes, own)[dye].mean()))
    uncertainty = None
    if len(values) == 2:
        uncertainty = Uncertainty(
            kind="range", low=min(values), high=max(values), n=2,
            method="published colours of the dyes and those estimated on the slide",
        )  # fmt: skip
    return flat_measured(
        "stain_density", values[0], "1", region, method=f"colour deconvolution, {dye}", uncertainty=uncertainty
    )


@tool(
    examples=(
        "How many pixels does the slide have?",
        "What is the pixel size of this slide?",
        "How many micrometres is a pixel?",
        "How is the slide stained?",
        "Which stain is this?",
        "How large is the tile in pixels?",
        "What resolution was the slide scanned at?",
    ),
    near_misses=("Is it malignant? (not assessed)", "How large is the tissue? (tissue_area)"),
    needs=Needs(memory_gb=0.05, seconds=0.01),
    reference="OME-TIFF PhysicalSize, Aperio MPP, DICOM PixelSpacing (PS3.3 10.7.1.3).",
    error=(MeasuredError(text="read from the header of three formats: exact", relative_error=0.0),),
    uses=(measuring_flat,),
)
def slide_facts(
    ctx: ToolContext, slide: Slide
) -> Annotated[Measurements, Of("image", quantity=("dimensions", "pixel_size", "stain", "modality", "body_part"))]:
    """Width and height in pixels, size of a pixel in micrometres, stain, modality and body part of a slide.

    What the file, the person and the file beside it do not state has the value None.
    """
    frame, image = slide.frame, slide.image

    def fact(
        quantity: str, value: tuple[float, ...] | tuple[int, ...] | str | None, unit: str, method: str
    ) -> Measurement:
        return flat_measured(quantity, value, unit, slide, method=method, flags=[NOT_STATED] if value is None else [])

    said = "from the file, its sidecar or the person"
    items = (
        fact("dimensions", (frame.width, frame.height), "1", "pixels, width × height"),
        fact("pixel_size", frame.um_per_pixel, "um", f"width × height, {said}"),
        fact("stain", image.stain, "1", said),
        fact("modality", image.modality, "1", f"DICOM Modality, {said}"),
        fact("body_part", image.body_part, "1", f"DICOM BodyPartExamined, {said}"),
    )
    return flat_together(items, slide, "facts of the slide")
