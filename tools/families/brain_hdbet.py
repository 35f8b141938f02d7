"""The brain on MR of any sequence by HD-BET: a second method of brain extraction."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

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
from scanwright.tools.engines import hdbet, regions
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry

WEIGHTS = "hd-bet"
# Of a whole head on MR less than half is air of one value (0.42 on Colin 27); of a brain alone, 0.63 and more.
STRIPPED_SHARE = 0.55
STRIPPED = "the skull seems to have been taken off before, and without it this network fails"


@tool(
    examples=(
        "Outline the brain on the FLAIR.",
        "Brain extraction on this T2, please.",
        "Strip the skull with HD-BET.",
        "Segment the brain on the contrast-enhanced T1.",
        "How large is the brain by the second method?",
        "Brain mask on an MR that is not T1-weighted",
    ),
    near_misses=(
        "Outline the brain on the CT. (brain_mask_any)",
        "Where is the tumour? (not assessed)",
    ),
    when=(
        ModalityIs(one_of=("MR",)),
        BodyPartIs(one_of=("head", "brain")),
        CoversAtLeast(extent_mm=(110.0, 130.0, 90.0)),
        CoversAtMost(extent_mm=(360.0, 360.0, 400.0)),
        SpacingAtMost(max_mm=5.0),
        SequenceIs(words=("t1", "mprage", "t2", "flair"), validated="T1 with and without contrast, T2 and FLAIR"),
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
    needs=Needs(memory_gb=2.2, seconds=20.0, torch=True),
    weights=(WEIGHTS,),
    reference="HD-BET: Isensee et al., Hum Brain Mapp 2019;40:4952–4964.",
    error=(
        MeasuredError(text="published, not measured here: median Dice 0.975 to 0.98 on three unseen data sets",
                      modality="MR"),
        MeasuredError(text="Colin 27 (n 1) against deepbet: Dice 0.98, volume 2 % smaller", modality="MR",
                      relative_error=0.02, n=1),
        MeasuredError(text="on templates whose skull was taken off before (n 2) it fails: Dice 0.44 and 0.89",
                      modality="MR", n=2),
    ),
    licence="Apache-2.0; weights Apache-2.0, not bundled",
    uses=(hdbet, regions, orient),
)  # fmt: skip
def brain_extraction_hdbet(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="MR")], folds: Literal["1", "5"] = "1"
) -> Annotated[Mask, Of("brain", side="whole")]:
    """Mask of the brain on MR of any sequence, by HD-BET.

    A residual U-Net looks at the scan at 1.5 mm; the largest part is kept. folds is the number of networks whose
    probabilities are averaged: one takes half a minute, five take five times that.
    """
    voxels = ctx.voxels(volume)
    view, turned, undo = orient.canonical(voxels, volume.geometry)
    small = _resampled(np.ascontiguousarray(view, dtype=np.float32), turned)
    wanted = int(folds)
    total = np.zeros(small.shape, np.float32)
    for fold in range(wanted):
        state = ctx.resident(f"{WEIGHTS}/{fold}", partial(_load, ctx, fold))
        total += hdbet.brain_probability(state, small, partial(_tell, ctx, fold, wanted))
    ctx.progress(0.95, "bringing the mask back")
    total /= wanted
    brain = _back(total, turned)
    mask = ctx.mask(undo(regions.largest(brain)), volume, "brain")
    stripped = np.count_nonzero(view == view.min()) > STRIPPED_SHARE * view.size
    return mask.model_copy(update={"flags": (STRIPPED,)}) if stripped else mask


def _load(ctx: ToolContext, fold: int) -> Any:
    from scanwright.tools.weights.loading import load_state_dict

    ctx.progress(0.02, "loading the network")
    return hdbet.usable(load_state_dict(ctx.weights(WEIGHTS)[f"fold_{fold}"]))


def _tell(ctx: ToolContext, fold: int, folds: int, fraction: float) -> None:
    ctx.progress(0.05 + 0.88 * (fold + fraction) / folds, "finding the brain")


def _resampled(view: NDArray[np.float32], geometry: Geometry) -> NDArray[np.float32]:
    """The scan at 1.5 mm as (z, y, x), cubic."""
    from skimage.transform import resize

    shape = [max(1, round(n * s / hdbet.SPACING_MM)) for n, s in zip(view.shape, geometry.spacing_mm, strict=True)]
    small = resize(view, shape, order=3, mode="edge", anti_aliasing=False, preserve_range=True)
    return np.ascontiguousarray(small.transpose(2, 1, 0), dtype=np.float32)


def _back(probability: NDArray[np.float32], geometry: Geometry) -> NDArray[np.bool_]:
    """Where the probability (z, y, x) at 1.5 mm, linear in between, is above a half, on the scan's grid (x, y, z)."""
    from skimage.transform import resize

    return np.asarray(
        resize(probability.transpose(2, 1, 0), geometry.shape, order=1, mode="edge", anti_aliasing=False) > 0.5
    )
