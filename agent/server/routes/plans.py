"""/api/v1/plans: a plan is checked and changed before it runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from scanwright.agent.server.asking import ForPlan, ForStep, Swap, TheDesk
from scanwright.agent.server.desk import Desk
from scanwright.agent.server.forms import AlternativeView, PlanView
from scanwright.agent.server.plan_edits import Editor, read_plan

router = APIRouter(prefix="/api/v1/plans", tags=["plans"])


@router.post("/check", response_model=PlanView)
def check(body: ForPlan, desk: TheDesk) -> dict[str, Any]:
    """The plan as it would run, with concerns, expected time and memory."""
    return _told(_editor(desk, body).checked(read_plan(body.plan)))


@router.post("/alternatives", response_model=list[AlternativeView])
def alternatives(body: ForStep, desk: TheDesk) -> list[dict[str, Any]]:
    """Tools that give what a step gives; fits is why one cannot be taken here, or null."""
    return _editor(desk, body).alternatives(read_plan(body.plan), body.step)


@router.post("/swap", response_model=PlanView)
def swap(body: Swap, desk: TheDesk) -> dict[str, Any]:
    """The plan with another tool in a step's place."""
    return _told(_editor(desk, body).swapped(read_plan(body.plan), body.step, body.tool))


@router.post("/without", response_model=PlanView)
def without(body: ForStep, desk: TheDesk) -> dict[str, Any]:
    """The plan without a step and what depends on it."""
    return _told(_editor(desk, body).without(read_plan(body.plan), body.step))


def _editor(desk: Desk, body: ForPlan) -> Editor:
    given = desk.turns.given(body.model_dump(mode="json", include={"mask", "at", "series"}))
    return Editor(desk.bench, desk.views(list(body.studies), given))


def _told(plan: Any) -> dict[str, Any]:
    return {
        "plan": plan.model_dump(mode="json"),
        "concerns": [c.model_dump(mode="json") for c in plan.concerns],
        "expected_seconds": plan.expected_seconds,
        "expected_memory_gb": plan.expected_memory_gb,
    }
