"""The compiler picks body tools by body part: one structure, two tools, one of them right for the scan."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.artifacts import BlobRef, ImageFacts, Mask, Volume
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.registry import load_registry

BLOB = BlobRef(sha256="0" * 64, size=0, media_type="application/octet-stream")


@pytest.fixture(scope="module")
def compiler():
    return Compiler(load_registry(), pictures=False)


def _study(body_part: str, *, point: bool = False, mask: bool = False, sides_known: bool = True) -> StudyView:
    geometry = Geometry.of((512, 400, 220), np.diag([0.75, 0.8, 1.5, 1.0]), sides_known=sides_known)
    image = ImageFacts(modality="CT", body_part=body_part, unit=HU)
    kind = ArtifactType(kind="Volume", modality="CT", grid=geometry.grid, time="t0", subject="P-test")
    volume = Volume(type=kind, name="scan", geometry=geometry, image=image, blob=BLOB, pixel_hash="scan")
    given = None
    if mask:
        region = kind.model_copy(update={"kind": "Mask", "structure": "given_region", "side": "whole"})
        given = Mask(type=region, name="given region", geometry=geometry, image=image, blob=BLOB, pixel_hash="mask",
                     voxels=900)  # fmt: skip
    return StudyView("S1", "scan", "scan", {"scan": volume}, given, Point(x=150, y=150, z=90) if point else None)


def _tools(compiler, study, **goal):
    planned = compiler.compile([Goal(**goal)], [study])
    return planned.goals[0], {step.tool for step in planned.steps}


@pytest.mark.parametrize(
    ("body_part", "structure", "tool", "other"),
    [
        ("head", "bone", "bone", "body_bone"),
        ("chest", "bone", "body_bone", "bone"),
        ("abdomen", "soft_tissue", "body_soft_tissue", "soft_tissue"),
        ("head", "soft_tissue", "soft_tissue", "body_soft_tissue"),
    ],
)
def test_one_structure_is_found_by_the_tool_for_the_body_part(compiler, body_part, structure, tool, other):
    goal, tools = _tools(compiler, _study(body_part), want="volume", of=structure)
    assert goal.status == "planned"
    assert tool in tools
    assert other not in tools


def test_the_emphysema_index_brings_lungs_airways_and_outline(compiler):
    goal, tools = _tools(compiler, _study("chest"), want="emphysema_index", of="lung")
    assert goal.status == "planned"
    assert tools == {"body_outline", "airways", "lungs", "emphysema_index"}


def test_each_lung_is_measured_by_itself(compiler):
    goal, tools = _tools(compiler, _study("chest"), want="volume", of="lung", side="each")
    assert len(goal.answers) == 2
    assert {"lung_of_side", "mask_volume"} <= tools
    assert "one_side" not in tools


def test_no_side_of_a_lung_without_known_sides(compiler):
    goal, _ = _tools(compiler, _study("chest", sides_known=False), want="volume", of="lung", side="left")
    assert goal.status == "refused"
    assert "which side is left" in goal.reason


def test_lungs_on_a_head_scan_are_refused(compiler):
    goal, _ = _tools(compiler, _study("head"), want="volume", of="lung")
    assert goal.status == "refused"
    assert "this scan shows the head" in goal.reason


def test_fat_at_a_level_needs_a_point(compiler):
    goal, _ = _tools(compiler, _study("abdomen"), want="area_at_level", of="subcutaneous_fat")
    assert goal.status == "needs_input"
    goal, tools = _tools(compiler, _study("abdomen", point=True), want="area_at_level", of="subcutaneous_fat")
    assert tools == {"body_outline", "subcutaneous_fat", "area_at_level"}


def test_muscle_at_a_level_needs_an_outline_and_has_no_volume(compiler):
    goal, _ = _tools(compiler, _study("abdomen", point=True), want="area_at_level", of="muscle")
    assert goal.status == "needs_input"
    assert "--mask" in goal.reason
    goal, tools = _tools(compiler, _study("abdomen", point=True, mask=True), want="area_at_level", of="muscle")
    assert tools == {"muscle_area_at_level"}
    goal, _ = _tools(compiler, _study("abdomen"), want="volume", of="muscle")
    assert goal.status == "refused"
