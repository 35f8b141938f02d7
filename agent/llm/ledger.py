"""Ledger: what the calls of a run took in tokens, seconds and money."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call. failed is why it gave nothing, hidden the kinds of identifiers that were taken out of what was sent."""

    endpoint: str
    purpose: str
    tokens_in: int
    tokens_out: int
    seconds: float
    cost: float | None = None
    failed: str | None = None
    hidden: tuple[str, ...] = ()


@dataclass
class Ledger:
    """The calls in the order in which they ended."""

    calls: list[Call] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Totals, for the run's record."""
        costs = [c.cost for c in self.calls if c.cost is not None]
        return {
            "calls": len(self.calls),
            "failed": sum(c.failed is not None for c in self.calls),
            "tokens_in": sum(c.tokens_in for c in self.calls),
            "tokens_out": sum(c.tokens_out for c in self.calls),
            "seconds": round(sum(c.seconds for c in self.calls), 3),
            "cost": round(sum(costs), 6) if costs else None,
            "hidden": sorted({kind for c in self.calls for kind in c.hidden}),
        }
