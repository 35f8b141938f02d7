"""Slides and photographs take the way of a question as scans do, and tools for one kind are not used on another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from scanwright.agent.given import Given
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.run.outputs import what_is_wrong
from scanwright.agent.workbench import Workbench
from scanwright.tools.artifacts import BlobRef, Image, ImageFacts, Measurement, Photograph, Slide
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.loaded import GivenFacts
from scanwright.tools.registry import load_registry

REGISTRY = load_registry()
HERE = {"deepbet"}


def study(kind: type[Photograph] | type[Slide], modality: str) -> StudyView:
    frame = Frame(width=800, height=700, um_per_pixel=(0.5, 0.5))
    image: Image = kind(
        type=ArtifactType(kind=kind.KIND, modality=modality, grid=frame.grid, time="t1", subject="P1"), name="picture",
        frame=frame, image=ImageFacts(modality=modality, body_part="eye" if modality == "OP" else None),
        files=(BlobRef(sha256="0" * 64, size=1, media_type="none"),), pixel_hash="p",
    )  # fmt: skip
    return StudyView("S1", "S-1", "exam", {"picture": image})


def compiled(view: StudyView, goal: Goal):  # type: ignore[no-untyped-def]
    usable = Compiler(REGISTRY, lambda tool: "not here" if set(tool.card.weights) - HERE else None)
    return usable.compile([goal], [view])


def test_the_outline_of_vessels_is_their_mask_and_is_drawn_on_the_photograph() -> None:
    plan = compiled(study(Photograph, "OP"), Goal(want="mask", of="retinal_vessel"))
    (goal,) = plan.goals
    tools = {s.id: s.tool for s in plan.steps}
    assert goal.status == "planned"
    assert tools[goal.answers[0]] == "retinal_vessels_ridges"
    assert [tools[p] for p in goal.pictures] == ["photograph_overlay"]


@pytest.mark.parametrize(
    ("kind", "modality", "goal", "words"),
    [
        (Slide, "SM", Goal(want="volume", of="brain"), "3D scan"),
        (Photograph, "OP", Goal(want="mask", of="lung"), "3D scan"),
        (Slide, "SM", Goal(want="vessel_density", of="retinal_vessel"), "slide|OP|photograph"),
    ],
)
def test_a_tool_for_another_kind_of_image_is_refused_in_words(
    kind: type[Photograph] | type[Slide], modality: str, goal: Goal, words: str
) -> None:
    (planned,) = compiled(study(kind, modality), goal).goals
    assert planned.status == "refused"
    assert any(word in (planned.reason or "") for word in words.split("|")), planned.reason


def test_what_fits_a_slide_is_not_what_fits_a_scan(tmp_path: Path) -> None:
    Picture.fromarray(np.full((40, 50, 3), 200, np.uint8)).save(tmp_path / "tile.png")
    with Workbench(tmp_path / "home") as bench:
        fits = bench.fits(tmp_path / "tile.png", Given(GivenFacts(modality="SM", stain="H&E", pixel_size_um=0.5)))
    assert fits["brain_extraction"] == "This needs a 3D scan, and this is a microscope slide."
    assert fits["mask_volume"] == "This needs a 3D scan, and this is a microscope slide."
    assert fits["fundus_field"] == "This needs a photograph, and this is a microscope slide."


def test_a_mask_of_a_scan_is_none_of_a_slide(tmp_path: Path) -> None:
    Picture.fromarray(np.full((40, 50, 3), 200, np.uint8)).save(tmp_path / "tile.png")
    given = Given(GivenFacts(modality="SM"), mask=str(tmp_path / "tile.png"))
    with Workbench(tmp_path / "home") as bench, pytest.raises(UserInputError, match="takes a mask of a 3D scan"):
        bench.ask([tmp_path / "tile.png"], "How large is the marked region?", given)


@pytest.mark.parametrize(("unit", "believed"), [("{pixels}", True), ("mm", True), ("mL", False)])
def test_a_length_on_a_picture_without_pixel_size_may_be_told_in_pixels(unit: str, believed: bool) -> None:
    told = Measurement(
        type=ArtifactType(kind="Measurement", structure="retinal_vessel", quantity=("vessel_length",)),
        name="length", quantity="vessel_length", value=21070.0, unit=unit,
    )  # fmt: skip
    assert (what_is_wrong(told, {}) is None) is believed
