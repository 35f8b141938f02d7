"""The brain's outline on MR of any sequence and on CT, by MindGrab."""

from __future__ import annotations

from typing import Annotated

from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.contract.card import Needs
from scanwright.tools.contract.conditions import (
    BodyPartIs,
    CoversAtLeast,
    CoversAtMost,
    ModalityIs,
    NotCut,
    NotEmpty,
    Plausible,
    SpacingAtMost,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.engines import brainchop, conform, intensity, labelling, layers_model, meshnet, regions
from scanwright.tools.imaging import orient


@tool(
    examples=(
        "How large is the brain on this CT?",
        "Outline the brain on the CT.",
        "What is the intracranial volume on this head CT?",
        "Brain mask on the FLAIR, please.",
        "Strip the skull from this T2 scan.",
        "Segment the brain, whatever the modality.",
        "Where is the brain on the CT?",
    ),
    near_misses=(
        "Is there a bleed in the brain? (not assessed)",
        "Where is the skull? (skull)",
        "How large is the hippocampus on the CT? (not assessed: parts of the brain need a T1-weighted MR)",
    ),
    when=(
        ModalityIs(one_of=("MR", "CT")),
        BodyPartIs(one_of=("head", "brain", "skull")),
        CoversAtLeast(extent_mm=(110.0, 130.0, 90.0)),
        CoversAtMost(extent_mm=(360.0, 360.0, 400.0)),
        SpacingAtMost(max_mm=3.0),
    ),
    then=(
        NotEmpty(),
        NotCut(),
        Plausible(
            quantity="volume",
            low=700.0,
            high=2300.0,
            unit="mL",
            source="from infants to large adults: Bethlehem et al., Nature 2022;604:525–533",
        ),
    ),
    needs=Needs(memory_gb=2.2, seconds=45.0, torch=True),
    weights=(brainchop.MINDGRAB.weights,),
    reference=brainchop.MINDGRAB.reference,
    error=brainchop.MINDGRAB.error,
    licence="Apache-2.0; weights MIT, not bundled",
    uses=(brainchop, conform, intensity, labelling, layers_model, meshnet, orient, regions),
)
def brain_mask_any(ctx: ToolContext, volume: Volume) -> Annotated[Mask, Of("brain", side="whole")]:
    """Mask of the brain with the fluid around it, on MR of any sequence or on CT of the head.

    A network trained on synthetic images only, so that it knows no modality, looks at the scan at 1 mm; the largest
    part is kept. The outline follows the intracranial space, down to the foramen magnum, rather than the brain's
    surface.
    """
    seen = labelling.label(ctx, brainchop.MINDGRAB, ctx.voxels(volume), volume.geometry)
    mask = ctx.mask(regions.largest(seen.labels == 1), volume, "brain")
    return mask.model_copy(update={"flags": seen.flags})
