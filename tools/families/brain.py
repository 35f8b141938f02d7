"""The brain on MR."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    BodyPartIs,
    CoversAtLeast,
    CoversAtMost,
    ModalityIs,
    NotCut,
    NotEmpty,
    Plausible,
    SequenceIs,
    SpacingAtMost,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.imaging import orient

WEIGHTS = "deepbet"
THRESHOLD = 0.5


@tool(
    examples=(
        "Outline the brain.",
        "Where is the brain on this MR?",
        "Strip the skull, please.",
        "Segment the brain.",
        "Do a brain extraction on the T1.",
        "Give me a mask of the brain.",
        "Remove everything that is not brain.",
    ),
    near_misses=(
        "Where is the hippocampus? (not assessed: parts of the brain need another tool)",
        "Outline the skull on the CT. (skull)",
        "Is there a tumour in the brain? (not assessed)",
    ),
    when=(
        ModalityIs(one_of=("MR",)),
        BodyPartIs(one_of=("head", "brain")),
        CoversAtLeast(extent_mm=(110.0, 130.0, 90.0)),
        CoversAtMost(extent_mm=(360.0, 360.0, 400.0)),
        SpacingAtMost(max_mm=3.0),
        SequenceIs(words=("t1", "mprage"), validated="T1-weighted scans"),
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
    needs=Needs(memory_gb=1.6, seconds=6.0, torch=True),
    weights=(WEIGHTS,),
    reference="deepbet: Fisch et al., Comput Biol Med 2024;179:108845.",
    error=(
        MeasuredError(text="published, not measured here: median Dice 0.99 on unseen T1 data sets", modality="MR"),
        MeasuredError(
            text="Colin 27: 1.3 % larger than HD-BET's mask; the same volume in 48 axis orders",
            modality="MR",
            relative_error=0.013,
            n=1,
        ),
    ),
    licence="Apache-2.0; weights MIT",
    uses=(orient,),
)
def brain_extraction(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="MR")]
) -> Annotated[Mask, Of("brain", side="whole")]:
    """Mask of the brain on a T1-weighted MR scan of the head.

    Two small 3D U-Nets: one finds the box of the brain, one its voxels; the largest part is kept and its holes are
    filled, so that ventricles and cisterns inside the outline count as brain (the volume is close to the
    intracranial one). Runs on the stored voxels in right–anterior–superior order, so that the result does not
    depend on how the file orders them. Other sequences than T1 are flagged: the networks have not seen them. Where
    no brain is found the mask is empty.
    """
    voxels = ctx.voxels(volume)
    view, _, undo = orient.canonical(voxels, volume.geometry)
    ctx.progress(0.05, "loading the networks")
    extractor = ctx.resident(WEIGHTS, lambda: _load(ctx))
    ctx.progress(0.2, "finding the brain")
    found = _extract(extractor, np.ascontiguousarray(view, dtype=np.float32))
    return ctx.mask(undo(found), volume, "brain")


def _load(ctx: ToolContext) -> Any:
    import torch
    from deepbet.bet import BrainExtraction

    files = ctx.weights(WEIGHTS)
    return BrainExtraction(
        model_path=str(files["model"]),
        bbox_model_path=str(files["bbox_model"]),
        no_gpu=not torch.cuda.is_available(),
    )


def _extract(extractor: Any, voxels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The mask (x, y, z) of the brain; empty where the networks see none."""
    try:
        probability = extractor.run_model(voxels)
        mask = extractor.postprocess(probability > THRESHOLD)
    except (AssertionError, ValueError) as error:
        # The library has no word for "no brain": an empty first mask fails in one of these two ways.
        if "foreground" not in str(error) and "empty sequence" not in str(error):
            raise
        return np.zeros(voxels.shape, np.bool_)
    return np.asarray(mask, dtype=np.bool_)
