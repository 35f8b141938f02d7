"""Measures of the body from goal to answer: what is given beside the question reaches the tool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agent_examples import settings, write_scan
from scanwright.agent.given import Given
from scanwright.agent.workbench import Workbench
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.imaging.loaded import GivenFacts

AFFINE = np.diag([2.0, 2.0, 2.5, 1.0])


def answered(bench: Workbench, goal: Goal, studies: list[Path], given: Given) -> Any:
    """The result of a goal that was planned by hand, and of its plan."""
    with bench.open_home() as home:
        views = given.views(home, studies)
        plan = bench.compiler().compile([given.completed(goal, views)], views, question="by hand", planner="test")
    if plan.goals[0].status != "planned":
        return plan.goals[0]
    return bench.run_plan(plan, studies, given)


def scan(folder: Path, name: str, voxels: Any, **sidecar: Any) -> Path:
    facts = {"Modality": "CT", "BodyPartExamined": "ABDOMEN", "ContrastBolusAgent": "none", **sidecar}
    return write_scan(folder, name, voxels.astype(np.int16), AFFINE, facts)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Workbench(tmp_path_factory.mktemp("body-home"), settings=settings()) as made:
        yield made


def test_the_response_is_told_from_a_mask_for_each_exam(bench: Workbench, tmp_path: Path) -> None:
    scans, masks = [], []
    for name, length in (("march", 12), ("june", 7)):
        voxels = np.zeros((30, 26, 12))
        voxels[4 : 4 + length, 6:9, 3:6] = 60
        scans.append(scan(tmp_path, name, voxels))
        masks.append(str(write_scan(tmp_path, f"{name}-mask", (voxels > 0).astype(np.uint8), AFFINE, None)))
    goal = Goal(want="recist_response", of="given_region")
    result = answered(bench, goal, scans, Given(mask=masks, patient="one"))
    assert "partial response (PR)" in result.answer
    assert "new and non-target lesions are not assessed" in result.answer
    missing = answered(bench, goal, scans, Given(mask=masks[1], patient="one"))
    assert missing.status != "planned"


def test_points_in_liver_and_spleen_give_their_ratio_on_native_ct_alone(bench: Workbench, tmp_path: Path) -> None:
    voxels = np.full((60, 40, 24), -90)
    voxels[32:, :, :] = 30
    voxels[:24, :, :] = 50
    given = Given(
        points={
            "liver_at": Points(points=(Point(x=90, y=40, z=30),)),
            "spleen_at": Points(points=(Point(x=24, y=40, z=30),)),
        }
    )
    goal = Goal(want="liver_fat_grade", of="liver")
    result = answered(bench, goal, [scan(tmp_path, "native", voxels)], given)
    assert "moderate to severe" in result.answer
    bright = scan(tmp_path, "venous", voxels, ContrastBolusAgent="iohexol")
    refused = answered(bench, goal, [bright], given)
    assert "Contrast was given" in refused.reason


def test_a_scan_that_may_be_gated_is_asked_about(bench: Workbench, tmp_path: Path) -> None:
    voxels = np.full((40, 36, 10), 40)
    voxels[10:12, 12:15, 4] = 320
    mask = np.zeros(voxels.shape, np.uint8)
    mask[6:20, 8:24, 2:8] = 1
    study = scan(tmp_path, "heart", voxels, BodyPartExamined="HEART")
    given = {"mask": str(write_scan(tmp_path, "heart-mask", mask, AFFINE, None))}
    goal = Goal(want="agatston_score", of="given_region")
    asked = answered(bench, goal, [study], Given(**given))
    assert asked.missing == ("gated",)
    result = answered(bench, goal, [study], Given(GivenFacts(gated=True), **given))
    score = next(e for e in result.evidence if e.quantity == "agatston_score")
    # Six pixels of 4 mm², weight 3, slices of 2.5 mm.
    assert score.value == pytest.approx(6 * 4 * 3 * 2.5 / 3)
