"""Turns: a question of a session is planned, waits for approval where it must, runs, and is answered."""

from __future__ import annotations

import logging
import time
from typing import Any

from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.conversation.kept import kept_answer
from scanwright.agent.conversation.reader import Read
from scanwright.agent.conversation.thread import Thread
from scanwright.agent.plan import sense
from scanwright.agent.plan.approval import needs_approval
from scanwright.agent.plan.plan import Plan
from scanwright.agent.plan.trim import settle
from scanwright.agent.run.executor import OnStep, StepReport
from scanwright.agent.server.feed import Feed
from scanwright.agent.server.lane import Lane
from scanwright.agent.server.talk import GivenHere, Talk, Waits
from scanwright.agent.workbench import Workbench
from scanwright.memory.home import Home
from scanwright.memory.sessions import AskedTurn
from scanwright.tools.artifacts import Mask
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.errors import Cancelled, NeedsInput, ScanwrightError, UserInputError

log = logging.getLogger("scanwright.server")
TELL_EVERY_S = 0.2


class Turns:
    """Does turns one after the other; all that is told of them is kept first."""

    def __init__(self, bench: Workbench, home: Home, feed: Feed, lane: Lane) -> None:
        self._bench, self._home, self._feed, self._lane = bench, home, feed, lane

    def ask(self, session: str, question: str, request: dict[str, Any]) -> AskedTurn:
        """Acknowledges a question, kept, and has it planned when its turn comes."""
        parent = position(self._home, session)["head"]
        turn = self._home.sessions.ask(session, question, request, parent)
        self._say(turn, "turn.started", {"turn": shown(turn)})
        self.take_up(turn)
        return turn

    def take_up(self, turn: AskedTurn) -> None:
        """Has a turn done, from its plan where a person approved one."""
        # What ran without having waited is read again: its plan is the same, and its run is gone on with.
        work = self._run_approved if turn.approved_plan else self._plan_and_run
        self._lane.add(turn.turn_id, lambda: self._guarded(turn, work), self._place_of(turn))

    def approve(self, turn: AskedTurn, plan: Plan | None) -> AskedTurn:
        """Has the plan that waits run, or the one that the person made of it. Raises UserInputError where none."""
        if turn.status != "waiting":
            raise UserInputError("No plan of this turn waits for approval: it runs, or it is over.")
        chosen = Plan.model_validate(turn.plan) if plan is None else self._checked(turn, plan)
        turn = self._home.sessions.change(
            turn.turn_id, status="running", plan=chosen.model_dump(mode="json"), approved_plan=True
        )
        self._say(turn, "plan.approved", {"plan": turn.plan})
        self.take_up(turn)
        return turn

    def reject(self, turn: AskedTurn) -> AskedTurn:
        """Ends a turn whose plan waits; nothing was run. Raises UserInputError where none waits."""
        if turn.status != "waiting":
            raise UserInputError("No plan of this turn waits for approval: it runs, or it is over.")
        return self._stopped(turn)

    def stop(self, turn: AskedTurn) -> AskedTurn:
        """Stops a turn, wherever it is; what was finished is kept. A turn that is over stays as it is."""
        if turn.status == "waiting":
            return self._stopped(turn)
        if turn.status in ("planning", "running") and self._lane.stop(turn.turn_id) == "waiting":
            # It never begins, so nobody else says that it was stopped.
            return self._stopped(turn)
        return self._home.sessions.turn(turn.turn_id)

    def run_child(self, child: str) -> None:
        """Has the run that a correction began run, and tells its session."""
        root = self._home.corrections.root_of(child)
        turn = self._home.sessions.of_run(root)

        def work() -> AnswerResult | None:
            session = None if turn is None else turn.conversation_id
            try:
                result = self._bench.resume(child, on_step=self._teller(session, {"run": child}))
            except ScanwrightError as error:
                if session is not None and not self._lane.closing:
                    self._feed.say(session, "turn.failed", {"run": child, "error": str(error)})
                return None
            if session is not None:
                told = {"turn_id": turn.turn_id if turn else None, "run": child, "corrects": root}
                self._feed.say(session, "answer", told | {"answer": published(result)})
            return result

        self._lane.add(child, work)

    def given(self, request: dict[str, Any]) -> GivenHere:
        """What came with a question. Raises UserInputError where its mask is none."""
        mask = None
        if request.get("mask"):
            found = self._home.runs.artifact(str(request["mask"]))
            if not isinstance(found, Mask):
                raise UserInputError("The mask of this question is not kept here: draw or send it again.")
            mask = found
        at = None if request.get("at") is None else Point.model_validate(request["at"])
        points = {k: Points.model_validate({"points": v}) for k, v in (request.get("points") or {}).items() if v}
        return GivenHere(at=at, series=request.get("series"), points=points, kept=mask)

    def _plan_and_run(self, turn: AskedTurn) -> None:
        adopted = self._adopted(turn)
        if adopted is not None:
            self._answered(turn, adopted)
            return
        talk = self._talk(turn)
        turn = self._home.sessions.change(turn.turn_id, before=len(talk.turns))
        try:
            result = talk.ask(turn.question, on_step=self._teller(turn.conversation_id, {"turn_id": turn.turn_id}))
        except Waits as waits:
            turn = self._home.sessions.change(turn.turn_id, status="waiting", conversation_turn=waits.turn)
            self._say(turn, "plan.waits", {"why": waits.why, "plan": turn.plan})
            return
        self._answered(turn, result)

    def _run_approved(self, turn: AskedTurn) -> None:
        adopted = self._adopted(turn)
        if adopted is not None:
            self._answered(turn, adopted)
            return
        talk = self._talk(turn)
        turn = self._home.sessions.change(turn.turn_id, before=len(talk.turns))
        on_step = self._teller(turn.conversation_id, {"turn_id": turn.turn_id})
        plan = Plan.model_validate(turn.plan)
        self._answered(turn, talk.take_up(turn.conversation_turn or 0, plan, on_step=on_step, approved=True))

    def _adopted(self, turn: AskedTurn) -> AnswerResult | None:
        """The answer that a server which was killed had kept already and not told: it is not asked twice."""
        kept = self._home.conversations.turns(turn.conversation_id)
        if turn.before is None or len(kept) <= turn.before:
            return None
        return kept_answer(self._home, kept[turn.before])

    def _answered(self, turn: AskedTurn, result: AnswerResult) -> None:
        answer = published(result)
        number = (turn.before or 0) + 1
        turn = self._home.sessions.change(
            turn.turn_id, status="done", run_id=result.run_id, answer=answer, conversation_turn=number
        )
        self._say(turn, "answer", {"run": result.run_id, "answer": answer})
        if (turn.reading or {}).get("reading") in ("undo", "redo", "fork"):
            self._say(turn, "session.changed", position(self._home, turn.conversation_id))

    def _talk(self, turn: AskedTurn) -> Talk:
        def on_read(read: Read) -> None:
            goals = () if read.proposal is None else read.proposal.goals
            known: dict[str, Any] = {"reading": read.reading, "exam": read.exam}
            known["goals"] = [g.model_dump(mode="json", exclude_defaults=True) for g in goals]
            self._home.sessions.change(turn.turn_id, reading=known)
            self._say(turn, "turn.read", known)

        def on_plan(plan: Plan) -> None:
            data = plan.model_dump(mode="json")
            self._home.sessions.change(turn.turn_id, plan=data, status="running")
            self._say(turn, "plan.made", {"plan": data})

        record = self._home.conversations.get(turn.conversation_id)
        return Talk(
            self._bench, record, self.given(turn.request), on_read=on_read, on_plan=on_plan,
            why_wait=lambda plan: self._why_it_waits(turn, plan),
        )  # fmt: skip

    def _why_it_waits(self, turn: AskedTurn, plan: Plan) -> str | None:
        if turn.request.get("review") and plan.steps:
            return "You asked to see the plan before it runs."
        if turn.request.get("approved"):
            return None
        try:
            needs_approval(plan, self._bench.registry, self._bench.settings.agent.approve_over_s)
        except NeedsInput as error:
            # What the command line adds about its options is nothing for a page.
            return str(error).split(": approve it", 1)[0] + "."
        return None

    def _checked(self, turn: AskedTurn, plan: Plan) -> Plan:
        given = self.given(turn.request)
        views = given.views(self._home, self._studies(turn))
        plan = plan.model_copy(update={"question": turn.question})
        return settle(plan, sense.check(plan, views, self._bench.registry))

    def _studies(self, turn: AskedTurn) -> list[str]:
        return list(self._home.conversations.get(turn.conversation_id).study_ids)

    def _guarded(self, turn: AskedTurn, work: Any) -> None:
        try:
            # It may have been stopped while it waited.
            now = self._home.sessions.turn(turn.turn_id)
            if now.status in ("planning", "running"):
                work(now)
        except Cancelled:
            # A server that closes takes it up again when it is back.
            if not self._lane.closing:
                self._stopped(turn)
        except ScanwrightError as error:
            missing = list(getattr(error, "missing", ())), list(getattr(error, "offers", ()))
            self._failed(turn, {"error": str(error), "missing": missing[0], "offers": missing[1]})
        except Exception:
            log.exception("a turn failed", extra={"turn": turn.turn_id})
            self._failed(
                turn,
                {"error": "Something went wrong inside Scanwright; its log says what.", "missing": [], "offers": []},
            )

    def _stopped(self, turn: AskedTurn) -> AskedTurn:
        turn = self._home.sessions.change(turn.turn_id, status="stopped")
        self._say(turn, "turn.stopped", {})
        return turn

    def _failed(self, turn: AskedTurn, error: dict[str, Any]) -> None:
        turn = self._home.sessions.change(turn.turn_id, status="failed", error=error)
        self._say(turn, "turn.failed", error)

    def _place_of(self, turn: AskedTurn) -> Any:
        said = {"turn_id": turn.turn_id}
        return lambda place: self._feed.murmur(turn.conversation_id, "turn.queued", said | {"place": place})

    def _say(self, turn: AskedTurn, kind: str, payload: dict[str, Any]) -> None:
        self._feed.say(turn.conversation_id, kind, {"turn_id": turn.turn_id, **payload})

    def _teller(self, session: str | None, about: dict[str, Any]) -> OnStep | None:
        """Tells a session of its steps; progress at most a few times a second and not kept."""
        if session is None:
            return None
        last: dict[str, float] = {}

        def tell(report: StepReport, fraction: float, doing: str) -> None:
            step = {**about, "step": report.step.id, "tool": report.step.tool}
            if report.status == "running" and (doing or fraction > 0):
                if time.monotonic() - last.get(report.step.id, 0.0) >= TELL_EVERY_S:
                    last[report.step.id] = time.monotonic()
                    self._feed.murmur(session, "step.progress", {**step, "fraction": fraction, "text": doing})
            elif report.status == "running":
                self._feed.say(session, "step.started", step, synced=False)
            elif report.status == "finished":
                made = report.artifact
                done = {
                    "artifact": None if made is None else made.hash, "kind": None if made is None else made.type.kind,
                    "seconds": round(report.seconds, 3), "cached": report.cached,
                    "provided": report.step.provided is not None,
                }  # fmt: skip
                self._feed.say(session, "step.finished", step | done, synced=False)
            elif report.status == "failed":
                self._feed.say(session, "step.failed", {**step, "error": report.error}, synced=False)

        return tell


