"""Explainer: why an answer is so and how sure it is, from its evidence, its plan and the cards of its tools.

Drafts are held to the same rules as answers: every number stands in a slot, filled from evidence or from a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scanwright.agent.answer.names import quantities_in, sides_in, structures_in
from scanwright.agent.answer.render import render
from scanwright.agent.answer.result import AnswerResult, EvidenceItem, GoalReport
from scanwright.agent.answer.verify import problems
from scanwright.agent.answer.writer import SENTENCES_AT_MOST, goal_words, quantity_words
from scanwright.agent.conversation.complete import has_methods
from scanwright.agent.plan.plan import Plan, PlannedGoal, Step
from scanwright.agent.plan.second_method import METHODS
from scanwright.tools.contract.card import ToolCard
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import Registry

REJECTED_AT_MOST = 4
OFFER = "Say “by every method” to have it measured by every method that there is, with the range between them."


@dataclass(frozen=True)
class Explained:
    """The text, and the evidence that it speaks of."""

    text: str
    evidence: tuple[EvidenceItem, ...]


@dataclass(frozen=True)
class _Part:
    """A part of the last answer: its report, and its goal with what the compiler made of it; none for a remark."""

    report: GoalReport
    planned: PlannedGoal | None


class Explainer:
    """Explains answers. modality is that of the scan, for which the errors of tools are told."""

    def __init__(self, registry: Registry, modality: str | None) -> None:
        self._registry, self._modality = registry, modality

    def explain(self, reading: str, said: str, last: AnswerResult, plan: Plan) -> Explained:
        """reading is "why" or "how_sure"; said may name a part of the answer, else all of it is explained."""
        draft = _Draft({e.id: e for e in last.evidence})
        parts = _meant(said, _parts(last, plan), draft.evidence)
        for part in parts:
            (self._why if reading == "why" else self._how_sure)(part, plan, draft)
        if reading == "how_sure" and any(_could_compare(p) for p in parts):
            draft.line(OFFER)
        return draft.written()

    def _why(self, part: _Part, plan: Plan, draft: _Draft) -> None:
        if part.planned is None or part.report.status != "answered":
            self._why_not(part, draft)
            return
        goal = part.planned.goal
        for item in draft.values(part.report):
            by = f", in the outline by {{{item.id}.by}}" if item.made_by else ""
            subject = quantity_words(goal, item)
            tool = draft.reason(f"{item.tool.split()[0].replace('_', ' ')} ({_version(item.tool)})")
            draft.line(f"{_capital(subject)} is {{{item.id}.value}} {{{item.id}.range}} [{item.id}]{by}.")
            draft.line(f"Method: {draft.reason(_sentence(item.method))} The tool is {tool}.")
            if item.reference:
                draft.line(f"Source: {draft.reason(_sentence(item.reference))}")
            if item.flags:
                draft.line(f"{{{item.id}.flags}}")
        for item in draft.others(part.report):
            draft.line(f"{_capital(goal_words(goal))} [{item.id}]: {draft.reason(_sentence(item.method))}")
        steps = self._steps(part.planned, plan)
        if steps:
            draft.line(f"Steps: {draft.reason(steps)}")
        self._not_taken(part.planned, draft)

    def _why_not(self, part: _Part, draft: _Draft) -> None:
        """Why there is no answer, and what would give one."""
        reason = part.report.reason or "Nothing here gives it."
        what = "" if part.planned is None else f"Not answered ({goal_words(part.planned.goal)}): "
        draft.line(draft.reason(f"{what}{_sentence(reason)}"))
        if part.planned is not None:
            self._not_taken(part.planned, draft)
            if part.planned.missing:
                draft.line(f"What is missing: {draft.reason(_sentence(', '.join(part.planned.missing)))}")
            if part.planned.offers:
                draft.line(f"What would do: {draft.reason(_sentence('; '.join(part.planned.offers)))}")

    def _not_taken(self, planned: PlannedGoal, draft: _Draft) -> None:
        """The tools that were considered and not taken, each with its reason."""
        told = [f"{r.tool.replace('_', ' ')} ({r.reason.rstrip('.')})" for r in planned.rejected]
        if told:
            more = len(told) - REJECTED_AT_MOST
            rest = f"; and {more} more" if more > 0 else ""
            draft.line(f"Not taken: {draft.reason(_sentence('; '.join(told[:REJECTED_AT_MOST]) + rest))}")

    def _how_sure(self, part: _Part, plan: Plan, draft: _Draft) -> None:
        if part.planned is None or part.report.status != "answered":
            draft.line(
                f"There is no number to be sure of: {draft.reason(_sentence(part.report.reason or 'it failed'))}"
            )
            return
        values = draft.values(part.report)
        if not values:
            draft.line(f"{_capital(goal_words(part.planned.goal))}: what is shown has no number, and so no range.")
        for item in values:
            draft.line(
                f"{_capital(quantity_words(part.planned.goal, item))} is {{{item.id}.value}} {{{item.id}.range}} "
                f"[{item.id}]. {_range_words(item, draft)}"
            )
            if item.bound is not None:
                draft.line("Part of it lies outside of the scan, so only a bound can be said.")
            if item.flags:
                draft.line(f"{{{item.id}.flags}}")
        if values and not all(i.tool.startswith("acquisition_facts") for i in values):
            draft.line(self._errors(part.planned, plan, draft))
        if part.report.reason:
            draft.line(draft.reason(_sentence(part.report.reason)))

    def _errors(self, planned: PlannedGoal, plan: Plan, draft: _Draft) -> str:
        """How wrong its tools were where their error was measured, on this kind of scan."""
        cards = [self._card(s) for s in _chain(planned, plan)]
        errors = dict.fromkeys(
            f"{card.id.replace('_', ' ')}: {error.text}"
            for card in cards
            if card is not None
            for error in card.error
            if error.modality in (None, self._modality)
        )
        if not errors:
            where = f" on {self._modality}" if self._modality else ""
            return f"How wrong its tools are{where} was not measured."
        return f"Measured errors of its tools: {draft.reason(_sentence('; '.join(e.rstrip('.') for e in errors)))}"

    def _steps(self, planned: PlannedGoal, plan: Plan) -> str:
        told = []
        for number, step in enumerate(_chain(planned, plan), start=1):
            card = self._card(step)
            params = ", ".join(f"{k} {_plain(v)}" for k, v in step.params.items())
            what = "" if card is None else f": {card.summary.rstrip('.')}"
            told.append(f"{number}. {step.tool.replace('_', ' ')}{f' ({params})' if params else ''}{what}.")
        return " ".join(told)

    def _card(self, step: Step) -> ToolCard | None:
        return next((t.card for t in self._registry if t.card.id == step.tool), None)


class _Draft:
    """Lines with slots, and what fills those of reasons."""

    def __init__(self, evidence: dict[str, EvidenceItem]) -> None:
        self.evidence = evidence
        self._lines: list[str] = []
        self._reasons: dict[str, str] = {}

    def line(self, text: str) -> None:
        """A line; the same is said once."""
        if text not in self._lines:
            self._lines.append(text)

    def reason(self, text: str) -> str:
        """A slot that this text fills: the words of a card, of the compiler or of the plan."""
        known = next((name for name, said in self._reasons.items() if said == text), None)
        name = known or f"R{len(self._reasons) + 1}"
        self._reasons[name] = text
        return f"{{{name}}}"

    def values(self, report: GoalReport) -> list[EvidenceItem]:
        """The numbers that answer a goal, a few where there are many."""
        items = [self.evidence[i] for i in report.evidence if i in self.evidence]
        return [i for i in items if i.quantity is not None][: SENTENCES_AT_MOST + 1]

    def others(self, report: GoalReport) -> list[EvidenceItem]:
        """What answers a goal where no number does."""
        items = [self.evidence[i] for i in report.evidence if i in self.evidence]
        return [] if any(i.quantity is not None for i in items) else items[:1]

    def written(self) -> Explained:
        """The text. A draft that does not hold is our bug, and is never shown."""
        draft = "\n".join(self._lines)
        wrong = problems(draft, self.evidence, self._reasons)
        if wrong:
            raise AssertionError(f"the explanation does not hold: {wrong[0]}: {draft}")
        cited = tuple(e for e in self.evidence.values() if f"[{e.id}]" in draft)
        return Explained(render(draft, self.evidence, self._reasons), cited)


def _parts(last: AnswerResult, plan: Plan) -> list[_Part]:
    """The parts of an answer with their goals; a remark of the question has none."""
    planned: Iterator[PlannedGoal] = iter(plan.goals)
    return [_Part(r, None if "asked" in r.goal else next(planned, None)) for r in last.goals]


def _meant(said: str, parts: Sequence[_Part], evidence: dict[str, EvidenceItem]) -> list[_Part]:
    """The parts that the words name by structure, side, quantity or "E2"; all where they name none of them."""
    structures, sides, quantities = structures_in(said), sides_in(said), quantities_in(said)

    def fits(part: _Part) -> bool:
        goal = None if part.planned is None else part.planned.goal
        ids = {i.lower() for i in part.report.evidence}
        if goal is None or ids & set(said.lower().replace("?", " ").split()):
            return goal is not None
        named = structures & {goal.of, goal.region or goal.of}
        words = quantities_in(goal_words(goal))
        return bool(named or (goal.side in sides) or (quantities & words))

    chosen = [p for p in parts if fits(p)]
    return chosen or list(parts)


def _could_compare(part: _Part) -> bool:
    goal: Goal | None = None if part.planned is None else part.planned.goal
    return part.report.status == "answered" and goal is not None and goal.compare != METHODS and has_methods(goal)


def _range_words(item: EvidenceItem, draft: _Draft) -> str:
    """What its range is, or that it has none."""
    u = item.uncertainty
    if item.tool.startswith("acquisition_facts"):
        return "It is read from the file and not measured, so it has no range."
    if u is None or u.kind == "none" or u.low is None:
        why = f" ({draft.reason(u.method.rstrip('.'))})" if u is not None and u.method else ""
        return f"No range is known for it{why}."
    if u.kind == "interval":
        return "The interval was calibrated against known truth."
    return "The range says how far it moves in that way; it is no confidence interval."


def _chain(planned: PlannedGoal, plan: Plan) -> list[Step]:
    """The steps that a goal's answers rest on, in the order of the plan."""
    by_id = {s.id: s for s in plan.steps}
    needed: set[str] = set()
    waiting = [a for a in planned.answers if a in by_id]
    while waiting:
        step = by_id[waiting.pop()]
        if step.id not in needed:
            needed.add(step.id)
            waiting += [d for d in step.depends_on() if d in by_id]
    return [s for s in plan.steps if s.id in needed]


def _plain(value: object) -> str:
    if isinstance(value, dict) and "value" in value:
        unit = {"[hnsf'U]": "HU", "1": ""}.get(str(value.get("unit")), str(value.get("unit")))
        return f"{value['value']:g} {unit}".strip()
    return str(value)


def _version(tool: str) -> str:
    return f"version {tool.split()[-1]}"


def _sentence(text: str) -> str:
    return f"{text.strip().rstrip('.')}."


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
