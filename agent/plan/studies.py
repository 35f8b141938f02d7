"""StudyView: what a plan can take from a study; the compiler, the sense check and the executor all look at this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scanwright.agent.plan.plan import StudyRef
from scanwright.tools.artifacts import Artifact, Image, Mask, Volume
from scanwright.tools.contract.condition import Scene
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.errors import UserInputError


@dataclass(frozen=True)
class StudyView:
    """A study under its alias in the plan ("S1"), with what the person gave beside the question.

    images are its series by name; mask is the person's, on the grid of one of them; at is what they point at, points
    further ones by the name of the parameter they are for; relative_day orders the exams of one patient (None: the
    file has no date).
    """

    alias: str
    study_id: str
    name: str
    images: Mapping[str, Image]
    mask: Mask | None = None
    at: Point | None = None
    warnings: tuple[str, ...] = field(default=())
    relative_day: int | None = None
    points: dict[str, Points] = field(default_factory=dict)

    def image(self, series: str | None = None) -> Image:
        """The series of that name; without a name the one the mask lies on, or the only one.

        Raises UserInputError where it is not clear which.
        """
        if series is not None:
            if series not in self.images:
                raise UserInputError(f"{self.name} has no series {series!r}; it has: {', '.join(self.images)}.")
            return self.images[series]
        if self.mask is not None:
            scans = (i for i in self.images.values() if isinstance(i, Volume))
            return next(v for v in scans if v.geometry.same_grid(self.mask.geometry))
        if len(self.images) > 1:
            raise UserInputError(
                f"{self.name} has {len(self.images)} series ({', '.join(self.images)}): name one with --series."
            )
        return next(iter(self.images.values()))

    def items(self, series: str | None = None) -> list[tuple[StudyRef, Artifact]]:
        """Everything a step can be bound to."""
        name = None if len(self.images) == 1 else series
        found: list[tuple[StudyRef, Artifact]] = [
            (StudyRef(study=self.alias, item="image", series=name), self.image(series))
        ]
        if self.mask is not None:
            found.append((StudyRef(study=self.alias, item="mask"), self.mask))
        return found

    def get(self, ref: StudyRef) -> Artifact:
        """What a reference names. Raises UserInputError where the study does not have it."""
        if ref.item == "image":
            return self.image(ref.series)
        if self.mask is None:
            raise UserInputError("The plan uses a mask that the person gives, and none was given: add --mask FILE.")
        return self.mask


def scene_of(
    image: Image, params: Mapping[str, Any] | None = None, structures: Mapping[str, str | None] | None = None
) -> Scene:
    """What a tool's conditions of use look at, of an image and the parameters that are given."""
    grid = image.geometry if isinstance(image, Volume) else image.frame
    return Scene(image.image, grid, dict(params or {}), dict(structures or {}))


def kind_in_words(kind: str) -> str:
    """What an image of this kind is called."""
    return {"Volume": "3D scan", "Slide": "microscope slide", "Photograph": "photograph"}.get(kind, kind.lower())
