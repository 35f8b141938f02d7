"""Goal: what a person wants to know of a study, in the vocabulary of the registered tools."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from scanwright.tools.contract.quantity import Point, Quantity
from scanwright.tools.hashing import canonical_json

Side = Literal["left", "right", "both", "each", "whole"]


class Goal(BaseModel):
    """One thing that is wanted. Equality is equality of canonical JSON.

    want    a quantity ("volume"), or a kind of output ("mask", "overlay", "surface_mesh", …)
    of      the structure measured ("brain"; "intensity_range" for voxels between two values; "image" for all)
    region  a structure that `of` is restricted to ("air above 0 in the skull": region "skull")
    params  what the tools take by name: low, high, at, …
    group   "slice" gives one value per axial slice
    compare an earlier time point by name, or "methods": by every method there is, with the range between them
    unit    the UCUM unit asked for
    output  "table", "picture", … beside the answer
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    want: str
    of: str = "image"
    side: Side = "whole"
    series: str | None = None
    time: str | None = None
    region: str | None = None
    params: dict[str, Quantity | Point | str] = Field(default_factory=dict)
    compare: str | None = None
    group: str | None = None
    unit: str | None = None
    output: str | None = None

    def canonical(self) -> str:
        """Canonical JSON without the fields at their defaults."""
        return canonical_json(self.model_dump(mode="json", exclude_defaults=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Goal) and self.canonical() == other.canonical()

    def __hash__(self) -> int:
        return hash(self.canonical())
