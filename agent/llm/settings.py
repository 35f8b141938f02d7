"""Settings of language models: where one answers, and when it plans."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict
from scanwright.agent.llm.endpoint import Endpoint


class LLMSettings(BaseModel):
    """Which language model is asked, and when: [llm] and [llm.endpoint] in scanwright.toml.

    planner is "auto" (the offline planner where it is sure, so that a sure question costs no token, the model where it
    is not), "model" (always the model) or "offline" (never). Without an endpoint the offline planner plans.
    writer is "auto" (the model words the answer to a question that is not English, the template all others), "model"
    (always the model) or "template" (never).
    """

    model_config = ConfigDict(extra="forbid")

    endpoint: Endpoint | None = None
    planner: Literal["auto", "model", "offline"] = "auto"
    writer: Literal["auto", "model", "template"] = "auto"
