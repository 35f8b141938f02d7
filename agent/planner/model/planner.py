"""ModelPlanner: a language model fills the form; the compiler's objections go back to it, at most twice.

Where the endpoint fails, the offline planner plans and the proposal says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from scanwright.agent.llm.boundary import BoundaryCrossed
from scanwright.agent.llm.client import EndpointFailed, LLMClient
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Item, Planner, Proposal
from scanwright.agent.planner.index import ExemplarIndex
from scanwright.agent.planner.model.form import FormWrong
from scanwright.agent.planner.model.omissions import asked_about, omissions
from scanwright.agent.planner.model.prompt import write_prompt
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import Registry

REPAIRS = 2
Objections = Callable[[Sequence[Goal], Sequence[StudyView]], Sequence[str]]


class ModelPlanner:
    """One interface with the offline planner.

    objections says what the compiler holds against goals, in sentences without a word of the study's files.
    """

    def __init__(
        self, llm: LLMClient, registry: Registry, index: ExemplarIndex, offline: Planner, objections: Objections
    ) -> None:
        self._llm, self._registry, self._index, self._offline = llm, registry, index, offline
        self._objections = objections
        self.name = f"model ({llm.endpoint.model})"

    def propose(self, question: str, studies: Sequence[StudyView], before: Sequence[Goal] = ()) -> Proposal:
        """The goals of a question; the offline planner's where the endpoint fails. Raises Cancelled.

        before are the goals of the question that it may go on from.
        """
        try:
            return Proposal(self._filled(question, studies, before), self.name)
        except (EndpointFailed, BoundaryCrossed) as error:
            plain = self._offline.propose(question, studies)
            return Proposal(plain.items, plain.planner, plain.confidence, warnings=(*plain.warnings, _without(error)))

    def _filled(self, question: str, studies: Sequence[StudyView], before: Sequence[Goal]) -> tuple[Item, ...]:
        read = self._reader()
        prompt = write_prompt(question, studies, self._registry, self._index, read, before)
        messages = list(prompt.messages)
        last: tuple[Item, ...] = ()
        for repair in range(REPAIRS + 1):
            form = self._llm.json(messages, prompt.choices.schema(), name="plan")
            try:
                items = prompt.choices.read(form, question, before)
                left_out = omissions(question, items)
                wrong = list(self._objections([i for i in items if isinstance(i, Goal)], studies))
                wrong += [each.sentence for each in left_out]
            except FormWrong as error:
                items, wrong, left_out = (), [str(error)], []
            if items and (not wrong or items == last):
                return items if not left_out else (asked_about(question, left_out),)
            last = items or last
            if repair < REPAIRS:
                messages += [
                    {"role": "assistant", "content": json.dumps(form, separators=(",", ":"))[:4000]},
                    {"role": "user", "content": _objected(wrong, question)},
                ]
        if not last:
            raise EndpointFailed(f"{self._llm.endpoint.shown} did not fill the form, asked {REPAIRS + 1} times.")
        # Better no answer than one to another question.
        left_out = omissions(question, last)
        return last if not left_out else (asked_about(question, left_out),)

    def _reader(self) -> Callable[[str], Sequence[Item]]:
        return lambda text: self._offline.propose(text, ()).items


def _objected(wrong: Sequence[str], question: str) -> str:
    said = " ".join(wrong[:4])
    return (
        f"That form was not accepted: {said} Fill it again for the same question, or in the same way if it is meant "
        f"so: {question}"
    )


def _without(error: Exception) -> str:
    return f"Planned without the language model: {error}"
