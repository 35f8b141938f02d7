"""Measures of the retinal vessels: density, length, width and fractal dimension; facts of a photograph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Measurement, Measurements, Number, Photograph, Region
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import ModalityIs, NotEmpty, PixelSizeKnown, Plausible
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.engines import vesselness
from scanwright.tools.errors import ToolInputError
from scanwright.tools.morphology import fundus, vessels
from scanwright.tools.vocabulary.quantities import QUANTITIES

PIXELS = "{pixels}"
SMOOTH = 0.5
NOT_STATED = "not stated in the file"
MOVED = "the vessels' edge moved in and out by half a pixel of a field of view 540 pixels wide"
NO_NORM = "Is that normal for the age? (not assessed: no reference is bundled)"
SIZE_UNKNOWN = PixelSizeKnown(why="lengths are given in pixels of the photograph", otherwise="flag")
OP = ModalityIs(one_of=("OP",))
USES = (vessels, fundus, vesselness)


@tool(
    examples=(
        "What is the vessel density of the retina?",
        "What share of the fundus is covered by vessels?",
        "How dense are the retinal vessels?",
        "What percentage of the field of view is vessel?",
        "Retinal vessel density, please.",
        "How much of the retina do the blood vessels take up?",
    ),
    near_misses=("How long are the vessels in all? (vessel_length)",
                 "What is the vessel density on OCT angiography? (not assessed: another quantity)", NO_NORM),
    when=(OP,),
    then=(Plausible(quantity="vessel_density", low=4.0, high=25.0, unit="%",
                    source="12.7 % by hand on DRIVE: Staal et al., IEEE Trans Med Imaging 2004;23:501–509"),),
    needs=Needs(memory_gb=0.2, seconds=0.5),
    reference="Pixels of the vessels over those of the field of view.",
    error=(MeasuredError(text="drawn fundi (n 12): 5 % too high by the network, 9 % by the ridge filter; the "
                              "range held the truth in all", modality="OP", relative_error=0.09, n=12),),
    uses=USES,
)  # fmt: skip
def vessel_density(
    ctx: ToolContext,
    vessel: Annotated[Region, Of("retinal_vessel")],
    field: Annotated[Region, Of("fundus")],
) -> Annotated[Measurement, Of("retinal_vessel", side="whole", quantity="vessel_density")]:
    """Share of the field of view that is vessel, in percent.

    Depends on what the camera shows (45° or 200°, disc or macula in the middle) and on focus: compare only photographs
    taken alike. The range is what half a pixel of the method's own grid at the vessels' edge makes. Raises
    ToolInputError where the two regions lie on different photographs.
    """
    mask, _, pixel = _given(ctx, vessel, field)
    share = _ranged(mask, pixel, lambda m: 100.0 * np.count_nonzero(m) / max(field.pixels, 1), ctx.region_pixels(field))
    return _measured("vessel_density", share, "%", vessel, "pixels of the vessels over those of the field of view")


@tool(
    examples=(
        "How long are the retinal vessels in all?",
        "What is the total vessel length of the retina?",
        "Total length of the vessels of the fundus, please.",
        "How many millimetres of vessel are there on the retina?",
        "Measure the length of the retinal vascular network.",
        "How long is the vessel tree on this photograph?",
    ),
    near_misses=("How wide are the vessels? (vessel_calibre)", "How tortuous are the vessels? (not assessed)", NO_NORM),
    when=(OP, SIZE_UNKNOWN),
    needs=Needs(memory_gb=0.3, seconds=1.0),
    reference="Skeleton: Zhang and Suen, Commun ACM 1984;27:236–239; length of a chain: Kulpa, Comput Graph Image "
    "Process 1977;6:434–451.",
    error=(MeasuredError(text="drawn fundi (n 12): network within 9 %, ridge filter within 15 %; the range is "
                              "too narrow: it held the truth in 1 and 4", modality="OP", relative_error=0.09, n=12),),
    uses=USES,
)  # fmt: skip
def vessel_length(
    ctx: ToolContext,
    vessel: Annotated[Region, Of("retinal_vessel")],
    field: Annotated[Region, Of("fundus")],
) -> Annotated[Measurement, Of("retinal_vessel", side="whole", quantity="vessel_length")]:
    """Total length of the vessels' middle lines: mm where the size of a pixel is known, else pixels.

    Pixels are those of the photograph; over the field's width (said in the method) photographs of other sizes can be
    compared. A vessel that runs over another is counted once there. Raises ToolInputError where the two regions lie
    on different photographs.
    """
    mask, wide, pixel = _given(ctx, vessel, field)
    scale, unit = _scale(vessel)
    found = _ranged(mask, pixel, lambda m: scale * vessels.length(vessels.middle_line(m, SMOOTH * pixel)))
    method = f"length of the middle lines, field of view {scale * wide:.4g} {_said(unit)} wide"
    return _measured("vessel_length", found, unit, vessel, method)


@tool(
    examples=(
        "How wide are the retinal vessels?",
        "What is the mean vessel calibre of the retina?",
        "What is the average vessel width on this fundus photograph?",
        "Mean calibre of the retinal vessels, please.",
        "How thick are the vessels of the fundus on average?",
        "Measure the width of the retinal blood vessels.",
    ),
    near_misses=("What is the arteriole-to-venule ratio? (not assessed)",
                 "What are CRAE and CRVE? (not assessed: they need arteries and veins apart)", NO_NORM),
    when=(OP, SIZE_UNKNOWN),
    needs=Needs(memory_gb=0.3, seconds=1.0),
    reference="Twice the Euclidean distance to the edge along the skeleton.",
    error=(MeasuredError(text="drawn fundi (n 12): network 10 %, ridge filter 6 % "
                              "too wide: see docs/tools.md", modality="OP", relative_error=0.1, n=12),),
    uses=USES,
)  # fmt: skip
def vessel_calibre(
    ctx: ToolContext,
    vessel: Annotated[Region, Of("retinal_vessel")],
    field: Annotated[Region, Of("fundus")],
) -> Annotated[Measurement, Of("retinal_vessel", side="whole", quantity="vessel_calibre")]:
    """Mean width of all vessels along their middle lines: mm where the size of a pixel is known, else pixels.

    Arteries and veins, thick and thin together, so that it says more of how many thin ones were seen than of any one
    vessel. Pixels are those of the photograph. Raises ToolInputError where the two regions lie on different
    photographs.
    """
    mask, wide, pixel = _given(ctx, vessel, field)
    scale, unit = _scale(vessel)

    def width(m: NDArray[np.bool_]) -> float | None:
        found = vessels.mean_width(m, vessels.middle_line(m, SMOOTH * pixel))
        return None if found is None else scale * found

    method = f"twice the distance to the edge on the middle lines, field of view {scale * wide:.4g} {_said(unit)} wide"
    return _measured("vessel_calibre", _ranged(mask, pixel, width), unit, vessel, method)


@tool(
    examples=(
        "What is the fractal dimension of the retinal vessels?",
        "How complex is the branching of the retinal vessels?",
        "Box-counting dimension of the vessel tree, please.",
        "Fractal dimension of the retina",
        "How complex is the retinal vascular network?",
        "Compute the fractal dimension of the vessels on this fundus photograph.",
    ),
    near_misses=("How tortuous are the vessels? (not assessed)", "What are the branching angles? (not assessed)",
                 NO_NORM),
    when=(OP,),
    then=(Plausible(quantity="fractal_dimension", low=1.0, high=1.8, unit="1",
                    source="a line has 1, a plane 2; skeletons of fundus photographs have about 1.4: Liew et al., "
                           "Ophthalmology 2008;115:1951–1956"),),
    needs=Needs(memory_gb=0.3, seconds=1.5),
    reference="Box counting on the skeleton: Mainster, Eye 1990;4:235–241.",
    error=(MeasuredError(text="Koch curve: 1.26 to within 0.05; Sierpinski triangle 1.58 to within 0.05; a straight "
                              "line 0.94, a filled square 2.00", relative_error=0.05),),
    uses=USES,
)  # fmt: skip
def fractal_dimension(
    ctx: ToolContext,
    vessel: Annotated[Region, Of("retinal_vessel")],
    field: Annotated[Region, Of("fundus")],
) -> Annotated[Measurement, Of("retinal_vessel", side="whole", quantity="fractal_dimension")]:
    """How densely the vessels' middle lines fill the plane: box-counting dimension, between 1 and 2.

    Boxes are from a quarter to a 128th of the field's width. The range is from the edge moved by half a pixel of the
    method's grid; the method says the standard error of the fit. Depends on how many thin vessels were seen, so on
    focus: compare only photographs taken alike. Raises ToolInputError where the two regions lie on different
    photographs.
    """
    mask, wide, pixel = _given(ctx, vessel, field)
    across = wide / vessel.downsample

    def fractal(m: NDArray[np.bool_]) -> vessels.Fractal | None:
        return vessels.box_dimension(vessels.middle_line(m, SMOOTH * pixel), across)

    def dimension(m: NDArray[np.bool_]) -> float | None:
        found = fractal(m)
        return None if found is None else found.dimension

    fit = fractal(mask)
    said = "" if fit is None else f", {fit.sizes} sizes, standard error of the slope {fit.error:.2f}"
    return _measured("fractal_dimension", _ranged(mask, pixel, dimension), "1", vessel,
                     f"boxes entered by the middle lines over their size{said}")  # fmt: skip


@tool(
    examples=(
        "How large is this photograph?",
        "How many pixels does the fundus photograph have?",
        "What is the pixel size of the photograph?",
        "What kind of picture is this?",
        "Which part of the body does the photograph show?",
        "What is known about this photograph?",
        "What is the resolution of the photograph?",
    ),
    near_misses=("How large is the field of view of the fundus? (fundus_field)", "Which eye is it? (not assessed)",
                 "When was it taken? (not assessed)"),
    needs=Needs(memory_gb=0.1, seconds=0.01),
    reference="DICOM PS3.3 C.7.3.1 (Modality, Body Part Examined), C.7.6.3 (Rows, Columns).",
    error=(MeasuredError(text="read from the file, exact", relative_error=0.0),),
)  # fmt: skip
def photograph_facts(
    ctx: ToolContext, photograph: Photograph
) -> Annotated[Measurements, Of("image", quantity=("dimensions", "spacing", "field_of_view", "modality", "body_part"))]:
    """Columns and rows, size of a pixel, size of the picture, modality and body part of a photograph.

    What the file does not state has the value None; a photograph's own resolution in dots per inch is no size of
    anything in the eye and is not read as one.
    """
    frame, image = photograph.frame, photograph.image
    um = frame.um_per_pixel

    def fact(quantity: str, value: Number | tuple[Number, ...] | str | None, unit: str, method: str) -> Measurement:
        flags = (NOT_STATED,) if value is None else ()
        return Measurement(
            type=_type(photograph, (quantity,)), name=f"{QUANTITIES[quantity].label} of the image", quantity=quantity,
            value=value, unit=unit, code=QUANTITIES[quantity].code, method=method, flags=flags,
        )  # fmt: skip

    size = None if um is None else (frame.width * um[0] / 1000, frame.height * um[1] / 1000)
    items = (
        fact("dimensions", (frame.width, frame.height), "1", "columns and rows of pixels"),
        fact("spacing", None if um is None else (um[0] / 1000, um[1] / 1000), "mm", "size of a pixel, across and down"),
        fact("field_of_view", size, "mm", "size of the picture, across and down"),
        fact("modality", image.modality, "1", "DICOM Modality, from the file, its sidecar or the person"),
        fact("body_part", image.body_part, "1", "DICOM BodyPartExamined, from the file, its sidecar or the person"),
    )
    quantities = tuple(item.quantity for item in items)
    return Measurements(type=_type(photograph, quantities), name="facts of the photograph", items=items)


Ranged = tuple[float | None, Uncertainty | None]


def _given(ctx: ToolContext, vessel: Region, field: Region) -> tuple[NDArray[np.bool_], float, float]:
    """The vessels, the field's width in pixels of the photograph, and a pixel of the method's grid in the region's."""
    if vessel.frame != field.frame or vessel.downsample != field.downsample:
        raise ToolInputError("The vessels and the field of view lie on different photographs: take both from one.")
    circle = fundus.circle_of(ctx.region_pixels(field))
    if circle is None:
        raise ToolInputError("The field of view that was given is not round: take it from fundus_field.")
    wide = 2 * circle.radius
    return ctx.region_pixels(vessel), wide * field.downsample, vesselness.canvas_pixel(wide)


