"""Uncertainty of a measured value, said the same way everywhere."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator


class Uncertainty(BaseModel):
    """A range (two methods, or a perturbation) or an interval (calibrated against truth, with its level).

    low and high are in the unit of the value. method says in words how they came about; n is the number of
    methods, perturbations or cases behind them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["range", "interval", "none"]
    low: float | None = None
    high: float | None = None
    level: float | None = None
    method: str = ""
    n: int | None = None

    @model_validator(mode="after")
    def _complete(self) -> Uncertainty:
        if self.kind == "none":
            return self
        if self.low is None or self.high is None or self.low > self.high:
            raise ValueError(f"a {self.kind} needs low <= high, got {self.low} and {self.high}")
        if (self.kind == "interval") != (self.level is not None):
            raise ValueError("an interval has a level and a range has none")
        return self
