"""Which planner plans: the offline one where it is sure, a language model where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, Planner, Proposal, Unclear
from scanwright.agent.planner.model.form import is_english, is_foreign

# From this confidence on the offline planner was right in 98 % of the questions that it was calibrated on.
SURE = 0.8


class SurestPlanner:
    """The offline planner where it is sure, so that a sure question costs no token; else the model."""

    def __init__(self, offline: Planner, model: Planner) -> None:
        self._offline, self._model = offline, model
        self.name = f"auto: {offline.name}, or {model.name}"

    def propose(self, question: str, studies: Sequence[StudyView]) -> Proposal:
        """The offline planner's proposal where it is sure, else the model's. Raises Cancelled."""
        plain = self._offline.propose(question, studies)
        if is_sure(plain, question):
            return plain
        read = self._model.propose(question, studies)
        asks = any(isinstance(i, Unclear) for i in plain.items) and not is_foreign(question)
        # Where neither finds a goal, a question back with examples helps more than a refusal that may be wrong.
        return read if read.goals or not asks else replace(plain, warnings=read.warnings)


def is_sure(proposal: Proposal, question: str) -> bool:
    """True where a proposal of the offline planner needs no second reader.

    It reads English: of another language it may know the words for organ and quantity and miss that for the side, and
    what it knows no word of it takes for no question about a scan.
    """
    if not proposal.items or proposal.confidence < SURE or any(isinstance(i, Unclear) for i in proposal.items):
        return False
    strange = any(isinstance(i, Declined) and i.code in ("off_topic", "no_tool") for i in proposal.items)
    return is_english(question) if strange else not is_foreign(question)
