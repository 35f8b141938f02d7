"""Compares ways of planning with one model on the same questions: `scanwright eval planning --compare`.

Arms: "tools" (calls of tools that stand in the prompt), "json" (free-form plans), "model" (the form, the compiler and
the sense check), "auto" (the offline planner where it is sure), "offline". Each answer is written to a log as it
comes; a run that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import comb
from pathlib import Path
from typing import Any

from scanwright.agent.llm.client import LLMClient, Message, OnToken
from scanwright.agent.llm.clients import client_for
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.ledger import Ledger
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.plan.plan import Plan
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Item, Proposal, Unclear
from scanwright.agent.planner.model.choice import is_sure
from scanwright.agent.planner.model.form import FormWrong, is_foreign
from scanwright.agent.planner.model.objections import objections
from scanwright.agent.planner.model.planner import ModelPlanner
from scanwright.agent.planner.model.prompt import write_prompt
from scanwright.agent.settings import load_settings
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning import baselines
from scanwright.evals.planning.run import judge
from scanwright.evals.planning.score import Judged, wilson
from scanwright.evals.planning.sets import KINDS, Row, bench, kind, shuffled
from scanwright.evals.planning.studies import study
from scanwright.memory.home import Home
from scanwright.tools.contract.goal import Goal
from scanwright.tools.errors import UserInputError

ARMS = ("offline", "model", "tools", "json", "auto")
OURS = ("offline", "model", "auto")
_RESULTS = Path(__file__).parents[1] / "results"
# Fields that no tool takes by name: a plan of calls is not held against them, nor are ours in the same column.
_BESIDE = ("unit", "output", "compare", "group")


def sample(limit: int | None = None) -> list[Row]:
    """Questions of the dev halves, a fixed draw that goes round the kinds, so that any first part of it is fair.

    One question each, planned over every known tool; those that are refused only because weights are missing are left
    out.
    """
    by_kind: dict[str, list[Row]] = {name: [] for name in KINDS}
    for row in bench("dev"):
        if row["category"] in ("follow_up", "cohort"):
            continue
        if not (row["expect"]["reason"] == "no_tool" and row["expect"]["goals"]):
            by_kind[kind(row)].append({**row, "weights": True})
    drawn = {name: shuffled(chosen, f"compare {name}") for name, chosen in by_kind.items()}
    longest = max(len(chosen) for chosen in drawn.values())
    return [chosen[i] for i in range(longest) for chosen in drawn.values() if i < len(chosen)][:limit]


@dataclass(frozen=True)
class _Noting(LLMClient):
    """Keeps the forms that came."""

    forms: list[dict[str, Any]] = field(default_factory=list)

    def json(
        self, messages: Sequence[Message], schema: Any, *, name: str, on_token: OnToken | None = None
    ) -> dict[str, Any]:
        form = super().json(messages, schema, name=name, on_token=on_token)
        self.forms.append(form)
        return form


@dataclass
class Comparison:
    """One run over the sample; log is where each answer is kept."""

    bench: Workbench
    home: Home
    endpoint: Endpoint
    log: Path
    told: Callable[[str], None] = print
    known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reads what an earlier run kept for this model."""
        if self.log.exists():
            for line in self.log.read_text("utf-8").splitlines():
                record = json.loads(line)
                if record["model"] in ("", self.endpoint.model):
                    self.known[record["arm"], record["id"]] = record

    def answer(self, arm: str, row: Row) -> dict[str, Any]:
        """The record of a question in an arm, from the log where it stands there.

        Raises openai.OpenAIError where the endpoint gives a baseline nothing.
        """
        key = arm, row["id"]
        if key not in self.known:
            ways = {"offline": self._offline, "model": self._model, "auto": self._auto}
            made = ways[arm](row) if arm in ways else self._baseline("tools" if arm == "tools" else "json", row)
            record = {"arm": arm, "id": row["id"], "kind": kind(row), "expected": row["expect"]["outcome"],
                      "model": "" if arm == "offline" else self.endpoint.model, **made}  # fmt: skip
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self.known[key] = record
            self.told(f"{arm:<8}{row['id']:<7}{record['outcome']:<8}{record['right']!s:<6}{record['seconds']:.1f} s")
        return self.known[key]

    def _offline(self, row: Row) -> dict[str, Any]:
        return _record(judge(self.bench, self.bench.offline_planner(self.home), row))

    def _model(self, row: Row) -> dict[str, Any]:
        offline = self.bench.offline_planner(self.home)
        view = study(row["study"], row["context"])
        ledger = Ledger()
        plain = client_for(self.endpoint, self.home, [view], ledger=ledger)
        noting = _Noting(plain.endpoint, plain.boundary, plain.ledger, plain.cancelled)

        def objected(goals: Sequence[Goal], views: Sequence[StudyView]) -> list[str]:
            return objections(self.bench.compiled(Proposal(tuple(goals), ""), views, catalogue_all=True))

        planner = ModelPlanner(noting, self.bench.registry, offline.index, offline, objected)
        judged = judge(self.bench, planner, row, ledger)
        # A form that never came is planned offline, and is no work of the model.
        fell_back = judged.planner != planner.name
        choices = write_prompt(
            row["question"], [view], self.bench.registry, offline.index, lambda text: offline.propose(text, ()).items
        ).choices
        try:
            first: tuple[Item, ...] = choices.read(noting.forms[0], row["question"], ()) if noting.forms else ()
        except FormWrong:
            first = ()
        alone, compiled = self._without_sense(first, row, view)
        return {**_record(judged), "fell_back": fell_back, "forms": noting.forms, "alone": alone, "compiled": compiled}

    def _without_sense(self, first: Sequence[Item], row: Row, view: StudyView) -> tuple[dict[str, Any], dict[str, Any]]:
        """The model's first form, with any goal taken as answered, and with what the compiler says of it."""
        goals = [item for item in first if isinstance(item, Goal)]
        plan: Plan = self.bench.compiler(catalogue_all=True).compile(goals, [view])
        planned = [goal.status == "planned" for goal in plan.goals]
        others = ["ask" if isinstance(i, Unclear) else "refuse" for i in first if not isinstance(i, Goal)]
        asks = any(goal.status == "needs_input" for goal in plan.goals)
        said = ["answer" if each else "ask" if asks else "refuse" for each in planned]
        return _bare(["answer"] * len(goals) + others, goals, row), _bare(said + others, goals, row)

    def _auto(self, row: Row) -> dict[str, Any]:
        """What the settings "auto" give, put together from the records of both planners."""
        view = study(row["study"], row["context"])
        plain = self.bench.offline_planner(self.home).propose(row["question"], [view])
        offline = self.answer("offline", row)
        chosen = offline
        taken = {"tokens_in": 0, "tokens_out": 0, "seconds": offline["seconds"]}
        if not is_sure(plain, row["question"]):
            read = self.answer("model", row)
            asks = any(isinstance(i, Unclear) for i in plain.items) and not is_foreign(row["question"])
            chosen = read if read["goals"] or not asks else offline
            taken = {name: read[name] + taken[name] for name in taken}
        kept = ("outcome", "goals", "exact", "right", "false", "another", "valid", "refused", "said")
        return {**{name: chosen[name] for name in kept}, **taken}

    def _baseline(self, way: baselines.Way, row: Row) -> dict[str, Any]:
        view = study(row["study"], row["context"])
        asked = baselines.ask(self.endpoint, way, row["question"], view, self.bench.registry)
        steps, valid = baselines.wanted(asked, self.bench.registry)
        gold = [Goal.model_validate(g) for g in row["expect"]["goals"]]
        expected = row["expect"]["outcome"]
        answerable = expected in ("answer", "partly")
        fits = bool(steps) and baselines.matches(steps, gold)
        plan = self.bench.compiled(Proposal(tuple(baselines.as_goals(steps)), ""), [view], catalogue_all=True)
        runs = any(goal.status == "planned" for goal in plan.goals)
        return {
            "outcome": "answer" if steps else "refuse",
            "goals": [f"{s.tool}({s.of}, {s.side})" for s in steps],
            "exact": None,
            "right": fits if answerable else not steps,
            "false": bool(steps) and not answerable,
            "false_though_tools_check": runs and not answerable,
            "another": bool(steps) and answerable and not fits,
            "valid": valid,
            "refused": not steps,
            "said": asked.text[:2000],
            "tokens_in": asked.tokens_in,
            "tokens_out": asked.tokens_out,
            "seconds": asked.seconds,
        }


