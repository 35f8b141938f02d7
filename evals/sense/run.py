"""Runs the sense set: `scanwright eval sense`. Each wrong plan must be caught for its reason, each right one pass."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanwright.agent.plan import sense
from scanwright.agent.plan.plan import Plan, PlanConcern, StepRef
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.plan.trim import settle
from scanwright.evals.sense.cases import Case, cases
from scanwright.tools.artifacts import Artifact, Measurement, Measurements
from scanwright.tools.errors import ScanwrightError, UserInputError
from scanwright.tools.registry import Registry, load_registry
from scanwright.tools.testing import ToolBench

_STATUS = {"refuse": "refused", "ask": "needs_input", "flag": "planned", "fine": "planned"}


@dataclass(frozen=True)
class Said:
    """One thing that was said of a plan or of its result, with its code."""

    effect: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """What became of a case. got is the strongest effect; where it is not ok, problem says why."""

    case: Case
    got: str
    said: tuple[Said, ...]
    problem: str = ""

    @property
    def ok(self) -> bool:
        """True where the expectation is met."""
        return not self.problem


@dataclass(frozen=True)
class Report:
    """All outcomes, and the figures made of them."""

    outcomes: tuple[Outcome, ...]

    @property
    def figures(self) -> dict[str, int]:
        """Counts: wrong plans and those caught for their reason, right plans and those passed."""
        wrong = [o for o in self.outcomes if not o.case.control]
        right = [o for o in self.outcomes if o.case.control]
        return {
            "wrong": len(wrong),
            "caught": sum(o.ok for o in wrong),
            "controls": len(right),
            "passed": sum(o.ok for o in right),
        }


def run(chosen: Sequence[Case] | None = None, registry: Registry | None = None) -> Report:
    """Judges the cases (all of them, where none are given) with the registered tools."""
    registry = registry or load_registry()
    with tempfile.TemporaryDirectory(prefix="scanwright-eval-") as folder:
        bench = ToolBench(Path(folder))
        return Report(tuple(judge(case, bench, registry) for case in (cases() if chosen is None else chosen)))


def judge(case: Case, bench: ToolBench, registry: Registry) -> Outcome:
    """Checks a plan, and runs it where its fault shows only in the result."""
    views = case.views(bench)
    try:
        plan = case.read_plan(registry, views)
        concerns = sense.check(plan, views, registry)
    except UserInputError as error:
        return _judged(case, "refuse", (Said("refuse", "no_plan", str(error)),))
    asked = plan.goals[0]
    if asked.status != "planned":
        effect = "ask" if asked.status == "needs_input" else "refuse"
        return _judged(case, effect, (Said(effect, asked.test or "", asked.reason or ""),))
    verdict = sense.verdict(concerns)
    settled = settle(plan, concerns)
    said = tuple(Said(c.effect, c.test, c.sentence) for c in concerns)
    if settled.goals[0].status != _STATUS[verdict]:
        return Outcome(case, verdict, said, f"the goal is {settled.goals[0].status} after a verdict of {verdict}")
    if verdict in ("refuse", "ask") and (plan.steps[-1].id in {s.id for s in settled.steps}):
        return Outcome(case, verdict, said, "the step that must not run stands in the plan")
    if case.run and verdict in ("fine", "flag"):
        # What is not installed cannot run to its end, which says nothing of the plan.
        found = tuple(f for f in execute(plan, views, bench, registry) if "needs the package" not in str(f))
        if case.control:
            said += found
        elif case.expect.where == "result":
            return _judged(case, _strongest(found), found)
    return _judged(case, _strongest(said), said)


def execute(plan: Plan, views: Sequence[StudyView], bench: ToolBench, registry: Registry) -> tuple[Said, ...]:
    """Runs the steps in this process and tells what is said of the last step's result."""
    by_alias = {v.alias: v for v in views}
    results: dict[str, Artifact] = {}
    for step in plan.steps:
        inputs: dict[str, Any] = {}
        for name, value in step.inputs.items():
            found = tuple(
                results[b.step] if isinstance(b, StepRef) else by_alias[b.study].get(b)
                for b in (value if isinstance(value, tuple) else (value,))
            )
            inputs[name] = found if isinstance(value, tuple) else found[0]
        try:
            results[step.id] = registry.get(step.tool).run(bench.ctx, inputs, step.params)
        except ScanwrightError as error:
            return (Said("refuse", "refused_by_tool", str(error)),)
    return tuple(_of_result(results[plan.steps[-1].id]))


def _of_result(result: Artifact) -> list[Said]:
    items = result.items if isinstance(result, Measurements) else (result,)
    said = []
    for item in items:
        words = "; ".join(item.flags)
        if isinstance(item, Measurement) and item.bound is not None:
            said.append(Said("flag", f"{item.bound}_bound", words))
        if isinstance(item, Measurement) and item.value is None:
            said.append(Said("flag", "not_found", words))
        said += [Said("flag", "result_flag", flag) for flag in item.flags]
    said += [Said("flag", "result_flag", flag) for flag in result.flags]
    return list(dict.fromkeys(said))


def _judged(case: Case, got: str, said: tuple[Said, ...]) -> Outcome:
    expect = case.expect
    if case.control:
        unwanted = [s for s in said if s.effect != "flag" or not {s.code, s.sentence} & set(expect.may_flag)]
        return Outcome(case, got, said, f"it is right, and was told: {unwanted[0].sentence}" if unwanted else "")
    if got != expect.effect:
        return Outcome(case, got, said, f"{expect.effect} was expected")
    with_code = [s for s in said if s.effect == expect.effect and s.code == expect.because]
    if not with_code:
        return Outcome(case, got, said, f"the reason should be {expect.because}")
    if not any(expect.says in s.sentence for s in with_code):
        return Outcome(case, got, said, f"no sentence says {expect.says!r}")
    return Outcome(case, got, said)


def _strongest(said: Sequence[Said]) -> str:
    return sense.verdict([PlanConcern(step=None, effect=s.effect, sentence="") for s in said])


def table(report: Report) -> str:
    """One line a case: expected, got, and what was said."""
    width = max((len(o.case.id) for o in report.outcomes), default=0) + 2
    lines = [f"{'case':<{width}}{'expected':<26}{'got':<8}{'ok':<4}said"]
    for o in report.outcomes:
        expect = o.case.expect
        wanted = "pass" if o.case.control else f"{expect.effect} ({expect.because})"
        reason = next((s.sentence for s in o.said if expect.because == s.code and expect.says in s.sentence), "")
        lines.append(f"{o.case.id:<{width}}{wanted:<26}{o.got:<8}{'yes' if o.ok else 'NO':<4}{o.problem or reason}")
    f = report.figures
    lines.append(f"wrong plans caught for their reason: {f['caught']}/{f['wrong']}")
    lines.append(f"right plans passed: {f['passed']}/{f['controls']}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Prints the table, or the figures as JSON. 1 where a wrong plan is missed or a right one is stopped."""
    parser = argparse.ArgumentParser(prog="scanwright eval sense")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    options = parser.parse_args(list(argv))
    report = run()
    if options.json:
        rows = [
            {
                "id": o.case.id, "expected": o.case.expect.effect, "because": o.case.expect.because, "got": o.got,
                "ok": o.ok, "problem": o.problem, "said": [[s.effect, s.code, s.sentence] for s in o.said],
            }
            for o in report.outcomes
        ]  # fmt: skip
        print(json.dumps({**report.figures, "cases": rows}, indent=1, ensure_ascii=False))
    else:
        print(table(report))
    return 0 if all(o.ok for o in report.outcomes) else 1
