"""The planner interface: a question in, goals (or reasons why not) out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from scanwright.agent.plan.plan import Remark
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.contract.goal import Goal

DeclinedCode = Literal["diagnosis", "treatment", "off_topic", "not_assessed", "normative", "no_tool"]


@dataclass(frozen=True)
class Declined:
    """A part of the question that is not for this system. asked is that part in the person's words."""

    asked: str
    code: DeclinedCode
    sentence: str
    offers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unclear:
    """A part of the question that could mean several things; offers are the nearest that can be done."""

    asked: str
    sentence: str
    offers: tuple[str, ...] = ()


Item: TypeAlias = Goal | Declined | Unclear


@dataclass(frozen=True)
class Proposal:
    """What a planner made of a question, part by part in the order of the question.

    warnings are said with the answer: that another planner had to step in, for example.
    """

    items: tuple[Item, ...]
    planner: str
    confidence: float = 1.0
    warnings: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """The parts that are no goals, each before the goal that follows it."""
        found: list[Remark] = []
        goals = 0
        for item in self.items:
            if isinstance(item, Goal):
                goals += 1
                continue
            status: Literal["refused", "needs_input"] = "refused" if isinstance(item, Declined) else "needs_input"
            found.append(
                Remark(asked=item.asked, status=status, reason=item.sentence, offers=item.offers, before=goals)
            )
        return tuple(found)

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The parts that are goals."""
        return tuple(i for i in self.items if isinstance(i, Goal))


class Planner(Protocol):
    """Turns questions into goals."""

    name: str

    def propose(self, question: str, studies: Sequence[StudyView]) -> Proposal:
        """Never raises for a strange question: what is not understood is Unclear."""
        ...
