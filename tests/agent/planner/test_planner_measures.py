"""The offline planner and the named measures: head, trunk, lesions, PET, photographs of the eye, slides."""

from __future__ import annotations

from typing import Any

import pytest
from scanwright.agent.planner.base import Declined
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.evals.planning.studies import study
from scanwright.tools.contract.goal import Goal

MASK = {"mask": True, "point": False}
NOTHING = {"mask": False, "point": False}


@pytest.mark.parametrize(
    ("scan", "asked", "goals"),
    [
        ("brain_t1", "Is the midline displaced?", [{"want": "midline_shift", "of": "brain"}]),
        ("brain_t1", "frontal horn to skull ratio", [{"want": "evans_index", "of": "brain"}]),
        ("brain_t1", "Show where the Evans index comes from", [{"want": "evans_picture", "of": "brain"}]),
        ("head_ct", "ABC/2 of the bleed", [{"want": "abc2_volume", "of": "given_region"}]),
        ("chest_ct", "Ratio of heart width to chest width", [{"want": "cardiothoracic_ratio", "of": "heart"}]),
        ("chest_ct", "How dense is the right middle lobe?", [{"want": "mean_intensity", "of": "lung_middle_lobe"}]),
        ("abdomen_ct", "mean HU of L1", [{"want": "mean_intensity", "of": "vertebra_l1"}]),
        ("abdomen_ct", "Which kidney is larger?", [{"want": "volume", "of": "kidney", "side": "each"}]),
        ("abdomen_native", "Is the liver fatty?", [{"want": "liver_fat_grade", "of": "liver"}]),
        ("abdomen_native", "spleen to liver difference", [{"want": "liver_spleen_difference", "of": "liver"}]),
        ("cardiac_ct", "Calcium score?", [{"want": "agatston_score", "of": "given_region"}]),
        ("pet", "peak SUV of this scan", [{"want": "suv_peak"}]),
        ("chest_ct", "Similar scans of women", [{"want": "similar_cases", "params": {"sex": "F"}}]),
        ("fundus", "How thick are the vessels?", [{"want": "vessel_calibre", "of": "retinal_vessel"}]),
        ("fundus", "How large is a pixel?", [{"want": "spacing"}]),
        ("he_tile", "How large is a pixel?", [{"want": "pixel_size"}]),
        ("he_tile", "How intense is the eosin staining?",
         [{"want": "stain_density", "of": "tissue", "params": {"dye": "eosin"}}]),
        ("he_tile", "nuclear count and density",
         [{"want": "nuclei_count", "of": "nucleus"}, {"want": "nuclei_density", "of": "nucleus"}]),
        ("he_tile", "Export the nuclei as CSV", [{"want": "table_csv", "of": "nucleus"}]),
        ("ihc_tile", "How many nuclei are positive?", [{"want": "positive_fraction", "of": "nucleus"}]),
        ("head_ct", "How large are the bone and the skull? How bright is each?",
         [{"want": "volume", "of": "bone"}, {"want": "volume", "of": "skull"},
          {"want": "mean_intensity", "of": "bone"}, {"want": "mean_intensity", "of": "skull"}]),
    ],
)  # fmt: skip
def test_measures_are_planned(planner: ExemplarPlanner, scan: str, asked: str, goals: list[dict[str, Any]]) -> None:
    items = planner.propose(asked, [study(scan, NOTHING)]).items
    assert [i.canonical() if isinstance(i, Goal) else i for i in items] == [
        Goal.model_validate(g).canonical() for g in goals
    ]


@pytest.mark.parametrize(
    ("scan", "asked", "code"),
    [
        ("brain_t1", "Is the Evans index abnormal?", "normative"),
        ("brain_t1", "Register this brain to MNI", "no_tool"),
        ("pet", "Is the uptake pathological?", "not_assessed"),
        ("pet", "What is the metabolic tumour volume?", "no_tool"),
        ("cardiac_ct", "Are there any calcifications in the coronaries?", "not_assessed"),
        ("abdomen_ct", "How much visceral fat alone?", "no_tool"),
        ("fundus", "How tortuous are the vessels?", "no_tool"),
        ("fundus", "Is there diabetic retinopathy?", "not_assessed"),
        ("fundus", "Is it the left or the right eye?", "no_tool"),
        ("he_tile", "How many mitoses?", "not_assessed"),
        ("he_tile", "How many lymphocytes are there?", "no_tool"),
        ("ihc_tile", "H-score", "no_tool"),
    ],
)
def test_what_lies_beside_a_measure_is_declined(planner: ExemplarPlanner, scan: str, asked: str, code: str) -> None:
    (item,) = planner.propose(asked, [study(scan, NOTHING)]).items
    assert isinstance(item, Declined)
    assert item.code == code


def test_with_a_mask_a_measure_of_lesions_is_of_the_mask(planner: ExemplarPlanner) -> None:
    goals = planner.propose("SUVmax and SUVpeak in my mask", [study("pet", MASK)]).goals
    assert goals == (Goal(want="suv_max", of="given_region"), Goal(want="suv_peak", of="given_region"))


def test_nodes_are_measured_across(planner: ExemplarPlanner) -> None:
    asked = "What is the sum of the diameters of the marked lymph nodes?"
    (goal,) = planner.propose(asked, [study("abdomen_ct", MASK)]).goals
    assert goal == Goal(want="sum_of_diameters", of="given_region", params={"nodes": "yes"})
