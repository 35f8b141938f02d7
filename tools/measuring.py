"""Makes measurements that carry their code, their unit, and all that a reader must know of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scanwright.tools.artifacts import Mask, Measurement, Measurements, Number, Volume
from scanwright.tools.contract.conditions import NotCut, NotEmpty
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.vocabulary.quantities import QUANTITIES

TEMPLATE = "measured in {} template space: the template's size, not the patient's own"
SPACE_UNKNOWN = "the file does not say whether its millimetres are the patient's own or a template's"
LENGTHS: frozenset[str] = frozenset({"mm", "mm2", "cm2", "mL"})


def measured(
    quantity: str,
    value: Number | tuple[Number, ...] | str | None,
    unit: str,
    of: Volume | Mask,
    *,
    method: str,
    uncertainty: Uncertainty | None = None,
    at: str | None = None,
    flags: Sequence[str] = (),
    size: bool | None = None,
) -> Measurement:
    """A measurement of a mask, or of a whole image.

    Adds the code of the quantity, the flags of the mask, the flag of a space that is not the patient's where the
    unit is one of size, and, with size (default: the unit is one of size), a lower bound where the mask is cut by
    the field of view. An empty mask gives the value None and the flag "not found", whatever the value.
    """
    size = unit in LENGTHS if size is None else size
    said = [*flags]
    bound: Literal["lower"] | None = None
    if isinstance(of, Mask):
        said += of.flags
        if of.voxels == 0:
            value, uncertainty, at = None, None, None
            said.append(NotEmpty().check(of) or "")
        elif size and (cut := NotCut().check(of)):
            said.append(cut)
            bound = "lower"
    if unit in LENGTHS:
        said += space_flags(of.geometry)
    concept = QUANTITIES[quantity]
    whole = isinstance(of, Volume)
    return Measurement(
        type=measurement_type(of, (quantity,)),
        name=f"{concept.label} of the {'image' if whole else of.name}",
        quantity=quantity,
        value=value,
        unit=unit,
        code=concept.code,
        uncertainty=uncertainty,
        bound=bound,
        method=method,
        at=at,
        flags=tuple(dict.fromkeys(said)),
    )


def together(items: Sequence[Measurement], of: Volume | Mask, name: str) -> Measurements:
    """Several measurements as one artifact; its flags are those that every item carries."""
    shared = [f for f in (items[0].flags if items else ()) if all(f in item.flags for item in items)]
    quantities = tuple(dict.fromkeys(item.quantity for item in items))
    return Measurements(type=measurement_type(of, quantities), name=name, items=tuple(items), flags=tuple(shared))


def measurement_type(of: Volume | Mask, quantity: tuple[str, ...]) -> ArtifactType:
    """The type of a measurement of a mask, or of a whole image (structure "image")."""
    whole = isinstance(of, Volume)
    return of.type.model_copy(
        update={
            "kind": "Measurement",
            "structure": "image" if whole else of.type.structure,
            "side": "whole" if whole else of.type.side,
            "quantity": quantity,
        }
    )


def space_flags(geometry: Geometry) -> tuple[str, ...]:
    """What must be said of a size in millimetres where the space is not the patient's own."""
    if geometry.space == "native":
        return ()
    return (SPACE_UNKNOWN,) if geometry.space == "unknown" else (TEMPLATE.format(geometry.space_name or "a"),)


def space_of(measurement: Measurement) -> str | None:
    """The flag that names the space of a measurement; None is the patient's own space."""
    start, end = TEMPLATE.split("{}")
    for flag in measurement.flags:
        if flag == SPACE_UNKNOWN or (flag.startswith(start) and flag.endswith(end)):
            return flag
    return None


def place(point_mm: Sequence[float], geometry: Geometry) -> str:
    """A position as text, in RAS+ mm; where the sides are not known, x only counts as the file has it."""
    x, y, z = (round(float(v), 1) + 0.0 for v in point_mm)
    frame = "RAS" if geometry.sides_known else "as in the file, sides not known"
    return f"({x:.1f}, {y:.1f}, {z:.1f}) mm {frame}"
