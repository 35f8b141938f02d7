"""Lungs and airways on CT: trachea and main bronchi, both lungs, one lung, and the emphysema index."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    BodyPartIs,
    CoversAtLeast,
    CoversAtMost,
    ModalityIs,
    NoContrast,
    NotCut,
    NotEmpty,
    Plausible,
    SidesKnown,
    SpacingAtMost,
    UnitIs,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.imaging import axes, orient
from scanwright.tools.measuring import measured
from scanwright.tools.morphology import chest_air, columns, parts, reach
from scanwright.tools.vocabulary.body_parts import TRUNK

# Vessels and nodules up to this wide inside a lung, and hollows of its border, belong to it.
CLOSING_MM = 10.0
# The wall of the main bronchi is no lung.
WALL_MM = 2.0
LUNGS_AT_LEAST_ML = 500.0
LAA_HU = -950
# Scanners and calibrations differ by this much in air.
LAA_SHIFT_HU = 10
# Vessels in the mask are no parenchyma.
PARENCHYMA_HU = -500

CHEST_CT: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    BodyPartIs(one_of=TRUNK),
    UnitIs(unit=HU),
    CoversAtLeast(extent_mm=(220.0, 150.0, 20.0)),
    CoversAtMost(extent_mm=(820.0, 820.0, 2100.0)),
    SpacingAtMost(max_mm=5.0),
)
USES = (axes, orient, chest_air, columns, parts, reach)


@tool(
    family="lungs",
    examples=(
        "Outline the trachea.",
        "Segment the airways.",
        "Show the trachea and the main bronchi.",
        "How large is the trachea?",
        "Where does the trachea divide?",
        "What is the volume of the central airways?",
    ),
    near_misses=(
        "How thick are the bronchial walls? (not assessed)",
        "Segment the airway tree to the segments. (not assessed: only trachea and main bronchi)",
        "Outline the air spaces of the head. (air_spaces)",
    ),
    when=CHEST_CT,
    then=(
        NotEmpty(),
        NotCut(),
        Plausible(
            quantity="volume",
            low=5.0,
            high=120.0,
            unit="mL",
            source="trachea and main bronchi of children to large adults; more is a leak into the lung",
        ),
    ),
    needs=Needs(memory_gb=1.2, seconds=8.0),
    reference="Region growing with leak control: Mori et al., IEEE Trans Med Imaging 2000;19:103–114.",
    error=(
        MeasuredError(
            text="one torso CT (1.5 mm): Dice 0.80 with a packaged surface that takes in the wall (22.8 against "
            "28.7 mL); phantom: volume within 10 %",
            modality="CT",
            relative_error=0.2,
            n=1,
        ),
    ),
    uses=USES,
)
def airways(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")], body: Annotated[Mask, Of("body")]
) -> Annotated[Mask, Of("airway", side="whole")]:
    """The lumen of the trachea and the main bronchi, as far as they are wider than about 5 mm, and 1 cm on.

    Starts from the longest column of round air near the middle of the chest, grows by rising thresholds until it
    would leak into the lung, and ends half way to the wall. Where the scan shows less than 2 cm of trachea the mask
    is empty. Mucus, tubes and narrow stenoses end the lumen where they fill it.
    """
    hu, inside, undo = _canonical(ctx, volume, body)
    spacing = _spacing(volume)
    ctx.progress(0.1, "finding the lungs")
    air = chest_air.lung_air(hu, inside, spacing)
    ctx.progress(0.5, "following the trachea")
    found = chest_air.main_airways(hu, inside, air, spacing)
    return _part(ctx, undo(found), volume, body, "airway")


@tool(
    family="lungs",
    examples=(
        "Outline the lungs.",
        "How large are the lungs?",
        "What is the lung volume?",
        "Segment both lungs on this chest CT.",
        "What is the total lung volume in litres?",
        "Show me the lungs.",
        "Where are the lungs?",
    ),
    near_misses=(
        "How large is the left lung? (lung_of_side)",
        "Segment the lobes. (not assessed: needs another tool)",
        "What is the total lung capacity? (not assessed: that is measured by breathing)",
        "Are there nodules in the lungs? (not assessed)",
    ),
    when=CHEST_CT,
    then=(
        NotEmpty(),
        NotCut(),
        Plausible(
            quantity="volume",
            low=200.0,
            high=10000.0,
            unit="mL",
            source="from infants to emphysema in large adults; bases alone on abdominal scans are less",
        ),
    ),
    needs=Needs(memory_gb=1.3, seconds=10.0),
    reference="Threshold, parts, closing: Hu et al., IEEE Trans Med Imaging 2001;20:490–498.",
    error=(
        MeasuredError(
            text="lung bases on two abdominal CTs (3 mm, one patient) against the stored output of a segmentation "
            "model, no manual truth: Dice 0.95 and 0.96, volume 5 and 1 % larger; phantom: volume within 2 %",
            modality="CT",
            relative_error=0.05,
            n=2,
        ),
    ),
    uses=USES,
)
def lungs(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    body: Annotated[Mask, Of("body")],
    airway: Annotated[Mask, Of("airway")],
) -> Annotated[Mask, Of("lung", side="whole")]:
    """Both lungs with the vessels inside them, without trachea and main bronchi.

    Air-filled lung below −400 HU that is no gas of the bowel, closed by 10 mm so that vessels, small nodules and
    hollows of the hilum belong to it. Consolidation, large masses, atelectasis and effusion at the border are as
    dense as soft tissue and are left out: in diseased lungs the volume is that of the aerated lung. A pneumothorax
    that joins aerated lung is taken in.
    """
    hu, inside, undo = _canonical(ctx, volume, body)
    tubes, _, _ = orient.canonical(ctx.voxels(airway), airway.geometry)
    spacing = _spacing(volume)
    ctx.progress(0.1, "finding the lungs")
    found = chest_air.lung_air(hu, inside, spacing)
    if found.any():
        at = axes.bounding_slices(found, margin=10)
        ctx.progress(0.5, "closing over vessels")
        wall = reach.grown(tubes[at], WALL_MM, spacing)
        aerated = parts.at_least(found[at] & ~wall, 1000.0 * chest_air.CUT_ML / float(np.prod(spacing)), 6)
        found = np.zeros(hu.shape, np.bool_)
        found[at] = aerated | (_closed_apart(aerated, inside[at], spacing) & inside[at] & ~wall)
    return _part(ctx, undo(found), volume, body, "lung")


@tool(
    family="lungs",
    examples=(
        "How large is the left lung?",
        "Outline the right lung.",
        "Segment the left lung.",
        "What are the volumes of the right and the left lung?",
        "Show me the right lung.",
        "Which lung is larger?",
    ),
    near_misses=(
        "How large are the lungs together? (lungs)",
        "Outline the left lower lobe. (not assessed: needs another tool)",
        "Show the left half of the chest. (not assessed)",
    ),
    when=(*CHEST_CT, SidesKnown()),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.8, seconds=5.0),
    reference="Shrinking until the lungs part, nearest part: after Hu et al., IEEE Trans Med Imaging 2001;20:490–498.",
    error=(
        MeasuredError(text="phantoms with lungs that touch, axis orders of every kind: volume within 2 %",
                      modality="CT", relative_error=0.02),
        MeasuredError(text="bases on two abdominal CTs (3 mm, one patient) against the stored output of a segmentation "
                           "model, no manual truth: Dice 0.95 to 0.97", modality="CT", n=2),
    ),
    uses=USES,
)  # fmt: skip
def lung_of_side(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    body: Annotated[Mask, Of("body")],
    lungs: Annotated[Mask, Of("lung", side="whole")],
    side: Literal["left", "right"],
) -> Annotated[Mask, Of("lung", side="?side")]:
    """The patient's left or right lung.

    Lungs that touch are shrunk until they part, and what was shrunk away goes to the nearer one; the side is that of
    the body on which a lung lies, by the affine of the file. A lung that crosses the middle after the other was
    removed may not be told apart: ToolFailed. Raises ToolInputError where the grids differ.
    """
    _, inside, undo = _canonical(ctx, volume, body)
    both, _, _ = orient.canonical(ctx.voxels(lungs), volume.geometry)
    ctx.progress(0.1, "parting the lungs")
    found = chest_air.sides(both, inside, _spacing(volume))
    if found is None:
        raise ToolFailed("The right and the left lung cannot be told apart on this scan: outline the one you mean.")
    result = ctx.mask(undo(found[0] if side == "right" else found[1]), volume, "lung", side=side, name=f"{side} lung")
    return result.model_copy(update={"flags": _kept(lungs)})


@tool(
    family="lungs",
    examples=(
        "How much emphysema is there?",
        "What is the emphysema index?",
        "What is LAA-950?",
        "What percentage of the lung is below −950 HU?",
        "Quantify the emphysema on this chest CT.",
        "What share of the lungs has low attenuation?",
        "Compute the low attenuation area of the lungs.",
    ),
    near_misses=(
        "How much emphysema is in the left lower lobe? (not assessed)",
        "Is there air trapping? (not assessed: needs a scan in expiration)",
        "How much emphysema is there under the skin? (not assessed: another finding of that name)",
        "How much of the lung is below −910 HU? (voxels_in_range)",
    ),
    when=(
        *CHEST_CT,
        SpacingAtMost(max_mm=2.5),
        NoContrast(changes="contrast raises the density of the lung and the index is lower"),
    ),
    needs=Needs(memory_gb=0.6, seconds=1.0),
    reference="Gevenois et al., AJRCCM 1996;154:187–192 (−950 HU, 1 mm slices); sharp kernels and noise raise it.",
    error=(MeasuredError(text="phantom with a known share: exact to one voxel in a thousand; no patient with "
                              "emphysema was at hand", modality="CT"),),
    uses=(measuring, *USES),
)  # fmt: skip
def emphysema_index(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    lungs: Annotated[Mask, Of("lung", side="?side")],
) -> Annotated[Measurement, Of("lung", side="?side", quantity="emphysema_index")]:
    """Share of the lung below −950 HU, in percent (LAA-950).

    Of the voxels of the lung mask below −500 HU, so that vessels do not count. The range is what moving the threshold
    by 10 HU makes, as far as scanners differ. Depends on kernel, dose, slice thickness and depth of breath: compare
    only scans made alike. Raises ToolInputError where the grids differ, or under 500 mL of lung.
    """
    if not lungs.geometry.same_grid(volume.geometry):
        raise ToolInputError("The lungs lie on another grid than the scan: give a mask of this scan.")
    method = f"voxels of the lung below {LAA_HU} HU, over those below {PARENCHYMA_HU} HU"
    if not lungs.voxels:
        return measured("emphysema_index", None, "%", lungs, method=method, size=False)
    millilitres = lungs.voxels * lungs.geometry.voxel_ml
    if millilitres < LUNGS_AT_LEAST_ML:
        raise ToolInputError(
            f"Only {millilitres:.0f} mL of lung were found; the emphysema index needs {LUNGS_AT_LEAST_ML:.0f} mL: "
            "give a scan of the chest."
        )
    values = ctx.voxels(volume)[ctx.voxels(lungs)]
    aerated = int(np.count_nonzero(values < PARENCHYMA_HU))
    if not aerated:
        raise ToolInputError("No voxel of the given lungs is lung (all are above −500 HU): check the mask.")
    low, value, high = (
        100.0 * int(np.count_nonzero(values < LAA_HU + shift)) / aerated for shift in (-LAA_SHIFT_HU, 0, LAA_SHIFT_HU)
    )
    flags = (
        ["the lungs are cut by the edge of the field of view: the share is of what is seen"] if lungs.touches else []
    )
    return measured(
        "emphysema_index",
        value,
        "%",
        lungs,
        method=method,
        uncertainty=Uncertainty(kind="range", low=low, high=high, method=f"threshold moved by {LAA_SHIFT_HU} HU", n=2),
        flags=flags,
        size=False,
    )


def _closed_apart(
    lungs: NDArray[np.bool_], body: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Both lungs, each closed by itself so that nothing between them is bridged."""
    apart = chest_air.sides(lungs, body, spacing)
    if apart is None:
        return reach.closed(lungs, CLOSING_MM, spacing)
    right, left = (reach.closed(lung, CLOSING_MM, spacing) for lung in apart)
    return (right & ~apart[1]) | (left & ~apart[0])


def _canonical(ctx: ToolContext, volume: Volume, body: Mask) -> tuple[NDArray[Any], NDArray[np.bool_], Any]:
    """HU and body (x, y, z), and the way back. Raises ToolInputError where the grids differ."""
    if not body.geometry.same_grid(volume.geometry):
        raise ToolInputError("The body's outline lies on another grid than the scan: give a mask of this scan.")
    view, _, undo = orient.canonical(ctx.voxels(volume), volume.geometry)
    inside, _, _ = orient.canonical(ctx.voxels(body), volume.geometry)
    return view, inside, undo


def _spacing(volume: Volume) -> tuple[float, float, float]:
    x, y, z = (volume.geometry.spacing_mm[axis] for axis in volume.geometry.axes)
    return x, y, z


def _kept(of: Mask) -> tuple[str, ...]:
    """What was doubtful of a mask that parts of it share; where it was cut the part says so itself."""
    return tuple(f for f in of.flags if not f.startswith(("cut by", "not found", "outside the plausible")))


def _part(ctx: ToolContext, voxels: NDArray[np.bool_], volume: Volume, of: Mask, structure: str) -> Mask:
    return ctx.mask(voxels, volume, structure).model_copy(update={"flags": _kept(of)})
