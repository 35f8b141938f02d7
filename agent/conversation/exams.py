"""Which studies a turn is about: those of the conversation, or the exam before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scanwright.agent.given import Given
from scanwright.memory.home import Home


class NoEarlier(Exception):
    """There is no exam before; the sentence says what to do."""


def on_exam(home: Home, study_ids: Sequence[str], given: Given, exam: str | None) -> tuple[list[str], Given]:
    """The studies of a turn, and what was given with them.

    exam "previous" is the study before the last of the conversation, or the patient's latest imported exam before it.
    Raises NoEarlier where there is none.
    """
    if exam is None:
        return list(study_ids), given
    # A point lies in one exam.
    given = replace(given, at=None, points={})
    if len(study_ids) > 1:
        return list(study_ids[:-1]), given
    now = home.studies.get(study_ids[0])
    if now.relative_day is None:
        raise NoEarlier(
            f"The file of {now.name} has no date, so which exam came before it cannot be said: name both studies, the "
            "earlier first."
        )
    day = now.relative_day
    others = [s for s in home.studies.list(now.subject) if s.relative_day is not None and s.relative_day < day]
    if not others:
        raise NoEarlier(
            "No earlier exam of this patient is imported: import it, or name both studies, the earlier first."
        )
    latest = max(others, key=lambda s: (s.relative_day or 0, s.created_utc))
    return [latest.study_id], given
