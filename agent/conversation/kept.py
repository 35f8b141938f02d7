"""What a conversation keeps for the next time it is opened: what a person gave beside the questions, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.given import Given
from scanwright.agent.plan.studies import StudyView
from scanwright.memory.conversations import Turn
from scanwright.memory.home import Home
from scanwright.tools.artifacts import Mask
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.loaded import GivenFacts


def kept_given(home: Home, given: Given, views: Sequence[StudyView]) -> dict[str, Any]:
    """A JSON value. Masks are kept by their content, and a patient's id not at all: both can name somebody."""
    return {
        "facts": given.facts.model_dump(mode="json", exclude_none=True),
        "masks": {v.study_id: home.step_cache.keep(v.mask) for v in views if v.mask is not None},
        "at": None if given.at is None else given.at.model_dump(mode="json"),
        "series": given.series,
        "points": {name: points.model_dump(mode="json") for name, points in given.points.items()},
    }


def given_from_kept(kept: dict[str, Any], patient: str | None = None) -> tuple[Given, dict[str, str]]:
    """What was given but the masks, and the hash of each study's mask; an erased conversation gives nothing."""
    at = kept.get("at")
    given = Given(
        GivenFacts.model_validate(kept.get("facts", {})),
        at=None if at is None else Point.model_validate(at),
        series=kept.get("series"),
        patient=patient,
        points={name: Points.model_validate(points) for name, points in kept.get("points", {}).items()},
    )
    return given, dict(kept.get("masks", {}))


def with_masks(home: Home, views: Sequence[StudyView], masks: dict[str, str]) -> list[StudyView]:
    """The studies with the masks that were given. Raises UserInputError where one is gone."""
    found = []
    for view in views:
        if view.study_id in masks:
            mask = home.step_cache.artifact(masks[view.study_id])
            if not isinstance(mask, Mask):
                raise UserInputError("The mask of this conversation is gone: begin a new one, with --mask FILE.")
            view = replace(view, mask=mask)
        found.append(view)
    return found


def kept_answer(home: Home, turn: Turn) -> AnswerResult | None:
    """What a turn of a conversation was answered: its run's answer, or its own."""
    kept = turn.answer if turn.run_id is None else home.runs.get(turn.run_id).answer
    return None if kept is None else AnswerResult.model_validate(kept)
