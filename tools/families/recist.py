"""Target lesions by RECIST 1.1: the sum of their diameters, the response between two exams, and a picture."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scanwright.tools import measuring
from scanwright.tools.artifacts import Figure, Mask, Measurement, Measurements, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import SpacingAtMost
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.imaging import axes, extent, orient, plane_picture
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.measuring import measured, place, space_flags, together
from scanwright.tools.morphology import marks_picture, target_lesions
from scanwright.tools.morphology.marks_picture import CYAN, ORANGE, YELLOW, Mark, Panel
from scanwright.tools.morphology.target_lesions import AT_MOST, NODE_GONE_MM, Lesion, category, possible, summed
from scanwright.tools.vocabulary.quantities import QUANTITIES

REFERENCE = (
    "RECIST 1.1: Eisenhauer et al., Eur J Cancer 2009;45:228–247 (targets of 10 mm and more, lymph nodes of 15 mm "
    "short axis and more, at most five; −30 % PR; +20 % and 5 mm PD)."
)
SLICES = (SpacingAtMost(max_mm=5.0),)
HALF_VOXEL = "both ends of every line moved by half a voxel inwards and outwards"
TWO_PER_ORGAN = "RECIST allows at most two target lesions in an organ: that is not checked"
NAMES = {
    "CR": "complete response (CR)",
    "PR": "partial response (PR)",
    "SD": "stable disease (SD)",
    "PD": "progressive disease (PD)",
}
NOT_ASSESSED = (
    "of the target lesions alone: new and non-target lesions are not assessed, and may change the overall response",
    "the earlier exam is taken as baseline and as nadir at once: with an exam between them the nadir may be lower",
    "it is taken for granted that the same lesions are marked in both exams",
)
USES = (measuring, target_lesions, extent, axes)


@tool(
    examples=(
        "What is the sum of the target lesion diameters?",
        "RECIST sum of diameters of the lesions I outlined?",
        "Add up the longest diameters of the target lesions.",
        "Baseline sum of longest diameters, please.",
        "How large are the target lesions, each and together?",
        "Which of the marked lesions are measurable by RECIST?",
        "Sum of the short axes of the marked lymph nodes?",
    ),
    near_misses=(
        "What is the longest diameter of the lesion? (longest_axial_diameter)",
        "Has the tumour responded? (recist_response)",
        "How many lesions are there? (component_count)",
        "Which lesions should be targets? (not assessed: the person marks them)",
    ),
    when=SLICES,
    needs=Needs(memory_gb=0.6, seconds=2.0),
    reference=REFERENCE,
    error=(
        MeasuredError(
            text="turned ellipsoids with pixels of 0.8 mm, one to three (n 5): sum within 1.1 mm; rods in all axis "
            "orders: within one voxel",
            n=5,
        ),
    ),
    uses=USES,
)
def target_lesion_sum(
    ctx: ToolContext, mask: Annotated[Mask, Of("?s", side="?d")], nodes: bool = False
) -> Annotated[Measurements, Of("?s", side="?d", quantity=("sum_of_diameters", "target_lesion_diameter"))]:
    """Sum of the diameters of the separate lesions of a mask, and each of them, in mm (RECIST 1.1 at baseline).

    Each separate part is a lesion; what counts is its longest diameter on an axial slice, and with nodes the short
    axis at right angles to it. Lesions under 10 mm (nodes: 15 mm; slices over 5 mm: twice their thickness) are not
    measurable: they are listed, flagged, and left out of the sum, as is what comes after the five largest. The range
    moves both ends of every line by half a voxel. Raises ToolInputError where the mask has over 100 parts.
    """
    method = f"sum of the {_what(nodes)} of the separate parts, at most {AT_MOST}"
    if not mask.voxels:
        return together([measured("sum_of_diameters", None, "mm", mask, method=method)], mask, "target lesions")
    found, least = _lesions(ctx, mask, nodes), target_lesions.measurable_mm(mask.geometry, nodes=nodes)
    large = [s for s in found if s.mm >= least]
    targets = large[:AT_MOST]
    flags = [TWO_PER_ORGAN] if len(targets) > 2 else []
    if len(found) > len(large):
        flags.append(f"{len(found) - len(large)} of {len(found)} lesions are under {least:g} mm and not measurable")
    if len(large) > AT_MOST:
        flags.append(f"{len(large)} lesions are measurable and the sum is of the {AT_MOST} largest")
    items = []
    if targets:
        low, total, high = summed(targets)
        spread = Uncertainty(kind="range", low=low, high=high, method=HALF_VOXEL, n=2)
        words = " + ".join(f"{s.mm:.1f}" for s in targets)
        items.append(measured("sum_of_diameters", total, "mm", mask, method=method, uncertainty=spread,
                              at=f"({words} mm)", flags=flags))  # fmt: skip
    else:
        none = f"not found: no lesion reaches {least:g} mm, so there is no target to sum"
        items.append(measured("sum_of_diameters", None, "mm", mask, method=method, flags=[none]))
    for number, lesion in enumerate(found, start=1):
        said = [] if lesion.mm >= least else [f"under {least:g} mm: not measurable by RECIST 1.1"]
        said += ["after the five largest: not in the sum"] if lesion in large[AT_MOST:] else []
        spread = Uncertainty(kind="range", low=lesion.low_mm, high=lesion.high_mm, method=HALF_VOXEL, n=2)
        item = measured("target_lesion_diameter", lesion.mm, "mm", mask, method=_what(nodes, one=True),
                        uncertainty=spread, at=_place(lesion, mask.geometry), flags=said)  # fmt: skip
        items.append(item.model_copy(update={"name": f"diameter of lesion {number} of the {mask.name}"}))
    return together(items, mask, f"target lesions of the {mask.name}")


@tool(
    examples=(
        "What is the RECIST response between the two exams?",
        "Has the tumour responded by RECIST 1.1?",
        "Partial response or stable disease?",
        "Response category of the target lesions since baseline?",
        "Is it progression by RECIST, from the lesions I outlined in both scans?",
        "CR, PR, SD or PD?",
        "RECIST category comparing the earlier and the later CT",
    ),
    near_misses=(
        "How much did the volume change? (volume_change)",
        "What is the sum of diameters now? (target_lesion_sum)",
        "Are there new lesions? (not assessed)",
        "What is the overall response? (not assessed: target lesions only)",
        "What is the response by iRECIST, mRECIST, PERCIST or RANO? (not assessed)",
    ),
    when=SLICES,
    needs=Needs(memory_gb=0.8, seconds=4.0),
    reference=REFERENCE,
    error=(
        MeasuredError(text="ellipsoids grown and shrunk (n 10): the category is right, and two are named where the "
                           "change lies near a threshold; no patients were at hand", n=10),
    ),
    uses=USES,
)  # fmt: skip
def recist_response(
    ctx: ToolContext,
    earlier: Annotated[Mask, Of("?s", side="?d", time="?t1", grid="?g1")],
    later: Annotated[Mask, Of("?s", side="?d", time="?t2", grid="?g2")],
    nodes: bool = False,
) -> Annotated[Measurement, Of("?s", side="?d", quantity="recist_response", time="*", grid="*")]:
    """Response of the target lesions from an earlier to a later exam of one patient by RECIST 1.1: CR, PR, SD or PD.

    The sum of diameters of the later exam against the earlier one, which is both baseline and nadir: −30 % and less
    is PR, +20 % and more with 5 mm and more is PD, none left (of nodes: all under 10 mm short axis) is CR, all else
    SD. Targets are the up to five largest measurable lesions of the earlier exam, and as many of the later one,
    whatever their size; where the later mask has more parts, the upper end of its sum holds them too. Where the ranges
    of the sums allow other categories, these are named. New and non-target lesions are not assessed. Raises
    ToolInputError where no earlier lesion is measurable, the exams are one, or lie in different spaces.
    """
    if earlier.type.time is not None and earlier.type.time == later.type.time:
        raise ToolInputError("Both masks are of the same exam: a response needs two exams of one patient.")
    if space_flags(earlier.geometry) != space_flags(later.geometry):
        raise ToolInputError("The two exams are measured in different spaces: give both in the patient's own.")
    least = target_lesions.measurable_mm(earlier.geometry, nodes=nodes)
    before, after = _lesions(ctx, earlier, nodes), _lesions(ctx, later, nodes)
    measurable = [s for s in before if s.mm >= least]
    targets = measurable[:AT_MOST]
    if not targets:
        raise ToolInputError(
            f"No lesion of the earlier exam reaches {least:g} mm, so there is no measurable target lesion to follow."
        )
    if not after and later.type.structure != "given_region":
        raise ToolInputError("The later exam's lesions were not found, which does not say that they are gone.")
    same, extra = after[: len(targets)], after[len(targets) : AT_MOST]
    baseline, now = summed(targets), summed(same)
    now = (now[0], now[1], now[2] + sum(s.high_mm for s in extra))
    gone = all(s.node and s.mm < NODE_GONE_MM for s in after)
    found = category(baseline[1], now[1], gone=gone)
    surely = all(s.node and s.high_mm < NODE_GONE_MM for s in after)
    maybe = all(s.node and s.low_mm < NODE_GONE_MM for s in after)
    choices = possible(baseline, now, surely_gone=surely, maybe_gone=maybe)
    flags = [*NOT_ASSESSED, *dict.fromkeys((*earlier.flags, *(f for f in later.flags if after))),
             *space_flags(later.geometry)]  # fmt: skip
    if len(choices) > 1:
        flags.insert(0, f"within the ranges of the diameters it may be {' or '.join(NAMES[c] for c in choices)}")
    flags += _counted(len(measurable), len(before), len(after), len(targets), least)
    if earlier.touches or (after and later.touches):
        flags.append("a lesion is cut by the edge of the field of view: its diameter may be larger")
    start = later.type.model_dump(exclude={"time", "grid", "quantity", "kind"})
    concept = QUANTITIES["recist_response"]
    return Measurement(
        type=ArtifactType(kind="Measurement", **start, quantity=("recist_response",)),
        name=concept.label,
        quantity="recist_response",
        value=NAMES[found],
        code=concept.code,
        method=f"sum of the {_what(nodes)}: {baseline[1]:.1f} mm earlier (range {baseline[0]:.1f} to "
        f"{baseline[2]:.1f}; n {len(targets)}), {now[1]:.1f} mm later (range {now[0]:.1f} to {now[2]:.1f}; "
        f"n {len(same)}), change {now[1] - baseline[1]:+.1f} mm, "
        f"{100 * (now[1] - baseline[1]) / baseline[1]:+.0f} %; RECIST 1.1",
        at=f"(earlier {_words(targets)}; later {_words(same) if same else 'none'})",
        flags=tuple(flags),
    )


@tool(
    examples=(
        "Show me the target lesions with their diameters.",
        "Draw the RECIST lines on the scan.",
        "Picture of the lesion diameters",
        "Where was each target lesion measured? Show it.",
        "Figure of the longest diameters of the marked lesions, please.",
        "Show the diameter lines of all lesions.",
    ),
    near_misses=("Show the outline of the lesion. (overlay)", "What is the sum of diameters? (target_lesion_sum)"),
    when=SLICES,
    needs=Needs(memory_gb=0.8, seconds=2.5),
    reference="Radiological display: the patient's right on the left side of the picture (DICOM PS3.3 C.7.6.1.1.1).",
    error=(MeasuredError(text="drawn from the same lines as target_lesion_sum measures"),),
    uses=(*USES, marks_picture, plane_picture, orient),
    shows=("sum_of_diameters", "target_lesion_diameter", "recist_response"),
)
def target_lesions_picture(
    ctx: ToolContext, volume: Volume, mask: Annotated[Mask, Of("?s", side="?d")], nodes: bool = False
) -> Annotated[Figure, Of("?s", side="?d", quantity="target_lesions_picture")]:
    """The axial slice of each of the up to five largest lesions with its longest diameter and short axis.

    Raises ToolInputError where the grids differ, ToolFailed where the mask is empty.
    """
    if not mask.geometry.same_grid(volume.geometry):
        raise ToolInputError(f"The {mask.name} lies on another grid than the scan: give a mask of this scan.")
    found = _lesions(ctx, mask, nodes)[:AT_MOST]
    if not found:
        raise ToolFailed(f"No voxel of the {mask.name} was seen, so there is no diameter to draw.")
    view, turned, _ = orient.canonical(ctx.voxels(volume), volume.geometry)
    shape, _, _ = orient.canonical(ctx.voxels(mask), volume.geometry)
    window = (-160.0, 240.0) if volume.image.unit == HU else _window(np.asarray(view))
    panels = []
    for number, lesion in enumerate(found, start=1):
        ends = [marks_picture.in_plane(end, turned, 2) for end in lesion.line.ends_mm]
        middle = (lesion.line.ends_mm[0] + lesion.line.ends_mm[1]) / 2
        level = axes.nearest_index([float(v) for v in middle], turned)[2]
        words = f"{lesion.line.length_mm:.1f} mm" + (f", short axis {lesion.short_mm:.1f} mm" if nodes else "")
        panels.append(
            Panel(
                view[:, :, level].astype(np.float32), turned.spacing_mm[:2],
                f"lesion {number}, axial  z {middle[2]:.0f} mm", window, ((shape[:, :, level], ORANGE),),
                (Mark(ends[0], ends[1], words, CYAN if nodes else YELLOW),),
            )
        )  # fmt: skip
    png = marks_picture.drawn(panels, f"Lesions of the {mask.name}", volume.geometry.sides_known)
    caption = (
        f"Longest axial diameters of the {len(found)} largest lesions of the {mask.name}. "
        f"{plane_picture.foot(volume.geometry)}"
    )
    return ctx.figure(png, name=f"picture of the diameters of the {mask.name}", caption=caption)


def _lesions(ctx: ToolContext, mask: Mask, nodes: bool) -> list[Lesion]:
    try:
        return target_lesions.lesions(ctx.voxels(mask), mask.geometry, nodes=nodes)
    except target_lesions.TooManyParts:
        raise ToolInputError(
            f"The {mask.name} has more than {target_lesions.PARTS_AT_MOST} separate parts, which are no target "
            "lesions: give a mask of the lesions alone."
        ) from None


def _counted(measurable: int, before: int, after: int, targets: int, least: float) -> list[str]:
    said = []
    if before > measurable:
        said.append(f"{before - measurable} lesions of the earlier exam are under {least:g} mm and no targets")
    if measurable > targets:
        said.append(f"{measurable} lesions of the earlier exam are measurable and the {targets} largest are followed")
    if not after:
        said.append("the later mask is empty: that the lesions are gone is the word of whoever marked them")
    elif after < targets:
        said.append(f"{targets} lesions are followed and the later mask has {after}: the others count as gone (0 mm)")
    elif after > targets:
        said.append(
            f"the later mask has {after} parts and {targets} lesions are followed: its {targets} largest count, and "
            "the others may be pieces of them or new lesions"
        )
    return said


def _what(nodes: bool, *, one: bool = False) -> str:
    if nodes:
        return "short axis on the slice of the longest axial diameter" if one else "short axes"
    return "longest diameter on an axial slice" if one else "longest axial diameters"


def _words(chosen: list[Lesion]) -> str:
    return f"{', '.join(f'{s.mm:.1f}' for s in chosen)} mm"


def _place(lesion: Lesion, geometry: Geometry) -> str:
    first, second = sorted(lesion.line.ends_mm, key=lambda p: [float(v) for v in p])
    axis = geometry.axes[2]
    number = geometry.shape[axis] - lesion.slice_index if geometry.flips[2] else lesion.slice_index + 1
    return (
        f"axial slice {number} of {geometry.shape[axis]} counted from below, longest diameter "
        f"{lesion.line.length_mm:.1f} mm from {place([*first], geometry)} to {place([*second], geometry)}; across it "
        f"{lesion.short_mm:.1f} mm"
    )


def _window(view: np.ndarray) -> tuple[float, float]:
    sample = view[tuple(slice(None, None, max(1, n // 128)) for n in view.shape)]
    body = sample[np.isfinite(sample) & (sample != 0)]
    low, high = np.percentile(body, (1, 99.5)) if body.size else (0.0, 1.0)
    return float(low), float(high)
