"""Two methods for one structure, and two of which one fails; workers import this module by name."""

from __future__ import annotations

from typing import Annotated

from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.contract.card import MeasuredError
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.errors import ToolFailed

REFERENCE = "none: a probe of second methods"
GOOD = (MeasuredError(text="better than the other", relative_error=0.01),)
Lump = Annotated[Mask, Of("probe_lump", side="whole")]
Speck = Annotated[Mask, Of("probe_speck", side="whole")]


@tool(examples=["probe"], reference=REFERENCE, error=GOOD)
def probe_lump_whole(ctx: ToolContext, volume: Volume) -> Lump:
    """All voxels above nought."""
    return ctx.mask(ctx.voxels(volume) > 0, volume, "probe_lump")


@tool(examples=["probe"], reference=REFERENCE)
def probe_lump_upper(ctx: ToolContext, volume: Volume) -> Lump:
    """Those above nought, without the outermost ones on one side."""
    mask = ctx.voxels(volume) > 0
    mask[: mask.shape[0] // 3] = False
    return ctx.mask(mask, volume, "probe_lump")


@tool(examples=["probe"], reference=REFERENCE)
def probe_lump_again(ctx: ToolContext, mask: Lump) -> Lump:
    """The lump of another method once more, which is no method of its own."""
    return mask


@tool(examples=["probe"], reference=REFERENCE, error=GOOD)
def probe_speck_fails(ctx: ToolContext, volume: Volume) -> Speck:
    """Fails while it runs."""
    raise ToolFailed("The probe fails on purpose.")


@tool(examples=["probe"], reference=REFERENCE)
def probe_speck(ctx: ToolContext, volume: Volume) -> Speck:
    """All voxels above nought."""
    return ctx.mask(ctx.voxels(volume) > 0, volume, "probe_speck")
