"""Workbench: the way of a question. One object with a home, workers that stay warm, and a planner.

The home is open only while a call runs, so that a notebook does not keep the command line waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.cases import HomeCases
from scanwright.agent.disk import room_on
from scanwright.agent.given import Given, views_of_run
from scanwright.agent.importing import resolve_study
from scanwright.agent.plan import sense
from scanwright.agent.plan.approval import needs_approval
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.fitting import ruled_out, still_needed
from scanwright.agent.plan.handmade import with_goals
from scanwright.agent.plan.plan import Plan, PlanConcern
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.plan.trim import settle
from scanwright.agent.planner.base import Item, Planner, Proposal
from scanwright.agent.planner.model.objections import objections
from scanwright.agent.run.executor import OnStep
from scanwright.agent.running import Running
from scanwright.agent.settings import Settings, load_settings
from scanwright.agent.timepoints.resolve import resolve
from scanwright.memory.home import Home, default_home
from scanwright.memory.records import StudyRecord
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import Cancelled, UserInputError
from scanwright.tools.registry import Registry, load_registry
from scanwright.tools.runtime.base import Runtime
from scanwright.tools.weights.store import WeightsStore

if TYPE_CHECKING:
    from scanwright.agent.answering import Wording
    from scanwright.agent.conversation.conversation import Conversation
    from scanwright.agent.llm.ledger import Ledger
    from scanwright.agent.planner.exemplar import ExemplarPlanner
    from scanwright.agent.planner.model.planner import ModelPlanner
    from scanwright.agent.running import Words

Review = Callable[[Plan], Plan | None]


@dataclass(frozen=True)
class Planned:
    """A question with its plan, before it runs. llm is what a language model took (Ledger.summary); None: not asked."""

    plan: Plan
    items: tuple[Item, ...]
    studies: tuple[StudyView, ...]
    warnings: tuple[str, ...] = ()
    llm: dict[str, Any] | None = None


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
        self._offline: tuple[Home, ExemplarPlanner] | None = None

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
        """Why a tool cannot be used now: its weights, or a package, are missing. None where it can."""
        reasons = (self.weights.why_not(name) for name in tool.card.weights)
        return next((r for r in reasons if r is not None), None) or tool.card.missing_package

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
                self._home = self._offline = None

    def runtime(self, home: Home) -> Runtime:
        """The workers, started when they are first needed."""
        if self._runtime is None:
            from scanwright.tools.runtime.local import LocalRuntime

            self._runtime = LocalRuntime(
                self.settings.tools,
                home.blobs,
                registry=self.registry,
                cases=HomeCases(lambda: self._home),
                extra_modules=self._extra_modules,
            )
        return self._runtime

    def offline_planner(self, home: Home) -> ExemplarPlanner:
        """The planner without a language model, on this home's vectors and encoder; one as long as the home is open."""
        if self._offline is not None and self._offline[0] is home:
            return self._offline[1]
        from scanwright.agent.planner.exemplar import ExemplarPlanner as Offline
        from scanwright.agent.planner.index import ExemplarIndex
        from scanwright.agent.planner.lexicon import dictionary
        from scanwright.agent.planner.reading.words import Speller

        index = ExemplarIndex(self.registry, home.vectors(), self.runtime(home).encode)
        self._offline = home, Offline(index, Speller(dictionary(self.weights)))
        return self._offline[1]

    def planner(
        self,
        home: Home,
        studies: Sequence[StudyView] = (),
        *,
        patient: str | None = None,
        ledger: Ledger | None = None,
        catalogue_all: bool = False,
    ) -> Planner:
        """The planner that the settings name: offline, on this home's vectors and encoder, a language model, or both.

        studies and patient say whose identifiers must not leave; ledger books what a model takes. Raises
        UserInputError where a model is asked for and no endpoint is known.
        """
        offline = self.offline_planner(home)
        llm = self.settings.llm
        if llm.endpoint is None and llm.planner == "model":
            raise UserInputError(
                'The settings say llm.planner = "model", and no endpoint: add [llm.endpoint] with base_url and model.'
            )
        model = self.model_planner(home, studies, patient=patient, ledger=ledger, catalogue_all=catalogue_all)
        if model is None:
            return offline
        from scanwright.agent.planner.model.choice import SurestPlanner

        return model if llm.planner == "model" else SurestPlanner(offline, model)

    def model_planner(
        self,
        home: Home,
        studies: Sequence[StudyView] = (),
        *,
        patient: str | None = None,
        ledger: Ledger | None = None,
        catalogue_all: bool = False,
    ) -> ModelPlanner | None:
        """The planner that asks the language model of the settings; None where they name none."""
        llm = self.settings.llm
        if llm.endpoint is None or llm.planner == "offline":
            return None
        from scanwright.agent.llm.clients import client_for
        from scanwright.agent.planner.model.planner import ModelPlanner as ByModel

        offline = self.offline_planner(home)
        client = client_for(llm.endpoint, home, studies, patient=patient, ledger=ledger, cancelled=self.cancelled)

        def objected(goals: Sequence[Goal], views: Sequence[StudyView]) -> list[str]:
            return objections(self.compiled(Proposal(tuple(goals), ""), views, catalogue_all=catalogue_all))

        return ByModel(client, self.registry, offline.index, offline, objected)

    def compiled(self, proposal: Proposal, studies: Sequence[StudyView], *, catalogue_all: bool = False) -> Plan:
        """The plan for a proposal, without what makes no sense; nothing is run."""
        compiler = self.compiler(catalogue_all=catalogue_all)
        plan = compiler.compile(proposal.goals, studies, question="", planner=proposal.planner)
        return settle(plan, sense.check(plan, studies, self.registry))

    def compiler(self, *, catalogue_all: bool = False) -> Compiler:
        """Compiles for what can run now; catalogue_all plans over every known tool, weights there or not."""
        agent = self.settings.agent
        usable: Callable[[Tool[..., Any]], str | None] = (lambda _: None) if catalogue_all else self.why_not
        return Compiler(self.registry, usable, pins=agent.pins, pictures=agent.pictures)

    def conversation(self, targets: Sequence[str | Path], given: Given | None = None) -> Conversation:
        """Begins a conversation about studies, the earlier exam first."""
        from scanwright.agent.conversation.conversation import Conversation as Begun

        return Begun.begin(targets, given, bench=self)

    def open_conversation(self, conversation: str = "last") -> Conversation:
        """Goes on with a kept conversation: its id, the beginning of it, or the "last". Raises UserInputError."""
        from scanwright.agent.conversation.conversation import Conversation as Kept

        return Kept.open(conversation, bench=self)

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
                studies = given.views(home, targets)
            with self._timed("plan"):
                proposal, llm = self._proposed(home, question, studies, given, catalogue_all=catalogue_all)
                return self.planned(question, proposal, studies, given, llm=llm, catalogue_all=catalogue_all)

    def planned(
        self,
        question: str,
        proposal: Proposal,
        studies: Sequence[StudyView],
        given: Given | None = None,
        *,
        llm: dict[str, Any] | None = None,
        catalogue_all: bool = False,
    ) -> Planned:
        """The plan for a proposal with what was given beside the question; llm is what a language model took for it."""
        goals = [(given or Given()).completed(g, studies) for g in proposal.goals]
        with self.open_home() as home:
            exams = resolve(home, goals, studies)
        studies = exams.studies
        compiler = replace(self.compiler(catalogue_all=catalogue_all), held=exams.held)
        plan = compiler.compile(exams.goals, studies, question=question, planner=proposal.planner)
        plan = _noted(plan, exams.notes)
        plan = settle(plan, sense.check(plan, studies, self.registry))
        plan = plan.model_copy(update={"remarks": proposal.remarks})
        return Planned(_warned(plan, proposal.warnings), proposal.items, tuple(studies), proposal.warnings, llm)

    def _proposed(
        self, home: Home, question: str, studies: Sequence[StudyView], given: Given, *, catalogue_all: bool
    ) -> tuple[Proposal, dict[str, Any] | None]:
        """What the planner proposes, and what the language model took, where one was asked."""
        from scanwright.agent.llm.ledger import Ledger

        ledger = Ledger()
        planner = self.planner(home, studies, patient=given.patient, ledger=ledger, catalogue_all=catalogue_all)
        try:
            proposal = planner.propose(question, studies)
        except Cancelled:
            # Heard: the next question is not stopped by it.
            self.cancelled.clear()
            raise
        return proposal, ledger.summary() if ledger.calls else None

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
        given = given or Given()
        self.timings.clear()
        with self.open_home():
            planned = self.plan(targets, question, given)
            plan = planned.plan
            if review is not None:
                reviewed = review(plan)
                if reviewed is None:
                    raise Cancelled("The plan was not approved; nothing was run.")
                plan = (
                    reviewed
                    if reviewed is plan
                    else _warned(
                        settle(reviewed, sense.check(reviewed, planned.studies, self.registry)), planned.warnings
                    )
                )
            elif not approved:
                needs_approval(plan, self.registry, self.settings.agent.approve_over_s)
            return self.run_planned(replace(planned, plan=plan), given, on_step=on_step, reviewed=review is not None)

    def run_planned(
        self, planned: Planned, given: Given | None = None, *, on_step: OnStep | None = None, reviewed: bool = False
    ) -> AnswerResult:
        """Runs a planned question, whether a person has to approve it or not: see needs_approval."""
        with self.open_home() as home:
            running = self._running(home, on_step, self._words(home, (given or Given()).patient))
            return running.run(planned.plan, planned.studies, reviewed=reviewed, llm=planned.llm)

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
            studies = given.views(home, targets)
            views = tuple(sorted(studies, key=lambda s: s.alias))
            checked = self.checked(plan, views)
            if not approved:
                needs_approval(checked, self.registry, self.settings.agent.approve_over_s)
            return self.run_planned(Planned(checked, (), views), given, on_step=on_step, reviewed=approved)

    def checked(self, plan: Plan, studies: Sequence[StudyView]) -> Plan:
        """A plan by hand, or an edited one, as it may run on studies."""
        plan = with_goals(plan, self.registry)
        return settle(plan, sense.check(plan, studies, self.registry))

    def resume(self, run: str, *, on_step: OnStep | None = None) -> AnswerResult:
        """Finishes a run that was interrupted, on its own studies. Raises UserInputError where it is finished."""
        self.timings.clear()
        with self.open_home() as home:
            record = home.runs.get(run)
            if record.answer is not None:
                raise UserInputError(f"The run {record.run_id} is finished already: look at it with `scanwright show`.")
            plan = Plan.model_validate(record.plan)
            # By the template: whose name the question may hold is not known any more.
            return self._running(home, on_step).go_on(record.run_id, plan, views_of_run(home, record))

    def fits(self, target: str | Path, given: Given | None = None) -> dict[str, str | None]:
        """For each tool why it cannot be used on this study; None where it can (as far as the scan's facts tell)."""
        given = given or Given()
        with self.open_home() as home:
            image = given.views(home, [target])[0].image(given.series)
        found: dict[str, str | None] = {}
        for tool in self.registry:
            # Weights are worth fetching only for a tool that would work on this scan.
            out = ruled_out(tool, image)
            reason = self.why_not(tool) if out is None else out.sentence
            needed = still_needed(tool, image) if reason is None else None
            found[tool.card.id] = reason if needed is None else needed.sentence
        return found

    def _running(self, home: Home, on_step: OnStep | None, words: Words | None = None) -> Running:
        return Running(
            home,
            self.registry,
            self.weights,
            lambda: self.runtime(home),
            self._timed,
            self.cancelled,
            on_step,
            words,
        )

    def _words(self, home: Home, patient: str | None) -> Words | None:
        """What words answers by a language model, where the settings name one for that. patient as in planner()."""
        llm = self.settings.llm
        if llm.endpoint is None or llm.writer == "template":
            return None
        from scanwright.agent.answer.model_writer import ModelWriter
        from scanwright.agent.answer.names import language_of
        from scanwright.agent.llm.clients import client_for

        endpoint, always = llm.endpoint, llm.writer == "model"

        def words(question: str, studies: Sequence[StudyView], ledger: Ledger) -> Wording | None:
            # The template's own language costs no token.
            if not always and language_of(question) in ("en", None):
                return None
            return ModelWriter(
                client_for(endpoint, home, studies, patient=patient, ledger=ledger, cancelled=self.cancelled)
            ).write

        return words

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[stage] = self.timings.get(stage, 0.0) + time.perf_counter() - start


def _noted(plan: Plan, notes: Mapping[Goal, str]) -> Plan:
    """The plan with what must be said of the exams that its goals are of."""
    goals = tuple(
        g.model_copy(update={"note": " ".join(filter(None, (notes.get(g.goal), g.note)))}) if g.goal in notes else g
        for g in plan.goals
    )
    return plan.model_copy(update={"goals": goals})


def _warned(plan: Plan, warnings: Sequence[str]) -> Plan:
    """The plan with what its planner wants said with the answer."""
    said = tuple(PlanConcern(step=None, effect="flag", sentence=w, test="planner") for w in warnings)
    return plan.model_copy(update={"concerns": (*plan.concerns, *said)}) if said else plan


def _with_weights(settings: Settings, home: Path | None) -> Settings:
    """The settings with a folder for weights: the one they name, else `weights` in the home."""
    if settings.tools.weights_dir is not None:
        return settings
    tools = settings.tools.model_copy(update={"weights_dir": (home or default_home()) / "weights"})
    return settings.model_copy(update={"tools": tools})
