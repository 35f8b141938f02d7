"""Workbench: the way of a question. One object with a home, workers that stay warm, and a planner.

The home is open only while a call runs, so that a notebook does not keep the command line waiting.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Event as Flag
from typing import Any, Literal

from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.answering import Answering
from scanwright.agent.disk import room_on
from scanwright.agent.importing import resolve_study, study_view
from scanwright.agent.plan import sense
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.handmade import with_goals
from scanwright.agent.plan.plan import Plan, Remark
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.plan.trim import settle
from scanwright.agent.planner.base import Declined, Item, Planner, Unclear
from scanwright.agent.run.executor import Executor, OnStep, StepReport
from scanwright.agent.settings import Settings, load_settings
from scanwright.memory.home import Home, default_home
from scanwright.memory.records import EventKind, RunRecord, StudyRecord
from scanwright.tools.artifacts import Mask
from scanwright.tools.contract.conditions import Scene
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.quantity import Point
from scanwright.tools.errors import Cancelled, NeedsInput, UserInputError
from scanwright.tools.hashing import sha256_json
from scanwright.tools.imaging.loaded import GivenFacts
from scanwright.tools.registry import Registry, load_registry
from scanwright.tools.runtime.base import Runtime
from scanwright.tools.weights.store import WeightsStore

Review = Callable[[Plan], Plan | None]


@dataclass(frozen=True)
class Given:
    """What comes with a question: facts the files leave out, a mask (FILE[:LABEL]), a point, a series, a patient."""

    facts: GivenFacts = field(default_factory=GivenFacts)
    mask: str | None = None
    at: Point | None = None
    series: str | None = None
    patient: str | None = None


@dataclass(frozen=True)
class Planned:
    """A question with its plan, before it runs."""

    plan: Plan
    items: tuple[Item, ...]
    studies: tuple[StudyView, ...]


class Workbench:
    """Answers questions about studies. Close it (or use it in a with statement) to end its workers."""

    def __init__(
        self,
        home: Path | str | None = None,
        *,
        settings: Settings | None = None,
        on_wait: Callable[[str], None] | None = None,
        registry: Registry | None = None,
        extra_modules: Sequence[str] = (),
    ) -> None:
        """extra_modules are modules whose tools are registered beside the installed ones, here and in the workers."""
        self.home_path = None if home is None else Path(home)
        self.settings = _with_weights(settings or load_settings(self.home_path), self.home_path)
        self.cancelled = Flag()
        self.timings: dict[str, float] = {}
        self._on_wait = on_wait
        self._registry = registry
        self._extra_modules = tuple(extra_modules)
        self._runtime: Runtime | None = None
        self._home: Home | None = None

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the workers."""
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None

    @cached_property
    def registry(self) -> Registry:
        """Every tool that is known."""
        if self._registry is not None:
            return self._registry
        registry = load_registry()
        import importlib

        for name in self._extra_modules:
            registry.add_module(importlib.import_module(name))
        return registry

    @cached_property
    def weights(self) -> WeightsStore:
        """The weights that are here."""
        return WeightsStore(self.settings.tools.weights_dir)

    def why_not(self, tool: Tool[..., Any]) -> str | None:
        """Why a tool cannot be used now: its weights are missing. None where it can."""
        reasons = (self.weights.why_not(name) for name in tool.card.weights)
        return next((r for r in reasons if r is not None), None)

    @contextmanager
    def open_home(self) -> Iterator[Home]:
        """The home, opened for this call (or the one that is open already)."""
        if self._home is not None:
            yield self._home
            return
        with (
            room_on(self.home_path),
            Home.open(self.home_path, settings=self.settings.memory, on_wait=self._on_wait) as home,
        ):
            self._home = home
            try:
                yield home
            finally:
                self._home = None

    def runtime(self, home: Home) -> Runtime:
        """The workers, started when they are first needed."""
        if self._runtime is None:
            from scanwright.tools.runtime.local import LocalRuntime

            self._runtime = LocalRuntime(
                self.settings.tools, home.blobs, registry=self.registry, extra_modules=self._extra_modules
            )
        return self._runtime

    def planner(self, home: Home) -> Planner:
        """The offline planner on this home's vectors and encoder."""
        from scanwright.agent.planner.exemplar import ExemplarPlanner
        from scanwright.agent.planner.index import ExemplarIndex
        from scanwright.agent.planner.lexicon import dictionary
        from scanwright.agent.planner.reading.words import Speller

        index = ExemplarIndex(self.registry, home.vectors(), self.runtime(home).encode)
        return ExemplarPlanner(index, Speller(dictionary(self.weights)))

    def compiler(self, *, catalogue_all: bool = False) -> Compiler:
        """Compiles for what can run now; catalogue_all plans over every known tool, weights there or not."""
        agent = self.settings.agent
        usable: Callable[[Tool[..., Any]], str | None] = (lambda _: None) if catalogue_all else self.why_not
        return Compiler(self.registry, usable, pins=agent.pins, pictures=agent.pictures)

    def import_study(self, target: str | Path, given: Given | None = None) -> StudyRecord:
        """Imports a file or folder and returns the study. Raises UserInputError or NeedsInput."""
        given = given or Given()
        with self.open_home() as home:
            return resolve_study(home, str(target), given.facts, patient=given.patient)

    def plan(
        self, targets: Sequence[str | Path], question: str, given: Given | None = None, *, catalogue_all: bool = False
    ) -> Planned:
        """Plans a question and runs nothing. Of two studies the first is the earlier exam."""
        given = given or Given()
        with self.open_home() as home:
            with self._timed("import"):
                studies = self._views(home, targets, given)
            with self._timed("plan"):
                proposal = self.planner(home).propose(question, studies)
                goals = [self._complete(g, studies, given) for g in proposal.goals]
                plan = self.compiler(catalogue_all=catalogue_all).compile(
                    goals, studies, question=question, planner=proposal.planner
                )
                plan = settle(plan, sense.check(plan, studies, self.registry))
                plan = plan.model_copy(update={"remarks": _remarks(proposal.items)})
            return Planned(plan, proposal.items, tuple(studies))

    def ask(
        self,
        targets: Sequence[str | Path],
        question: str,
        given: Given | None = None,
        *,
        review: Review | None = None,
        on_step: OnStep | None = None,
        approved: bool = False,
    ) -> AnswerResult:
        """Plans and runs a question. review sees the plan first and returns it (changed or not), or None to stop.

        A plan that exports, deletes, reaches out or would take long runs only when reviewed or approved.
        """
        self.timings.clear()
        with self.open_home() as home:
            planned = self.plan(targets, question, given)
            plan = planned.plan
            if review is not None:
                reviewed = review(plan)
                if reviewed is None:
                    raise Cancelled("The plan was not approved; nothing was run.")
                plan = (
                    reviewed
                    if reviewed is plan
                    else settle(reviewed, sense.check(reviewed, planned.studies, self.registry))
                )
            elif not approved:
                self._needs_approval(plan)
            return self._run(home, plan, planned.studies, on_step, reviewed=review is not None)

    def run_plan(
        self,
        plan: Plan,
        targets: Sequence[str | Path],
        given: Given | None = None,
        *,
        on_step: OnStep | None = None,
        approved: bool = False,
    ) -> AnswerResult:
        """Runs a plan file on studies, given in the order of the plan's aliases S1, S2, …

        A plan that exports, deletes, reaches out or would take long runs only when approved, as in ask.
        """
        given = given or Given()
        self.timings.clear()
        with self.open_home() as home:
            studies = self._views(home, targets, given)
            views = tuple(sorted(studies, key=lambda s: s.alias))
            plan = with_goals(plan, self.registry)
            checked = settle(plan, sense.check(plan, views, self.registry))
            if not approved:
                self._needs_approval(checked)
            return self._run(home, checked, views, on_step, reviewed=approved)

    def resume(self, run: str, *, on_step: OnStep | None = None) -> AnswerResult:
        """Finishes a run that was interrupted, on its own studies. Raises UserInputError where it is finished."""
        self.timings.clear()
        with self.open_home() as home:
            record = home.runs.get(run)
            if record.answer is not None:
                raise UserInputError(f"The run {record.run_id} is finished already: look at it with `scanwright show`.")
            plan = Plan.model_validate(record.plan)
            return self._execute_and_answer(home, record.run_id, plan, self._views_of_run(home, record), on_step)

    def fits(self, target: str | Path, given: Given | None = None) -> dict[str, str | None]:
        """For each tool why it cannot be used on this study; None where it can (as far as the scan's facts tell)."""
        given = given or Given()
        with self.open_home() as home:
            volume = self._views(home, [target], given)[0].volume(given.series)
        scene = Scene(volume.image, volume.geometry, {})
        return {
            t.card.id: self.why_not(t) or next((c.sentence for c in t.concerns(scene) if c.effect != "flag"), None)
            for t in self.registry
        }

    def _run(
        self, home: Home, plan: Plan, studies: Sequence[StudyView], on_step: OnStep | None, *, reviewed: bool = False
    ) -> AnswerResult:
        study_ids = [s.study_id for s in studies]
        key = _run_key(plan, studies)
        run_id = home.runs.open_run(key, study_ids) if plan.steps else None
        if run_id is not None:
            home.runs.append(run_id, EventKind.RUN_RESUMED, {})
        else:
            run_id = _new_run_id()
            masks = {s.alias: home.step_cache.keep(s.mask) for s in studies if s.mask is not None}
            home.runs.create(run_id, plan.question, study_ids, plan.model_dump(mode="json"), key)
            made = {"planner": plan.planner, "plan_key": plan.key, "masks": masks}
            made["studies"] = {s.alias: s.study_id for s in studies}
            home.runs.append(run_id, EventKind.PLAN_MADE, made)
        if reviewed:
            home.runs.append(run_id, EventKind.PLAN_APPROVED, {"plan_key": plan.key}, "person")
        return self._execute_and_answer(home, run_id, plan, studies, on_step)

    def _execute_and_answer(
        self, home: Home, run_id: str, plan: Plan, studies: Sequence[StudyView], on_step: OnStep | None
    ) -> AnswerResult:
        with self._timed("run"):
            reports = self._execute(home, run_id, plan, studies, on_step)
        with self._timed("answer"):
            answering = Answering(self.registry, home.blobs, home.path / "runs")
            result = answering.answer(run_id, plan, reports, studies)
            home.runs.finish(run_id, result.status, result.model_dump(mode="json"))
        return result

    def _execute(
        self, home: Home, run_id: str, plan: Plan, studies: Sequence[StudyView], on_step: OnStep | None
    ) -> dict[str, StepReport]:
        if not plan.steps:
            return {}
        from scanwright.agent.run.checkpoints import open_saver

        with open_saver(home.checkpoints) as saver:
            executor = Executor(
                self.registry, self.runtime(home), home.runs, self.weights, saver, on_step, cancelled=self.cancelled
            )
            try:
                return executor.run(run_id, plan, studies)
            except (Cancelled, KeyboardInterrupt):
                home.runs.append(run_id, EventKind.RUN_INTERRUPTED, {})
                # Heard: the next question is not stopped by it.
                self.cancelled.clear()
                raise

    def _views(self, home: Home, targets: Sequence[str | Path], given: Given) -> list[StudyView]:
        """The studies, the one asked about first."""
        if not targets:
            raise UserInputError("No study was given: name a file, a folder, or a study that was imported.")
        views = []
        for i, target in enumerate(targets, start=1):
            record = resolve_study(home, str(target), given.facts, patient=given.patient)
            last = i == len(targets)
            views.append(
                study_view(home, record, f"S{i}", mask=given.mask if last else None, at=given.at if last else None)
            )
        return [views[-1], *views[:-1]]

    def _views_of_run(self, home: Home, record: RunRecord) -> list[StudyView]:
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

    def _complete(self, goal: Any, studies: Sequence[StudyView], given: Given) -> Any:
        """The goal with what was given beside the question: the series, the earlier exam."""
        changes: dict[str, Any] = {}
        if given.series is not None and goal.series is None:
            changes["series"] = given.series
        if goal.want == "volume_change" and goal.compare is None and len(studies) > 1:
            changes["compare"] = studies[1].alias
        return goal.model_copy(update=changes) if changes else goal

    def _needs_approval(self, plan: Plan) -> None:
        reaching = [s.tool for s in plan.steps if self.registry.get(s.tool).card.reaches_out]
        if reaching:
            raise NeedsInput(
                f"The step {reaching[0]} exports, deletes or reaches out of this machine: approve it with --yes, or "
                "look at the plan with --review.",
                ("approval",),
            )
        if plan.expected_seconds > self.settings.agent.approve_over_s:
            minutes = plan.expected_seconds / 60
            raise NeedsInput(
                f"The plan is expected to take {minutes:.0f} minutes: approve it with --yes, or look at the plan with "
                "--review.",
                ("approval",),
            )

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[stage] = self.timings.get(stage, 0.0) + time.perf_counter() - start


