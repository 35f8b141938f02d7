"""SessionStore: what the server owes a conversation: turns from when they are acknowledged, and events to replay."""

from __future__ import annotations

import json
import uuid
from typing import Any, Literal, TypeAlias

from pydantic import Field
from scanwright.memory import schema
from scanwright.memory.database import Database, utc_now
from scanwright.memory.records import Record
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import canonical_json
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

TurnStatus: TypeAlias = Literal["planning", "waiting", "running", "done", "failed", "stopped"]
UNFINISHED = ("planning", "running")

_turns = schema.session_turns
_events = schema.session_events
_NEXT_SEQ = select(func.coalesce(func.max(_events.c.seq), 0) + 1).where(_events.c.conversation_id == bindparam("of"))


class AskedTurn(Record):
    """A turn as the server owes it. request is what the client sent beside the question; number counts from 1.

    parent is the turn in whose state it was asked (None: the beginning). conversation_turn is its number in the
    conversation once it is kept there, before how many turns that had when it began; approved_plan says that a person
    let its plan run.
    """

    turn_id: str
    conversation_id: str
    number: int
    parent: str | None = None
    question: str
    request: dict[str, Any] = Field(default_factory=dict)
    reading: dict[str, Any] | None = None
    status: TurnStatus = "planning"
    plan: dict[str, Any] | None = None
    run_id: str | None = None
    answer: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    conversation_turn: int | None = None
    before: int | None = None
    approved_plan: bool = False
    utc: str = ""


class SessionEvent(Record):
    """One event of a session. seq counts from 1 within it."""

    conversation_id: str
    seq: int
    utc: str
    kind: str
    payload: dict[str, Any]


class SessionStore:
    """Turns and events of sessions; a session is a conversation. Everything is on disk before the call returns.

    What people wrote lies here too, so an erasure of a patient empties it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, conversation_id: str, question: str, request: dict[str, Any], parent: str | None) -> AskedTurn:
        """Keeps a turn that waits to be planned."""
        count = select(func.count()).where(_turns.c.conversation_id == conversation_id)
        with self._database.transaction() as connection:
            turn = AskedTurn(
                turn_id=f"t-{uuid.uuid4().hex[:12]}", conversation_id=conversation_id, parent=parent,
                number=connection.execute(count).scalar_one() + 1, question=question, request=request, utc=utc_now(),
            )  # fmt: skip
            connection.execute(insert(_turns), _row(turn))
        return turn

    def change(self, turn_id: str, **changes: Any) -> AskedTurn:
        """Keeps what became of a turn. Raises UserInputError where there is no such turn."""
        with self._database.transaction() as connection:
            turn = _one(connection, turn_id).model_copy(update=changes)
            connection.execute(update(_turns).where(_turns.c.turn_id == turn_id).values(_row(turn)))
        return turn

    def turn(self, turn_id: str) -> AskedTurn:
        """The turn of that id. Raises UserInputError."""
        with self._database.transaction() as connection:
            return _one(connection, turn_id)

    def turns(self, conversation_id: str) -> list[AskedTurn]:
        """All turns in the order in which they were asked."""
        return self._read(_turns.c.conversation_id == conversation_id)

    def of_run(self, run_id: str) -> AskedTurn | None:
        """The turn that a run answers."""
        return next(iter(self._read(_turns.c.run_id == run_id)), None)

    def unfinished(self) -> list[AskedTurn]:
        """What was acknowledged and is not answered (a server was killed), oldest first."""
        return self._read(_turns.c.status.in_(UNFINISHED))

    def say(self, conversation_id: str, kind: str, payload: dict[str, Any], *, synced: bool = True) -> SessionEvent:
        """Adds an event; synced as in Database.transaction."""
        with self._database.transaction(synced=synced) as connection:
            seq = connection.execute(_NEXT_SEQ, {"of": conversation_id}).scalar_one()
            row = {"conversation_id": conversation_id, "seq": seq, "utc": utc_now(), "kind": kind}
            connection.execute(insert(_events), row | {"payload": canonical_json(payload)})
        return SessionEvent.model_validate(row | {"payload": payload})

    def events(self, conversation_id: str, after: int = 0) -> list[SessionEvent]:
        """The events that follow seq `after`, in order."""
        query = select(_events).where(_events.c.conversation_id == conversation_id, _events.c.seq > after)
        with self._database.transaction() as connection:
            rows = connection.execute(query.order_by(_events.c.seq)).all()
        return [SessionEvent.model_validate(r._asdict() | {"payload": json.loads(r.payload)}) for r in rows]

    def _read(self, condition: Any) -> list[AskedTurn]:
        query = select(_turns).where(condition).order_by(_turns.c.utc, _turns.c.number)
        with self._database.transaction() as connection:
            return [_turn(row) for row in connection.execute(query).all()]


_KEPT = ("turn_id", "conversation_id", "number", "status", "run_id", "utc")


def _row(turn: AskedTurn) -> dict[str, Any]:
    data = turn.model_dump(mode="json")
    return {name: data.pop(name) for name in _KEPT} | {"data": canonical_json(data)}


def _turn(row: Row[Any]) -> AskedTurn:
    kept = row._asdict()
    return AskedTurn.model_validate({"question": "", **json.loads(kept.pop("data")), **kept})


def _one(connection: Connection, turn_id: str) -> AskedTurn:
    row = connection.execute(select(_turns).where(_turns.c.turn_id == turn_id)).first()
    if row is None:
        raise UserInputError(f"There is no turn {turn_id!r} in this session.")
    return _turn(row)
