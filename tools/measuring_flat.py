"""Makes measurements of flat images, regions and cells that carry their code, their unit and all that must be said."""

from __future__ import annotations

from collections.abc import Sequence

from scanwright.tools.artifacts import Cells, Flat, Measurement, Measurements, Number, Region
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.vocabulary.quantities import QUANTITIES

NOT_FOUND = "not found"
CUT = "it reaches the edge of the image: what lies beyond is not counted"


def flat_measured(
    quantity: str,
    value: Number | tuple[Number, ...] | str | None,
    unit: str,
    of: Flat | Region | Cells,
    *,
    method: str,
    uncertainty: Uncertainty | None = None,
    flags: Sequence[str] = (),
) -> Measurement:
    """A measurement of a region, of cells, or of a whole flat image, with the flags of what it is of."""
    concept = QUANTITIES[quantity]
    name = "image" if isinstance(of, Flat) else of.name
    return Measurement(
        type=_type(of, (quantity,)),
        name=f"{concept.label} of the {name}",
        quantity=quantity,
        value=value,
        unit=unit,
        code=concept.code,
        uncertainty=None if value is None else uncertainty,
        method=method,
        flags=tuple(dict.fromkeys((*of.flags, *flags, *((NOT_FOUND,) if value is None else ())))),
    )


def flat_together(items: Sequence[Measurement], of: Flat | Region | Cells, name: str) -> Measurements:
    """Several measurements as one artifact; its flags are those that every item carries."""
    shared = [f for f in (items[0].flags if items else ()) if all(f in item.flags for item in items)]
    quantities = tuple(dict.fromkeys(item.quantity for item in items))
    return Measurements(type=_type(of, quantities), name=name, items=tuple(items), flags=tuple(shared))


def _type(of: Flat | Region | Cells, quantity: tuple[str, ...]) -> ArtifactType:
    whole = isinstance(of, Flat)
    update = {"kind": "Measurement", "quantity": quantity, "structure": "image" if whole else of.type.structure,
              "side": "whole" if whole else of.type.side}  # fmt: skip
    return of.type.model_copy(update=update)