def _ranged(
    mask: NDArray[np.bool_], pixel: float, measure: Callable[[NDArray[np.bool_]], float | None],
    inside: NDArray[np.bool_] | None = None,
) -> Ranged:  # fmt: skip
    """A measure of the vessels, and of them with their edge moved half a pixel of the method's grid in and out."""
    value = measure(mask) if mask.any() else None
    if value is None:
        return None, None
    wider = vessels.moved(mask, pixel / 2)
    others = (measure(vessels.moved(mask, -pixel / 2)), measure(wider if inside is None else wider & inside))
    known = [value, *(v for v in others if v is not None)]
    return value, Uncertainty(kind="range", low=min(known), high=max(known), method=MOVED, n=len(known) - 1)


def _scale(of: Region) -> tuple[float, str]:
    """What a length in the region's pixels is multiplied by, and its unit then."""
    if of.frame.um_per_pixel is None:
        return of.downsample, PIXELS
    return float(np.mean(of.frame.um_per_pixel)) / 1000, "mm"


def _said(unit: str) -> str:
    return "pixels" if unit == PIXELS else unit


def _measured(quantity: str, found: Ranged, unit: str, of: Region, method: str) -> Measurement:
    """A measurement of a region with its code and flags; of an empty one the value None."""
    value, uncertainty = found
    flags = list(of.flags)
    if not of.pixels:
        value, uncertainty = None, None
        flags.append(NotEmpty().check(of) or "")
    concept = QUANTITIES[quantity]
    return Measurement(
        type=_type(of, (quantity,)), name=f"{concept.label} of the {of.name}", quantity=quantity, value=value,
        unit=unit, code=concept.code, uncertainty=uncertainty, method=method, flags=tuple(dict.fromkeys(flags)),
    )  # fmt: skip


def _type(of: Region | Photograph, quantity: tuple[str, ...]) -> ArtifactType:
    whole = isinstance(of, Photograph)
    return of.type.model_copy(update={"kind": "Measurement", "structure": "image" if whole else of.type.structure,
                                      "side": "whole", "quantity": quantity})  # fmt: skip
