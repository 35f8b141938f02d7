"""FollowUpReader: what a turn means after the turns before it. Whole questions are read as if they stood alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from scanwright.agent.answer.writer import goal_words
from scanwright.agent.conversation.commands import Said, command_of
from scanwright.agent.conversation.complete import Ambiguous, Completer, has_methods, kin_of
from scanwright.agent.conversation.fragment import Fragment, exam_of, read_fragment, stands_alone
from scanwright.agent.given import OF_TWO_EXAMS
from scanwright.agent.plan.second_method import METHODS
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, Item, Planner, Proposal, Unclear
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.planner.model.form import is_foreign
from scanwright.agent.planner.reading.beyond import beside, unknown_body_part, unknown_quantity
from scanwright.agent.planner.reading.context import completed
from scanwright.agent.planner.reading.declines import declined
from scanwright.agent.planner.reading.part import Part
from scanwright.agent.planner.reading.structures import mentions
from scanwright.agent.planner.reading.wants import cued_wants
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import Registry

NAME = "follow-up of the question before"
# In the place of the structure that a question did not name.
UNNAMED = "unnamed"
# Refused whatever was asked before.
_JUDGED = ("diagnosis", "treatment", "not_assessed", "normative")
Exam = Literal["previous"]
# A model that reads what the rules do not: the question and the goals before it give items.
Model = Callable[[str, Sequence[Goal]], Proposal | None]


@dataclass(frozen=True)
class Past:
    """An earlier turn of the branch: its goals, what it was asked in, of which exam.

    command is what it was where it explained; refused says that nothing of it was answered.
    """

    question: str
    goals: tuple[Goal, ...]
    exam: Exam | None = None
    command: str | None = None
    refused: bool = False


@dataclass(frozen=True)
class Read:
    """What a turn is. proposal where it asks; said where it is about the conversation; exam of which exam it asks."""

    reading: Literal["ask", "why", "how_sure", "undo", "redo", "fork"]
    proposal: Proposal = field(default_factory=lambda: Proposal((), NAME))
    exam: Exam | None = None
    said: Said | None = None


class FollowUpReader:
    """Reads turns. offline reads words by rules, planner whole questions, model what the rules do not complete."""

    def __init__(
        self, offline: ExemplarPlanner, planner: Planner, registry: Registry, model: Model | None = None
    ) -> None:
        self._offline, self._planner, self._registry, self._model = offline, planner, registry, model

    def read(self, question: str, past: Sequence[Past], studies: Sequence[StudyView]) -> Read:
        """What the question means; past is the branch, the newest turn first."""
        said = command_of(question)
        if said is not None and (said.command != "how_sure" or not _is_whole(said.about)):
            return Read(said.command, said=said)
        past = _without_failed_changes(past)
        asked = [p for p in past if p.command is None]
        text, by_methods = self._offline.words(question, studies)
        rest, exam = exam_of(text)
        if exam is not None:
            return self._of_exam(question, rest, exam, by_methods, asked, studies)
        kept = asked[0].exam if asked else None
        return self._asked(question, text, by_methods, past, studies, kept)

    def _of_exam(
        self, question: str, rest: str, exam: str, by_methods: bool, asked: Sequence[Past], studies: Sequence[StudyView]
    ) -> Read:
        """ "The same for the previous exam": the goals before, or those of the rest of the question, on that exam."""
        shift: Exam | None = "previous" if exam == "previous" else None
        parts = completed(self._offline.parts(rest, studies)) if re.search(r"\w", rest) else []
        if parts and all(self._stands(p) for p in parts):
            return Read("ask", self._planner.propose(rest, studies), shift)
        fragments = [read_fragment(p, by_methods=by_methods) for p in parts]
        told = [f for f in fragments if f.wants or f.structures or f.side or f.unit or f.limits or f.show or f.table]
        if told:
            return self._asked(question, rest, by_methods, asked, studies, shift, marked=True)
        goals = next((p.goals for p in asked if p.goals), ())
        if goals:
            return Read("ask", Proposal(goals, NAME), shift)
        return Read("ask", Proposal((_nothing_before(question),), NAME), shift)

    def _asked(
        self,
        question: str,
        text: str,
        by_methods: bool,
        past: Sequence[Past],
        studies: Sequence[StudyView],
        exam: Exam | None,
        *,
        marked: bool = False,
    ) -> Read:
        """A whole question as it would be read alone; a fragment with what was asked before."""
        alone_exam: Exam | None = exam if marked else None
        parts = self._offline.parts(text, studies)
        fragments = [read_fragment(p, by_methods=by_methods) for p in parts]
        asked = [p for p in past if p.command is None]
        if not any(p.goals or p.question for p in asked):
            return Read("ask", self._alone(question, studies), alone_exam)
        if is_foreign(question):
            return self._foreign(question, asked, studies)
        if fragments and fragments[0].yes and past[0].command == "how_sure":
            fragments = [replace(fragments[0], methods=True)]
        whole = completed(parts)
        kin = len(fragments) == 1 and _is_kin(fragments[0], asked)
        points_back = marked or kin or any(f.marked or f.bare for f in fragments)
        says_all = bool(whole) and all(self._stands(p) or not self._goes_on(p, asked) for p in whole)
        if not points_back or (says_all and not self._borrows(parts, fragments, asked)):
            alone = self._planner.propose(question, studies)
            if says_all or not any(isinstance(i, Unclear) for i in alone.items):
                return Read("ask", alone, alone_exam)
        if not kin and not any(f.marked for f in fragments):
            alone = self._offline.propose(question, studies)
            if all(isinstance(i, Declined) and i.code in _JUDGED for i in alone.items):
                return Read("ask", alone, alone_exam)
        items, went_on = self._items(parts, fragments, asked, studies)
        if items is None:
            return self._unread(question, text, asked, studies, exam if marked else alone_exam)
        if all(isinstance(i, Goal) and i.want in OF_TWO_EXAMS for i in items):
            exam = None
        if not went_on:
            # Nothing was taken from before, so it means what it means alone.
            return Read("ask", self._planner.propose(text if marked else question, studies), alone_exam)
        return Read("ask", Proposal(tuple(dict.fromkeys(items)), NAME), exam)

    def _foreign(self, question: str, asked: Sequence[Past], studies: Sequence[StudyView]) -> Read:
        """The rules read English: what is in another language is the model's, and without one it stands alone."""
        before = next((p.goals for p in asked if p.goals), ())
        read = None if self._model is None or not before else self._model(question, before)
        return Read("ask", self._planner.propose(question, studies) if read is None else read)

    def _alone(self, question: str, studies: Sequence[StudyView]) -> Proposal:
        return self._planner.propose(question, studies)

    def _stands(self, part: Part) -> bool:
        return stands_alone(part, None if part.want is None else self._offline.only_of(part.want))

    def _borrows(self, parts: Sequence[Part], fragments: Sequence[Fragment], asked: Sequence[Past]) -> bool:
        """True where the first part points back before anything of its own is named."""
        first = parts[0]
        return fragments[0].marked and first.pronoun and not self._stands(first) and self._goes_on(first, asked)

    def _goes_on(self, part: Part, asked: Sequence[Past]) -> bool:
        """False for a part that is refused whatever was asked before: it judges, or names what nothing here knows."""
        if asked and kin_of(part.text, asked[0].goals) is not None:
            return True
        code = declined(part.text)
        if code is not None and not (code == "not_assessed" and part.of == "given_region"):
            return False
        return not (beside(part.text) or unknown_body_part(part.text, "chest") or unknown_quantity(part.text))

    def _items(
        self,
        parts: Sequence[Part],
        fragments: Sequence[Fragment],
        asked: Sequence[Past],
        studies: Sequence[StudyView],
    ) -> tuple[list[Item] | None, bool]:
        """Every part with what it leaves out from the parts and turns before; None where one cannot be completed.

        True where something was taken from a turn before.
        """
        unit = studies[0].image().image.unit if studies else "1"
        completer = Completer(self._registry, unit)
        items: list[Item] = []
        went_on = False
        for part, said in zip(parts, fragments, strict=True):
            if self._stands(part):
                items += self._planner.propose(part.text, studies).items
                continue
            if not self._goes_on(part, asked):
                items += self._offline.propose(part.text, studies).items
                continue
            here = [g for g in items if isinstance(g, Goal)]
            goals, from_before = self._completed(completer, said, here, asked, studies)
            if isinstance(goals, Unclear):
                return [*items, goals], True
            if goals:
                items += goals
                went_on = went_on or from_before
                continue
            if not said.says and (items or len(parts) > 1):
                continue
            refused = self._offline.propose(part.text, studies).items if said.says or declined(part.text) else ()
            if not refused or not all(isinstance(i, Declined) for i in refused):
                return None, went_on
            items += refused
        return items or None, went_on

    def _completed(
        self,
        completer: Completer,
        said: Fragment,
        here: Sequence[Goal],
        asked: Sequence[Past],
        studies: Sequence[StudyView],
    ) -> tuple[tuple[Goal, ...] | Unclear, bool]:
        """The goals of one part, and True where they go on from a turn before, not from this one."""
        if said.part is not None and (said.part.foreign or declined(said.text)) and not said.says:
            return (), False
        before = [(goals, True) for goals in (self._goals_of(p, said, studies) for p in asked)]
        for goals, from_before in ([(here, False)] if here else []) + before:
            try:
                found = completer.completed(said, goals)
            except Ambiguous as several:
                return _which(said.text, several.goals), from_before
            if found:
                return found, from_before
        return (), False

    def _goals_of(self, past: Past, said: Fragment, studies: Sequence[StudyView]) -> Sequence[Goal]:
        """The goals of a turn; of one that could not be completed, what its words wanted, for "the spleen" after it."""
        if past.goals or not said.structures or said.wants:
            return past.goals
        text, _ = self._offline.words(past.question, studies)
        parts = [p for p in self._offline.parts(text, studies) if p.of in (None, "image")]
        return [
            Goal(want=p.want, of=UNNAMED, side=p.side, unit=p.unit, params=p.params)
            for p in parts
            if p.want is not None
        ]

    def _unread(
        self, question: str, text: str, asked: Sequence[Past], studies: Sequence[StudyView], exam: Exam | None
    ) -> Read:
        """What the rules do not complete: by the model where there is one, else alone, else asked back."""
        before = next((p.goals for p in asked if p.goals), ())
        if self._model is not None and before:
            read = self._model(question, before)
            if read is not None and read.goals:
                return Read("ask", read, exam)
            alone = self._offline.propose(question, studies)
        else:
            alone = self._planner.propose(question, studies)
        if alone.goals or all(isinstance(i, Declined) for i in alone.items):
            return Read("ask", alone, exam)
        offers = tuple(dict.fromkeys(goal_words(g) for g in before))[:3]
        asks = tuple(replace(i, offers=offers or i.offers) if isinstance(i, Unclear) else i for i in alone.items)
        return Read("ask", replace(alone, items=asks), exam)


