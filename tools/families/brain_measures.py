"""What is asked first of a brain MR: Evans index, midline shift, share of brain tissue, all ventricles together."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import LabelMap, Mask, Measurement, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    BodyPartIs,
    ModalityIs,
    NotCut,
    NotEmpty,
    Plausible,
    SpacingAtMost,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.imaging import axes, orient
from scanwright.tools.measuring import measured, place, space_flags
from scanwright.tools.morphology import frontal_horns, head_frame, midline, septum, ventricle_fields

WHERE = (head_frame, ventricle_fields, axes, orient)
HEAD_MR: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("MR",)),
    BodyPartIs(one_of=("head", "brain")),
    SpacingAtMost(max_mm=2.0),
)
STAND_IN = (
    "the skull's inner width is that of the brain mask; where wide spaces lie between brain and skull and the mask "
    "leaves them out, the index is too high"
)
NODS = (-10.0, 0.0, 10.0)


@tool(
    examples=(
        "What is the Evans index?",
        "Calculate the Evans ratio.",
        "How wide are the frontal horns compared with the skull?",
        "Ratio of frontal horn width to inner skull width?",
        "Measure Evans' index on this T1.",
        "Ventricular width index according to Evans",
        "Frontal horns over inner skull diameter, please.",
    ),
    near_misses=(
        "Does the patient have hydrocephalus? (not assessed)",
        "How large are the ventricles? (ventricular_system, mask_volume)",
        "What is the callosal angle? (not assessed)",
        "Is an Evans index of 0.3 normal? (no reference values are bundled)",
    ),
    when=HEAD_MR,
    then=(
        Plausible(quantity="evans_index", low=0.1, high=0.75, unit="as a ratio", source="wider leaves no brain"),
    ),
    needs=Needs(memory_gb=0.9, seconds=7.0),
    reference="Evans WA, Arch Neurol Psychiatry 1942;47:931–937: greatest width of the frontal horns over the greatest "
    "inner width of the skull, here on one axial level.",
    error=(
        MeasuredError(text="phantoms with known horns, turned by up to 12° and stored in other axis orders: within "
                           "0.008 of the true index (n 5)", relative_error=0.035),
        MeasuredError(text="Colin 27 and CIT168 (n 2): 0.262 and 0.257 with deepbet's outline, 0.257 and 0.259 with "
                           "MindGrab's, whose outline is 2 mm wider and 1 mm narrower; no manual reference",
                      modality="MR", n=2),
    ),
    uses=(measuring, frontal_horns, *WHERE),
)  # fmt: skip
def evans_index(
    ctx: ToolContext,
    labels: Annotated[LabelMap, Of("brain_parts")],
    brain: Annotated[Mask, Of("brain", side="whole")],
) -> Annotated[Measurement, Of("brain", side="whole", quantity="evans_index")]:
    """Evans index: greatest width of the frontal horns over the greatest inner width of the skull on the same level.

    The frontal horns are what the network labels as lateral ventricles (temporal horns left out) in front of the
    thalamus, so that the atria, which are wider, do not count. Of all axial levels the one with the widest horns is
    taken; both widths run at right angles to the brain's plane of symmetry, so that a rolled or turned head does not
    change them. The levels are the scan's axial planes (not set to the commissures): the range is what planes nodded
    by 10° forwards and backwards make, and half a voxel at each end of both lines. The brain mask stands in for the
    inner table of the skull. Evans called more than 0.3 enlarged; this is his text and no reference value of ours.
    """
    method = "greatest width of the frontal horns over the greatest width of the brain mask on the same axial level"
    fields = ventricle_fields.fields(ctx, labels, brain)
    if fields is None:
        return measured("evans_index", None, "1", brain, method=method, size=False)
    voxel = float(max(labels.geometry.spacing_mm[a] for a in labels.geometry.axes[:2]))
    found: dict[float, frontal_horns.EvansLines] = {}
    for done, nod in enumerate(NODS):
        ctx.progress(0.2 + 0.8 * done / len(NODS), "measuring widths")
        lines = ventricle_fields.evans(fields, nod)
        if lines is not None:
            found[nod] = lines
    if 0.0 not in found:
        flag = "not found: no frontal horns in front of the thalamus were seen"
        return measured("evans_index", None, "1", brain, method=method, flags=[flag], size=False)
    straight = found[0.0]
    low = min((f.horns.mm - voxel) / (f.skull.mm + voxel) for f in found.values())
    high = max((f.horns.mm + voxel) / (f.skull.mm - voxel) for f in found.values())
    flags = [STAND_IN, *labels.flags, *space_flags(brain.geometry)]
    if {"left", "right"} & set(brain.touches):
        flags.append("the brain mask is cut at the side by the field of view: the index is too high")
    level = place([*fields.frame.to_mm(straight.horns.low)], brain.geometry)
    return measured(
        "evans_index",
        straight.ratio,
        "1",
        brain,
        method=method,
        uncertainty=Uncertainty(
            kind="range", low=max(low, 0.0), high=high, n=len(found),
            method="axial planes nodded by −10°, 0° and 10°, each end of both lines moved by half a voxel",
        ),
        at=f"(frontal horns {straight.horns.mm:.1f} mm, inner skull {straight.skull.mm:.1f} mm, at {level})",
        flags=flags,
        size=False,
    )  # fmt: skip


@tool(
    examples=(
        "How far is the midline shifted?",
        "Measure the midline shift in mm.",
        "How many millimetres is the septum pellucidum off the midline?",
        "Midline shift at the level of the foramen of Monro?",
        "By how much is the septum displaced?",
        "Distance of the septum pellucidum from the midline",
        "What is the midline deviation on this MR?",
    ),
    near_misses=(
        "Where is the midline? (midsagittal_plane)",
        "Is there herniation? (not assessed)",
        "Midline shift on the CT? (not assessed: the ventricles are found on T1-weighted MR only)",
        "Is the brain symmetric? (asymmetry_index)",
    ),
    when=HEAD_MR,
    then=(
        Plausible(quantity="midline_shift", low=0.0, high=35.0, unit="mm", source="the skull leaves no room for more"),
    ),
    needs=Needs(memory_gb=1.0, seconds=5.0),
    reference="Distance of the septum pellucidum from the ideal midline at the foramen of Monro: Liao et al., Int J "
    "Biomed Imaging 2018;2018:4303161.",
    error=(
        MeasuredError(text="phantoms shifted by 0 to 12 mm, turned by up to 12° (n 5): within 0.5 mm"),
        MeasuredError(text="Colin 27 and CIT168, healthy and average heads (n 2): 0.4 and 0.5 mm", modality="MR", n=2),
    ),
    uses=(measuring, frontal_horns, midline, septum, *WHERE),
)  # fmt: skip
def midline_shift(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="MR")],
    labels: Annotated[LabelMap, Of("brain_parts")],
    brain: Annotated[Mask, Of("brain", side="whole")],
) -> Annotated[Measurement, Of("brain", side="whole", quantity="midline_shift")]:
    """Distance of the septum pellucidum from the middle of the skull at the foramen of Monro, in mm.

    The level is where the third ventricle ends above at the front of the thalamus; the septum is looked for from
    there up to 14 mm higher and from 2 to 18 mm in front, row by row: the gap between the two ventricles, or the
    bright sheet between the dark of both. The middle of the skull is drawn in two ways from the brain mask, which
    the skull holds in shape: the plane of symmetry of the whole outline, and on each level the line through the
    middles of its rows. The range is the extremes of the two midlines in three bands of height, and half a voxel. To
    which side is said where the sides are known and the range does not reach nought.
    """
    method = "median distance of the septum pellucidum from the mean of two midlines of the brain mask's outline"
    fields = ventricle_fields.fields(ctx, labels, brain)
    if fields is None:
        return measured("midline_shift", None, "mm", brain, method=method)
    ctx.progress(0.5, "looking for the septum")
    found = ventricle_fields.shift(fields, ctx.voxels(volume), volume.geometry)
    if found is None:
        flag = "not found: neither septum pellucidum nor third ventricle were seen at the foramen of Monro"
        return measured("midline_shift", None, "mm", brain, method=method, flags=[flag])
    flags = [*labels.flags]
    if found.marker != "septum pellucidum":
        flags.append("the septum pellucidum was not seen: this is the middle of the third ventricle instead")
    if {"left", "right", "anterior", "posterior"} & set(brain.touches):
        flags.append("the brain mask is cut by the field of view, so the middle of the skull may be off")
    half = 0.5 * brain.geometry.spacing_mm[brain.geometry.axes[0]]
    low, high = found.low - half, found.high + half
    crosses = low <= 0 <= high
    ends = sorted((abs(low), abs(high)))
    side = ""
    if brain.geometry.sides_known and not crosses:
        side = f" to the patient's {'right' if found.mm > 0 else 'left'}"
    centre = place([*fields.frame.to_mm(np.median(found.points, axis=0))], brain.geometry)
    return measured(
        "midline_shift",
        abs(found.mm),
        "mm",
        brain,
        method=method,
        uncertainty=Uncertainty(
            kind="range", low=0.0 if crosses else ends[0], high=ends[1], n=found.values,
            method="two midlines, three bands of height above the foramen of Monro, and half a voxel",
        ),
        at=f"({found.marker}{side}, about {centre})",
        flags=flags,
        size=False,
    )  # fmt: skip


@tool(
    examples=(
        "What is the brain parenchymal fraction?",
        "How much of the intracranial space is brain tissue?",
        "BPF of this T1?",
        "Grey and white matter together as a share of the brain outline?",
        "What percentage inside the brain outline is parenchyma?",
        "Calculate the parenchymal fraction of the brain.",
    ),
    near_misses=(
        "How much grey matter is there? (brain_tissue, mask_volume)",
        "Is there atrophy? (not assessed: no norm is bundled)",
        "What share of the brain is grey matter? (volume_fraction)",
    ),
    when=HEAD_MR,
    then=(
        Plausible(quantity="brain_parenchymal_fraction", low=50.0, high=99.0, unit="%",
                  source="an outline holds more brain than fluid"),
    ),
    needs=Needs(memory_gb=0.4, seconds=1.0),
    reference="Parenchyma over the volume inside the brain's outline: Rudick et al., Neurology 1999;53:1698–1704.",
    error=(
        MeasuredError(text="nested phantoms: within 1 percentage point", relative_error=0.01),
        MeasuredError(text="Colin 27 and CIT168 (n 2): two networks 0.5 percentage points apart, two outlines 3",
                      modality="MR", n=2),
    ),
    uses=(measuring,),
)  # fmt: skip
def brain_parenchymal_fraction(
    ctx: ToolContext,
    tissue: Annotated[LabelMap, Of("brain_tissue")],
    parts: Annotated[LabelMap, Of("brain_parts")],
    brain: Annotated[Mask, Of("brain", side="whole")],
) -> Annotated[Measurement, Of("brain", side="whole", quantity="brain_parenchymal_fraction")]:
    """Share of the space inside the brain's outline that is grey or white matter, in percent.

    Parenchyma by the tissue network and, for the range, by the network of parts (all that is labelled but the
    ventricles); both counted inside the outline. The outline of the brain mask stands in for the intracranial space:
    a mask that hugs the gyri gives a higher share than one that holds the fluid around them.
    """
    method = "grey and white matter inside the brain mask, over all voxels of the mask"
    if not brain.voxels:
        return measured("brain_parenchymal_fraction", None, "%", brain, method=method, size=False)
    inside = ctx.voxels(brain)
    share = []
    for labels, fluid in ((tissue, ()), (parts, ventricle_fields.VENTRICLES)):
        chosen = np.zeros(256, np.bool_)
        chosen[[v.value for v in labels.labels if v.value and v.name not in fluid]] = True
        share.append(100 * float(np.count_nonzero(chosen[ctx.voxels(labels)] & inside)) / brain.voxels)
    return measured(
        "brain_parenchymal_fraction",
        share[0],
        "%",
        brain,
        method=method,
        uncertainty=Uncertainty(
            kind="range", low=min(share), high=max(share), method="two networks: tissues, and parts", n=2
        ),
        flags=[*tissue.flags, *space_flags(brain.geometry)],
        size=False,
    )


@tool(
    examples=(
        "How large is the ventricular system?",
        "What is the volume of all ventricles together?",
        "Total ventricle volume in mL?",
        "Outline the whole ventricular system.",
        "Lateral, third and fourth ventricles together: how many mL?",
        "Show the ventricular system on the T1.",
    ),
    near_misses=(
        "How large are the lateral ventricles? (brain_part)",
        "How wide are the frontal horns? (evans_index)",
        "How much cerebrospinal fluid is there? (not assessed: only the ventricles are seen)",
    ),
    when=HEAD_MR,
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.3, seconds=0.4),
    reference="Lateral ventricles with temporal horns, third and fourth ventricle, as FreeSurfer draws them: Fischl et "
    "al., Neuron 2002;33:341–355.",
    error=(MeasuredError(text="the sum of brain_part's three ventricles, voxel for voxel", relative_error=0.0),),
    uses=(ventricle_fields,),
)
def ventricular_system(
    ctx: ToolContext, labels: Annotated[LabelMap, Of("brain_parts")]
) -> Annotated[Mask, Of("ventricular_system", side="whole")]:
    """Mask of all ventricles together: lateral with temporal horns, third and fourth.

    The aqueduct and the foramina between them are not labelled and do not count.
    """
    voxels: NDArray[np.bool_] = np.isin(
        ctx.voxels(labels), [ventricle_fields.value_of(labels, name) for name in ventricle_fields.VENTRICLES]
    )
    mask = ctx.mask(voxels, labels, "ventricular_system")
    return mask.model_copy(update={"flags": labels.flags})
