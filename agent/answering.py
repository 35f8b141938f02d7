"""From a finished run to its answer: evidence, a draft held to it, the rendered text, the result."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from scanwright.agent.answer.evidence import EvidenceBook
from scanwright.agent.answer.render import render
from scanwright.agent.answer.result import (
    AnswerResult,
    EvidenceItem,
    GoalReport,
    GoalStatus,
    PlanSummary,
    Refusal,
    Status,
    StepSummary,
)
from scanwright.agent.answer.spoken import spoken
from scanwright.agent.answer.verify import problems
from scanwright.agent.answer.writer import GoalOutcome, goal_words, write
from scanwright.agent.answer.written import Written
from scanwright.agent.plan.plan import Plan, PlannedGoal, Remark
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.run.executor import StepReport
from scanwright.memory.blobs import BlobStore
from scanwright.tools.artifacts import Artifact, Figure, File
from scanwright.tools.registry import Registry


@dataclass
class _Row:
    """One part of the question on its way into the answer."""

    goal: dict[str, Any]
    outcome: GoalOutcome | None
    status: GoalStatus
    reason: str | None = None
    missing: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    note: str | None = None


class Wording(Protocol):
    """Words an answer anew; the template's draft, which holds, stands behind it (ModelWriter.write)."""

    def __call__(
        self,
        question: str,
        outcomes: Sequence[GoalOutcome],
        evidence: Mapping[str, EvidenceItem],
        reasons: Mapping[str, str],
        draft: str,
    ) -> Written:
        """Gives a draft that holds. Raises nothing for what an endpoint does."""
        ...


@dataclass(frozen=True)
class Answering:
    """Writes answers for one home folder. wording, where there is one, words what the template wrote."""

    registry: Registry
    blobs: BlobStore
    runs_folder: Path
    wording: Wording | None = None

    def answer(
        self,
        run_id: str | None,
        plan: Plan,
        reports: Mapping[str, StepReport],
        studies: Sequence[StudyView],
    ) -> AnswerResult:
        """The result of a run: the plan's goals and remarks in the order of the question."""
        book = EvidenceBook(plan, reports, self.registry, self._publisher(run_id))
        rows: list[_Row] = []
        for i, goal in enumerate(plan.goals):
            rows += [_not_a_goal(r) for r in plan.remarks if r.before == i]
            rows.append(self._row(goal, book, reports))
        rows += [_not_a_goal(r) for r in plan.remarks if r.before >= len(plan.goals)]
        evidence = {e.id: e for e in book.items}
        text = self._text(plan.question, rows, evidence)
        return AnswerResult(
            run_id=run_id,
            question=plan.question,
            status=_overall([r.status for r in rows]),
            goals=tuple(
                GoalReport(goal=r.goal, status=r.status, reason=r.reason or r.note, evidence=_ids(r.outcome))
                for r in rows
            ),
            answer=text.shown,
            worded_by=text.by,
            refusal=_refusal(rows),
            plan=PlanSummary(
                planner=plan.planner, steps=tuple(_summary(reports.get(s.id) or StepReport(s)) for s in plan.steps)
            ),
            evidence=book.items,
            warnings=(*_warnings(plan, studies, book.items, reports), *text.warnings),
        )

    def _text(self, question: str, rows: Sequence[_Row], evidence: Mapping[str, EvidenceItem]) -> _Text:
        """The draft, verified, rendered. A draft of the template that fails is our bug, and is never shown."""
        paragraphs, lines, reasons = _to_write(rows)
        draft = write(paragraphs, lines)
        wrong = problems(draft, evidence, reasons)
        if wrong:
            raise AssertionError(f"the draft does not hold: {wrong[0]}: {draft}")
        if self.wording is None:
            return _Text(render(draft, evidence, reasons))
        written = self.wording(question, paragraphs, evidence, reasons, draft)
        return _Text(spoken(written.draft, evidence, reasons, written.language), written.by, written.warnings)

    def _row(self, planned: PlannedGoal, book: EvidenceBook, reports: Mapping[str, StepReport]) -> _Row:
        goal = planned.goal.model_dump(mode="json", exclude_defaults=True)
        if planned.status != "planned":
            status = planned.status
            return _Row(
                goal, GoalOutcome(planned.goal, status), status, planned.reason, planned.missing, planned.offers
            )
        planned = _what_is_left(planned, book, reports)
        errors = [e for a in planned.answers if (e := reports[a].error) is not None] if reports else []
        if errors:
            return _Row(goal, GoalOutcome(planned.goal, "failed"), "failed", errors[0])
        answers, shown = book.of_goal(planned)
        of_step = {i.step: i for i in shown}
        by_method = {a.id: tuple(of_step[s] for s in book.values_of(a.step) if s in of_step) for a in answers}
        outcome = GoalOutcome(
            planned.goal, "answered", tuple(answers), tuple(shown),
            by_method={k: v for k, v in by_method.items() if v},
        )  # fmt: skip
        return _Row(goal, outcome, "answered", note=planned.note)

    def _publisher(self, run_id: str | None) -> Any:
        """Puts pictures and files into the run's folder under names that people read."""

        def publish(artifact: Artifact, number: str) -> Path | None:
            if run_id is None or not isinstance(artifact, Figure | File):
                return None
            folder = self.runs_folder / run_id
            folder.mkdir(parents=True, exist_ok=True)
            name = artifact.filename if isinstance(artifact, File) else f"{artifact.name}.png"
            safe = re.sub(r"[^\w.+-]+", "_", name)[-100:]
            path = folder / f"{number}_{safe}"
            partial = path.with_name(path.name + ".part")
            shutil.copyfile(self.blobs.path(artifact.blob), partial)
            partial.replace(path)
            return path

        return publish


