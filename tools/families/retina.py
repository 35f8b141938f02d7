"""Photographs of the fundus: the field of view, and the vessels by a network or by a ridge filter."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Photograph, Region
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import AnyBefore, BodyPartIs, ModalityIs, NotEmpty
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.engines import fundus_canvas, hdf5_arrays, retina_unet, vesselness
from scanwright.tools.engines.fundus_canvas import Canvas, canvas_of
from scanwright.tools.errors import ToolInputError
from scanwright.tools.morphology import fundus

# Of larger photographs a region has pixels so many times larger that its longer side has this many.
LONGEST_SIDE = 1600
FIELD_AT_LEAST = 300
# Of a sharp photograph the vessels were found again (Dice 0.8 and more) down to these, below they were not.
LIGHT_AT_LEAST = 30.0
CONTRAST_AT_LEAST = 0.02
SHARP_FROM, NOISY_FROM = 0.33, 1.5
VESSEL_FROM = 0.5
SOFT = "the photograph is soft: thin vessels are lost, and what is measured of vessels is too low"
NOISY = "the photograph is noisy: vessels are lost, and specks may be taken for vessels"

OPHTHALMIC: tuple[AnyBefore, ...] = (ModalityIs(one_of=("OP",)), BodyPartIs(one_of=("eye",)))
NOT_ASSESSED = (
    "Are there microaneurysms? (not assessed)",
    "Is there diabetic retinopathy? (not assessed)",
    "What is the cup-to-disc ratio? (not assessed)",
    "Which vessels are arteries and which are veins? (not assessed)",
    "Is it the left or the right eye? (not assessed)",
)


@tool(
    examples=(
        "Outline the field of view of the fundus.",
        "Where is the retina on this photograph?",
        "Which part of the picture shows the fundus?",
        "Is this a usable fundus photograph?",
        "Show the field of view of the retina.",
        "Segment the fundus.",
        "Cut the black frame off the fundus photograph.",
    ),
    near_misses=("How large is the photograph? (photograph_facts)", "Where is the optic disc? (not assessed)",
                 *NOT_ASSESSED),
    when=OPHTHALMIC,
    then=(NotEmpty(),),
    needs=Needs(memory_gb=0.4, seconds=1.0),
    reference="Threshold above the dark frame, largest filled part, circle by least squares through its border.",
    error=(MeasuredError(text="drawn fundi of four sizes, whole and cut above and below: area within 1 %, diameter "
                              "within 1 %", modality="OP", relative_error=0.01),),
    uses=(fundus, fundus_canvas),
)  # fmt: skip
def fundus_field(
    ctx: ToolContext, photograph: Annotated[Photograph, Of(modality="OP")]
) -> Annotated[Region, Of("fundus", side="whole")]:
    """The lit disc of a fundus photograph, without the black frame around it.

    Region of pixels as large as the photograph's, or larger so that the longer side has 1,600. Raises ToolInputError
    where the picture does not look like a fundus photograph: no round lit field in a dark frame, other colours, a
    field under 300 pixels wide, too dark, or too blurred for a vessel to be seen. A soft or noisy one is flagged.
    """
    downsample = region_downsample(photograph)
    seen = fundus.field_of_view(ctx.pixels(photograph, downsample=downsample))
    if seen.circle is None:
        raise ToolInputError(_unlike(seen.why))
    if 2 * seen.circle.radius * downsample < FIELD_AT_LEAST:
        raise ToolInputError(
            f"The field of view is {2 * seen.circle.radius * downsample:.0f} pixels wide, and vessels need "
            f"{FIELD_AT_LEAST}: give the photograph in its full size."
        )
    ctx.progress(0.6, "looking at light and focus")
    flags = _quality(canvas_of(ctx, photograph, seen.circle.scaled(downsample)))
    region = ctx.region(seen.lit, photograph, "fundus", downsample=downsample, name="field of view of the fundus")
    return region.model_copy(update={"flags": flags})


@tool(
    examples=(
        "Outline the retinal vessels.",
        "Segment the blood vessels of the retina.",
        "Show me the vessels of the fundus.",
        "Where are the vessels on this fundus photograph?",
        "Draw the vascular tree of the retina.",
        "Find the retinal vasculature.",
        "Mark all vessels on the photograph of the eye.",
    ),
    near_misses=("How dense are the vessels? (vessel_density)", "How wide are the vessels? (vessel_calibre)",
                 *NOT_ASSESSED),
    when=OPHTHALMIC,
    then=(NotEmpty(),),
    needs=Needs(memory_gb=0.6, seconds=3.0, torch=True),
    weights=(retina_unet.CARD.weights,),
    reference=f"U-Net: Ronneberger et al., MICCAI 2015; trained on DRIVE (Staal et al., IEEE Trans Med Imaging "
    f"2004;23:501–509); {retina_unet.CARD.repository}",
    error=(
        retina_unet.CARD.published,
        MeasuredError(text="drawn fundi (n 12), no patient's truth: Dice 0.85 to 0.92, area 5 % too large",
                      modality="OP", relative_error=0.11, n=12),
        MeasuredError(text="one photograph, no truth: Dice 0.82 with the ridge filter", modality="OP", n=1),
    ),
    licence="Apache-2.0; weights MIT, not bundled",
    uses=(retina_unet, hdf5_arrays, fundus_canvas, fundus),
)  # fmt: skip
def retinal_vessels(
    ctx: ToolContext,
    photograph: Annotated[Photograph, Of(modality="OP")],
    field: Annotated[Region, Of("fundus")],
) -> Annotated[Region, Of("retinal_vessel", side="whole")]:
    """Arteries and veins of the retina inside the field of view, by a network trained on hand-drawn vessels.

    A vessel is what the network holds for one with probability ½ and more, looked at with the field of view 540
    pixels wide: thinner ones than about a pixel of those (0.2 % of the field) are not seen. Pigment beside the disc,
    haemorrhages and the edges of scars may be taken for vessels. Raises ToolInputError where the field is not that of
    this photograph.
    """
    circle = _circle(ctx, photograph, field)
    canvas = canvas_of(ctx, photograph, circle.scaled(field.downsample))
    layers = ctx.resident(
        retina_unet.CARD.name,
        lambda: retina_unet.layers_of(hdf5_arrays.read_arrays(ctx.weights(retina_unet.CARD.weights)["model"])),
    )
    probability = retina_unet.vessel_probability(
        layers, retina_unet.prepared(canvas.rgb), lambda done: ctx.progress(0.1 + 0.8 * done, "looking for vessels")
    )
    lit = ctx.region_pixels(field)
    return _vessels(ctx, canvas.onto(probability, lit.shape, field.downsample) >= VESSEL_FROM, photograph, field)


@tool(
    examples=(
        "Outline the retinal vessels without a network.",
        "Segment the vessels of the retina by a ridge filter.",
        "Find the retinal vessels by a second method.",
        "Show the vessels of the fundus with the classical filter.",
        "Retinal vessels by Sato's filter, please.",
        "Mark the dark ridges on the fundus photograph.",
    ),
    near_misses=("How long are the vessels in all? (vessel_length)", *NOT_ASSESSED),
    when=OPHTHALMIC,
    then=(NotEmpty(),),
    needs=Needs(memory_gb=0.4, seconds=2.0),
    reference="Ridge filter: Sato et al., Med Image Anal 1998;2:143–168; green channel: Soares et al., IEEE Trans Med "
    "Imaging 2006;25:1214–1222.",
    error=(
        MeasuredError(text="drawn fundi (n 12), no patient's truth: Dice 0.83 to 0.89 with what was drawn",
                      modality="OP", relative_error=0.13, n=12),
        MeasuredError(text="one photograph, no truth: Dice 0.82 with the network", modality="OP", n=1),
    ),
    uses=(vesselness, fundus_canvas, fundus),
)  # fmt: skip
def retinal_vessels_ridges(
    ctx: ToolContext,
    photograph: Annotated[Photograph, Of(modality="OP")],
    field: Annotated[Region, Of("fundus")],
) -> Annotated[Region, Of("retinal_vessel", side="whole")]:
    """Arteries and veins of the retina as dark ridges of the green channel: a second method, without weights.

    Its threshold was chosen on drawn fundi and one photograph. It sees fewer thin vessels than the network, and takes
    the rim of the disc, pigment and other dark lines for vessels. Raises ToolInputError where the field is not that
    of this photograph.
    """
    circle = _circle(ctx, photograph, field)
    canvas = canvas_of(ctx, photograph, circle.scaled(field.downsample))
    lit = ctx.region_pixels(field)
    ctx.progress(0.3, "looking for ridges")
    strength = vesselness.ridges(canvas.rgb, _inside(canvas))
    ctx.progress(0.8, "joining them")
    pixel = vesselness.canvas_pixel(2 * circle.radius)
    found = vesselness.vessels(canvas.onto(strength, lit.shape, field.downsample), canvas_pixels=pixel)
    return _vessels(ctx, found, photograph, field)


def region_downsample(photograph: Photograph) -> float:
    """How many times larger than the photograph's the pixels of its regions are."""
    return max(1.0, max(photograph.frame.width, photograph.frame.height) / LONGEST_SIDE)


