"""What an answer of the model is worth in reinforcement learning: right > compiles > does not compile > refusal > junk.

A refusal is not worth trying: where goals were asked it is worth less than any goal, and where a refusal was right it
must be the right one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanwright.agent.learning.compact import expand, schema
from scanwright.agent.learning.data import Maker
from scanwright.agent.planner.base import Declined, Item
from scanwright.agent.planner.model.form import FormWrong
from scanwright.tools.contract.goal import Goal

RIGHT = 1.0
COMPILES = 0.4
DOES_NOT_COMPILE = 0.2
WRONG_KIND = 0.1
NOT_VALID = 0.0
_PARTLY = 0.3


@dataclass
class Reward:
    """Rewards over one registry. Calling it is a reward function of trl: columns of the data come by name."""

    maker: Maker
    __name__: str = "plan_reward"

    def __post_init__(self) -> None:
        from jsonschema import Draft202012Validator

        self._valid = Draft202012Validator(schema(self.maker.choices))

    def __call__(self, completions: Sequence[Any], **columns: Sequence[Any]) -> list[float]:
        """One reward for each completion (text, or a chat whose last message is the answer)."""
        names = ("question", "form", "scene", "mask", "point")
        rows = [dict(zip(names, values, strict=True)) for values in zip(*(columns[n] for n in names), strict=True)]
        return [
            self.of(c if isinstance(c, str) else c[-1]["content"], row)
            for c, row in zip(completions, rows, strict=True)
        ]

    def of(self, text: str, row: Mapping[str, Any]) -> float:
        """The reward of one answer to a row of the training data. form may be JSON text."""
        form = row["form"] if isinstance(row["form"], dict) else json.loads(row["form"])
        gold = self._read(form, row["question"])
        try:
            short = json.loads(text)
        except ValueError:
            return NOT_VALID
        if not isinstance(short, dict) or not self._valid.is_valid(short):
            return NOT_VALID
        try:
            said = self._read(short, row["question"])
        except FormWrong:
            return NOT_VALID
        if _same(said, gold):
            # What only comes right by being read kindly is a little worse than what is right as it stands.
            return RIGHT if short == form else 0.95 * RIGHT
        wanted, goals = _goals(gold), _goals(said)
        if bool(wanted) != bool(goals):
            return WRONG_KIND
        if not goals:
            return DOES_NOT_COMPILE
        if not self.maker.compiles(goals, [self.maker.view(row)]):
            return DOES_NOT_COMPILE
        shared = len({*goals} & {*wanted})
        return COMPILES + _PARTLY * 2 * shared / (len(goals) + len(wanted))

    def _read(self, short: Mapping[str, Any], question: str) -> tuple[Item, ...]:
        return self.maker.choices.read(expand(short), question)


def _goals(items: Sequence[Item]) -> list[Goal]:
    return [i for i in items if isinstance(i, Goal)]


def _same(a: Sequence[Item], b: Sequence[Item]) -> bool:
    return [_plain(i) for i in a] == [_plain(i) for i in b]


def _plain(item: Item) -> Any:
    return item if isinstance(item, Goal) else item.code if isinstance(item, Declined) else "unclear"
