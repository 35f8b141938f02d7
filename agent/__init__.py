"""Scanwright: a question about a scan, answered with evidence. `from scanwright.agent import ask`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanwright.agent.answer.result import AnswerResult as AnswerResult
    from scanwright.agent.asking import ask as ask
    from scanwright.agent.conversation.conversation import Conversation as Conversation
    from scanwright.agent.given import Given as Given
    from scanwright.agent.workbench import Workbench as Workbench

__all__ = ["AnswerResult", "Conversation", "Given", "Workbench", "ask"]

# Imported when they are first used, so that the command line starts quickly.
_WHERE = {
    "AnswerResult": "scanwright.agent.answer.result",
    "Conversation": "scanwright.agent.conversation.conversation",
    "Given": "scanwright.agent.given",
    "Workbench": "scanwright.agent.workbench",
    "ask": "scanwright.agent.asking",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_WHERE[name]), name)