def _vessels(ctx: ToolContext, found: NDArray[np.bool_], photograph: Photograph, field: Region) -> Region:
    inside = found & ctx.region_pixels(field)
    region = ctx.region(inside, photograph, "retinal_vessel", downsample=field.downsample, name="retinal vessels")
    return region.model_copy(update={"flags": field.flags})


def _circle(ctx: ToolContext, photograph: Photograph, field: Region) -> fundus.Circle:
    """The circle of the field, in pixels of the region."""
    if field.frame != photograph.frame.smaller(field.downsample):
        raise ToolInputError("The field of view is that of another photograph: take it from this one.")
    circle = fundus.circle_of(ctx.region_pixels(field))
    if circle is None:
        raise ToolInputError("The field of view that was given is not round: take it from fundus_field.")
    return circle


def _inside(canvas: Canvas) -> NDArray[np.bool_]:
    """The lit pixels of a canvas, without the blur of their edge."""
    from scipy.ndimage import binary_erosion

    lit = fundus.field_of_view(canvas.rgb).lit
    return np.asarray(binary_erosion(lit, iterations=3), np.bool_)


def _quality(canvas: Canvas) -> tuple[str, ...]:
    """What must be said of light and focus. Raises ToolInputError where no vessel could be seen, or colours differ."""
    from scipy.ndimage import binary_erosion, gaussian_filter

    inside = binary_erosion(fundus.field_of_view(canvas.rgb).lit, iterations=12)
    if not inside.any():
        raise ToolInputError(_unlike("its lit field is not round"))
    red, green, blue = (float(np.median(canvas.rgb[..., c][inside])) for c in range(3))
    if max(red, green, blue) < LIGHT_AT_LEAST:
        raise ToolInputError(_unlike("it is too dark"))
    if red < 0.95 * green or green < 0.75 * blue:
        raise ToolInputError(_unlike("it has not the colours of one"))
    values = canvas.rgb[..., 1].astype(np.float32)
    fine, coarse = gaussian_filter(values, 1.0), gaussian_filter(values, 3.0)
    contrast = float((fine - coarse)[inside].std())
    if contrast < CONTRAST_AT_LEAST * max(float(values[inside].mean()), 1.0):
        raise ToolInputError(_unlike("it is too blurred for vessels to be seen"))
    sharp = float((values - fine)[inside].std()) / contrast
    return (SOFT,) if sharp < SHARP_FROM else (NOISY,) if sharp > NOISY_FROM else ()


def _unlike(why: str) -> str:
    return f"This does not look like a fundus photograph: {why}. Give a sharp colour photograph with its dark frame."
