"""Running: a plan becomes a run, its steps are executed, the answer is written and kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Any, TypeAlias

from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.answering import Answering, Wording
from scanwright.agent.llm.ledger import Ledger
from scanwright.agent.plan.plan import Plan
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.run.executor import Executor, OnStep, StepReport
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind
from scanwright.tools.errors import Cancelled
from scanwright.tools.hashing import sha256_json
from scanwright.tools.registry import Registry
from scanwright.tools.runtime.base import Runtime
from scanwright.tools.weights.store import WeightsStore

# What words the answer to a question about studies, booking what it takes; None where the template's words stand.
Words: TypeAlias = Callable[[str, Sequence[StudyView], Ledger], Wording | None]


@dataclass(frozen=True)
class Running:
    """Runs plans in one home. runtime gives the workers when they are needed; timed measures a stage by name."""

    home: Home
    registry: Registry
    weights: WeightsStore
    runtime: Callable[[], Runtime]
    timed: Callable[[str], AbstractContextManager[None]]
    cancelled: Flag
    on_step: OnStep | None = None
    words: Words | None = None

    def run(
        self,
        plan: Plan,
        studies: Sequence[StudyView],
        *,
        reviewed: bool = False,
        llm: dict[str, Any] | None = None,
    ) -> AnswerResult:
        """Runs a plan as a new run, or goes on with one of the same question that was stopped.

        llm is what a language model took for the plan, for the record.
        """
        runs = self.home.runs
        study_ids = [s.study_id for s in studies]
        key = _run_key(plan, studies)
        run_id = runs.open_run(key, study_ids) if plan.steps else None
        if run_id is not None:
            runs.append(run_id, EventKind.RUN_RESUMED, {})
        else:
            run_id = new_run_id()
            masks = {s.alias: self.home.step_cache.keep(s.mask) for s in studies if s.mask is not None}
            runs.create(run_id, plan.question, study_ids, plan.model_dump(mode="json"), key)
            made = {"planner": plan.planner, "plan_key": plan.key, "masks": masks}
            made["studies"] = {s.alias: s.study_id for s in studies}
            runs.append(run_id, EventKind.PLAN_MADE, made if llm is None else {**made, "llm": llm})
        if reviewed:
            runs.append(run_id, EventKind.PLAN_APPROVED, {"plan_key": plan.key}, "person")
        return self.go_on(run_id, plan, studies)

    def go_on(self, run_id: str, plan: Plan, studies: Sequence[StudyView]) -> AnswerResult:
        """Executes what is left of a run, then writes and keeps its answer."""
        with self.timed("run"):
            reports = self._execute(run_id, plan, studies)
        with self.timed("answer"):
            ledger = Ledger()
            wording = None if self.words is None else self.words(plan.question, studies, ledger)
            answering = Answering(self.registry, self.home.blobs, self.home.path / "runs", wording)
            try:
                result = answering.answer(run_id, plan, reports, studies)
            except Cancelled:
                # What was measured is there: only its wording was stopped.
                self.cancelled.clear()
                result = replace(answering, wording=None).answer(run_id, plan, reports, studies)
            llm = ledger.summary() if ledger.calls else None
            self.home.runs.finish(run_id, result.status, result.model_dump(mode="json"), llm=llm)
        return result

    def _execute(self, run_id: str, plan: Plan, studies: Sequence[StudyView]) -> dict[str, StepReport]:
        if not plan.steps:
            return {}
        from scanwright.agent.run.checkpoints import open_saver

        with open_saver(self.home.checkpoints) as saver:
            executor = Executor(
                self.registry, self.runtime(), self.home.runs, self.weights, saver, self.on_step, self.cancelled
            )
            try:
                return executor.run(run_id, plan, studies)
            except (Cancelled, KeyboardInterrupt):
                self.home.runs.append(run_id, EventKind.RUN_INTERRUPTED, {})
                # Heard: the next question is not stopped by it.
                self.cancelled.clear()
                raise


def _run_key(plan: Plan, studies: Sequence[StudyView]) -> str:
    """Equal for the same question with the same plan and the same masks: such a run is gone on with, no other."""
    return sha256_json(
        {
            "plan": plan.model_dump(mode="json", exclude={"concerns"}),
            "masks": {s.alias: s.mask.hash for s in studies if s.mask is not None},
        }
    )


def new_run_id() -> str:
    """An id for a run that begins now."""
    return f"R{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
