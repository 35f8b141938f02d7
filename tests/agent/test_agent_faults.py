"""Seven kinds of fault in plans and in what tools give: recovered, or halted with a reason, and never a wrong number.

The kinds are those of BCER: an argument left out, a modality missing, a path changed, a scope violated, a semantic
swap, a space that does not match, a token changed.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from agent_examples import head_ct, settings, write_scan
from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.plan.plan import plan_from_json
from scanwright.agent.workbench import Workbench
from scanwright.tools import phantoms
from scanwright.tools.errors import ScanwrightError

LYING = "agent_lying_tools"
Data = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """change edits the plan file's data; of names the plan, on the study that it is run on."""

    kind: str
    name: str
    of: str
    change: Callable[[Data], Any]
    on: str = "head"


def step(data: Data, tool: str) -> Data:
    return next(s for s in data["steps"] if s["tool"] == tool)


def put(tool: str, /, **fields: Any) -> Callable[[Data], None]:
    return lambda data: step(data, tool).update(fields)


def param(tool: str, /, **params: Any) -> Callable[[Data], None]:
    return lambda data: step(data, tool)["params"].update(params)


def without(tool: str, where: str, name: str) -> Callable[[Data], Any]:
    return lambda data: step(data, tool)[where].pop(name)


def goal(**fields: Any) -> Callable[[Data], None]:
    return lambda data: data["goals"][0]["goal"].update(fields)


def both(*changes: Callable[[Data], Any]) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        for each in changes:
            each(data)

    return change


def add(**new: Any) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        data["steps"].append({"version": "1", "inputs": {}, "params": {}, "why": [0], **new})

    return change


def swap_answers(data: Data) -> None:
    """The left goal is answered by the right side's step, and the other way round."""
    first, second = data["goals"][0], data["goals"][1]
    first["answers"], second["answers"] = second["answers"], first["answers"]


def swap_sides(data: Data) -> None:
    """Steps say right where they said left."""
    for each in data["steps"]:
        if each["params"].get("side") in ("left", "right"):
            each["params"]["side"] = {"left": "right", "right": "left"}[each["params"]["side"]]


def everywhere(old: str, new: str) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        text = json.dumps(data).replace(old, new)
        data.clear()
        data.update(json.loads(text))

    return change


