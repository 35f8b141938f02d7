"""Judges the reading of cohort questions, exactly: `scanwright eval cohort_questions --split dev`."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from scanwright.agent.cohort.question import CohortQuestion
from scanwright.agent.cohort.reading import read_cohort
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.plan import sense
from scanwright.agent.plan.trim import settle
from scanwright.agent.settings import load_settings
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.score import wilson
from scanwright.evals.planning.studies import study


def run(split: str) -> list[dict[str, Any]]:
    """Reads each question of one half with the offline planner; weights are taken to be there."""
    settings = load_settings().model_copy(update={"llm": LLMSettings(planner="offline")})
    lines = files("scanwright.evals.planning").joinpath("cohorts.jsonl").read_text("utf-8").splitlines()
    asked = [q for line in lines if line.strip() for q in [json.loads(line)] if q["split"] == split]
    with (
        tempfile.TemporaryDirectory(prefix="scanwright-eval-") as home,
        Workbench(Path(home), settings=settings) as bench,
        bench.open_home() as opened,
    ):
        planner = bench.planner(opened, catalogue_all=True)
        return [_judged(bench, planner, q) for q in asked]


def _judged(bench: Workbench, planner: Any, question: dict[str, Any]) -> dict[str, Any]:
    view = study(question["study"], question.get("context") or {"mask": False, "point": False})
    read = read_cohort(question["question"], planner, [view])
    outcome, said = str(read.outcome), read.reason
    if outcome == "answer" and read.question.goals:
        plan = bench.compiler(catalogue_all=True).compile(read.question.goals, [view])
        plan = settle(plan, sense.check(plan, [view], bench.registry))
        stopped = next((g for g in plan.goals if g.status != "planned"), None)
        if stopped is not None:
            outcome, said = ("ask" if stopped.status == "needs_input" else "refuse"), stopped.reason
    gold = CohortQuestion.model_validate(question["expect"]["cohort"])
    expected = question["expect"]["outcome"]
    same = read.question.canonical() == gold.canonical()
    return {
        "id": question["id"], "question": question["question"], "expected": expected, "outcome": outcome,
        "outcome_right": outcome == expected, "same": same,
        # A question that is refused or asked about is right whatever was understood of it.
        "exact": outcome == expected and (same or expected in ("refuse", "ask")),
        "false_answer": outcome == "answer" and (expected != "answer" or not same),
        "gold": gold.canonical(), "read": read.question.canonical(), "said": said,
    }  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Prints the figures, and each mistake where asked (never of the test half)."""
    parser = argparse.ArgumentParser(prog="scanwright eval cohort_questions")
    parser.add_argument("--split", choices=["dev", "test"], default="test")
    parser.add_argument("--mistakes", action="store_true", help="print each mistake (the dev half only)")
    parser.add_argument("--output", type=Path, help="write the figures here as JSON")
    options = parser.parse_args(list(argv))
    rows = run(options.split)
    n, exact = len(rows), sum(r["exact"] for r in rows)
    figures = {
        "split": options.split, "n": n, "exact": exact / max(n, 1), "exact_interval": wilson(exact, n),
        "outcome_right": sum(r["outcome_right"] for r in rows) / max(n, 1),
        "answered_wrongly": sum(r["false_answer"] for r in rows),
    }  # fmt: skip
    print(json.dumps(figures, indent=1))
    if options.mistakes and options.split == "dev":
        for r in rows:
            if not r["exact"]:
                print(f"{r['id']} {r['question']!r}\n  want {r['expected']} {r['gold']}")
                print(f"  got  {r['outcome']} {r['read']} {r['said']}")
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1) + "\n")
    return 0
