"""Scores of a planner: exact goals, outcomes, false answers, with Wilson intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any


@dataclass(frozen=True)
class Judged:
    """One question: what was expected, what came, how long it took, and how many tokens of a language model."""

    question: dict[str, Any]
    outcome: str
    goals: tuple[str, ...]
    gold: tuple[str, ...]
    seconds: float
    said: str
    tokens_in: int = 0
    tokens_out: int = 0
    planner: str = ""

    @property
    def exact(self) -> bool:
        """The goals are the gold goals, in order, and the outcome is an expected one."""
        return self.goals == self.gold and self.outcome_right

    @property
    def outcome_right(self) -> bool:
        """The outcome is the expected one, or one that the question says is right as well ("also")."""
        return self.outcome in (self.expected, *self.question["expect"].get("also", ()))

    @property
    def expected(self) -> str:
        """answer, partly, refuse or ask."""
        return str(self.question["expect"]["outcome"])

    @property
    def answers_wrongly(self) -> bool:
        """It answers a question that it should have refused or asked about."""
        return self.outcome in ("answer", "partly") and self.expected in ("refuse", "ask")

    @property
    def answers_another(self) -> bool:
        """It answers, as it should, but another question than the one that was asked."""
        return self.outcome in ("answer", "partly") and not self.answers_wrongly and self.goals != self.gold


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % Wilson interval of k of n."""
    if n == 0:
        return 0.0, 1.0
    p, d = k / n, 1 + z * z / n
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    centre = (p + z * z / (2 * n)) / d
    return centre - half, centre + half


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """All figures of a set; false_answer_rate counts an answer where a refusal was right double."""
    n = len(judged)
    exact, goals = sum(j.exact for j in judged), sum(j.goals == j.gold for j in judged)
    outcomes = sum(j.outcome_right for j in judged)
    wrong, another = sum(j.answers_wrongly for j in judged), sum(j.answers_another for j in judged)
    answerable = [j for j in judged if j.expected in ("answer", "partly")]
    refused = sum(j.outcome in ("refuse", "ask") for j in answerable)
    times = sorted(j.seconds for j in judged)
    return {
        "n": n,
        "exact": exact / n,
        "exact_interval": wilson(exact, n),
        "goals_exact": goals / n,
        "goals_interval": wilson(goals, n),
        "outcome_right": outcomes / n,
        "answered_where_refusal_was_right": wrong,
        "answered_another_question": another,
        "false_answer_rate": (2 * wrong + another) / n,
        "answerable_but_refused": refused / max(len(answerable), 1),
        "tokens_in_per_question": round(sum(j.tokens_in for j in judged) / max(n, 1), 1),
        "tokens_out_per_question": round(sum(j.tokens_out for j in judged) / max(n, 1), 1),
        "asked_a_model": sum(j.tokens_in > 0 for j in judged),
        "seconds_per_question": round(sum(times) / max(n, 1), 3),
        "seconds_p50": times[n // 2],
        "seconds_p95": times[min(n - 1, int(0.95 * n))],
    }
