"""A second method: which chains are compared, what the answer says of them, and what is no second method."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agent_examples import settings, small_scan
from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.plan import sense
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.plan import Plan, Step, StepRef, StudyRef
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.workbench import Workbench
from scanwright.tools.artifacts import BlobRef, ImageFacts, Volume
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.registry import Registry

# Other families that outline the same structures are methods too, so the examples stand on these.
FAMILIES = (
    "agreement", "brain", "brain_any", "brain_hdbet", "brain_parts", "diameters", "facts", "head_ct", "intensity",
    "shape", "sides",
)  # fmt: skip


def some_tools() -> Registry:
    registry = Registry()
    for family in FAMILIES:
        registry.add_module(importlib.import_module(f"scanwright.tools.families.{family}"))
    return registry


REGISTRY = some_tools()


def study(modality: str = "MR", body_part: str = "head") -> StudyView:
    geometry = Geometry.of((180, 210, 180), np.diag([1.0, 1.0, 1.0, 1.0]))
    image = ImageFacts(modality=modality, body_part=body_part, unit=HU if modality == "CT" else "1", sequence="T1w")
    volume = Volume(
        type=ArtifactType(kind="Volume", modality=modality, grid=geometry.grid, time="t1", subject="P1"), name="scan",
        geometry=geometry, image=image, blob=BlobRef(sha256="0" * 64, size=1, media_type="none"), pixel_hash="p",
    )  # fmt: skip
    return StudyView("S1", "S-1", "exam", {"scan": volume}, None, None)


def without(*names: str) -> Any:
    def usable(tool: Tool[..., Any]) -> str | None:
        lacking = [w for w in tool.card.weights if w in names]
        return f"The weights {lacking[0]!r} are not on this machine: fetch them." if lacking else None

    return usable


def compared(want: str = "volume", of: str = "brain", *, view: StudyView | None = None, **given: Any) -> Plan:
    compiler = {k: given.pop(k) for k in ("usable", "pins") if k in given}
    goal = Goal(want=want, of=of, compare="methods", **given)
    return Compiler(REGISTRY, pictures=False, **compiler).compile((goal,), (view or study(),))


def tools(plan: Plan) -> list[str]:
    return [s.tool for s in plan.steps]


def methods(plan: Plan) -> str:
    return next(str(s.params["methods"]) for s in plan.steps if s.tool == "agreement")


def test_the_brain_is_measured_by_every_method_that_can_outline_it() -> None:
    plan = compared()
    assert methods(plan) == "deepbet; hd-bet; mindgrab"
    assert tools(plan).count("mask_volume") == 3
    assert tools(plan)[-1] == "agreement"
    assert plan.goals[0].answers == (plan.steps[-1].id,)
    assert plan.goals[0].note is None
    assert sense.check(plan, (study(),), REGISTRY) == ()


def test_the_preferred_method_comes_first_and_a_pin_prefers() -> None:
    assert methods(compared(of="hippocampus")) == "meshnet-18; meshnet-50"
    assert methods(compared(of="hippocampus", pins={"hippocampus": "brain_region"})) == "meshnet-50; meshnet-18"


def test_all_but_the_outline_stays_as_it_is() -> None:
    plan = compared(of="hippocampus", side="left")
    assert tools(plan).count("midsagittal_plane") == 1
    assert tools(plan).count("one_side") == tools(plan).count("mask_volume") == 2
    assert {s.params["side"] for s in plan.steps if s.tool == "one_side"} == {"left"}


def test_each_side_is_compared_by_itself_and_each_network_runs_once() -> None:
    plan = compared(of="thalamus", side="each")
    assert len(plan.goals[0].answers) == tools(plan).count("agreement") == 2
    assert tools(plan).count("brain_part_map") == tools(plan).count("brain_region_map") == 1


@pytest.mark.parametrize("want", ["mean_intensity", "asymmetry_index", "surface_area", "longest_diameter"])
def test_other_quantities_are_compared_too(want: str) -> None:
    plan = compared(want)
    assert next(s.params["quantity"] for s in plan.steps if s.tool == "agreement") == want


def test_where_one_method_can_be_used_it_answers_and_the_weights_for_another_are_named() -> None:
    goal = (plan := compared(usable=without("mindgrab", "hd-bet"))).goals[0]
    assert tools(plan) == ["brain_extraction", "mask_volume"]
    assert "Only one method here can outline the brain, so no range can be given" in (goal.note or "")
    assert "weights hd-bet or mindgrab" in (goal.note or "")
    assert {r.tool for r in goal.rejected} == {"brain_extraction_hdbet", "brain_mask_any"}
    assert all("not on this machine" in r.reason for r in goal.rejected)


def test_a_method_that_does_not_fit_the_scan_is_not_counted_nor_are_its_weights_named() -> None:
    note = compared(of="bone", view=study("CT")).goals[0].note or ""
    assert "Only one method" in note
    assert "weights" not in note
    brain = compared(view=study("CT"), usable=without("hd-bet"))
    assert tools(brain) == ["brain_mask_any", "mask_volume"]
    assert "weights" not in (brain.goals[0].note or "")


def test_what_no_tool_outlines_has_no_methods_to_compare() -> None:
    goal = compared("spacing", "image").goals[0]
    assert goal.status == "planned"
    assert "no methods to compare" in (goal.note or "")


def test_several_numbers_at_once_are_answered_without_a_range() -> None:
    plan = compared("bounding_box")
    assert "agreement" not in tools(plan)
    assert "Several numbers" in (plan.goals[0].note or "")


def test_overlap_needs_two_methods() -> None:
    plan = compared("dice", "hippocampus")
    assert tools(plan) == ["brain_part_map", "brain_part", "brain_region_map", "brain_region", "overlap_dice"]
    assert sense.check(plan, (study(),), REGISTRY) == ()
    refused = compared("dice", "hippocampus", usable=without("meshnet-50")).goals[0]
    assert refused.status == "refused"
    assert "weights meshnet-50" in (refused.reason or "")


def test_a_goal_that_does_not_ask_runs_one_method() -> None:
    plan = Compiler(REGISTRY, pictures=False).compile((Goal(want="volume", of="brain"),), (study(),))
    assert tools(plan) == ["brain_extraction", "mask_volume"]
    assert plan.goals[0].rejected == ()


def test_the_same_method_twice_is_no_second_one() -> None:
    steps = (
        Step(id="m", tool="brain_extraction", version="1", inputs={"volume": StudyRef()}),
        Step(id="a", tool="mask_volume", version="1", inputs={"mask": StepRef(step="m")}),
        Step(id="b", tool="mask_volume", version="1", inputs={"mask": StepRef(step="m")}),
        Step(
            id="c", tool="agreement", version="1", inputs={"values": (StepRef(step="a"), StepRef(step="b"))},
            params={"quantity": "volume", "methods": "deepbet; mindgrab"},
        ),
    )  # fmt: skip
    concerns = sense.check(Plan(steps=steps), (study(),), REGISTRY)
    assert [(c.step, c.effect, c.test) for c in concerns] == [("c", "refuse", "same_method")]


@pytest.fixture(scope="module")
def lumps(tmp_path_factory: pytest.TempPathFactory, probe_path: str) -> Iterator[Workbench]:
    """A workbench with the probe methods."""
    home = tmp_path_factory.mktemp("methods-home")
    with Workbench(home, settings=settings(), extra_modules=["agent_probe_methods"]) as workbench:
        yield workbench


def answered(bench: Workbench, folder: Path, **goal: Any) -> AnswerResult:
    scan = small_scan(folder, Modality="CT", BodyPartExamined="HEAD")
    with bench.open_home() as home:
        from scanwright.agent.given import Given

        views = Given().views(home, [scan])
    plan = bench.compiler().compile((Goal(compare="methods", **goal),), views)
    return bench.run_plan(plan, [scan])


def test_the_answer_says_value_range_and_each_method_s_number(lumps: Workbench, tmp_path: Path) -> None:
    result = answered(lumps, tmp_path, want="volume", of="probe_lump")
    value = result.evidence[0]
    found = {e.made_by: e for e in result.evidence if e.quantity == "volume" and e.made_by}
    assert [*found] == ["probe lump whole", "probe lump upper"]
    assert value.value == found["probe lump whole"].value
    assert value.uncertainty is not None
    assert (value.uncertainty.low, value.uncertainty.high) == (found["probe lump upper"].value, value.value)
    assert re.search(
        r"^The volume of the probe lump is [\d.]+ mL \(range [\d.]+ to [\d.]+ mL: by probe lump whole and probe lump "
        r"upper\) \[E1\]: [\d.]+ mL by probe lump whole \[E2\] and [\d.]+ mL by probe lump upper \[E3\]\.",
        result.answer,
    )
    assert result.answer.count("Picture of the probe lump by") == 2


def test_outlines_that_are_asked_for_are_given_by_each_method(lumps: Workbench, tmp_path: Path) -> None:
    result = answered(lumps, tmp_path, want="mask", of="probe_lump")
    assert [e.made_by for e in result.evidence if e.kind == "Mask"] == ["probe lump whole", "probe lump upper"]
    overlap = answered(lumps, tmp_path, want="dice", of="probe_lump")
    assert "between probe lump whole and probe lump upper [E1]" in overlap.answer
    assert 0 < float(str(overlap.evidence[0].value)) < 1


def test_where_one_method_fails_the_other_answers_and_the_answer_says_so(lumps: Workbench, tmp_path: Path) -> None:
    result = answered(lumps, tmp_path, want="volume", of="probe_speck")
    assert result.status == "answered"
    assert result.evidence[0].made_by == "probe speck"
    assert "Another method failed, so no range can be given" in result.answer
    assert "The probe fails on purpose." in result.answer
    assert "Another method failed" in (result.goals[0].reason or "")
