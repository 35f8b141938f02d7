"""Radiomic features of a region, under their IBSI names and codes."""

from __future__ import annotations

from typing import Annotated, Literal

from scanwright.tools import measuring
from scanwright.tools.artifacts import Coded, Mask, Measurement, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import NotCut, ParamInUnit
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU, Quantity
from scanwright.tools.contract.types import Of
from scanwright.tools.engines import radiomics
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import orient

# The usual width on CT; images in arbitrary units have a number of bins instead, as IBSI advises.
CT_WIDTH_HU = 25.0
BIN_COUNT = 32
MOST_BINS = 1024
FEWEST_VOXELS, MOST_VOXELS = 64, 2_000_000
# Neighbours across slices are further away than within: texture mixes two scales.
UNLIKE_SPACING = 1.5
_LENGTHS = {"morph_volume": "mm3", "morph_vol_approx": "mm3", "morph_area_mesh": "mm2", "morph_av": "/mm"}
_LENGTHS |= dict.fromkeys(
    ("morph_diam", "morph_com", "morph_pca_maj_axis", "morph_pca_min_axis", "morph_pca_least_axis"), "mm"
)
_IN_IMAGE_UNIT = frozenset(
    f"stat_{name}"
    for name in ("mean", "median", "min", "p10", "p90", "max", "iqr", "range", "mad", "rmad", "medad", "rms")
)
What = Literal["all", "shape", "first_order", "glcm", "glrlm", "glszm", "ngtdm"]


@tool(
    examples=(
        "Compute the radiomic features of the marked lesion.",
        "What are the GLCM features of this region?",
        "Extract radiomics from the tumour mask.",
        "Texture features of the marked region, please.",
        "Give me the IBSI shape features of the lesion.",
        "Run-length matrix features of the tumour with 32 bins",
        "Radiomics of the liver",
    ),
    near_misses=(
        "What is the mean HU of the lesion? (intensity_statistics)",
        "How large is the lesion? (mask_volume)",
        "Is the lesion malignant by radiomics? (not assessed: features are no diagnosis)",
    ),
    when=(ParamInUnit(names=("bin_width",)),),
    needs=Needs(memory_gb=0.8, seconds=25.0),
    reference="IBSI: Zwanenburg et al., Radiology 2020;295:328–338; by the library mirp: Zwanenburg, JOSS 2024;9:6413.",
    error=(
        MeasuredError(
            text="a brain tumour on MR (n 1) against stored values of PyRadiomics at the same bins: all 88 features "
            "that both define agree within 1 %",
            modality="MR",
            relative_error=0.01,
            n=1,
        ),
    ),
    licence="Apache-2.0; mirp EUPL-1.2, not bundled (extra `radiomics`)",
    packages={"mirp": "radiomics"},
    uses=(radiomics, measuring, orient),
)
def radiomic_features(
    ctx: ToolContext,
    volume: Volume,
    region: Annotated[Mask, Of("?s", side="?d")],
    family: What = "all",
    bin_width: Quantity | None = None,
    bin_count: Quantity | None = None,
) -> Annotated[Measurements, Of("?s", side="?d", quantity="radiomic_features")]:
    """Radiomic features of a region (shape, first order, GLCM, GLRLM, GLSZM, NGTDM) under their IBSI names.

    Measured on the scan's own voxels, not resampled; texture in 3D at distance 1, averaged over the 13 directions.
    bin_width (in the unit of the voxels) or bin_count makes intensities discrete: 25 HU on CT, else 32 bins.
    Raises ToolInputError where the grids differ, the region has under 64 or over 2,000,000 voxels, or both are given.
    """
    if not region.geometry.same_grid(volume.geometry):
        raise ToolInputError(
            f"The {region.name} lies on another grid than the {volume.name}: give a mask of this image."
        )
    if not FEWEST_VOXELS <= region.voxels <= MOST_VOXELS:
        raise ToolInputError(
            f"The {region.name} has {region.voxels:,} voxels, and features are told of {FEWEST_VOXELS} to "
            f"{MOST_VOXELS:,}: choose another region."
        )
    bins = _bins(volume, bin_width, bin_count)
    wanted = tuple(radiomics.FAMILIES) if family == "all" else (family,)
    ctx.progress(0.1, "computing features")
    found = radiomics.features(ctx.voxels(volume), ctx.voxels(region), volume.geometry, wanted, bins)
    method = f"mirp, {bins.words()}, 3D, distance 1, averaged over directions, not resampled"
    type_ = region.type.model_copy(update={"kind": "Measurement", "quantity": ("radiomic_features",)})
    spacing = volume.geometry.spacing_mm
    flags = [*region.flags, *measuring.space_flags(volume.geometry)]
    if (cut := NotCut().check(region)) is not None:
        flags.append(cut)
    if max(spacing) > UNLIKE_SPACING * min(spacing):
        flags.append("the voxels are not cubic and were not resampled: texture compares only with like voxels")
    return Measurements(
        type=type_,
        name=f"radiomic features of the {region.name}",
        flags=tuple(flags),
        items=tuple(
            Measurement(
                type=type_,
                name=feature.name.strip(),
                quantity="radiomic_features",
                value=feature.value,
                unit=_LENGTHS.get(feature.key) or (volume.image.unit if feature.key in _IN_IMAGE_UNIT else "1"),
                code=None if feature.ibsi is None
                else Coded(system="IBSI", value=feature.ibsi, meaning=feature.name.strip()),
                method=method,
            )
            for feature in found
        ),
    )  # fmt: skip


def _bins(volume: Volume, width: Quantity | None, count: Quantity | None) -> radiomics.Bins:
    if width is not None and count is not None:
        raise ToolInputError("Bins have a width or a number, not both: give one.")
    if count is not None:
        if count.unit != "1" or count.value != int(count.value) or not 2 <= count.value <= MOST_BINS:
            raise ToolInputError(f"The number of bins is a whole number from 2 to {MOST_BINS}, and {count} is none.")
        return radiomics.Bins(count=int(count.value))
    if width is not None:
        if width.unit not in (volume.image.unit, "1") or width.value <= 0:
            raise ToolInputError(f"The width of bins is above 0 in the unit of the voxels, and {width} is not.")
        return radiomics.Bins(width=width.value)
    return radiomics.Bins(width=CT_WIDTH_HU) if volume.image.unit == HU else radiomics.Bins(count=BIN_COUNT)
