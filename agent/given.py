"""Given: what comes with a question, and the studies as a plan sees them with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scanwright.agent.importing import resolve_study, study_view
from scanwright.agent.plan.studies import StudyView
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind, RunRecord
from scanwright.tools.artifacts import Mask
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.loaded import GivenFacts

# What compares the exam asked about with an earlier one.
OF_TWO_EXAMS = frozenset(
    {
        "volume_change", "recist_response", "overlap_change", "carried_mask", "registered_volume", "exam_displacement",
        "exam_rotation",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Given:
    """What comes with a question: facts the files leave out, masks (FILE[:LABEL]), a point, a series, a patient.

    mask is one for the last study, or several: one for each study, in the order of the studies. points are further
    ones, by the name of the parameter they are for: "more", "not_at", "liver_at" and "spleen_at".
    """

    facts: GivenFacts = field(default_factory=GivenFacts)
    mask: str | Sequence[str] | None = None
    at: Point | None = None
    series: str | None = None
    patient: str | None = None
    points: dict[str, Points] = field(default_factory=dict)

    def views(self, home: Home, targets: Sequence[str | Path]) -> list[StudyView]:
        """The studies under their aliases S1, S2, …, the one asked about (the last) first."""
        if not targets:
            raise UserInputError("No study was given: name a file, a folder, or a study that was imported.")
        views = []
        masks = self._masks(len(targets))
        for i, target in enumerate(targets, start=1):
            record = resolve_study(home, str(target), self.facts, patient=self.patient)
            last = i == len(targets)
            views.append(study_view(home, record, f"S{i}", mask=masks[i - 1], at=self.at if last else None))
        return [replace(views[-1], points=self.points), *views[:-1]]

    def of_one(self, number: int, studies: int) -> Given:
        """What comes with a question that is asked of each study by itself, for the study of that number (from 0)."""
        masks = self._masks(studies)
        return self if masks.count(None) == studies - 1 else replace(self, mask=masks[number])

    def _masks(self, studies: int) -> list[str | None]:
        """The mask of each study; one alone is the last study's."""
        given = [self.mask] if isinstance(self.mask, str) else list(self.mask or ())
        if len(given) > 1 and len(given) != studies:
            raise UserInputError(
                f"{len(given)} masks were given for {studies} {'study' if studies == 1 else 'studies'}: give one for "
                "each study, in the order of the studies, or one for the last."
            )
        return [*[None] * (studies - len(given)), *given]

    def completed(self, goal: Goal, studies: Sequence[StudyView]) -> Goal:
        """The goal with what was given beside the question: the series, the earlier exam."""
        changes: dict[str, Any] = {}
        if self.series is not None and goal.series is None:
            changes["series"] = self.series
        if goal.want in OF_TWO_EXAMS and goal.compare is None and len(studies) > 1:
            changes["compare"] = studies[1].alias
        return goal.model_copy(update=changes) if changes else goal


def views_of_run(home: Home, record: RunRecord) -> list[StudyView]:
    """The studies of a run under their aliases, with the masks that were given for it."""
    made = next((e for e in home.runs.events(record.run_id) if e.kind == EventKind.PLAN_MADE), None)
    if made is None:
        raise UserInputError(f"The run {record.run_id} stopped before it had a plan: ask the question again.")
    views = []
    for alias, study_id in made.payload["studies"].items():
        view = study_view(home, home.studies.get(study_id), alias)
        if alias in made.payload["masks"]:
            mask = home.step_cache.artifact(made.payload["masks"][alias])
            if not isinstance(mask, Mask):
                raise UserInputError(f"The mask of the run {record.run_id} is gone: ask again, with --mask FILE.")
            view = replace(view, mask=mask)
        views.append(view)
    return views
