"""TunedPlanner: a small tuned model fills the compact form, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scanwright.agent.learning.compact import SYSTEM, choices_of, expand, prompt, schema
from scanwright.agent.llm.boundary import BoundaryCrossed
from scanwright.agent.llm.client import EndpointFailed, LLMClient
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Planner, Proposal, Unclear
from scanwright.agent.planner.model.form import FormWrong
from scanwright.tools.registry import Registry

_UNREAD = "It is not clear what is wanted: say what to measure, and of what."


@dataclass(frozen=True)
class FewShot:
    """What stands before a question: an instruction, and examples as (prompt, answer)."""

    instruction: str = SYSTEM
    examples: tuple[tuple[str, str], ...] = ()

    def messages(self, asked: str) -> list[dict[str, str]]:
        """The chat for one prompt of compact.prompt."""
        chat = [{"role": "system", "content": self.instruction}]
        for question, answer in self.examples:
            chat += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return [*chat, {"role": "user", "content": asked}]


class TunedPlanner:
    """One interface with the other planners. offline plans where the endpoint fails, and the proposal says so."""

    def __init__(self, llm: LLMClient, registry: Registry, offline: Planner, few_shot: FewShot | None = None) -> None:
        self._llm, self._offline = llm, offline
        self._few_shot = few_shot or FewShot()
        self._choices = choices_of(registry)
        self._schema = schema(self._choices)
        self.name = f"tuned ({llm.endpoint.model})"

    def propose(self, question: str, studies: Sequence[StudyView]) -> Proposal:
        """What the model reads in the question; asked back where its form cannot be read. Raises Cancelled."""
        chat = self._few_shot.messages(prompt(question, studies, self._choices))
        try:
            form = self._llm.json(chat, self._schema, name="plan")
        except (EndpointFailed, BoundaryCrossed) as error:
            plain = self._offline.propose(question, studies)
            said = f"Planned without the language model: {error}"
            return Proposal(plain.items, plain.planner, plain.confidence, warnings=(*plain.warnings, said))
        try:
            return Proposal(self._choices.read(expand(form), question), self.name)
        except FormWrong:
            return Proposal((Unclear(question, _UNREAD),), self.name)
