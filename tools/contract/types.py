"""Artifact types: frozen data on every artifact, patterns in every signature, and their unification.

A field of a pattern is a value ("brain"), a variable ("?s": the same wherever it stands in one signature),
or None. None means "anything" for what a thing is (structure, side, modality, quantity), and "the same for all
inputs and the output" for where it comes from (grid, time, subject): a tool never mixes two patients or two
grids by accident. "*" lets one of those differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict

Kind: TypeAlias = Literal[
    "Volume", "Radiograph", "Slide", "Photograph", "Mask", "Region", "Cells", "LabelMap", "Plane", "Measurement",
    "Finding", "Embedding", "CaseList", "Table", "Figure", "File", "ReportDraft",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
IDENTITY_FIELDS = ("grid", "time", "subject")
MEANING_FIELDS = ("structure", "side", "modality")
Bindings: TypeAlias = dict[str, str]


class ArtifactType(BaseModel):
    """What an artifact is: compared by the compiler when planning and at every worker boundary when running.

    quantity holds the alternatives an output offers (a table of statistics offers several) or the one wanted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    structure: str | None = None
    side: str | None = None
    quantity: tuple[str, ...] = ()
    modality: str | None = None
    grid: str | None = None
    time: str | None = None
    subject: str | None = None

    def __str__(self) -> str:
        words = [w for w in (self.side, self.structure) if w]
        return f"{self.kind}({' '.join([*words, '/'.join(self.quantity)]).strip()})"


@dataclass(frozen=True)
class Of:
    """The meaning of an annotated artifact: `Annotated[Mask, Of("lung", side="left")]`."""

    structure: str | None = None
    side: str | None = None
    quantity: str | tuple[str, ...] = ()
    modality: str | None = None
    grid: str | None = None
    time: str | None = None
    subject: str | None = None

    def of_kind(self, kind: Kind) -> ArtifactType:
        """The pattern for an artifact of this kind."""
        quantity = (self.quantity,) if isinstance(self.quantity, str) else self.quantity
        return ArtifactType(
            kind=kind, structure=self.structure, side=self.side, quantity=quantity, modality=self.modality,
            grid=self.grid, time=self.time, subject=self.subject,
        )  # fmt: skip


@dataclass(frozen=True)
class Mismatch:
    """Why a type does not fit a pattern."""

    field: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"{self.field} is {self.got}, {self.wanted} is wanted"


def is_variable(value: str | None) -> bool:
    """True for "?name"."""
    return value is not None and value.startswith("?")


def unify(pattern: ArtifactType, fact: ArtifactType, bound: Mapping[str, str]) -> Bindings | Mismatch:
    """The variables of pattern, bound so that it describes fact; or why that cannot be.

    Fields that fact leaves open (None) fit everything and bind nothing. bound is not changed.
    """
    if pattern.kind != fact.kind:
        return Mismatch("kind", pattern.kind, fact.kind)
    if pattern.quantity and fact.quantity and not set(pattern.quantity) & set(fact.quantity):
        return Mismatch("quantity", "/".join(pattern.quantity), "/".join(fact.quantity))
    result: Bindings = dict(bound)
    for field in MEANING_FIELDS + IDENTITY_FIELDS:
        want, have = getattr(pattern, field), getattr(fact, field)
        if want is None and field in IDENTITY_FIELDS:
            want = f"?{field}"
        if want in (None, "*") or have is None:
            continue
        if is_variable(want):
            if result.setdefault(want, have) != have:
                return Mismatch(field, result[want], have)
        elif want != have:
            return Mismatch(field, want, have)
    return result


def substitute(pattern: ArtifactType, bound: Mapping[str, str]) -> ArtifactType:
    """pattern with its bound variables filled in; unbound variables and "*" become None."""
    values: dict[str, str | None] = {}
    for field in MEANING_FIELDS + IDENTITY_FIELDS:
        value = getattr(pattern, field)
        if value is None and field in IDENTITY_FIELDS:
            value = f"?{field}"
        if is_variable(value):
            value = bound.get(value)
        values[field] = None if value == "*" else value
    return pattern.model_copy(update=values)
