"""Further points that come with a question: read from the command line, and bound to the tool that takes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from scanwright.agent.cli.options import given_from
from scanwright.agent.given import Given
from scanwright.agent.workbench import Workbench
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.errors import UserInputError

HEAD_CT = Path(__file__).parents[2] / "demo" / "head_ct.nii.gz"
SINUS = Point(x=122.5, y=194.3, z=81)
NOTHING: dict[str, object] = {
    **dict.fromkeys(
        ("modality", "body_part", "sides", "stain", "pixel_size", "gated", "mask", "at", "series", "patient")
    ),
    **dict.fromkeys(("more", "not_at", "liver_at", "spleen_at"), ()),
}


def test_points_are_read_from_the_command_line() -> None:
    given = given_from(NOTHING | {"at": "1,2,3", "more": ("4,5,6", "7,8,9"), "not_at": ("-1,0,2.5",)})
    assert given.points["more"].points == (Point(x=4, y=5, z=6), Point(x=7, y=8, z=9))
    assert given.points["not_at"].points == (Point(x=-1, y=0, z=2.5),)
    assert given_from(NOTHING).points == {}


def test_a_point_that_is_none_names_its_option() -> None:
    with pytest.raises(UserInputError, match="--not-at takes three numbers"):
        given_from(NOTHING | {"not_at": ("1,2",)})


def test_a_question_about_what_is_pointed_at_is_answered_with_every_point(tmp_path: Path) -> None:
    outside = Points(points=(Point(x=60.0, y=100.0, z=81.0),))
    with Workbench(tmp_path) as bench:
        planned = bench.plan(
            [HEAD_CT], "How large is the structure I point at?", Given(at=SINUS, points={"not_at": outside})
        )
        result = bench.run_plan(planned.plan, [HEAD_CT], Given(at=SINUS))
    step = next(s for s in planned.plan.steps if s.tool == "clicked_structure")
    assert step.params == {"at": SINUS.model_dump(), "not_at": outside.model_dump(mode="json")}
    assert "structure at the point is" in result.answer


def test_without_a_point_the_question_is_asked_back(tmp_path: Path) -> None:
    with Workbench(tmp_path) as bench:
        plan = bench.plan([HEAD_CT], "How large is the structure I point at?").plan
    assert plan.goals[0].status == "needs_input"
    assert "--at X,Y,Z" in (plan.goals[0].reason or "")
