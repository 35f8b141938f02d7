"""The card of a tool: everything a planner, a person or another program may know of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from scanwright.tools.contract.conditions import AnyAfter, AnyBefore
from scanwright.tools.contract.types import ArtifactType, Kind


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolInput(_Frozen):
    """An artifact that a tool takes. many: any number of them."""

    name: str
    type: ArtifactType
    optional: bool = False
    many: bool = False


ParamKind = Literal["quantity", "point", "points", "number", "integer", "text", "flag", "choice"]


class ToolParam(_Frozen):
    """A scalar that a tool takes. default None with required False means "left out"."""

    name: str
    kind: ParamKind
    required: bool
    default: Any = None
    choices: tuple[str, ...] = ()


class Needs(_Frozen):
    """What a run of the tool needs, and about how long it takes on two cores for a 512×512×200 volume."""

    memory_gb: float = 0.5
    gpu_memory_gb: float = 0.0
    seconds: float = 1.0
    torch: bool = False


class MeasuredError(_Frozen):
    """How wrong the tool was when its error was measured, and against what. error 0.01 is 1 %."""

    text: str
    modality: str | None = None
    relative_error: float | None = None
    n: int | None = None


# What a study holds, as a scan in space or flat.
IMAGES: tuple[Kind, ...] = ("Volume", "Slide", "Photograph")
# What is outlined in an image, of whatever kind: a goal wants its "mask".
OUTLINES: tuple[Kind, ...] = ("Mask", "Region", "Cells")


class ToolCard(_Frozen):
    """The description of one tool.

    answers_without: questions near this tool that it does not answer, with what does ("near misses").
    reaches_out: it exports, deletes or uses the network, so a person approves it first.
    shows: the wants whose measuring it draws, so that its picture goes with their numbers.
    packages: what it imports beyond the base install, each with the extra that brings it.
    fresh: what it gives depends on more than its inputs (on the kept cases), so an earlier result is not used again.
    """

    id: str
    version: str
    family: str
    summary: str
    description: str
    examples: tuple[str, ...]
    near_misses: tuple[str, ...] = ()
    when: tuple[AnyBefore, ...] = ()
    then: tuple[AnyAfter, ...] = ()
    inputs: tuple[ToolInput, ...]
    params: tuple[ToolParam, ...]
    output: ArtifactType
    needs: Needs = Field(default_factory=Needs)
    weights: tuple[str, ...] = ()
    reference: str
    error: tuple[MeasuredError, ...] = ()
    licence: str = "Apache-2.0"
    lossy: bool = False
    reaches_out: bool = False
    shows: tuple[str, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    fresh: bool = False
    package: str
    code_hash: str

    @property
    def missing_package(self) -> str | None:
        """The sentence about a package that is not installed; None where all are."""
        from importlib.util import find_spec

        for package, extra in self.packages:
            if find_spec(package) is None:
                return f"This needs the package {package}, which is not installed: install the extra `{extra}`."
        return None

    @property
    def quantities(self) -> tuple[str, ...]:
        """What a goal can want of this tool."""
        if self.output.kind in OUTLINES:
            return self.output.quantity or ("mask",)
        return self.output.quantity or (self.output.kind.lower(),)

    def param(self, name: str) -> ToolParam | None:
        """The parameter of that name."""
        return next((p for p in self.params if p.name == name), None)
