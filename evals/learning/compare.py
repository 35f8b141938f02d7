"""Two arms on the same questions: shares with Wilson intervals, and McNemar's exact test on the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Any

from scanwright.evals.planning.score import wilson


def share(right: Mapping[str, bool]) -> dict[str, Any]:
    """How many of an arm's questions were right, with the 95 % interval."""
    k, n = sum(right.values()), len(right)
    low, high = wilson(k, n)
    return {"right": k, "n": n, "share": round(k / max(n, 1), 4), "interval": [round(low, 4), round(high, 4)]}


def paired(before: Mapping[str, bool], after: Mapping[str, bool]) -> dict[str, Any]:
    """McNemar's exact test on the questions that both arms were asked."""
    both = sorted(before.keys() & after.keys())
    gained = sum(after[q] and not before[q] for q in both)
    lost = sum(before[q] and not after[q] for q in both)
    return {"n": len(both), "gained": gained, "lost": lost, "p": exact_p(gained, lost)}


def exact_p(gained: int, lost: int) -> float:
    """The two-sided probability of so uneven a split of the changed pairs, were both arms equally good."""
    n, least = gained + lost, min(gained, lost)
    return min(1.0, 2 * sum(comb(n, i) for i in range(least + 1)) / 2**n) if n else 1.0
