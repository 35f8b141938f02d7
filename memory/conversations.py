"""ConversationStore: conversations and their append-only turns."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from pydantic import Field
from scanwright.memory import schema
from scanwright.memory.database import Database, utc_now
from scanwright.memory.lookup import the_one
from scanwright.memory.records import Record
from scanwright.tools.hashing import canonical_json
from sqlalchemy import Connection, Row, and_, func, insert, select

Reading: TypeAlias = Literal["ask", "why", "how_sure", "undo", "redo", "fork"]

_conversations = schema.conversations
_turns = schema.turns
_texts = schema.turn_texts
_WITH_TEXT = and_(_texts.c.conversation_id == _turns.c.conversation_id, _texts.c.seq == _turns.c.seq)


class Turn(Record):
    """One turn. seq counts from 1 within the conversation.

    parent is the turn in whose state it was asked, head the one whose state holds after it; None is the beginning.
    goals, plan and answer are JSON values; exam "previous" says that the goals are of the exam before.
    """

    seq: int
    parent: int | None
    head: int | None
    reading: Reading
    question: str
    goals: tuple[dict[str, Any], ...] = ()
    exam: Literal["previous"] | None = None
    plan: dict[str, Any] | None = None
    plan_key: str | None = None
    run_id: str | None = None
    answer: dict[str, Any] | None = None
    utc: str = ""


class ConversationRecord(Record):
    """A conversation about studies, the earlier exam first; given is what the person gave beside the questions."""

    conversation_id: str
    study_ids: tuple[str, ...]
    given: dict[str, Any] = Field(default_factory=dict)
    created_utc: str
    turns: int = 0


class ConversationStore:
    """Conversations. Every turn is on disk before the call returns.

    The log of turns never changes; what people wrote, and what they were told, lies beside it, where an erasure of one
    of the studies' patients empties it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, study_ids: Sequence[str], given: dict[str, Any]) -> ConversationRecord:
        """Begins a conversation about studies."""
        row = {
            "conversation_id": f"c-{uuid.uuid4().hex[:12]}",
            "study_ids": canonical_json(list(study_ids)),
            "given": canonical_json(given),
            "created_utc": utc_now(),
        }
        with self._database.transaction() as connection:
            connection.execute(insert(_conversations), row)
            self._relate(connection, row["conversation_id"], study_ids)
        return self.get(row["conversation_id"])

    def add(self, conversation_id: str, turn: Turn, study_ids: Sequence[str] = ()) -> Turn:
        """Adds a turn; its seq and time are given here. study_ids are the studies that it was about.

        Raises IntegrityError of the database where there is no such conversation.
        """
        highest = select(func.coalesce(func.max(_turns.c.seq), 0)).where(_turns.c.conversation_id == conversation_id)
        with self._database.transaction() as connection:
            seq = connection.execute(highest).scalar_one() + 1
            kept = turn.model_copy(update={"seq": seq, "utc": utc_now()})
            if kept.reading == "ask":
                kept = kept.model_copy(update={"head": seq})
            log = ("parent", "head", "reading", "exam", "plan_key", "run_id", "utc")
            row = {"conversation_id": conversation_id, "seq": seq}
            connection.execute(insert(_turns), row | {name: getattr(kept, name) for name in log})
            text = {
                "question": kept.question,
                "goals": canonical_json(list(kept.goals)),
                "plan": None if kept.plan is None else canonical_json(kept.plan),
                "answer": None if kept.answer is None else canonical_json(kept.answer),
            }
            connection.execute(insert(_texts), row | text)
            self._relate(connection, conversation_id, study_ids)
        return kept

    def get(self, key: str) -> ConversationRecord:
        """By id, by the beginning of an id, or the "last". Raises UserInputError, naming near ones."""
        with self._database.transaction() as connection:
            found = _found(connection, key)
            return next(_read(connection, _conversations.c.conversation_id == found))

    def turns(self, conversation_id: str) -> list[Turn]:
        """All turns, in the order in which they were asked."""
        query = (
            select(_turns, _texts.c.question, _texts.c.goals, _texts.c.plan, _texts.c.answer)
            .join(_texts, _WITH_TEXT)
            .where(_turns.c.conversation_id == conversation_id)
            .order_by(_turns.c.seq)
        )
        with self._database.transaction() as connection:
            return [_turn(row) for row in connection.execute(query).all()]

    def list(self, limit: int = 20) -> list[ConversationRecord]:
        """The newest conversations, newest first."""
        with self._database.transaction() as connection:
            return list(_read(connection, limit=limit))

    def _relate(self, connection: Connection, conversation_id: str, study_ids: Sequence[str]) -> None:
        table = schema.conversation_studies
        known = select(table.c.study_id).where(table.c.conversation_id == conversation_id)
        have = set(connection.execute(known).scalars().all())
        for study_id in dict.fromkeys(s for s in study_ids if s not in have):
            connection.execute(insert(table), {"conversation_id": conversation_id, "study_id": study_id})


def _read(connection: Connection, *conditions: Any, limit: int = 1) -> Iterator[ConversationRecord]:
    count = select(func.count()).where(_turns.c.conversation_id == _conversations.c.conversation_id)
    query = select(_conversations, count.scalar_subquery().label("turns")).where(*conditions)
    for row in connection.execute(query.order_by(_conversations.c.created_utc.desc()).limit(limit)).all():
        data = row._asdict()
        yield ConversationRecord.model_validate(
            data | {name: json.loads(data[name]) for name in ("study_ids", "given")}
        )


def _found(connection: Connection, key: str) -> str:
    column = _conversations.c.conversation_id
    newest = select(column).order_by(_conversations.c.created_utc.desc())
    known = connection.execute(newest.limit(200)).scalars().all()
    if key == "last":
        fits = known[:1]
    else:
        exact = connection.execute(newest.where(column == key)).scalars().all()
        begin = newest.where(column.startswith(key, autoescape=True)).limit(9)
        fits = exact or (connection.execute(begin).scalars().all() if key else [])
    return the_one(key, "conversation", fits, known, "`scanwright chat --list` lists them.")


def _turn(row: Row[Any]) -> Turn:
    data = row._asdict()
    del data["conversation_id"]
    for name in ("goals", "plan", "answer"):
        data[name] = None if data[name] is None else json.loads(data[name])
    return Turn.model_validate(data)
