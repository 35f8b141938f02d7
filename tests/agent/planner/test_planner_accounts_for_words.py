"""What a question names and no goal carries: a side, a level, a phase, a part, a quantity."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.base import Declined, Unclear
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal

CONTEXT = {"mask": False, "point": False}


def _asked(
    planner: ExemplarPlanner, question: str, scan: str = "abdomen_ct", *, mask: bool = False
) -> tuple[object, ...]:
    return planner.propose(question, [study(scan, CONTEXT | {"mask": mask})]).items


@pytest.mark.parametrize(
    ("question", "scan", "word"),
    [
        ("How wide is the heart?", "chest_ct", "wide"),
        ("How long is the liver from top to bottom?", "abdomen_ct", "from top to bottom"),
        ("Longest diameter of the aorta at L3?", "abdomen_ct", "at l3"),
        ("How dense is the liver in the portal venous phase?", "abdomen_ct", "portal venous phase"),
        ("Lung volume at end-expiration?", "chest_ct", "end-expiration"),
        ("Volume of the ascending aorta?", "chest_ct", "ascending"),
        ("How large is the upper pole of the left kidney?", "abdomen_ct", "pole"),
        ("What is the average stiffness of the liver?", "abdomen_ct", "stiffness"),
        ("HU of the liver compared to the kidney", "abdomen_ct", "kidney"),
        ("Vessel density in the upper half", "fundus", "upper half"),
        ("What is the median nuclear area?", "he_tile", "median"),
        ("Share of strongly positive nuclei", "ihc_tile", "strongly"),
    ],
)
def test_a_word_that_no_goal_carries_is_asked_about(
    planner: ExemplarPlanner, question: str, scan: str, word: str
) -> None:
    (item,) = _asked(planner, question, scan)
    assert isinstance(item, Unclear)
    assert word in item.sentence


@pytest.mark.parametrize("of", ["the liver", "the region I outlined"])
def test_a_quantity_in_a_list_that_nothing_measures_is_refused_beside_the_others(
    planner: ExemplarPlanner, of: str
) -> None:
    items = _asked(planner, f"Mean, SD and entropy of {of}", mask="outlined" in of)
    assert [getattr(i, "want", getattr(i, "code", None)) for i in items] == [
        "mean_intensity",
        "sd_intensity",
        "no_tool",
    ]
    assert isinstance(items[-1], Declined)


def test_a_noun_in_a_list_that_is_no_quantity_is_not_dropped(planner: ExemplarPlanner) -> None:
    volume, asked = _asked(planner, "Volume and roughness of the liver")
    assert isinstance(volume, Goal)
    assert isinstance(asked, Unclear)
    assert "roughness" in asked.sentence


def test_where_an_outlined_lesion_lies_changes_nothing(planner: ExemplarPlanner) -> None:
    items = _asked(planner, "What is the volume of the lesion in the left kidney?", mask=True)
    assert items == (Goal(want="volume", of="given_region"),)


@pytest.mark.parametrize(
    ("question", "scan", "goal"),
    [
        ("kidney vol R, mL", "abdomen_ct", Goal(want="volume", of="kidney", side="right", unit="mL")),
        ("LAA-950 left", "chest_ct", Goal(want="emphysema_index", of="lung", side="left")),
        ("LLL volume", "chest_ct", Goal(want="volume", of="lung_lower_lobe", side="left")),
        ("nuclei/mm2", "he_tile", Goal(want="nuclei_density", of="nucleus")),
        ("kidney volume in l", "abdomen_ct", Goal(want="volume", of="kidney", unit="L")),
    ],
)
def test_shorthand_for_sides_lobes_and_densities_is_read(
    planner: ExemplarPlanner, question: str, scan: str, goal: Goal
) -> None:
    assert _asked(planner, question, scan) == (goal,)
