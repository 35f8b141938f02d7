"""Uptake on PET as SUV by body weight: the image in SUV, and SUVmax, SUVmean and SUVpeak of a region or the image."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import ImageFacts, Mask, Measurement, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import AnyBefore, ModalityIs, Plausible, SpacingAtMost, SuvKnown
from scanwright.tools.contract.conditions_scan import SUV_UNIT
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import axes
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.measuring import measured, place, together
from scanwright.tools.morphology import suv

PET: tuple[AnyBefore, ...] = (ModalityIs(one_of=("PT",)), SuvKnown(), SpacingAtMost(max_mm=6.0))
REFERENCE = (
    "SUV = Bq/mL × body weight in g / injected dose left by decay: QIBA FDG-PET/CT Profile, appendix G; SUVpeak: Wahl "
    "et al., J Nucl Med 2009;50(suppl 1):122S–150S."
)
BY_HAND = MeasuredError(
    text="synthetic PET series with known dose, weight and times: the value that is worked out by hand; balls of known "
    "activity (n 4): peak within 0.1 %",
    relative_error=0.001,
)
UNTRIED = MeasuredError(text="no patient's PET is at hand: untried on scanners' files", modality="PT", n=0)
USES = (measuring, suv, axes)
NEAR_MISSES = (
    "SUV by lean body mass (SUL)? (not assessed)",
    "What is the metabolic tumour volume? (voxels_in_range, mask_volume)",
    "Is the uptake pathological? (not assessed)",
    "What is the activity in Bq/mL? (intensity_statistics)",
    "Has the metabolic response been complete (PERCIST, Deauville)? (not assessed)",
)
NO_RESIDUE = "the dose left in the syringe is not taken off where the files do not say so"


@tool(
    examples=(
        "Convert this PET to SUV.",
        "Give me the image in SUV units.",
        "Body-weight SUV map of this PET, please.",
        "Standardised uptake value image",
        "Turn Bq/mL into SUV.",
        "Make an SUV volume from the tags.",
    ),
    near_misses=NEAR_MISSES,
    when=PET,
    needs=Needs(memory_gb=1.0, seconds=2.0),
    reference=REFERENCE,
    error=(BY_HAND, UNTRIED),
    uses=USES,
)
def suv_body_weight(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="PT")]
) -> Annotated[Volume, Of(modality="PT", quantity="suv_volume")]:
    """The PET image in SUV by body weight (g/mL); one that is SUV already stays what it is.

    Dose, its time, half-life, body weight and what the decay is corrected to come from the DICOM tags; vendors' private
    factors are not used. Raises ToolInputError with the reason where SUV cannot be told.
    """
    image = volume.image.model_copy(update={"unit": SUV_UNIT})
    made = ctx.volume(_in_suv(ctx.voxels(volume), volume.image), volume, name=f"{volume.name} in SUV", image=image)
    return made.model_copy(update={"type": made.type.model_copy(update={"quantity": ("suv_volume",)})})


@tool(
    examples=(
        "What is the SUVmax of the lesion?",
        "SUVpeak and SUVmean in the marked region?",
        "How high is the uptake in this region?",
        "What is the mean SUV in the mask?",
        "Standardised uptake value of the tumour I outlined?",
        "Give me SUVmax, SUVmean and SUVpeak of the region.",
        "What is the body-weight SUV of the outlined node?",
    ),
    near_misses=NEAR_MISSES,
    when=PET,
    then=(Plausible(quantity="suv_max", low=0.0, high=200.0, unit="g/mL", source="the bladder has the most"),),
    needs=Needs(memory_gb=1.0, seconds=2.0),
    reference=REFERENCE,
    error=(BY_HAND, UNTRIED),
    uses=USES,
)
def suv_in_region(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="PT")], mask: Annotated[Mask, Of("?s", side="?d")]
) -> Annotated[Measurements, Of("?s", side="?d", quantity=("suv_max", "suv_mean", "suv_peak"))]:
    """SUVmax, SUVmean and SUVpeak (by body weight, g/mL) in a region of a PET scan.

    SUVpeak is the highest mean of a ball of 1 mL (radius 6.2 mm, voxels counted by the share that lies in it) centred
    on a voxel of the region; its range reaches to the ball around the hottest voxel. The range of SUVmean is what the
    region without its outermost voxels, and with one layer more, gives. Raises ToolInputError where the grids differ,
    or with the reason why SUV cannot be told.
    """
    if not mask.geometry.same_grid(volume.geometry):
        raise ToolInputError(f"The {mask.name} lies on another grid than the scan: give a mask of this scan.")
    method = _how(volume.image)
    if not mask.voxels:
        return together(
            [measured(q, None, SUV_UNIT, mask, method=method) for q in ("suv_max", "suv_mean", "suv_peak")],
            mask, "uptake",
        )  # fmt: skip
    values, inside = _in_suv(ctx.voxels(volume), volume.image), ctx.voxels(mask)
    box = axes.bounding_slices(inside, margin=1)
    mean = float(values[inside].mean())
    others = [mean, *(float(values[box][m].mean()) for m in _neighbours(inside[box]) if m.any())]
    middle = measured("suv_mean", mean, SUV_UNIT, mask, method=f"{method}; mean of the region's voxels",
                      flags=_flags(volume), uncertainty=Uncertainty(
                          kind="range", low=min(others), high=max(others), n=len(others),
                          method="the region without its outermost voxels, and with one layer more"))  # fmt: skip
    first, last = _high(values, inside, volume.geometry, mask, method, _flags(volume))
    return together([first, middle, last], mask, f"uptake of the {mask.name}")


@tool(
    examples=(
        "What is the highest SUV in this PET?",
        "SUVmax of the whole scan?",
        "Where is the hottest voxel, and what SUV does it have?",
        "What is the maximum uptake anywhere in the image?",
        "SUVpeak of the whole image, please.",
        "Highest standardised uptake value on this scan?",
    ),
    near_misses=("What is the SUVmax of the lesion? (suv_in_region)", *NEAR_MISSES),
    when=PET,
    needs=Needs(memory_gb=1.0, seconds=12.0),
    reference=REFERENCE,
    error=(BY_HAND, UNTRIED),
    uses=USES,
)
def suv_of_image(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="PT")]
) -> Annotated[Measurements, Of("image", side="whole", quantity=("suv_max", "suv_peak"))]:
    """SUVmax and SUVpeak (by body weight, g/mL) of the whole PET image, with their place.

    The bladder, the brain, the heart and the place of the injection are hot in everybody: the highest value of an image
    says nothing of a lesion. A mean of the whole image means nothing and is not given.
    """
    values = _in_suv(ctx.voxels(volume), volume.image)
    inside = np.ones(values.shape, np.bool_)
    flags = ["of the whole image: bladder, brain, heart and the place of the injection count too", *_flags(volume)]
    return together(_high(values, inside, volume.geometry, volume, _how(volume.image), flags), volume, "highest uptake")


def _high(
    values: NDArray[np.float32], inside: NDArray[np.bool_], geometry: Geometry, of: Volume | Mask, method: str,
    flags: list[str],
) -> tuple[Measurement, Measurement]:  # fmt: skip
    """SUVmax and SUVpeak with their places."""
    hottest = np.unravel_index(int(np.where(inside, values, -np.inf).argmax()), values.shape)
    top = measured("suv_max", float(values[hottest]), SUV_UNIT, of, method=f"{method}; the highest voxel",
                   at=_at([int(v) for v in hottest], geometry), flags=flags)  # fmt: skip
    found = suv.peaks(values, inside, geometry)
    how = f"{method}; highest mean of a ball of 1 mL whose centre is a voxel of the region"
    if found is None:
        none = "not found: no ball of 1 mL around its voxels lies in the field of view"
        return top, measured("suv_peak", None, SUV_UNIT, of, method=how, flags=[*flags, none])
    best, around, index = found
    spread = Uncertainty(kind="range", low=min(around, best), high=best, n=2,
                         method="the ball around the hottest voxel, and that with the highest mean")  # fmt: skip
    return top, measured("suv_peak", best, SUV_UNIT, of, method=how, uncertainty=spread, at=_at(index, geometry),
                         flags=flags)  # fmt: skip


def _in_suv(voxels: NDArray[Any], image: ImageFacts) -> NDArray[np.float32]:
    """Voxels in SUV by body weight, float32."""
    if image.unit == SUV_UNIT:
        return voxels.astype(np.float32)
    return voxels.astype(np.float32) * np.float32(_factor(image))


def _factor(image: ImageFacts) -> float:
    if image.pet is None or image.pet.why_not is not None or image.unit != "Bq/mL":
        raise ToolInputError((image.pet and image.pet.why_not) or "The voxels of this scan are neither SUV nor Bq/mL.")
    return suv.factor(image.pet)


def _how(image: ImageFacts) -> str:
    if image.unit == SUV_UNIT or image.pet is None:
        return "SUV by body weight as the file has it"
    _factor(image)
    minutes, pet = (image.pet.decay_s or 0.0) / 60, image.pet
    return (
        f"SUV = Bq/mL × {pet.weight_kg:g} kg / ({(pet.dose_bq or 0) / 1e6:.1f} MBq after {minutes:.0f} min of decay, "
        f"half-life {(pet.half_life_s or 0) / 60:.1f} min)"
    )


def _flags(volume: Volume) -> list[str]:
    return [] if volume.image.unit == SUV_UNIT else [NO_RESIDUE]


def _neighbours(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The mask without its outermost voxels, and with one layer more."""
    from scipy.ndimage import binary_dilation, binary_erosion

    return binary_erosion(mask), binary_dilation(mask)


def _at(index: list[int] | tuple[int, int, int], geometry: Geometry) -> str:
    return place([float(v) for v in axes.to_mm(np.array([index]), geometry.matrix)[0]], geometry)