def _record(judged: Judged) -> dict[str, Any]:
    return {
        "outcome": judged.outcome,
        "goals": list(judged.goals),
        "exact": judged.exact,
        "right": _right(judged.outcome, judged.goals, judged.question),
        "false": judged.answers_wrongly,
        "another": judged.outcome in ("answer", "partly")
        and not judged.answers_wrongly
        and not _same(judged.goals, judged.gold),
        "valid": True,
        "refused": judged.outcome in ("refuse", "ask"),
        "said": judged.said,
        "tokens_in": judged.tokens_in,
        "tokens_out": judged.tokens_out,
        "seconds": judged.seconds,
    }


def _bare(said: Sequence[str], goals: Sequence[Goal], row: Row) -> dict[str, Any]:
    outcome = "refuse"
    if "answer" in said:
        outcome = "answer" if set(said) == {"answer"} else "partly"
    elif "ask" in said:
        outcome = "ask"
    written = tuple(g.canonical() for g in goals)
    gold = tuple(Goal.model_validate(g).canonical() for g in row["expect"]["goals"])
    judged = Judged(row, outcome, written, gold, 0.0, "")
    return {"outcome": outcome, "exact": judged.exact, "right": _right(outcome, written, row),
            "false": judged.answers_wrongly, "goals": list(written)}  # fmt: skip


