"""ModelCard: all that is known of a published network, beside its weights."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator
from scanwright.tools.contract.card import MeasuredError
from scanwright.tools.engines.intensity import Normalisation
from scanwright.tools.engines.meshnet import Precision


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Crop(_Frozen):
    """The box that is looked at: voxels above threshold × maximum of the normalised scan, wider by margin voxels."""

    threshold: float
    margin: int = 0


class Part(_Frozen):
    """A structure of the vocabulary, and the classes of the network that make it up."""

    structure: str
    classes: tuple[int, ...]


class ModelCard(_Frozen):
    """A network: where it comes from, how a scan is prepared for it, and what its classes mean.

    weights is the entry of the catalogue (files with their hashes); licence_grade is "A" where the licence speaks of
    the weights and "B" where the files lie in a repository under that licence. classes are the network's own names
    in order; parts say which of them make up which structure. tiles is the precision on processors with matrix tiles
    for bfloat16, chosen because its worst class keeps a Dice of 0.99 against float32. error was measured here.
    """

    name: str
    title: str
    weights: str
    repository: str
    commit: str
    licence: str
    licence_grade: Literal["A", "B"]
    reference: str
    sees: str
    normalisation: Normalisation
    crop: Crop
    classes: tuple[str, ...]
    parts: tuple[Part, ...]
    tiles: Precision = "bfloat16"
    note: str = ""
    error: tuple[MeasuredError, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> ModelCard:
        wrong = [p.structure for p in self.parts if not all(0 < c < len(self.classes) for c in p.classes)]
        if wrong:
            raise ValueError(f"{wrong[0]} is made of classes that {self.name} does not have")
        return self

    @property
    def structures(self) -> tuple[str, ...]:
        """The structures that it can tell."""
        return tuple(p.structure for p in self.parts)

    def part(self, structure: str) -> Part:
        """The part of that name. Raises KeyError."""
        return {p.structure: p for p in self.parts}[structure]
