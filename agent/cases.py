"""Kept cases: adding a study's scans to them, and what a running tool may ask of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scanwright.agent.given import Given
from scanwright.agent.importing import study_view
from scanwright.agent.plan.plan import Plan
from scanwright.memory.home import Home
from scanwright.memory.records import KeptCase
from scanwright.tools.artifacts import CaseList, Embedding
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import ToolFailed

if TYPE_CHECKING:
    from scanwright.agent.answer.result import AnswerResult
    from scanwright.agent.run.executor import OnStep
    from scanwright.agent.workbench import Workbench

FILTERS = ("body_part", "sex", "age_band", "scanner", "patient")


@dataclass(frozen=True)
class HomeCases:
    """The cases of the home that is open while a tool asks: a Cases of the contract."""

    home: Callable[[], Home | None]

    def nearest(self, embedding: Embedding, limit: int, filters: Mapping[str, str]) -> CaseList:
        """See scanwright.tools.contract.context.Cases."""
        home = self.home()
        if home is None:
            raise ToolFailed("The home was closed while a step searched its cases: ask again.")
        return home.cases.nearest(embedding, limit, filters)


@dataclass(frozen=True)
class Added:
    """What became of a study: its series that are cases now, and why others are not."""

    study_id: str
    name: str
    cases: tuple[KeptCase, ...]
    left_out: dict[str, str]


def add_cases(
    bench: Workbench, target: str | Path, given: Given | None = None, *, on_step: OnStep | None = None
) -> Added:
    """Imports a study where it is new, makes the vector of each series that can have one, and keeps it as a case.

    Raises UserInputError or NeedsInput where the study cannot be read.
    """
    given = given or Given()
    with bench.open_home() as home:
        record = bench.import_study(target, given)
        cases: list[KeptCase] = []
        left_out: dict[str, str] = {}
        for series in record.series:
            plan = bench.compiler().compile([Goal(want="embedding", series=series.name)],
                                            [study_view(home, record, "S1")])  # fmt: skip
            goal = plan.goals[0]
            if goal.status != "planned":
                left_out[series.name] = goal.reason or "no encoder here has seen such scans"
                continue
            result = _run(bench, plan, record.study_id, series.name, on_step)
            made = home.runs.finished_steps(result.run_id).get(goal.answers[0]) if result.run_id else None
            if isinstance(made, Embedding):
                cases.append(home.cases.add(record, series.name, made))
            else:
                left_out[series.name] = result.refusal.reason if result.refusal else "its vector could not be made"
    return Added(record.study_id, record.name, tuple(cases), left_out)


def similar(
    bench: Workbench,
    target: str | Path,
    given: Given | None = None,
    *,
    filters: Mapping[str, str] | None = None,
    limit: int = 5,
    on_step: OnStep | None = None,
) -> AnswerResult:
    """The kept cases nearest to a study, as the answer to a question. filters as in similar_cases."""
    from scanwright.tools.contract.quantity import Quantity

    given = given or Given()
    params = {**{k: v for k, v in (filters or {}).items() if v}, "limit": Quantity(value=limit)}
    with bench.open_home() as home:
        record = bench.import_study(target, given)
        goal = Goal(want="similar_cases", series=given.series, params=params)
        plan = bench.compiler().compile([goal], [study_view(home, record, "S1")], question="Which cases are similar?")
        return _run(bench, plan, record.study_id, given.series, on_step)


def _run(bench: Workbench, plan: Plan, study: str, series: str | None, on_step: OnStep | None) -> AnswerResult:
    return bench.run_plan(plan, [study], replace(Given(), series=series), on_step=on_step, approved=True)
