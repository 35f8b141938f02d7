"""A refusal goes before a question; plain numbers may come as quantities; a pixel's size is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from scanwright.agent.answer.units import CANONICAL_UNITS, WORDS, factor
from scanwright.agent.plan import sense
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.plan import PlannedGoal
from scanwright.evals.sense.cases import Case, Expect, StudyText
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Quantity
from scanwright.tools.errors import ToolInputError
from scanwright.tools.registry import load_registry
from scanwright.tools.testing import ToolBench
from scanwright.tools.vocabulary.quantities import QUANTITIES

EVERY = load_registry()


@pytest.fixture
def planned(tmp_path: Any) -> Any:
    def make(want: str, of: str, unit: str | None = None, **differs: Any) -> PlannedGoal:
        study = StudyText(series={"scan": differs}, time="T1")
        case = Case(id="x", topic="x", why="x", studies={"S1": study}, expect=Expect(effect="none"))
        return Compiler(EVERY).compile([Goal(want=want, of=of, unit=unit)], case.views(ToolBench(tmp_path))).goals[0]

    return make


def test_points_are_asked_for_only_where_they_would_help(planned: Any) -> None:
    refused = planned("liver_spleen_ratio", "liver", like="abdomen_ct")
    assert (refused.status, refused.test) == ("refused", "contrast")


def test_on_a_native_scan_whose_organs_no_weights_find_the_points_are_asked_for(tmp_path: Any) -> None:
    study = StudyText(series={"scan": {"like": "abdomen_native"}}, time="T1")
    case = Case(id="x", topic="x", why="x", studies={"S1": study}, expect=Expect(effect="none"))
    bare = Compiler(EVERY, usable=lambda tool: "The weights are not here: fetch them." if tool.card.weights else None)
    goal = bare.compile([Goal(want="liver_spleen_ratio", of="liver")], case.views(ToolBench(tmp_path))).goals[0]
    assert (goal.status, goal.test) == ("needs_input", "missing_parameter")


def test_a_second_exam_is_asked_for_only_where_it_would_help(planned: Any) -> None:
    assert planned("exam_rotation", "image", like="chest_ct").test == "body_part"
    assert planned("exam_rotation", "image", like="head_mr").test == "missing_study"


def test_the_size_of_a_pixel_is_asked_for_after_what_is_refused(planned: Any) -> None:
    assert planned("vessel_length", "retinal_vessel", "mm", like="fundus").missing == ("pixel_size",)
    assert planned("vessel_length", "retinal_vessel", "mm", like="skin_photo").test == "modality"
    assert planned("vessel_length", "retinal_vessel", "{pixels}", like="fundus").status == "planned"
    assert planned("vessel_length", "retinal_vessel", "{pixels}", like="fundus", um=8.0).test == "unit"
    assert planned("tissue_area", "tissue", like="he_slide").status == "planned"
    assert planned("tissue_area", "tissue", like="he_slide", um=None).status == "needs_input"


@pytest.mark.parametrize("given", [0.3, Quantity(value=0.3), {"value": 0.3, "unit": "1"}, {"value": 0.3}])
def test_a_plain_number_may_come_as_a_quantity(given: Any) -> None:
    assert EVERY.get("positive_fraction").params({"threshold": given}) == {"threshold": 0.3}


def test_a_quantity_with_a_unit_is_no_plain_number() -> None:
    with pytest.raises(ToolInputError, match="takes a plain number as 'threshold'"):
        EVERY.get("positive_fraction").params({"threshold": Quantity(value=30, unit="%")})


def test_a_compiled_threshold_passes_the_check(tmp_path: Any) -> None:
    study = StudyText(series={"scan": {"like": "ihc_tile"}}, time="T1")
    goal = Goal(want="positive_fraction", of="nucleus", params={"threshold": Quantity(value=0.3)})
    case = Case(id="x", topic="x", why="x", studies={"S1": study}, goal=goal, expect=Expect(effect="none"))
    views = case.views(ToolBench(tmp_path))
    plan = Compiler(EVERY).compile([goal], views)
    assert plan.goals[0].status == "planned"
    assert sense.verdict(sense.check(plan, views, EVERY)) == "fine"


def test_units_are_of_known_quantities_and_can_be_read() -> None:
    assert CANONICAL_UNITS.keys() | WORDS <= QUANTITIES.keys()
    assert not CANONICAL_UNITS.keys() & WORDS
    assert factor("mm2", "um2") == pytest.approx(1e6)
    assert factor("/mm2", "/cm2") == pytest.approx(100)
    assert factor("{SUVbw}g/mL", "g/mL") == pytest.approx(1)
