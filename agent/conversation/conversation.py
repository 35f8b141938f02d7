"""Conversation: questions that go on from one another, on the same studies; every turn is kept before it is told.

    read → (ask) plan, run → turn kept → answer
           (why, how_sure) draft from provenance → verified → turn kept → answer
           (undo, redo, fork) turn kept → the answer that holds now
"""  # fmt: skip

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanwright.agent.answer.result import AnswerResult, PlanSummary, Refusal
from scanwright.agent.answer.writer import goal_words
from scanwright.agent.conversation.exams import NoEarlier, on_exam
from scanwright.agent.conversation.explain import Explained, Explainer
from scanwright.agent.conversation.kept import given_from_kept, kept_answer, kept_given, with_masks
from scanwright.agent.conversation.reader import NAME, FollowUpReader, Model, Read
from scanwright.agent.conversation.thread import Thread, goals_of
from scanwright.agent.given import Given
from scanwright.agent.plan.approval import needs_approval
from scanwright.agent.plan.plan import Plan
from scanwright.agent.planner.base import Proposal
from scanwright.agent.workbench import Planned
from scanwright.memory.conversations import ConversationRecord, Turn
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import Cancelled, NeedsInput, UserInputError

if TYPE_CHECKING:
    from scanwright.agent.llm.ledger import Ledger
    from scanwright.agent.plan.studies import StudyView
    from scanwright.agent.run.executor import OnStep
    from scanwright.agent.workbench import Workbench
    from scanwright.memory.home import Home

_NOTHING = "Nothing was asked before, so there is nothing to {}."
_NOT_A_RUN = "The last question was not run, so there is no answer to explain."


