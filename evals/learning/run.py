"""`scanwright eval learning`: a small model before and after tuning, with and without a better prompt.

One arm is measured at a time, against the server that serves it, and kept in a folder; --report compares them.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scanwright.agent.learning.compact import choices_of, expand
from scanwright.agent.learning.data import Maker, Row
from scanwright.agent.learning.planner import FewShot, TunedPlanner
from scanwright.agent.llm.client import LLMClient
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, Item, Planner, Proposal, Unclear
from scanwright.agent.settings import load_settings
from scanwright.agent.workbench import Workbench
from scanwright.evals.learning.compare import paired, share
from scanwright.evals.learning.sets import dev, fingerprints, overlap, synthetic
from scanwright.evals.planning.run import judge
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import sha256_file

SEED = 20261124
PAIRS = (
    ("base", "base+prompt"), ("base", "lora"), ("lora", "lora+prompt"), ("base+prompt", "lora"), ("lora", "offline"),
)  # fmt: skip


class _Nobody:
    """No other planner steps in: a call that fails counts as a mistake of the model."""

    name = "nobody"

    def propose(self, question: str, studies: Sequence[StudyView]) -> Proposal:
        return Proposal((Unclear(question, "The model gave no answer."),), self.name)


def measure(
    arm: str, client: LLMClient | None, few_shot: FewShot, data: Path, *, count: int, every: int
) -> dict[str, Any]:
    """Asks the questions of both sets; nothing is run. Which were right, by their ids, and the time it took.

    Without a client the offline planner is asked, to compare with.
    """
    start = time.perf_counter()
    settings = load_settings().model_copy(update={"llm": LLMSettings(planner="offline")})
    with (
        tempfile.TemporaryDirectory() as home,
        Workbench(Path(home), settings=settings) as bench,
        bench.open_home() as opened,
    ):
        planner: Planner = bench.planner(opened)
        if client is not None:
            planner = TunedPlanner(client, bench.registry, _Nobody(), few_shot)
        maker, choices = Maker(bench.registry, SEED), choices_of(bench.registry)
        rows: dict[str, dict[str, bool]] = {"synthetic": {}, "dev": {}}
        kinds: dict[str, dict[str, str]] = {"synthetic": {}, "dev": {}}
        for row in synthetic(data, count, SEED):
            gold = choices.read(expand(row.form), row.question)
            said = planner.propose(row.question, [maker.view(row)]).items
            rows["synthetic"][row.question] = _plain(said) == _plain(gold)
            kinds["synthetic"][row.question] = _kind(row)
        for question in dev(every):
            rows["dev"][question["id"]] = judge(bench, planner, question).exact
            kinds["dev"][question["id"]] = question["category"]
    calls = [] if client is None else client.ledger.calls
    return {
        "arm": arm, "right": rows, "kinds": kinds, "seconds": round(time.perf_counter() - start, 1),
        "calls": len(calls), "failed_calls": sum(c.failed is not None for c in calls),
        "tokens_in": sum(c.tokens_in for c in calls), "tokens_out": sum(c.tokens_out for c in calls),
        "shots": len(few_shot.examples), "machine": machine(), "commit": commit(),
    }  # fmt: skip


def report(work: Path, data: Path, state: Path | None) -> dict[str, Any]:
    """The arms that were measured, compared."""
    arms = {a["arm"]: a for file in sorted(work.glob("arm-*.json")) for a in [json.loads(file.read_text("utf-8"))]}
    figures: dict[str, Any] = {
        "commit": commit(), "machine": machine(), "seed": SEED, "data_sha256": sha256_file(data),
        "trained_questions_in_evaluation_sets": overlap(data), "arms": {}, "pairs": {}, "kinds": {},
    }  # fmt: skip
    for name, arm in arms.items():
        left = {k: v for k, v in arm.items() if k not in ("right", "kinds", "arm")}
        figures["arms"][name] = {**left, **{part: share(right) for part, right in arm["right"].items()}}
        figures["kinds"][name] = {part: _by_kind(arm, part) for part in arm["right"]}
    for a, b in PAIRS:
        if a in arms and b in arms:
            parts = ("synthetic", "dev")
            figures["pairs"][f"{a} → {b}"] = {p: paired(arms[a]["right"][p], arms[b]["right"][p]) for p in parts}
    if state is not None:
        figures["training"] = json.loads(state.read_text("utf-8"))
        figures["training"]["base"] = Path(figures["training"]["base"]).name
    return figures


def machine() -> str:
    """The processor, as far as the system says."""
    import os

    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


def commit() -> str:
    """The commit that is checked out, or "unknown"."""
    try:
        run = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return run.stdout.decode().strip()


def _by_kind(arm: dict[str, Any], part: str) -> dict[str, str]:
    found: dict[str, list[bool]] = {}
    for question, right in arm["right"][part].items():
        found.setdefault(arm["kinds"][part][question], []).append(right)
    return {kind: f"{sum(each)}/{len(each)}" for kind, each in sorted(found.items())}


def _kind(row: Row) -> str:
    return row.category if row.language == "en" else f"in {row.language}"


def _plain(items: Sequence[Item]) -> list[Any]:
    return [i if isinstance(i, Goal) else i.code if isinstance(i, Declined) else "unclear" for i in items]


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{'arm':<14}{'held-out templates':>28}{'dev questions':>28}"]
    for name, arm in figures["arms"].items():
        cells = []
        for part in ("synthetic", "dev"):
            s = arm[part]
            low, high = (f"{100 * edge:.0f}" for edge in s["interval"])
            cells.append(f"{s['right']}/{s['n']} {100 * s['share']:.0f} % [{low}–{high}]")
        lines.append(f"{name:<14}{cells[0]:>28}{cells[1]:>28}")
    for pair, parts in figures["pairs"].items():
        said = ", ".join(f"{p}: +{v['gained']} −{v['lost']} p={v['p']:.2g}" for p, v in parts.items())
        lines.append(f"{pair}: {said}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Measures one arm, or compares those that were measured."""
    parser = argparse.ArgumentParser(prog="scanwright eval learning")
    parser.add_argument("--data", type=Path, help="the file that `scanwright learn data` wrote")
    parser.add_argument("--work", type=Path, default=Path("learning-eval"), help="where the arms are kept")
    parser.add_argument("--arm", help="base, base+prompt, lora, lora+prompt, offline")
    parser.add_argument("--endpoint", help="where the arm's model is served")
    parser.add_argument("--model", default="default")
    parser.add_argument("--prompt", type=Path, help="a file that `scanwright learn prompt` wrote")
    parser.add_argument("--count", type=int, default=150, help="questions of held-out templates")
    parser.add_argument("--every", type=int, default=3, help="every n-th dev question")
    parser.add_argument("--report", action="store_true", help="compare the arms in --work")
    parser.add_argument("--state", type=Path, help="state.json of the training, for the report")
    parser.add_argument("--output", type=Path, help="write the report here as JSON")
    parser.add_argument("--fingerprints", type=Path, help="write the hashes of all evaluation questions here, and stop")
    options = parser.parse_args(list(argv))
    if options.fingerprints:
        options.fingerprints.write_text("\n".join(sorted(fingerprints())) + "\n", "utf-8")
        return 0
    if options.data is None:
        raise UserInputError("Say which data the model was trained on: --data FILE.")
    options.work.mkdir(parents=True, exist_ok=True)
    if options.report:
        figures = report(options.work, options.data, options.state)
        print(_table(figures))
        if options.output:
            options.output.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return 0
    if options.arm is None or (options.endpoint is None and options.arm != "offline"):
        raise UserInputError("Say what to measure: --arm NAME --endpoint URL, or --report.")
    few_shot = FewShot()
    if options.prompt:
        kept = json.loads(options.prompt.read_text("utf-8"))
        few_shot = FewShot(kept["instruction"], tuple((q, a) for q, a in kept["examples"]))
    client = None
    if options.endpoint is not None:
        where = Endpoint(base_url=options.endpoint, model=options.model, timeout_s=120, max_tokens=128, retries=0)
        client = LLMClient(where)
    arm = measure(options.arm, client, few_shot, options.data, count=options.count, every=options.every)
    (options.work / f"arm-{options.arm}.json").write_text(json.dumps(arm, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps({part: share(right) for part, right in arm["right"].items()}), arm["seconds"], "s")
    sys.stdout.flush()
    return 0
