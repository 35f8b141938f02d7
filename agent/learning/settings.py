"""Settings of learning: what a home's owner agrees to."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class LearningSettings(BaseModel):
    """[learning] in scanwright.toml. use_runs: questions and plans of this home may become training data."""

    model_config = ConfigDict(extra="forbid")

    use_runs: bool = False