def _right(outcome: str, goals: Sequence[str], row: Row) -> bool:
    """As generous as with the baselines: refusing is asking, partly is answering, units and tables do not count."""
    if row["expect"]["outcome"] in ("refuse", "ask"):
        return outcome in ("refuse", "ask")
    gold = [Goal.model_validate(g).canonical() for g in row["expect"]["goals"]]
    return outcome in ("answer", "partly") and _same(goals, gold)


def _same(goals: Sequence[str], gold: Sequence[str]) -> bool:
    return sorted(map(_core, goals)) == sorted(map(_core, gold))


def _core(goal: str) -> str:
    said = {name: value for name, value in json.loads(goal).items() if name not in _BESIDE}
    for limit in said.get("params", {}).values():
        if isinstance(limit, dict):
            limit.pop("unit", None)
    return json.dumps(said, sort_keys=True)


def figures(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one arm."""
    n = len(records)
    right = sum(r["right"] for r in records)
    to_refuse = [r for r in records if r["expected"] in ("refuse", "ask")]
    to_answer = [r for r in records if r["expected"] in ("answer", "partly")]
    exact = [r["exact"] for r in records if r["exact"] is not None]
    said = {
        "n": n,
        "right": right / n,
        "right_interval": wilson(right, n),
        "exact": sum(exact) / n if exact else None,
        "valid_plans": sum(r["valid"] for r in records) / n,
        "false_answers": sum(r["false"] for r in records),
        "answered_another_question": sum(r["another"] for r in records),
        "refused_rightly": f"{sum(r['refused'] for r in to_refuse)} of {len(to_refuse)}",
        "refused_wrongly": f"{sum(r['refused'] for r in to_answer)} of {len(to_answer)}",
        "tokens_in": round(sum(r["tokens_in"] for r in records) / n),
        "tokens_out": round(sum(r["tokens_out"] for r in records) / n),
        "seconds": round(sum(r["seconds"] for r in records) / n, 2),
    }
    if any("false_though_tools_check" in r for r in records):
        said["false_answers_though_tools_check"] = sum(r["false_though_tools_check"] for r in records)
    if any("fell_back" in r for r in records):
        said["planned_offline_because_the_model_gave_no_form"] = sum(r["fell_back"] for r in records)
    return said


def mcnemar(ours: Sequence[bool], other: Sequence[bool]) -> dict[str, Any]:
    """Exact two-sided test of paired answers: how often only one of two was right."""
    only_ours = sum(a and not b for a, b in zip(ours, other, strict=True))
    only_other = sum(b and not a for a, b in zip(ours, other, strict=True))
    n, k = only_ours + only_other, min(only_ours, only_other)
    p = min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n)
    return {"only_ours_right": only_ours, "only_other_right": only_other, "p": p}


def ablation(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The same forms with less and less behind them: what the compiler, the sense check and a second form change."""
    own = [r for r in records if r["forms"]]
    stages = {"model_alone": [r["alone"] for r in own], "with_compiler": [r["compiled"] for r in own], "whole": own}
    return {
        name: {
            "n": len(said), "exact": sum(s["exact"] for s in said), "right": sum(s["right"] for s in said),
            "false_answers": sum(s["false"] for s in said),
        }
        for name, said in stages.items()
    }  # fmt: skip


def report(known: dict[tuple[str, str], dict[str, Any]], rows: Sequence[Row], model: str) -> dict[str, Any]:
    """Figures of all arms on the questions that every arm has answered, and of each arm on all of its own."""
    arms = [arm for arm in ARMS if any((arm, row["id"]) in known for row in rows)]
    shared = [row["id"] for row in rows if all((arm, row["id"]) in known for arm in arms)]
    said: dict[str, Any] = {"model": model, "questions": len(shared), "arms": {}, "mcnemar_against_model": {}}
    if not shared:
        return said
    of = {arm: [known[arm, id_] for id_ in shared] for arm in arms}
    said["arms"] = {arm: figures(of[arm]) for arm in arms}
    for arm in arms:
        if arm != "model" and "model" in arms:
            said["mcnemar_against_model"][arm] = mcnemar(
                [r["right"] for r in of["model"]], [r["right"] for r in of[arm]]
            )
    if "model" in arms:
        said["ablation"] = ablation([known["model", r["id"]] for r in rows if ("model", r["id"]) in known])
    kinds = sorted({known[arms[0], id_]["kind"] for id_ in shared})
    said["right_by_kind"] = {
        name: {arm: f"{sum(r['right'] for r in of[arm] if r['kind'] == name)} of "
                    f"{sum(r['kind'] == name for r in of[arm])}" for arm in arms}
        for name in kinds
    }  # fmt: skip
    return said


def main(options: argparse.Namespace, endpoint: Endpoint | None) -> int:
    """Runs what is missing in the log, and prints and keeps the figures. Raises UserInputError without an endpoint."""
    if endpoint is None:
        raise UserInputError("Say where the model is: --endpoint http://127.0.0.1:8093/v1 --model NAME.")
    output = options.output or _RESULTS / "planning_compare.json"
    rows = sample(options.limit)
    settings = load_settings().model_copy(update={"llm": LLMSettings(endpoint=endpoint, planner="model")})
    with (
        tempfile.TemporaryDirectory(prefix="scanwright-eval-") as home,
        Workbench(Path(home), settings=settings) as bench_,
        bench_.open_home() as opened,
    ):
        run = Comparison(bench_, opened, endpoint, output.with_suffix(".jsonl"))
        try:
            # A server keeps what it has read of a prompt, so that one arm goes after the other.
            for arm in [arm for arm in ARMS if arm in (options.arms or ARMS)]:
                for row in rows:
                    run.answer(arm, row)
        finally:
            said = report(run.known, rows, endpoint.model)
            output.write_text(json.dumps(said, indent=1) + "\n")
    print(json.dumps(said, indent=1))
    return 0
