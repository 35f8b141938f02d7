"""Judges the reading of conversations, turn by turn: `scanwright eval conversations --split dev`."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from scanwright.agent.conversation.reader import FollowUpReader, Past, Read
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.settings import load_settings
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.score import wilson
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal


@dataclass(frozen=True)
class _State:
    """The turns before a state of a conversation, the newest first, and what became of the last question."""

    past: tuple[Past, ...] = ()
    outcome: str = "ask"


@dataclass(frozen=True)
class JudgedTurn:
    """One turn: what was expected and what came, each as (reading, exam, outcome, goals)."""

    conversation: str
    number: int
    question: str
    expected: tuple[Any, ...]
    got: tuple[Any, ...]
    seconds: float
    said: str = ""

    @property
    def exact(self) -> bool:
        """All of it is as expected."""
        return self.expected == self.got

    @property
    def read_exactly(self) -> bool:
        """Reading, exam and goals are as expected, whatever became of them."""
        return self.expected[:2] == self.got[:2] and self.expected[3] == self.got[3]

    @property
    def answers_another(self) -> bool:
        """It answers another question than the one that was asked."""
        return self.got[2] in ("answer", "partly") and not self.read_exactly


def conversations(split: str) -> Iterator[dict[str, Any]]:
    """The conversations of one half, "dev" or "test"."""
    text = files("scanwright.evals.planning").joinpath("follow_ups.jsonl").read_text("utf-8")
    for line in text.splitlines():
        each: dict[str, Any] = json.loads(line)
        if each["split"] == split:
            yield each


def judge(
    bench: Workbench, reader: FollowUpReader, conversation: dict[str, Any], *, gold_history: bool = False
) -> list[JudgedTurn]:
    """Reads and compiles the turns of one conversation; nothing is run.

    gold_history: each turn is read after what was right before it, so that one mistake is counted once.
    """
    context = conversation["context"]
    view = study(conversation["study"], context)
    views = [view, replace(view, alias="S1", relative_day=-100)] if context.get("earlier") else [view]
    if len(views) > 1:
        views[0] = replace(views[0], alias="S2", relative_day=0)
    branch = [_State()]
    undone: list[_State] = []
    judged = []
    for number, turn in enumerate(conversation["turns"], start=1):
        start = time.perf_counter()
        read = reader.read(turn["question"], branch[-1].past, views)
        outcome, said = _outcome(bench, read, views, branch, undone, weights=bool(conversation.get("weights")))
        seconds = time.perf_counter() - start
        gold = turn["expect"]
        goals = tuple(Goal.model_validate(g) for g in gold.get("goals", ()))
        expected = (gold["reading"], gold.get("exam"), gold["outcome"], tuple(g.canonical() for g in goals))
        asked = read
        if gold_history:
            read = Read(gold["reading"], replace(read.proposal, items=goals), gold.get("exam"))
            outcome_after = gold["outcome"]
        else:
            outcome_after = outcome
        _move(read, turn["question"], outcome_after, branch, undone)
        got = (asked.reading, *_got(asked, outcome, expected, branch))
        judged.append(JudgedTurn(conversation["id"], number, turn["question"], expected, got, seconds, said))
    return judged


def _got(read: Read, outcome: str, expected: tuple[Any, ...], branch: Sequence[_State]) -> tuple[Any, ...]:
    """Exam, outcome and goals; what is taken back or explained has those of the state that holds then."""
    if read.reading == "ask":
        return read.exam, outcome, tuple(g.canonical() for g in read.proposal.goals)
    if read.reading in ("undo", "redo"):
        now = next((p for p in branch[-1].past if p.command is None), None)
        if now is None or outcome == "ask":
            return None, outcome, ()
        return expected[1], branch[-1].outcome, tuple(g.canonical() for g in now.goals)
    return expected[1], outcome, expected[3]


def _move(read: Read, question: str, outcome: str, branch: list[_State], undone: list[_State]) -> None:
    """The state after a turn: branch holds the turns before each state of it, the newest state last."""
    if read.reading == "undo" and len(branch) > 1:
        undone.append(branch.pop())
    elif read.reading == "redo" and undone:
        branch.append(undone.pop())
    elif read.reading == "ask":
        undone.clear()
        refused = outcome in ("refuse", "ask")
        asked = Past(question, read.proposal.goals, read.exam, refused=refused)
        branch.append(_State((asked, *branch[-1].past), outcome))
    elif read.reading in ("why", "how_sure"):
        told = Past(question, (), None, read.reading)
        branch[-1] = _State((told, *branch[-1].past), branch[-1].outcome)


def _outcome(
    bench: Workbench,
    read: Read,
    views: Sequence[StudyView],
    branch: Sequence[_State],
    undone: Sequence[Any],
    *,
    weights: bool,
) -> tuple[str, str]:
    if read.reading in ("why", "how_sure"):
        return ("explain" if any(p.question for p in branch[-1].past) else "ask"), ""
    if read.reading == "undo":
        return ("explain" if len(branch) > 1 else "ask"), ""
    if read.reading == "redo":
        return ("explain" if undone else "ask"), ""
    if read.exam == "previous":
        if len(views) < 2:
            return "ask", "no earlier exam"
        views = views[1:]
    plan = bench.planned("", read.proposal, views, catalogue_all=weights).plan
    statuses = {"planned": "answer", "refused": "refuse", "needs_input": "ask"}
    told = [statuses[g.status] for g in plan.goals] + [statuses[r.status] for r in plan.remarks]
    said = " | ".join([g.reason or "" for g in plan.goals] + [r.reason for r in plan.remarks])
    if "answer" in told:
        return ("answer" if set(told) == {"answer"} else "partly"), said
    return ("ask" if "ask" in told else "refuse"), said


def run(split: str, *, gold_history: bool = False) -> list[JudgedTurn]:
    """Judges the offline reading of a half of the set, in a home of its own."""
    settings = load_settings().model_copy(update={"llm": LLMSettings(planner="offline")})
    with (
        tempfile.TemporaryDirectory(prefix="scanwright-eval-") as home,
        Workbench(Path(home), settings=settings) as bench,
        bench.open_home() as opened,
    ):
        offline: ExemplarPlanner = bench.offline_planner(opened)
        reader = FollowUpReader(offline, offline, bench.registry)
        return [turn for each in conversations(split) for turn in judge(bench, reader, each, gold_history=gold_history)]


def summary(judged: Sequence[JudgedTurn]) -> dict[str, Any]:
    """All figures; conversations counts those that are right from their first turn to their last."""
    n = len(judged)
    exact = sum(t.exact for t in judged)
    read = sum(t.read_exactly for t in judged)
    later = [t for t in judged if t.number > 1]
    whole = {t.conversation for t in judged} - {t.conversation for t in judged if not t.exact}
    times = sorted(t.seconds for t in judged)
    return {
        "turns": n,
        "exact": exact / n,
        "exact_interval": wilson(exact, n),
        "read_exactly": read / n,
        "read_interval": wilson(read, n),
        "follow_ups": len(later),
        "follow_ups_exact": sum(t.exact for t in later) / max(len(later), 1),
        "follow_ups_read_exactly": sum(t.read_exactly for t in later) / max(len(later), 1),
        "conversations": len({t.conversation for t in judged}),
        "conversations_exact": len(whole),
        "answered_another_question": sum(t.answers_another for t in judged),
        "answered_where_refusal_was_right": sum(
            t.got[2] in ("answer", "partly") and t.expected[2] in ("refuse", "ask") for t in judged
        ),
        "seconds_p50": times[n // 2],
        "seconds_p95": times[min(n - 1, int(0.95 * n))],
    }


def main(argv: Sequence[str]) -> int:
    """Prints the figures, and what went wrong where asked."""
    parser = argparse.ArgumentParser(prog="scanwright eval conversations")
    parser.add_argument("--split", choices=["dev", "test"], default="test")
    parser.add_argument("--gold-history", action="store_true", help="read each turn after what was right before it")
    parser.add_argument(
        "--mistakes", action="store_true", help="print each mistake (not for the test half when tuning)"
    )
    parser.add_argument("--output", type=Path, help="write the figures here as JSON")
    options = parser.parse_args(list(argv))
    judged = run(options.split, gold_history=options.gold_history)
    figures = {"split": options.split, **summary(judged)}
    print(json.dumps(figures, indent=1))
    if options.mistakes:
        for turn in judged:
            if not turn.exact:
                print(f"{turn.conversation}.{turn.number} {turn.question!r}")
                print(f"   want {turn.expected}")
                print(f"   got  {turn.got} {turn.said}")
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1) + "\n")
    return 0
