"""One run of a network serves every structure it sees, and weights that are missing are named where they would help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.plan import Plan
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.workbench import Workbench
from scanwright.tools.artifacts import BlobRef, ImageFacts, Volume
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.registry import load_registry

REGISTRY = load_registry()
HERE = ("deepbet",)


def study(modality: str) -> StudyView:
    geometry = Geometry.of((180, 210, 180), np.diag([1.0, 1.0, 1.0, 1.0]))
    image = ImageFacts(modality=modality, body_part="head", unit=HU if modality == "CT" else "1", sequence="T1w")
    volume = Volume(
        type=ArtifactType(kind="Volume", modality=modality, grid=geometry.grid, time="t1", subject="P1"), name="scan",
        geometry=geometry, image=image, blob=BlobRef(sha256="0" * 64, size=1, media_type="none"), pixel_hash="p",
    )  # fmt: skip
    return StudyView("S1", "S-1", "exam", {"scan": volume}, None, None)


def missing(tool: Tool[..., Any]) -> str | None:
    names = [w for w in tool.card.weights if w not in HERE]
    return f"The weights {names[0]!r} are not on this machine: fetch them." if names else None


def compiled(*goals: Goal, modality: str = "MR", **compiler: Any) -> Plan:
    return Compiler(REGISTRY, pictures=False, **compiler).compile(goals, (study(modality),))


def tools(plan: Plan) -> list[str]:
    return [s.tool for s in plan.steps]


def test_three_structures_take_one_run_of_the_network() -> None:
    plan = compiled(*(Goal(want="volume", of=s) for s in ("hippocampus", "lateral_ventricle", "thalamus")))
    assert tools(plan).count("brain_part_map") == 1
    assert [s.params["structure"] for s in plan.steps if s.tool == "brain_part"] == [
        "hippocampus", "lateral_ventricle", "thalamus",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("structure", "chain"),
    [
        ("grey_matter", ["brain_tissue_map", "brain_tissue", "mask_volume"]),
        ("third_ventricle", ["brain_part_map", "brain_part", "mask_volume"]),
        ("corpus_callosum", ["brain_region_map", "brain_region", "mask_volume"]),
    ],
)
def test_each_structure_is_taken_from_the_map_that_has_it(structure: str, chain: list[str]) -> None:
    assert tools(compiled(Goal(want="volume", of=structure))) == chain


def test_the_second_method_is_taken_where_the_person_pins_it() -> None:
    plan = compiled(Goal(want="volume", of="hippocampus"), pins={"hippocampus": "brain_region"})
    assert tools(plan) == ["brain_region_map", "brain_region", "mask_volume"]


def test_one_side_of_a_structure_is_divided_by_the_midline() -> None:
    plan = compiled(Goal(want="volume", of="hippocampus", side="left"))
    assert {"brain_part_map", "brain_part", "one_side"} <= set(tools(plan))


def test_the_brain_on_ct_is_outlined_by_the_network_that_knows_ct_and_on_mr_by_the_packaged_one() -> None:
    goal = Goal(want="volume", of="brain")
    assert tools(compiled(goal, modality="CT")) == ["brain_mask_any", "mask_volume"]
    assert tools(compiled(goal)) == ["brain_extraction", "mask_volume"]


@pytest.mark.parametrize(
    ("structure", "modality", "words"),
    [
        ("hippocampus", "MR", "'meshnet-18' are not on this machine"),
        ("white_matter", "MR", "'meshnet-tissue-5' are not on this machine"),
        ("brain", "CT", "'mindgrab' are not on this machine"),
        ("hippocampus", "CT", "this scan is CT"),
    ],
)
def test_missing_weights_are_named_only_where_they_would_answer_the_question(
    structure: str, modality: str, words: str
) -> None:
    goal = compiled(Goal(want="volume", of=structure), modality=modality, usable=missing).goals[0]
    assert goal.status == "refused"
    assert words in (goal.reason or "")


def test_what_can_be_found_is_what_has_its_weights() -> None:
    reason = compiled(Goal(want="volume", of="tumour"), usable=missing).goals[0].reason or ""
    assert "brain" in reason
    assert "thalamus" not in reason
    assert "thalamus" in (compiled(Goal(want="volume", of="tumour")).goals[0].reason or "")


def test_a_measure_with_a_picture_of_its_own_is_shown_by_that() -> None:
    plan = Compiler(REGISTRY).compile([Goal(want="evans_index", of="brain")], (study("MR"),))
    (goal,) = plan.goals
    shown = {s.id: s.tool for s in plan.steps}
    assert [shown[p] for p in goal.pictures] == ["evans_picture"]


def test_a_tool_whose_package_is_not_installed_is_not_offered(tmp_path: Path) -> None:
    tool = REGISTRY.get("mask_volume")
    lacking = replace(tool, card=tool.card.model_copy(update={"packages": (("no_such_package", "some-extra"),)}))
    assert len({tool, lacking, tool}) == 2
    with Workbench(tmp_path) as bench:
        assert bench.why_not(tool) is None
        assert "install the extra `some-extra`" in (bench.why_not(lacking) or "")
