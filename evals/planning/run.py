"""Runs a planner over the question set: `scanwright eval planning --split test`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from scanwright.agent.plan import sense
from scanwright.agent.plan.trim import settle
from scanwright.agent.planner.base import Planner
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.score import Judged, summary
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal

_FILES = {
    "tuning": "tuning.jsonl", "growth": "body_brain.jsonl",
    "eyes_dev": "eyes_dev.jsonl", "eyes_test": "eyes_test.jsonl",
}  # fmt: skip


def questions(split: str | None = None) -> Iterator[dict[str, Any]]:
    """The questions of one half, of both ("all"), or of a file of their own (the names of _FILES)."""
    name = _FILES.get(split or "all", "questions.jsonl")
    for line in files("scanwright.evals.planning").joinpath(name).read_text("utf-8").splitlines():
        question: dict[str, Any] = json.loads(line)
        if split in (None, "all", question["split"]):
            yield question


def judge(bench: Workbench, planner: Planner, question: dict[str, Any]) -> Judged:
    """Plans and compiles one question; nothing is run. "weights": the tools' weights are taken to be there."""
    view = study(question["study"], question["context"])
    start = time.perf_counter()
    proposal = planner.propose(question["question"], [view])
    compiler = bench.compiler(catalogue_all=bool(question.get("weights")))
    plan = compiler.compile(proposal.goals, [view], question=question["question"], planner=proposal.planner)
    plan = settle(plan, sense.check(plan, [view], bench.registry))
    seconds = time.perf_counter() - start
    planned = {id(i): g for i, g in zip(proposal.goals, plan.goals, strict=True)}
    statuses, said = [], []
    for item in proposal.items:
        if isinstance(item, Goal):
            statuses.append({"planned": "answer", "refused": "refuse", "needs_input": "ask"}[planned[id(item)].status])
            said.append(planned[id(item)].reason or "")
        else:
            statuses.append("refuse" if hasattr(item, "code") else "ask")
            said.append(item.sentence)
    gold = tuple(Goal.model_validate(g).canonical() for g in question["expect"]["goals"])
    goals = tuple(g.canonical() for g in proposal.goals)
    return Judged(question, _overall(statuses), goals, gold, seconds, " | ".join(s for s in said if s))


def _overall(statuses: Sequence[str]) -> str:
    if "answer" in statuses:
        return "answer" if set(statuses) == {"answer"} else "partly"
    return "ask" if "ask" in statuses else "refuse"


def run(split: str) -> list[Judged]:
    """Judges the offline planner on a half of the set, in a home of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="scanwright-eval-") as home,
        Workbench(Path(home)) as bench,
        bench.open_home() as opened,
    ):
        planner = bench.planner(opened)
        return [judge(bench, planner, q) for q in questions(split)]


def main(argv: Sequence[str]) -> int:
    """Prints the figures, by category, and what went wrong where asked."""
    parser = argparse.ArgumentParser(prog="scanwright eval planning")
    parser.add_argument("--split", choices=["dev", "test", "all", *_FILES], default="test")
    parser.add_argument(
        "--mistakes", action="store_true", help="print each mistake (not for the test half when tuning)"
    )
    parser.add_argument("--output", type=Path, help="write the figures here as JSON")
    options = parser.parse_args(list(argv))
    judged = run(options.split)
    figures = summary(judged)
    by_category: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        by_category[each.question["category"]].append(each)
    print(json.dumps(figures, indent=1))
    print(f"{'category':<22}{'n':>4}{'exact':>8}{'goals':>8}{'outcome':>9}{'false':>7}")
    for name, group in sorted(by_category.items()):
        s = summary(group)
        print(
            f"{name:<22}{s['n']:>4}{s['exact']:>8.2f}{s['goals_exact']:>8.2f}{s['outcome_right']:>9.2f}{s['false_answer_rate']:>7.2f}"
        )
    if options.mistakes:
        for each in judged:
            if not each.exact:
                q = each.question
                print(f"{q['id']} {q['study'][:5]} {q['question']!r}")
                print(f"   want {each.expected} {each.gold}")
                print(f"   got  {each.outcome} {each.goals} {each.said}")
    if options.output:
        rows = {name: summary(group) for name, group in sorted(by_category.items())}
        options.output.write_text(json.dumps({"split": options.split, **figures, "categories": rows}, indent=1) + "\n")
    sys.stdout.flush()
    return 0
