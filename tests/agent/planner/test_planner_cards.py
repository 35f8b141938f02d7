"""The example questions on the tools' cards: each leads to its tool, or to one that makes the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scanwright.agent.given import OF_TWO_EXAMS
from scanwright.agent.plan import sense
from scanwright.agent.plan.studies import StudyView, scene_of
from scanwright.agent.plan.trim import settle
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.studies import study
from scanwright.tools.artifacts import Image, Mask, Photograph, Volume
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.registry import load_registry


def _later(artifact: Image | Mask, time: str) -> Image | Mask:
    changes: dict[str, Any] = {
        "type": artifact.type.model_copy(update={"time": time}),
        "pixel_hash": f"{artifact.pixel_hash}-{time}",
    }
    if isinstance(artifact, Volume | Mask):
        changes["geometry"] = artifact.geometry.model_copy(update={"sides_known": True})
    if isinstance(artifact, Photograph):
        changes["frame"] = artifact.frame.model_copy(update={"um_per_pixel": (7.0, 7.0)})
    return artifact.model_copy(update=changes)


def _exam(name: str, alias: str) -> StudyView:
    """A study with a mask, a point, and points in liver and spleen, whose sides and size of a pixel are known."""
    points = {name: Points(points=(Point(x=0, y=0, z=0),)) for name in ("liver_at", "spleen_at")}
    view = study(name, {"mask": True, "point": True})
    mask = None if view.mask is None else _later(view.mask, alias)
    images = {k: _later(v, alias) for k, v in view.images.items()}
    return replace(view, alias=alias, images=images, mask=mask, points=points)


@pytest.fixture(scope="module")
def exams() -> list[tuple[StudyView, StudyView]]:
    names = (
        "brain_t1", "head_ct", "chest_ct", "abdomen_ct", "abdomen_native", "cardiac_ct", "pet", "fundus", "he_tile",
        "ihc_tile",
    )  # fmt: skip
    return [(_exam(name, "S1"), _exam(name, "S2")) for name in names]


_EXAMPLES = [(tool.card.id, example) for tool in load_registry() for example in tool.card.examples]


def _fitting(exams: list[tuple[StudyView, StudyView]], tool: Tool[..., Any]) -> list[tuple[StudyView, StudyView]]:
    """The exams on which nothing is held against the tool."""
    scenes = [scene_of(now.image()) for now, _ in exams]
    return [
        e for e, scene in zip(exams, scenes, strict=True) if all(c.effect != "refuse" for c in tool.concerns(scene))
    ]


@pytest.mark.parametrize(("tool", "example"), _EXAMPLES)
def test_a_card_s_example_leads_to_its_tool(
    planning_bench: Workbench,
    planner: ExemplarPlanner,
    exams: list[tuple[StudyView, StudyView]],
    tool: str,
    example: str,
) -> None:
    registry = planning_bench.registry
    output = registry.get(tool).card.output
    alike = {t.card.id for t in registry if t.card.output == output or t.card.id == tool}
    said = []
    for now, before in _fitting(exams, registry.get(tool)):
        proposal = planner.propose(example, [now])
        goals = [
            g.model_copy(update={"compare": before.alias}) if g.want in OF_TWO_EXAMS else g for g in proposal.goals
        ]
        plan = planning_bench.compiler(catalogue_all=True).compile(
            goals, [now, before], question=example, planner=proposal.planner
        )
        plan = settle(plan, sense.check(plan, [now, before], registry))
        if any(step.tool in alike for step in plan.steps):
            return
        said.append(f"{now.name}: {proposal.items} {[g.reason for g in plan.goals]}")
    pytest.fail("\n".join(said))
