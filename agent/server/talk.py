"""Talk: a conversation whose plans are told before they run; each question brings its own point and mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.conversation.conversation import Conversation
from scanwright.agent.conversation.exams import NoEarlier
from scanwright.agent.conversation.reader import Read
from scanwright.agent.conversation.thread import Thread
from scanwright.agent.given import Given
from scanwright.agent.plan.plan import Plan
from scanwright.agent.plan.studies import StudyView
from scanwright.memory.conversations import ConversationRecord
from scanwright.memory.home import Home
from scanwright.tools.artifacts import Mask

if TYPE_CHECKING:
    from scanwright.agent.run.executor import OnStep
    from scanwright.agent.workbench import Workbench


@dataclass(frozen=True)
class GivenHere(Given):
    """Given with a mask that is kept already: a person's drawing, or what a step gave."""

    kept: Mask | None = None

    def views(self, home: Home, targets: Sequence[Any]) -> list[StudyView]:
        """See Given.views; the kept mask lies on the study asked about."""
        views = super().views(home, targets)
        return views if self.kept is None else [replace(views[0], mask=self.kept), *views[1:]]


class Waits(Exception):
    """A plan waits for the person; turn is its number in the conversation, why says what for."""

    def __init__(self, turn: int, why: str) -> None:
        super().__init__(why)
        self.turn, self.why = turn, why


class Talk(Conversation):
    """One question of a conversation. on_read hears how it was read, on_plan the plan; why_wait may hold it back."""

    def __init__(
        self,
        bench: Workbench,
        record: ConversationRecord,
        given: GivenHere,
        *,
        on_read: Callable[[Read], None],
        on_plan: Callable[[Plan], None],
        why_wait: Callable[[Plan], str | None],
    ) -> None:
        super().__init__(bench, record)
        before = self._given
        self._given = replace(
            given, facts=before.facts, at=given.at or before.at, series=given.series or before.series,
            points={**before.points, **given.points},
        )  # fmt: skip
        self._on_read, self._on_plan, self._why_wait = on_read, on_plan, why_wait

    @property
    def head(self) -> int | None:
        """The turn whose state holds now."""
        return Thread(tuple(self.turns)).head

    def _views(self, home: Home, exam: str | None) -> list[StudyView]:
        if exam is None or not isinstance(self._given, GivenHere):
            return super()._views(home, exam)
        # A mask is drawn on one exam, and says nothing of another.
        here, self._given = self._given, replace(self._given, kept=None)
        try:
            return super()._views(home, exam)
        finally:
            self._given = here

    def _read(
        self, home: Home, question: str, thread: Thread, views: Sequence[StudyView]
    ) -> tuple[Read, dict[str, Any] | None]:
        read, llm = super()._read(home, question, thread, views)
        self._on_read(read)
        return read, llm

    def _asked(
        self,
        home: Home,
        question: str,
        read: Read,
        llm: dict[str, Any] | None,
        thread: Thread,
        *,
        on_step: OnStep | None,
        approved: bool,
    ) -> AnswerResult:
        try:
            views = self._views(home, read.exam)
        except NoEarlier:
            return super()._asked(home, question, read, llm, thread, on_step=on_step, approved=approved)
        planned = self._bench.planned(question, read.proposal, views, self._given, llm=llm)
        self._on_plan(planned.plan)
        why = self._why_wait(planned.plan)
        result = None if why else self._bench.run_planned(planned, self._given, on_step=on_step, reviewed=False)
        turn = self._turn("ask", question, thread.head, read.proposal.goals, planned.plan, result, read.exam)
        kept = home.conversations.add(self.conversation_id, turn, [v.study_id for v in views])
        if result is None:
            raise Waits(kept.seq, why or "")
        return result
