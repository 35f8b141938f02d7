"""Suggestions: questions from the cards of tools that fit a study, each of which plans on it as it stands."""

from __future__ import annotations

import threading

from scanwright.agent.given import Given
from scanwright.agent.workbench import Workbench
from scanwright.memory.home import Home
from scanwright.memory.records import StudyRecord
from scanwright.tools.errors import ScanwrightError

MOST = 12
OF_EACH_FAMILY = 6


class Suggestions:
    """Finds questions once for each series. They are planned by rules alone, so that no token is spent on them."""

    def __init__(self, bench: Workbench, home: Home) -> None:
        self._bench, self._home = bench, home
        self._turn = threading.Lock()
        self._found: dict[tuple[str, str], list[str]] = {}

    def of(self, record: StudyRecord, series: str) -> list[str]:
        """At most MOST questions, those of different families in turn."""
        key = (record.study_id, series)
        with self._turn:
            if key not in self._found:
                self._found[key] = self._questions(record.study_id, series)
            return self._found[key]

    def _questions(self, study: str, series: str) -> list[str]:
        given = Given(series=series)
        fits = self._bench.fits(study, given)
        by_family: dict[str, list[str]] = {}
        for tool in self._bench.registry:
            card = tool.card
            if fits.get(card.id, "") is None and not card.reaches_out and not card.fresh:
                by_family.setdefault(card.family, []).extend(card.examples[:3])
        asked = [by_family[f][:OF_EACH_FAMILY] for f in sorted(by_family)]
        in_turn = [questions[i] for i in range(OF_EACH_FAMILY) for questions in asked if i < len(questions)]
        found: list[str] = []
        planned: set[str] = set()
        planner = self._bench.offline_planner(self._home)
        views = given.views(self._home, [study])
        for question in in_turn:
            try:
                plan = self._bench.planned(question, planner.propose(question, views), views, given).plan
            except ScanwrightError:
                continue
            whole = bool(plan.goals) and not plan.remarks and all(g.status == "planned" for g in plan.goals)
            if whole and plan.key not in planned:
                planned.add(plan.key)
                found.append(question)
            if len(found) == MOST:
                break
        return found
