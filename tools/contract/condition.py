"""What a condition of use is: a question to the image and the parameters before a run, or to the result after it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict
from scanwright.tools.artifacts import Artifact, ImageFacts
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.geometry import Geometry

Effect: TypeAlias = Literal["refuse", "ask", "flag"]


@dataclass(frozen=True)
class Concern:
    """A condition that does not hold.

    missing names the fact to ask for, offers what can be answered, test the condition it comes from.
    """

    effect: Effect
    sentence: str
    missing: str | None = None
    offers: tuple[str, ...] = ()
    test: str = ""


@dataclass(frozen=True)
class Scene:
    """What conditions look at before a run: the image's facts, its geometry or (flat) frame, and the parameters.

    structures says of what each input is, by the input's name, where that is known.
    """

    image: ImageFacts
    geometry: Geometry | Frame
    params: dict[str, Any]
    structures: Mapping[str, str | None] = field(default_factory=dict)


class _Condition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Before(_Condition):
    """A condition on the image and the parameters."""

    @abstractmethod
    def check(self, scene: Scene) -> Concern | None:
        """None where it holds."""


class InSpace(Before):
    """A condition on a scan in space; of a flat image it says nothing."""

    def check(self, scene: Scene) -> Concern | None:
        return self.look(scene, scene.geometry) if isinstance(scene.geometry, Geometry) else None

    @abstractmethod
    def look(self, scene: Scene, geometry: Geometry) -> Concern | None:
        """None where it holds."""


class InFrame(Before):
    """A condition on a flat image; of a scan in space it says nothing."""

    def check(self, scene: Scene) -> Concern | None:
        return self.look(scene, scene.geometry) if isinstance(scene.geometry, Frame) else None

    @abstractmethod
    def look(self, scene: Scene, frame: Frame) -> Concern | None:
        """None where it holds."""


class After(_Condition):
    """A condition on the result; what it says is put on the result as a flag."""

    @abstractmethod
    def check(self, result: Artifact) -> str | None:
        """None where it holds, else the flag."""