def _with_weights(settings: Settings, home: Path | None) -> Settings:
    """The settings with a folder for weights: the one they name, else `weights` in the home."""
    if settings.tools.weights_dir is not None:
        return settings
    tools = settings.tools.model_copy(update={"weights_dir": (home or default_home()) / "weights"})
    return settings.model_copy(update={"tools": tools})


def _remarks(items: Sequence[Item]) -> tuple[Remark, ...]:
    """The parts of a question that are no goals, each before the goal that follows it."""
    remarks: list[Remark] = []
    goals = 0
    for item in items:
        if isinstance(item, Declined | Unclear):
            status: Literal["refused", "needs_input"] = "refused" if isinstance(item, Declined) else "needs_input"
            remarks.append(
                Remark(asked=item.asked, status=status, reason=item.sentence, offers=item.offers, before=goals)
            )
        else:
            goals += 1
    return tuple(remarks)


def _run_key(plan: Plan, studies: Sequence[StudyView]) -> str:
    """Equal for the same question with the same plan and the same masks: such a run is gone on with, no other."""
    return sha256_json(
        {
            "plan": plan.model_dump(mode="json", exclude={"concerns"}),
            "masks": {s.alias: s.mask.hash for s in studies if s.mask is not None},
        }
    )


def _new_run_id() -> str:
    return f"R{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