def _what_is_left(planned: PlannedGoal, book: EvidenceBook, reports: Mapping[str, StepReport]) -> PlannedGoal:
    """The goal with the value of one method where another failed, and a note that says so."""
    answers, notes = [], [planned.note] if planned.note else []
    for step in planned.answers:
        by_method = book.values_of(step) if reports and reports[step].error is not None else []
        kept = [s for s in by_method if reports[s].artifact is not None]
        answers.append(kept[0] if kept else step)
        if kept:
            notes.append(f"Another method failed, so no range can be given by comparing methods: {reports[step].error}")
    return planned.model_copy(update={"answers": tuple(answers), "note": " ".join(dict.fromkeys(notes)) or None})


@dataclass(frozen=True)
class _Text:
    shown: str
    by: str = "template"
    warnings: tuple[str, ...] = ()


def _to_write(rows: Sequence[_Row]) -> tuple[list[GoalOutcome], list[tuple[int, str]], dict[str, str]]:
    """The goals to write about, the remarks between them, and the reasons that both name."""
    reasons: dict[str, str] = {}
    paragraphs: list[GoalOutcome] = []
    lines: list[tuple[int, str]] = []
    for row in rows:
        name = f"R{len(reasons) + 1}"
        if row.reason is not None:
            reasons[name] = _sentence(row, several=len(rows) > 1)
        if row.outcome is None:
            lines.append((len(paragraphs), name))
        else:
            note = None if row.note is None else f"R{len(reasons) + 1}"
            if note is not None and row.note is not None:
                reasons[note] = row.note
            paragraphs.append(replace(row.outcome, reason_id=name, note_id=note))
    return paragraphs, lines, reasons


def _warnings(
    plan: Plan, studies: Sequence[StudyView], evidence: Sequence[EvidenceItem], reports: Mapping[str, StepReport]
) -> tuple[str, ...]:
    """What was odd about the files and the plan; what stands on a piece of evidence already is not said twice."""
    said = {f.rstrip(".") for e in evidence for f in e.flags}
    concerns = [c.sentence for c in plan.concerns if c.effect == "flag" and c.sentence.rstrip(".") not in said]
    beside = [s for g in plan.goals for s in (*g.pictures, *g.files)]
    failed = [reports[s].error for s in beside if s in reports and reports[s].error is not None]
    missing = [f"A picture or file could not be made: {error}" for error in failed]
    return tuple(dict.fromkeys([*(w for s in studies for w in s.warnings), *concerns, *missing]))


# How the command line and `ask` take what is missing.
_OPTIONS = {"modality": "--modality", "body_part": "--body-part"}


def _sentence(row: _Row, *, several: bool) -> str:
    sentence = row.reason or ""
    if several and row.outcome is not None:
        sentence = f"Not answered ({goal_words(row.outcome.goal)}): {sentence}"
    if row.offers and row.status == "needs_input":
        option = next((_OPTIONS[m] for m in row.missing if m in _OPTIONS), None)
        if option is not None:
            return f"{sentence} Say which: {' or '.join(f'{option} {o}' for o in row.offers)}."
        sentence += f" For example: {'; '.join(o.rstrip('.') for o in row.offers)}."
    return sentence


def _not_a_goal(remark: Remark) -> _Row:
    return _Row({"asked": remark.asked}, None, remark.status, remark.reason, (), remark.offers)


def _overall(statuses: Sequence[GoalStatus]) -> Status:
    if not statuses:
        return "refused"
    if all(s == "answered" for s in statuses):
        return "answered"
    if "answered" in statuses:
        return "partly"
    return next((s for s in ("failed", "needs_input") if s in statuses), "refused")


def _refusal(rows: Sequence[_Row]) -> Refusal | None:
    open_rows = [r for r in rows if r.status != "answered"]
    if not open_rows:
        return None
    return Refusal(
        reason=" ".join(dict.fromkeys(r.reason or "" for r in open_rows)),
        missing=tuple(dict.fromkeys(m for r in open_rows for m in r.missing)),
        offers=tuple(dict.fromkeys(o for r in open_rows for o in r.offers)),
    )


def _ids(outcome: GoalOutcome | None) -> tuple[str, ...]:
    return () if outcome is None else tuple(dict.fromkeys(e.id for e in (*outcome.answers, *outcome.shown)))


def _summary(report: StepReport) -> StepSummary:
    step = report.step
    inputs = {k: [str(b) for b in v] if isinstance(v, tuple) else str(v) for k, v in step.inputs.items()}
    return StepSummary(
        id=step.id, tool=step.tool, version=step.version, inputs=inputs, status=report.status,
        seconds=round(report.seconds, 4), cached=report.cached,
    )  # fmt: skip
