"""StudyView: what a plan can take from a study; the compiler, the sense check and the executor all look at this."""

from __future__ import annotations

from dataclasses import dataclass, field

from scanwright.agent.plan.plan import StudyRef
from scanwright.tools.artifacts import Artifact, Mask, Volume
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.errors import UserInputError


@dataclass(frozen=True)
class StudyView:
    """A study under its alias in the plan ("S1"), with what the person gave beside the question.

    volumes are its series by name; mask is the person's, on the grid of one of them; at is what they point at, points
    further ones by the name of the parameter they are for; relative_day orders the exams of one patient (None: the
    file has no date).
    """

    alias: str
    study_id: str
    name: str
    volumes: dict[str, Volume]
    mask: Mask | None = None
    at: Point | None = None
    warnings: tuple[str, ...] = field(default=())
    relative_day: int | None = None
    points: dict[str, Points] = field(default_factory=dict)

    def volume(self, series: str | None = None) -> Volume:
        """The series of that name; without a name the one the mask lies on, or the only one.

        Raises UserInputError where it is not clear which.
        """
        if series is not None:
            if series not in self.volumes:
                raise UserInputError(f"{self.name} has no series {series!r}; it has: {', '.join(self.volumes)}.")
            return self.volumes[series]
        if self.mask is not None:
            return next(v for v in self.volumes.values() if v.geometry.same_grid(self.mask.geometry))
        if len(self.volumes) > 1:
            raise UserInputError(
                f"{self.name} has {len(self.volumes)} series ({', '.join(self.volumes)}): name one with --series."
            )
        return next(iter(self.volumes.values()))

    def items(self, series: str | None = None) -> list[tuple[StudyRef, Artifact]]:
        """Everything a step can be bound to."""
        name = None if len(self.volumes) == 1 else series
        found: list[tuple[StudyRef, Artifact]] = [
            (StudyRef(study=self.alias, item="volume", series=name), self.volume(series))
        ]
        if self.mask is not None:
            found.append((StudyRef(study=self.alias, item="mask"), self.mask))
        return found

    def get(self, ref: StudyRef) -> Artifact:
        """What a reference names. Raises UserInputError where the study does not have it."""
        if ref.item == "volume":
            return self.volume(ref.series)
        if self.mask is None:
            raise UserInputError("The plan uses a mask that the person gives, and none was given: add --mask FILE.")
        return self.mask