class Conversation:
    """Questions on the same studies. `Conversation.begin` starts one, `Conversation.open` goes on with a kept one.

    conversation_id is what `open` takes after a restart.
    """

    def __init__(self, bench: Workbench, record: ConversationRecord, patient: str | None = None) -> None:
        """patient is what joined studies of one person; it is not kept, and must not leave."""
        self._bench = bench
        self.conversation_id = record.conversation_id
        self.study_ids = record.study_ids
        self._given, self._masks = given_from_kept(record.given, patient)

    @classmethod
    def begin(
        cls,
        studies: str | Path | Sequence[str | Path],
        given: Given | None = None,
        *,
        home: Path | str | None = None,
        bench: Workbench | None = None,
    ) -> Conversation:
        """Begins a conversation about studies, the earlier exam first. home as in `ask`; bench in its place.

        Raises UserInputError or NeedsInput where a study cannot be read.
        """
        targets = [studies] if isinstance(studies, str | Path) else list(studies)
        given = given or Given()
        bench = bench or _shared(home)
        with bench.open_home() as opened:
            views = given.views(opened, targets)
            ids = [v.study_id for v in (*views[1:], views[0])]
            record = opened.conversations.begin(ids, kept_given(opened, given, views))
        return cls(bench, record, given.patient)

    @classmethod
    def open(
        cls, conversation: str = "last", *, home: Path | str | None = None, bench: Workbench | None = None
    ) -> Conversation:
        """Goes on with a conversation: its id, the beginning of it, or the "last". Raises UserInputError."""
        bench = bench or _shared(home)
        with bench.open_home() as opened:
            record = opened.conversations.get(conversation)
            for study in record.study_ids:
                opened.studies.get(study)
        return cls(bench, record)

    @property
    def turns(self) -> list[Turn]:
        """Every turn, in the order in which it was asked."""
        with self._bench.open_home() as home:
            return home.conversations.turns(self.conversation_id)

    @property
    def branches(self) -> list[list[Turn]]:
        """The turns that asked, branch by branch; the branch that holds now is the last."""
        return Thread(tuple(self.turns)).branches

    def ask(self, question: str, *, on_step: OnStep | None = None, approved: bool = False) -> AnswerResult:
        """Answers a question, a follow-up, or one about the last answer ("why?", "how sure are you?", "undo that").

        A plan that exports, deletes, reaches out or would take long runs only when approved; what was asked is kept,
        and `take_up` runs it. Raises NeedsInput for that, and UserInputError as `ask` does.
        """
        with self._bench.open_home() as home:
            thread = Thread(tuple(home.conversations.turns(self.conversation_id)))
            views = self._views(home, None)
            read, llm = self._read(home, question, thread, views)
            if read.reading == "ask":
                return self._asked(home, question, read, llm, thread, on_step=on_step, approved=approved)
            if read.reading in ("why", "how_sure"):
                return self._explained(home, question, read, thread)
            return self._moved(home, question, read, thread)

    def undo(self) -> AnswerResult:
        """Takes back the last question; the answer before it is given again."""
        return self.ask("undo")

    def redo(self) -> AnswerResult:
        """Takes back an undo."""
        return self.ask("redo")

    def fork(self, turn: int) -> AnswerResult:
        """Goes on from an earlier turn; what came after it stays as a branch. Raises UserInputError."""
        return self.ask(f"go back to turn {turn}")

    def plan_of(self, turn: int) -> Plan:
        """The plan of a turn, to look at or to edit. Raises UserInputError where it has none."""
        kept = Thread(tuple(self.turns)).turn(turn).plan
        if kept is None:
            raise UserInputError(f"Turn {turn} has no plan: only a turn that asked about the study has one.")
        return Plan.model_validate(kept)

    def take_up(
        self, turn: int, plan: Plan | None = None, *, on_step: OnStep | None = None, approved: bool = False
    ) -> AnswerResult:
        """Runs the plan of an earlier turn, or an edited one in its place, as a new turn that goes on from it."""
        plan = plan or self.plan_of(turn)
        with self._bench.open_home() as home:
            origin = Thread(tuple(home.conversations.turns(self.conversation_id))).turn(turn)
            views = self._views(home, origin.exam)
            checked = self._bench.checked(plan, views)
            if not approved:
                needs_approval(checked, self._bench.registry, self._bench.settings.agent.approve_over_s)
            planned = Planned(checked, (), tuple(views))
            result = self._bench.run_planned(planned, self._given, on_step=on_step, reviewed=approved)
            goals = tuple(g.goal for g in checked.goals)
            kept = self._turn("ask", origin.question, origin.seq, goals, checked, result, origin.exam)
            home.conversations.add(self.conversation_id, kept, [v.study_id for v in views])
        return result

    def _views(self, home: Home, exam: str | None) -> list[StudyView]:
        """The studies that a turn is about, with what was given. Raises NoEarlier."""
        targets, given = on_exam(home, self.study_ids, self._given, exam)
        return with_masks(home, given.views(home, targets), self._masks)

    def _read(
        self, home: Home, question: str, thread: Thread, views: Sequence[StudyView]
    ) -> tuple[Read, dict[str, Any] | None]:
        from scanwright.agent.llm.ledger import Ledger

        ledger = Ledger()
        offline = self._bench.offline_planner(home)
        planner = self._bench.planner(home, views, patient=self._given.patient, ledger=ledger)
        reader = FollowUpReader(offline, planner, self._bench.registry, self._model(home, views, ledger))
        try:
            read = reader.read(question, thread.past(self._refused(home, thread)), views)
        except Cancelled:
            # Heard: the next question is not stopped by it.
            self._bench.cancelled.clear()
            raise
        return read, ledger.summary() if ledger.calls else None

    def _refused(self, home: Home, thread: Thread) -> set[int]:
        """The turns of the branch of which nothing was answered."""
        found = set()
        for turn in thread.branch(thread.head):
            result = kept_answer(home, turn)
            if result is not None and result.status in ("refused", "needs_input"):
                found.add(turn.seq)
        return found

    def _model(self, home: Home, views: Sequence[StudyView], ledger: Ledger) -> Model | None:
        """A language model for follow-ups that the rules do not complete, where the settings name one."""
        llm = self._bench.settings.llm
        if llm.endpoint is None or llm.planner == "offline":
            return None

        def read(question: str, before: Sequence[Goal]) -> Proposal | None:
            planner = self._bench.model_planner(home, views, patient=self._given.patient, ledger=ledger)
            return None if planner is None else planner.propose(question, views, before)

        return read

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
        except NoEarlier as none:
            result = _said(question, str(none), status="needs_input", missing=("earlier exam",))
            turn = self._turn("ask", question, thread.head, read.proposal.goals, None, result, read.exam)
            home.conversations.add(self.conversation_id, turn)
            return result
        targets = [v.study_id for v in views]
        planned = self._bench.planned(question, read.proposal, views, self._given, llm=llm)
        goals = read.proposal.goals
        if not approved:
            try:
                needs_approval(planned.plan, self._bench.registry, self._bench.settings.agent.approve_over_s)
            except NeedsInput:
                turn = self._turn("ask", question, thread.head, goals, planned.plan, None, read.exam)
                home.conversations.add(self.conversation_id, turn, targets)
                raise
        result = self._bench.run_planned(planned, self._given, on_step=on_step, reviewed=approved)
        turn = self._turn("ask", question, thread.head, goals, planned.plan, result, read.exam)
        home.conversations.add(self.conversation_id, turn, targets)
        return result

    def _explained(self, home: Home, question: str, read: Read, thread: Thread) -> AnswerResult:
        """Why, and how sure: from what the last answer rests on, by code."""
        said = read.said.about if read.said is not None else ""
        if thread.head is None:
            what = "explain" if read.reading == "why" else "be sure of"
            result = _said(question, _NOTHING.format(what), status="needs_input")
        else:
            asked = thread.turn(thread.head)
            last = kept_answer(home, asked)
            if last is None:
                result = _said(question, _NOT_A_RUN, status="needs_input")
            else:
                plan = Plan() if asked.plan is None else Plan.model_validate(asked.plan)
                explainer = Explainer(self._bench.registry, self._modality(home, asked))
                result = _explanation(question, last, explainer.explain(read.reading, said, last, plan))
        turn = self._turn(read.reading, question, thread.head, (), None, None, None)
        kept = turn.model_copy(update={"head": thread.head, "answer": result.model_dump(mode="json")})
        home.conversations.add(self.conversation_id, kept)
        return result

    def _moved(self, home: Home, question: str, read: Read, thread: Thread) -> AnswerResult:
        """Undo, redo, fork: another state holds, and its answer is given again."""
        head: int | None
        if read.reading == "undo":
            if thread.head is None:
                return self._stays(home, question, read, thread, _NOTHING.format("undo"))
            head = thread.turn(thread.head).parent
        elif read.reading == "redo":
            if not thread.undone:
                return self._stays(home, question, read, thread, "Nothing was undone, so there is nothing to redo.")
            head = thread.undone[-1]
        else:
            number = (read.said.turn if read.said is not None else None) or 0
            if not 1 <= number <= len(thread.turns) or thread.turn(number).reading != "ask":
                asked = ", ".join(str(t.seq) for t in thread.turns if t.reading == "ask") or "none yet"
                sentence = f"There is no turn {number} to go back to: the turns that asked something are {asked}."
                return self._stays(home, question, read, thread, sentence)
            head = number
        turn = self._turn(read.reading, question, thread.head, (), None, None, None)
        home.conversations.add(self.conversation_id, turn.model_copy(update={"head": head}))
        if head is None:
            return _said(question, "Back at the beginning: nothing is asked yet.")
        held = thread.turn(head)
        result = kept_answer(home, held)
        if result is None:
            return _said(question, f"Back to: {_about(held)}.")
        told = f"Back to: {_about(held)}.\n{result.answer}"
        return result.model_copy(update={"question": question, "answer": told})

    def _stays(self, home: Home, question: str, read: Read, thread: Thread, sentence: str) -> AnswerResult:
        """Says why nothing changes; kept, and the state stays."""
        result = _said(question, sentence, status="needs_input")
        turn = self._turn("why", question, thread.head, (), None, None, None)
        kept = turn.model_copy(update={"head": thread.head, "answer": result.model_dump(mode="json")})
        home.conversations.add(self.conversation_id, kept)
        return result

    def _turn(
        self,
        reading: Any,
        question: str,
        parent: int | None,
        goals: Sequence[Goal],
        plan: Plan | None,
        result: AnswerResult | None,
        exam: Any,
    ) -> Turn:
        """The turn as it is kept; an answer that a run keeps is not kept twice."""
        run = None if result is None else result.run_id
        alone = result is not None and run is None
        return Turn(
            seq=0,
            parent=parent,
            head=None,
            reading=reading,
            question=question,
            goals=tuple(g.model_dump(mode="json", exclude_defaults=True) for g in goals),
            exam=exam,
            plan=None if plan is None else plan.model_dump(mode="json"),
            plan_key=None if plan is None else plan.key,
            run_id=run,
            answer=result.model_dump(mode="json") if alone and result is not None else None,
        )

    def _modality(self, home: Home, turn: Turn) -> str | None:
        return self._views(home, turn.exam)[0].image(self._given.series).image.modality


def _about(turn: Turn) -> str:
    """What a turn asked, in words."""
    return "; ".join(dict.fromkeys(goal_words(g) for g in goals_of(turn))) or turn.question.rstrip(".")


def _said(
    question: str, text: str, *, status: Any = "answered", missing: tuple[str, ...] = (), offers: tuple[str, ...] = ()
) -> AnswerResult:
    """An answer about the conversation itself: nothing was measured."""
    refusal = None if status == "answered" else Refusal(reason=text, missing=missing, offers=offers)
    return AnswerResult(
        run_id=None, question=question, status=status, answer=text, refusal=refusal, plan=PlanSummary(planner=NAME)
    )


def _explanation(question: str, last: AnswerResult, said: Explained) -> AnswerResult:
    """The explanation as an answer on the evidence that it explains."""
    return AnswerResult(
        run_id=last.run_id,
        question=question,
        status="answered",
        answer=said.text,
        plan=last.plan,
        evidence=said.evidence,
    )


def _shared(home: Path | str | None) -> Workbench:
    from scanwright.agent.asking import _bench

    return _bench(home)
