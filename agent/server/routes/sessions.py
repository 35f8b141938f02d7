"""/api/v1/sessions: conversations, their turns and their events."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from scanwright.agent.plan.plan import Plan
from scanwright.agent.server.asking import Approval, NewSession, NewTurn, TheDesk
from scanwright.agent.server.desk import Desk, NotThere
from scanwright.agent.server.forms import SessionShort, SessionView, TurnView
from scanwright.agent.server.plan_edits import read_plan
from scanwright.agent.server.turns import position, readdressed, shown
from scanwright.memory.sessions import AskedTurn
from scanwright.tools.errors import UserInputError

router = APIRouter(prefix="/api/v1/sessions", tags=["sessions"])


@router.post("", status_code=201, response_model=SessionView)
def begin(body: NewSession, desk: TheDesk) -> dict[str, Any]:
    """Begins a conversation about studies, the earlier exam first."""
    studies = [desk.study(s).study_id for s in body.studies]
    desk.warm()
    return _session(desk, desk.home.conversations.begin(studies, {}).conversation_id)


@router.get("", response_model=list[SessionShort])
def sessions(desk: TheDesk) -> list[dict[str, Any]]:
    """The newest conversations, newest first."""
    found = []
    for record in desk.home.conversations.list(100):
        turns = desk.home.sessions.turns(record.conversation_id)
        found.append(
            {"session_id": record.conversation_id, "studies": list(record.study_ids), "created_utc": record.created_utc,
             "turns": len(turns), "question": turns[0].question if turns else None}
        )  # fmt: skip
    return found


@router.get("/{session_id}", response_model=SessionView)
def session(session_id: str, desk: TheDesk) -> dict[str, Any]:
    """A conversation with all its turns."""
    desk.session(session_id)
    return _session(desk, session_id)


@router.post("/{session_id}/turns", status_code=202, response_model=TurnView)
def ask(session_id: str, body: NewTurn, desk: TheDesk) -> dict[str, Any]:
    """Acknowledges a question; what becomes of it is told by the events, and in the session."""
    desk.session(session_id)
    if not body.question.strip():
        raise UserInputError("The question is empty: ask something.")
    request = body.model_dump(mode="json", exclude={"question"}, exclude_defaults=True)
    desk.turns.given(request)
    return shown(desk.turns.ask(session_id, body.question.strip(), request))


@router.post("/{session_id}/turns/{turn_id}/approve", response_model=TurnView)
def approve(session_id: str, turn_id: str, body: Approval, desk: TheDesk) -> dict[str, Any]:
    """Lets the plan run that waits, or the one that the person made of it."""
    turn = _turn(desk, session_id, turn_id)
    plan: Plan | None = None if body.plan is None else read_plan(body.plan)
    return shown(desk.turns.approve(turn, plan))


@router.post("/{session_id}/turns/{turn_id}/reject", response_model=TurnView)
def reject(session_id: str, turn_id: str, desk: TheDesk) -> dict[str, Any]:
    """Ends a turn whose plan waits; nothing was run."""
    return shown(desk.turns.reject(_turn(desk, session_id, turn_id)))


@router.post("/{session_id}/turns/{turn_id}/stop", response_model=TurnView)
def stop(session_id: str, turn_id: str, desk: TheDesk) -> dict[str, Any]:
    """Stops a turn; what was finished is kept."""
    return shown(desk.turns.stop(_turn(desk, session_id, turn_id)))


@router.post("/{session_id}/undo", status_code=202, response_model=TurnView)
def undo(session_id: str, desk: TheDesk) -> dict[str, Any]:
    """Takes back the last question, as a turn of its own."""
    desk.session(session_id)
    return shown(desk.turns.ask(session_id, "undo", {}))


@router.post("/{session_id}/redo", status_code=202, response_model=TurnView)
def redo(session_id: str, desk: TheDesk) -> dict[str, Any]:
    """Takes back an undo, as a turn of its own."""
    desk.session(session_id)
    return shown(desk.turns.ask(session_id, "redo", {}))


@router.post("/{session_id}/fork/{turn_id}", status_code=202, response_model=TurnView)
def fork(session_id: str, turn_id: str, desk: TheDesk) -> dict[str, Any]:
    """Goes on from an earlier turn; what came after it stays as a branch."""
    number = _turn(desk, session_id, turn_id).conversation_turn
    if number is None:
        raise UserInputError("That turn is not over yet, so nothing goes on from it.")
    return shown(desk.turns.ask(session_id, f"go back to turn {number}", {}))


@router.get("/{session_id}/events", response_class=StreamingResponse)
async def events(session_id: str, request: Request, desk: TheDesk, after: int = 0) -> StreamingResponse:
    """Server-sent events from the one that follows Last-Event-ID, or after."""
    desk.session(session_id)
    last = request.headers.get("last-event-id", "")
    if last.isascii() and last.isdigit() and len(last) < 16:
        after = int(last)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(desk.feed.listen(session_id, max(0, after)), 200, headers, "text/event-stream")


def _session(desk: Desk, session_id: str) -> dict[str, Any]:
    record = desk.home.conversations.get(session_id)
    turns = [shown(t) | _corrected(desk, t) for t in desk.home.sessions.turns(session_id)]
    return {
        "session_id": session_id, "studies": list(record.study_ids), "created_utc": record.created_utc, "turns": turns,
        **position(desk.home, session_id),
    }  # fmt: skip


def _corrected(desk: Desk, turn: AskedTurn) -> dict[str, Any]:
    """The newest run that corrections of a turn's masks led to, so that a page that is opened anew shows its answer."""
    asks = turn.run_id is not None and (turn.reading or {}).get("reading") == "ask"
    made = desk.home.corrections.of_root(turn.run_id) if asks and turn.run_id else []
    if not made:
        return {}
    answer = desk.home.runs.get(made[-1].child_run).answer
    known = None if answer is None else readdressed(answer)
    return {"corrected_run": made[-1].child_run, "corrected_answer": known}


def _turn(desk: Desk, session_id: str, turn_id: str) -> AskedTurn:
    desk.session(session_id)
    found = next((t for t in desk.home.sessions.turns(session_id) if t.turn_id == turn_id), None)
    if found is None:
        raise NotThere(f"There is no turn {turn_id[:32]!r} in this session.")
    return found