def position(home: Home, session: str) -> dict[str, Any]:
    """Where a conversation stands: the turn whose state holds, and whether it can be taken back, or had again."""
    thread = Thread(tuple(home.conversations.turns(session)))
    by_number = {t.conversation_turn: t.turn_id for t in home.sessions.turns(session) if t.conversation_turn}
    head = None if thread.head is None else by_number.get(thread.head)
    return {"head": head, "can_undo": thread.head is not None, "can_redo": bool(thread.undone)}


def shown(turn: AskedTurn) -> dict[str, Any]:
    """A turn as the API tells it."""
    data = turn.model_dump(mode="json", exclude={"conversation_id", "before", "approved_plan"})
    return {"session_id": turn.conversation_id, **data}


def published(result: AnswerResult) -> dict[str, Any]:
    """An answer as the API gives it: what had a path on this machine has an address of the API instead."""
    data = result.model_dump(mode="json")
    return readdressed(data)


def readdressed(answer: dict[str, Any]) -> dict[str, Any]:
    """A kept answer with addresses of the API for the paths in it."""
    ends = {"Figure": "picture.png", "Mask": "mask.nii.gz"}
    evidence, text = [], str(answer.get("answer", ""))
    for item in answer.get("evidence", ()):
        path, kept = item.get("artifact"), item.get("artifact_hash")
        address = f"/api/v1/artifacts/{kept}/{ends.get(item['kind'], 'file')}" if path and kept else None
        evidence.append(item | {"artifact": address})
        if path:
            text = text.replace(str(path), address or item["name"])
    return {**answer, "answer": text, "evidence": evidence}
