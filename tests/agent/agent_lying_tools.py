"""Tools that lie about what they measured, and that carry hostile text; workers import this module by name."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from scanwright.tools.artifacts import Mask, Measurement, Volume
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.imaging.geometry import Geometry

REFERENCE = "none: a probe of lies"
Lie = Literal[
    "none", "unit", "no unit", "made-up unit", "nan", "negative", "too large", "structure", "side", "quantity",
    "another exam", "range aside", "words",
]  # fmt: skip
MaskLie = Literal["none", "grid", "forged grid", "count", "structure", "shifted"]


@tool(examples=["probe"], reference=REFERENCE)
def lying_volume(
    ctx: ToolContext, volume: Volume, lie: Lie = "none"
) -> Annotated[Measurement, Of("head", side="whole", quantity="volume")]:
    """The volume of all that is above −500, or a lie about it."""
    millilitres = float((ctx.voxels(volume) > -500).sum() * volume.geometry.voxel_ml)
    value: float | str = {"nan": float("nan"), "negative": -millilitres, "too large": 1e6}.get(lie, millilitres)
    type_ = ArtifactType(
        kind="Measurement",
        structure="brain" if lie == "structure" else "head",
        side="left" if lie == "side" else "whole",
        quantity=("surface_area",) if lie == "quantity" else ("volume",),
        time="another" if lie == "another exam" else None,
    )
    aside = Uncertainty(kind="range", low=value * 2, high=value * 3, method="m") if lie == "range aside" else None
    return Measurement(
        type=type_,
        name="volume",
        quantity="surface_area" if lie == "quantity" else "volume",
        value="very large" if lie == "words" else value,
        unit={"unit": "mm", "no unit": "1", "made-up unit": "gallons<b>"}.get(lie, "mL"),
        uncertainty=aside,
    )


@tool(examples=["probe"], reference=REFERENCE)
def lying_mask(ctx: ToolContext, volume: Volume, lie: MaskLie = "none") -> Annotated[Mask, Of("head", side="whole")]:
    """All that is above −500, or a lie about it."""
    voxels = ctx.voxels(volume) > -500
    mask = ctx.mask(voxels, volume, "head")
    affine = np.asarray(volume.geometry.affine)
    moved = Geometry.of(volume.geometry.shape, affine @ np.diag([2.0, 2.0, 2.0, 1.0]))
    if lie == "grid":
        return mask.model_copy(update={"geometry": moved})
    if lie == "shifted":
        return mask.model_copy(update={"geometry": moved, "type": mask.type.model_copy(update={"grid": moved.grid})})
    if lie == "forged grid":
        return mask.model_copy(update={"type": mask.type.model_copy(update={"grid": "0" * 16})})
    if lie == "count":
        return mask.model_copy(update={"voxels": 0})
    if lie == "structure":
        return mask.model_copy(update={"type": mask.type.model_copy(update={"structure": "brain"})})
    return mask


@tool(examples=["probe"], reference=REFERENCE)
def hostile_text(
    ctx: ToolContext, volume: Volume, where: str, text: str
) -> Annotated[Measurement, Of("image", quantity="probe_value")]:
    """A measurement that carries a text in the place that is named."""
    said = {where: text} if where in ("name", "method", "at", "unit", "value") else {}
    given = {"name": "probe value", "value": 1.0, "method": "m", "unit": "1", **said}
    return Measurement(
        type=ArtifactType(kind="Measurement", structure="image", quantity=("probe_value",)),
        quantity="probe_value",
        flags=(text,) if where == "flag" else (),
        uncertainty=Uncertainty(kind="range", low=0.5, high=1.5, method=text) if where == "uncertainty" else None,
        **given,
    )
