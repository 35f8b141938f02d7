"""Thread: the state of a conversation, read from its log of turns. Nothing is kept but the log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from scanwright.agent.conversation.reader import Past
from scanwright.memory.conversations import Turn
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import UserInputError


@dataclass(frozen=True)
class Thread:
    """The turns in the order in which they were asked; those that asked form a tree, and one of them is the head."""

    turns: tuple[Turn, ...]

    @property
    def head(self) -> int | None:
        """The turn whose state holds now; None at the beginning."""
        return self.turns[-1].head if self.turns else None

    def turn(self, seq: int) -> Turn:
        """The turn of that number. Raises UserInputError."""
        if not 1 <= seq <= len(self.turns):
            raise UserInputError(f"There is no turn {seq}: this conversation has {len(self.turns)}.")
        return self.turns[seq - 1]

    def branch(self, seq: int | None) -> list[Turn]:
        """The turns that asked, from that one back to the beginning."""
        found = []
        while seq is not None:
            turn = self.turn(seq)
            found.append(turn)
            seq = turn.parent
        return found

    @cached_property
    def undone(self) -> tuple[int, ...]:
        """The heads that were taken back and can be had again, the last taken back last."""
        stack: list[int] = []
        for turn in self.turns:
            if turn.reading == "undo" and turn.parent is not None:
                stack.append(turn.parent)
            elif turn.reading == "redo" and stack:
                stack.pop()
            elif turn.reading in ("ask", "fork"):
                stack.clear()
        return tuple(stack)

    @property
    def branches(self) -> list[list[Turn]]:
        """Every branch from its beginning to its end, the one that holds now last."""
        asked = [t for t in self.turns if t.reading == "ask"]
        parents = {t.parent for t in asked}
        leaves = [t.seq for t in asked if t.seq not in parents and t.seq != self.head]
        ends = [*leaves, *([self.head] if self.head is not None else [])]
        return [self.branch(end)[::-1] for end in ends]

    def past(self, refused: Collection[int] = ()) -> list[Past]:
        """What a follow-up can go on from, the newest first: this branch, with the explanation after its head.

        refused are the turns of which nothing was answered.
        """
        branch = self.branch(self.head)
        asked = [Past(t.question, goals_of(t), t.exam, refused=t.seq in refused) for t in branch]
        last = self.turns[-1] if self.turns else None
        if last is not None and last.reading in ("why", "how_sure"):
            return [Past(last.question, (), None, last.reading), *asked]
        return asked


def goals_of(turn: Turn) -> tuple[Goal, ...]:
    """What a turn wanted."""
    return tuple(Goal.model_validate(g) for g in turn.goals)