VOLUME = {"study": "S1", "item": "image", "series": None}
FAULTS = [
    Fault("argument left out", "the mask", "head", without("mask_volume", "inputs", "mask")),
    Fault("argument left out", "the scan", "head", without("head_outline", "inputs", "volume")),
    Fault("argument left out", "the lower limit", "range", without("voxels_in_range", "params", "low")),
    Fault("argument left out", "all parameters", "range", put("voxels_in_range", params={})),
    Fault("argument left out", "the tool's version", "head", lambda d: step(d, "mask_volume").pop("version")),
    Fault("argument left out", "the goal's answers", "head", lambda d: d["goals"][0].update(answers=[])),
    Fault("argument left out", "the goals", "head", lambda d: d.update(goals=[])),
    Fault("argument left out", "the step before", "head", lambda d: d["steps"].pop(0)),
    Fault("modality missing", "not said", "head", lambda d: None, on="unsaid"),
    Fault("modality missing", "another", "head", lambda d: None, on="mr"),
    Fault("modality missing", "another, for a limit in HU", "range", lambda d: None, on="mr"),
    Fault("modality missing", "no part of the body", "head", lambda d: None, on="no part"),
    Fault("path changed", "another study", "head", put("head_outline", inputs={"volume": {**VOLUME, "study": "S2"}})),
    Fault("path changed", "another series", "head", put("head_outline", inputs={"volume": {**VOLUME, "series": "T2"}})),
    Fault("path changed", "a file", "head", put("head_outline", inputs={"volume": {**VOLUME, "item": "/etc/passwd"}})),
    Fault("path changed", "a step that is not there", "head", put("mask_volume", inputs={"mask": {"step": "zz"}})),
    Fault("path changed", "a step of itself", "head",
          lambda d: step(d, "mask_volume").update(inputs={"mask": {"step": step(d, "mask_volume")["id"]}})),
    Fault("path changed", "a mask that nobody gave", "head",
          put("mask_volume", inputs={"mask": {**VOLUME, "item": "mask"}})),
    Fault("path changed", "the file has moved", "head", lambda d: None, on="moved"),
    Fault("path changed", "the pixels are gone", "head", lambda d: None, on="gone"),
    Fault("scope violated", "an export is added", "head",
          lambda d: add(id="x", tool="mask_nifti", inputs={"mask": {"step": step(d, "head_outline")["id"]}})(d)),
    Fault("scope violated", "a tool that is not there", "head", add(id="x", tool="delete_study")),
    Fault("scope violated", "a parameter that is not there", "head", param("mask_volume", path="/tmp/x")),
    Fault("scope violated", "an input that is not there", "head",
          lambda d: step(d, "mask_volume")["inputs"].update(secret=VOLUME)),
    Fault("scope violated", "a field that is not there", "head", lambda d: d.update(shell="rm -rf /")),
    Fault("scope violated", "a person's result that is none", "head", put("head_outline", provided="0" * 64)),
    Fault("semantic swap", "the goal's structure", "head", goal(of="brain")),
    Fault("semantic swap", "the goal's quantity", "head", goal(want="surface_area")),
    Fault("semantic swap", "the goal's side", "head", goal(side="left")),
    Fault("semantic swap", "the tool", "head", put("mask_volume", tool="surface_area")),
    Fault("semantic swap", "the outline", "head", put("head_outline", tool="skull_outline")),
    Fault("semantic swap", "the goals' answers", "sides", swap_answers),
    Fault("semantic swap", "the sides", "sides", swap_sides),
    Fault("semantic swap", "the limit", "range", param("voxels_in_range", low={"value": -200.0, "unit": "[hnsf'U]"})),
    Fault("semantic swap", "the goal's limit", "range",
          goal(params={"low": {"value": 900.0, "unit": "[hnsf'U]"}})),
    Fault("semantic swap", "the goal's region", "head", goal(region="brain")),
    Fault("space mismatch", "a mask of another grid", "two grids", lambda d: None),
    Fault("token changed", "a letter of a tool", "head", put("mask_volume", tool="mask_volumes")),
    Fault("token changed", "a letter of a parameter", "range", everywhere('"low"', '"lov"')),
    Fault("token changed", "the unit of a limit", "range",
          param("voxels_in_range", low={"value": 300.0, "unit": "mm"})),
    Fault("token changed", "a limit in words", "range", param("voxels_in_range", low={"value": "much", "unit": "1"})),
    Fault("token changed", "a limit without end", "range",
          param("voxels_in_range", low={"value": 1e400, "unit": "[hnsf'U]"})),
    Fault("token changed", "the version of a tool", "head", put("mask_volume", version="99")),
    Fault("token changed", "the version of the plan", "head", lambda d: d.update(schema_version=7)),
    Fault("token changed", "the unit of the answer", "head", goal(unit="mm")),
    Fault("token changed", "a unit that nobody knows", "head", goal(unit="gallons")),
    Fault("token changed", "the id of a step", "head", everywhere('"s1"', '"s 1\\u0000"')),
    Fault("token changed", "a status", "head", lambda d: d["goals"][0].update(status="done")),
]  # fmt: skip
LIES = [
    ("token changed", "lying_volume", lie)
    for lie in ("unit", "no unit", "made-up unit", "nan", "negative", "too large", "range aside", "words")
]
LIES += [("semantic swap", "lying_volume", lie) for lie in ("structure", "side", "quantity", "another exam")]
LIES += [("space mismatch", "lying_mask", lie) for lie in ("grid", "forged grid", "shifted", "count")]
LIES += [("semantic swap", "lying_mask", "structure")]
QUESTIONS = {
    "head": "How large is the head?",
    "range": "How large is the volume above 300 HU?",
    "sides": "How large is the left half of the head, and how large is the right half of the head?",
}
table: dict[str, Counter[str]] = {}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, probe_path: str) -> Iterator[Workbench]:
    """A workbench to which the tools that lie are added."""
    home = tmp_path_factory.mktemp("faults-home")
    with Workbench(home, settings=settings(), extra_modules=[LYING]) as workbench:
        yield workbench


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same head, said to be different things."""
    folder = tmp_path_factory.mktemp("faults")
    voxels, affine = phantoms.reoriented(*_coarse(), 0)
    return {
        "head": head_ct(folder),
        "unsaid": write_scan(folder, "unsaid", voxels, affine, {"BodyPartExamined": "HEAD"}),
        "mr": write_scan(folder, "mr", voxels, affine, {"Modality": "MR", "BodyPartExamined": "HEAD"}),
        "no part": write_scan(folder, "no-part", voxels, affine, {"Modality": "CT"}),
        "moved": head_ct(folder, "moved", marker_hu=80),
        "gone": head_ct(folder, "gone", marker_hu=85),
    }


def _coarse() -> tuple[Any, Any]:
    phantom = phantoms.head_ct((3.0, 3.3, 3.5), marker_hu=75)
    return phantom.voxels, phantom.affine


@pytest.fixture(scope="module")
def plans(bench: Workbench, scans: dict[str, Path]) -> dict[str, tuple[Data, dict[str, Any]]]:
    """Good plans as the data of their files, with the value of each goal (by its canonical text)."""
    found = {}
    for name, question in QUESTIONS.items():
        plan = bench.plan([scans["head"]], question).plan
        result = bench.run_plan(plan, [scans["head"]])
        assert result.status == "answered", (name, result.answer)
        found[name] = (json.loads(plan.to_json()), truth(result))
    return found


def truth(result: AnswerResult) -> dict[str, Any]:
    """What each goal was answered with: value and unit by what was asked for."""
    by_id = {e.id: e for e in result.evidence}
    told = {}
    for report in result.goals:
        asked = {k: v for k, v in report.goal.items() if k != "unit"}
        answers = [by_id[i] for i in report.evidence if by_id[i].quantity is not None]
        if report.status == "answered":
            told[json.dumps(asked, sort_keys=True)] = [(e.value, e.unit, e.structure, e.side) for e in answers]
    return told


def judged(result: AnswerResult, good: dict[str, Any]) -> str:
    """ "recovered" where a good plan tells the same of the same goals, "halted" where nothing is told."""
    told = truth(result)
    if not told:
        assert result.refusal is not None
        assert result.refusal.reason
        return "halted"
    return "recovered" if all(good.get(asked) == values for asked, values in told.items()) else "wrong"


def outcome(kind: str, verdict: str) -> None:
    table.setdefault(kind, Counter())[verdict] += 1
    assert verdict in ("recovered", "halted"), "a wrong number was told"


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.of != "two grids"], ids=lambda f: f"{f.kind}: {f.name}")
def test_a_fault_in_a_plan_is_recovered_or_halts(
    fault: Fault, bench: Workbench, scans: dict[str, Path], plans: dict[str, Any], tmp_path: Path
) -> None:
    data, good = plans[fault.of]
    data = copy.deepcopy(data)
    fault.change(data)
    study: str | Path = scans[fault.on]
    if fault.on in ("moved", "gone"):
        record = bench.import_study(scans[fault.on])
        good = truth(bench.run_plan(plan_from_json(json.dumps(data), "a plan"), [record.study_id]))
        study = record.study_id
        scans[fault.on].rename(scans[fault.on].with_suffix(".away"))
    if fault.on == "gone":
        with bench.open_home() as home:
            blob = home.blobs.path(next(iter(record.series)).image.blob)
        blob.rename(tmp_path / "blob")
    try:
        result = bench.run_plan(plan_from_json(json.dumps(data), "a plan"), [study])
    except ScanwrightError:
        outcome(fault.kind, "halted")
    else:
        outcome(fault.kind, judged(result, good))


def test_a_mask_on_another_grid_halts(bench: Workbench, scans: dict[str, Path], tmp_path: Path) -> None:
    from scanwright.agent.given import Given

    image = nib.load(scans["head"])
    mask = np.zeros([n // 2 for n in image.shape], np.uint8)
    mask[3:9, 3:9, 3:9] = 1
    nib.save(nib.Nifti1Image(mask, image.affine @ np.diag([2, 2, 2, 1])), tmp_path / "mask.nii.gz")
    with pytest.raises(ScanwrightError, match="grid"):
        bench.ask([scans["head"]], "How large is the lesion?", Given(mask=str(tmp_path / "mask.nii.gz")))
    outcome("space mismatch", "halted")


@pytest.mark.parametrize(("kind", "tool", "lie"), LIES)
def test_a_tool_that_lies_is_a_failed_step(
    kind: str, tool: str, lie: str, bench: Workbench, scans: dict[str, Path]
) -> None:
    lying = {"id": "a", "tool": tool, "version": "1", "inputs": {"volume": VOLUME}, "params": {"lie": "none"}}
    steps = [lying]
    if tool == "lying_mask":
        steps.append({"id": "b", "tool": "mask_volume", "version": "1", "inputs": {"mask": {"step": "a"}}})
    honest = bench.run_plan(plan_from_json(json.dumps({"steps": steps}), "honest"), [scans["head"]])
    assert honest.status == "answered", honest.answer
    lying["params"] = {"lie": lie}
    result = bench.run_plan(plan_from_json(json.dumps({"steps": steps}), "lying"), [scans["head"]])
    outcome(kind, judged(result, truth(honest)))


def test_nothing_was_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{'fault':20} {'recovered':>9} {'halted':>7} {'wrong':>6}")
        for kind, counts in table.items():
            print(f"{kind:20} {counts['recovered']:9} {counts['halted']:7} {counts['wrong']:6}")
    assert sum(c["wrong"] for c in table.values()) == 0
