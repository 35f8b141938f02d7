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

from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.ledger import Ledger
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.plan import sense
from scanwright.agent.plan.trim import settle
from scanwright.agent.planner.base import Planner
from scanwright.agent.settings import load_settings
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.score import Judged, summary
from scanwright.evals.planning.sets import SINGLE_TURN, bench, kind, rows
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import UserInputError

_FILES = {
    "tuning": "tuning.jsonl", "growth": "body_brain.jsonl",
    "eyes_dev": "eyes_dev.jsonl", "eyes_test": "eyes_test.jsonl",
    "eyes_more_dev": "eyes_more.jsonl", "eyes_more_test": "eyes_more.jsonl",
}  # fmt: skip
_HALVES = {f"{name}_{half}": (name, half) for name in (*SINGLE_TURN, "bench") for half in ("dev", "test")}


def questions(split: str | None = None) -> Iterator[dict[str, Any]]:
    """The questions of one half, of both ("all"), of a file of their own (_FILES), or of a half of one (_HALVES).

    "bench_dev" and "bench_test" are those of the selection that are one question each: no conversation, no cohort.
    """
    if split in _HALVES:
        name, half = _HALVES[split]
        chosen = bench("dev" if half == "dev" else "test") if name == "bench" else rows(name, half)
        yield from (row for row in chosen if row["category"] not in ("follow_up", "cohort"))
        return
    name = _FILES.get(split or "all", "questions.jsonl")
    for line in files("scanwright.evals.planning").joinpath(name).read_text("utf-8").splitlines():
        question: dict[str, Any] = json.loads(line)
        if split in (None, "all", question["split"]):
            yield question


def judge(bench: Workbench, planner: Planner, question: dict[str, Any], ledger: Ledger | None = None) -> Judged:
    """Plans and compiles one question; nothing is run. "weights": the tools' weights are taken to be there.

    ledger is the one in which planner books the calls of a language model.
    """
    before = 0 if ledger is None else len(ledger.calls)
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
    calls = [] if ledger is None else ledger.calls[before:]
    tokens = sum(c.tokens_in for c in calls), sum(c.tokens_out for c in calls)
    shown = " | ".join(s for s in said if s)
    return Judged(question, _overall(statuses), goals, gold, seconds, shown, *tokens, planner=proposal.planner)


def _overall(statuses: Sequence[str]) -> str:
    if "answer" in statuses:
        return "answer" if set(statuses) == {"answer"} else "partly"
    return "ask" if "ask" in statuses else "refuse"


def run(split: str, llm: LLMSettings | None = None, *, every: int = 1, limit: int | None = None) -> list[Judged]:
    """Judges a planner on a half of the set (every n-th question of it), in a home of its own.

    Without llm it is the offline planner, whatever the settings of this machine say.
    """
    settings = load_settings().model_copy(update={"llm": llm or LLMSettings(planner="offline")})
    with (
        tempfile.TemporaryDirectory(prefix="scanwright-eval-") as home,
        Workbench(Path(home), settings=settings) as bench,
        bench.open_home() as opened,
    ):
        ledger = Ledger()
        planners: dict[bool, Planner] = {}
        judged = []
        for question in list(questions(split))[::every][:limit]:
            weights = bool(question.get("weights"))
            if weights not in planners:
                planners[weights] = bench.planner(opened, ledger=ledger, catalogue_all=weights)
            judged.append(judge(bench, planners[weights], question, ledger))
        return judged


def _llm(options: argparse.Namespace) -> LLMSettings | None:
    """The settings for the planner that was asked for. Raises UserInputError where its endpoint is not known."""
    if options.planner == "offline":
        return None
    known = load_settings().llm.endpoint
    if options.endpoint is None and known is None:
        raise UserInputError("Say where the model is: --endpoint http://127.0.0.1:8093/v1 --model NAME.")
    if options.endpoint is not None:
        try:
            known = Endpoint(base_url=options.endpoint, model=options.model or "default", timeout_s=options.timeout)
        except ValueError as error:
            raise UserInputError(f"--endpoint {options.endpoint} is no address of a model: {error}.") from None
    return LLMSettings(endpoint=known, planner=options.planner)


def main(argv: Sequence[str]) -> int:
    """Prints the figures, by category, and what went wrong where asked."""
    parser = argparse.ArgumentParser(prog="scanwright eval planning")
    parser.add_argument("--split", choices=["dev", "test", "all", *_FILES, *_HALVES], default="test")
    parser.add_argument(
        "--mistakes", action="store_true", help="print each mistake (not for the test half when tuning)"
    )
    parser.add_argument("--output", type=Path, help="write the figures here as JSON")
    parser.add_argument("--planner", choices=["offline", "model", "auto"], default="offline")
    parser.add_argument("--endpoint", help="address of the model (default: that of the settings)")
    parser.add_argument("--model", help="its name there")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one call of the model")
    parser.add_argument("--every", type=int, default=1, help="take every n-th question only")
    parser.add_argument("--limit", type=int, help="take so many questions at most")
    parser.add_argument("--compare", action="store_true", help="several ways of planning with one model, side by side")
    parser.add_argument("--arms", nargs="*", help="with --compare: only these (offline, model, tools, json, auto)")
    options = parser.parse_args(list(argv))
    if options.compare:
        from scanwright.evals.planning import compare

        options.planner = "model"
        known = _llm(options)
        return compare.main(options, None if known is None else known.endpoint)
    judged = run(options.split, _llm(options), every=max(options.every, 1), limit=options.limit)
    figures = {"planner": options.planner, **summary(judged)}
    by_category: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        by_kind = options.split in _HALVES and not options.split.startswith("requests")
        by_category[kind(each.question) if by_kind else each.question["category"]].append(each)
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
                print(f"   by   {each.planner}")
                print(f"   got  {each.outcome} {each.goals} {each.said}")
    if options.output:
        rows = {name: summary(group) for name, group in sorted(by_category.items())}
        options.output.write_text(json.dumps({"split": options.split, **figures, "categories": rows}, indent=1) + "\n")
    sys.stdout.flush()
    return 0
