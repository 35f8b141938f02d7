"""Where a piece of evidence comes from: step, tool and inputs, down to the study, and what people put in between."""

from __future__ import annotations

from typing import Any

from scanwright.agent.plan.plan import Plan, StepRef, StudyRef
from scanwright.agent.server.desk import Desk, NotThere
from scanwright.agent.server.turns import readdressed
from scanwright.memory.records import EventKind, RunRecord
from scanwright.tools.artifacts import Artifact, Mask, Measurement

_DONE = (EventKind.STEP_FINISHED, EventKind.STEP_CACHED)


def evidence(desk: Desk, record: RunRecord, number: str) -> dict[str, Any]:
    """All that is known of a piece of evidence. Raises NotThere."""
    items = readdressed(record.answer or {}).get("evidence", [])
    item = next((i for i in items if i["id"] == number), None)
    if item is None:
        raise NotThere(f"The run {record.run_id} has no evidence {number[:16]!r}.")
    plan = Plan.model_validate(record.plan)
    card = desk.bench.registry.get(plan.step(item["step"]).tool).card if item["step"] else None
    root = desk.home.corrections.root_of(record.run_id)
    before = {item["step"], *_before(plan, item["step"])}
    overrides = [c.model_dump() for c in desk.home.corrections.of_root(root) if c.step in before]
    return {
        "item": item,
        "step": step_view(desk, record, plan, item["step"]),
        "card": None if card is None else card.model_dump(mode="json"),
        "uncertainty": item["uncertainty"],
        "inputs": [step_view(desk, record, plan, s) for s in _before(plan, item["step"])],
        "studies": _studies(desk, record, plan),
        "overrides": overrides,
    }


def step_view(desk: Desk, record: RunRecord, plan: Plan, step_id: str) -> dict[str, Any]:
    """A step of a run: its call, what it gave, from where, and who put what in its place."""
    step = plan.step(step_id)
    done = [e for e in desk.home.runs.events(record.run_id) if e.kind in _DONE and e.payload["step"] == step_id]
    payload = done[-1].payload if done else {}
    artifact = desk.home.runs.artifact(payload["artifact"]) if payload else None
    return {
        **step.model_dump(mode="json"),
        "summary": desk.bench.registry.get(step.tool).card.summary,
        "provenance": payload.get("provenance"),
        "seconds": payload.get("seconds"),
        "cached": payload.get("cached"),
        "artifact": None if artifact is None else artifact_view(artifact),
    }


def artifact_view(artifact: Artifact) -> dict[str, Any]:
    """An artifact in short, with the addresses of its pixels."""
    address = f"/api/v1/artifacts/{artifact.hash}"
    known: dict[str, Any] = {
        "hash": artifact.hash, "kind": artifact.type.kind, "name": artifact.name, "flags": list(artifact.flags),
        "structure": artifact.type.structure, "side": artifact.type.side, "address": address,
    }  # fmt: skip
    if isinstance(artifact, Mask):
        known |= {"voxels": artifact.voxels, "mask": f"{address}/mask.nii.gz"}
    if isinstance(artifact, Measurement):
        known |= {"value": artifact.value, "unit": artifact.unit}
    return known


def _before(plan: Plan, step_id: str) -> list[str]:
    """The steps that a step rests on, nearest first."""
    found: list[str] = []
    waiting = [step_id]
    while waiting:
        for _, binding in plan.step(waiting.pop(0)).bindings():
            if isinstance(binding, StepRef) and binding.step not in found:
                found.append(binding.step)
                waiting.append(binding.step)
    return found


def _studies(desk: Desk, record: RunRecord, plan: Plan) -> list[dict[str, Any]]:
    made = next((e for e in desk.home.runs.events(record.run_id) if e.kind == EventKind.PLAN_MADE), None)
    by_alias = made.payload["studies"] if made is not None else {}
    used = {b.study: b for s in plan.steps for _, b in s.bindings() if isinstance(b, StudyRef)}
    return [
        {"alias": alias, "study_id": by_alias.get(alias), "series": ref.series, "item": ref.item}
        for alias, ref in sorted(used.items())
    ]