def by_every_method(goals: Sequence[Goal]) -> tuple[Goal, ...]:
    """The goals that several methods could measure, asked so."""
    return tuple(g.model_copy(update={"compare": METHODS}) for g in goals if has_methods(g))


def _is_kin(said: Fragment, asked: Sequence[Past]) -> bool:
    """ "Which grade is that?" after the ratio that is graded judges nothing."""
    return bool(asked) and kin_of(said.text, asked[0].goals) is not None


def _without_failed_changes(past: Sequence[Past]) -> list[Past]:
    """The turns without refused changes of how an answered one was asked: nothing goes on from those."""
    kept: list[Past] = []
    for i, turn in enumerate(past):
        about = {(g.of, g.region) for g in turn.goals}
        earlier = [p for p in past[i + 1 :] if p.goals and not p.refused]
        same = turn.refused and bool(earlier) and {(g.of, g.region) for g in earlier[0].goals} == about
        if not (same and about and turn.exam is None):
            kept.append(turn)
    return kept


def _is_whole(text: str) -> bool:
    """ "How sure are you of the volume of the left kidney?" says what is wanted and of what."""
    return bool([w for w in cued_wants(text) if w != "mean_intensity"]) and any(
        m.name != "image" for m in mentions(text)
    )


def _which(asked: str, goals: Sequence[Goal]) -> Unclear:
    offers = tuple(dict.fromkeys(goal_words(g) for g in goals))
    return Unclear(asked, "More than one thing was asked about before: say which is meant.", offers)


def _nothing_before(asked: str) -> Unclear:
    return Unclear(asked, "Nothing was asked before that this could go on from: say what to measure, and of what.")
