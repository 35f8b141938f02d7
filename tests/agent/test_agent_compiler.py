"""Compiler: prerequisites, merged steps, refusals that explain themselves, and what holds for any goal."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from agent_examples import HEAD_TRUTH
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scanwright.agent.answer.units import CANONICAL_UNITS, convertible
from scanwright.agent.plan import sense
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.plan import Plan, Step, StepRef, ordered, plan_from_json
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.plan.trim import settle
from scanwright.agent.workbench import Workbench
from scanwright.tools.artifacts import BlobRef, ImageFacts, Mask, Volume
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU, Point, Quantity
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.registry import Registry, load_registry
from scanwright.tools.vocabulary.structures import STRUCTURES

# The examples stand on tools that are named here, the properties on every tool there is.
FAMILIES = ("brain", "change", "diameters", "exports", "facts", "head_ct", "intensity", "pictures", "shape", "sides")
EVERY = load_registry()


def some_tools() -> Registry:
    registry = Registry()
    for family in FAMILIES:
        registry.add_module(importlib.import_module(f"scanwright.tools.families.{family}"))
    return registry


REGISTRY = some_tools()
BLOB = BlobRef(sha256="0" * 64, size=1, media_type="none")
SHAPE = (62, 71, 59)


def scan(
    modality: str | None = "CT", body_part: str | None = "head", *, time: str = "t1", subject: str = "P1",
    sides_known: bool = True, spacing: float = 3.0, shape: tuple[int, int, int] = SHAPE,
) -> Volume:  # fmt: skip
    geometry = Geometry.of(shape, np.diag([spacing, spacing * 1.1, spacing * 1.05, 1.0]), sides_known=sides_known)
    image = ImageFacts(modality=modality, body_part=body_part, unit=HU if modality == "CT" else "1", contrast=False)
    type_ = ArtifactType(kind="Volume", modality=modality, grid=geometry.grid, time=time, subject=subject)
    return Volume(
        type=type_, name="scan", geometry=geometry, image=image, blob=BLOB, pixel_hash=f"hash-{time}-{subject}"
    )


def view(alias: str = "S1", *, mask: bool = False, at: Point | None = None, **facts: Any) -> StudyView:
    volume = scan(**facts)
    region = None
    if mask:
        type_ = volume.type.model_copy(update={"kind": "Mask", "structure": "given_region", "side": "whole"})
        region = Mask(type=type_, name="given region", geometry=volume.geometry, image=volume.image, blob=BLOB,
                      pixel_hash="mask", voxels=7)  # fmt: skip
    return StudyView(alias, f"S-{volume.pixel_hash}", "exam", {"scan": volume}, region, at)


def compiled(*goals: Goal, studies: tuple[StudyView, ...] = (view(),), **compiler: Any) -> Plan:
    return Compiler(REGISTRY, **compiler).compile(goals, studies)


def tools(plan: Plan) -> list[str]:
    return [s.tool for s in plan.steps]


def refusal(plan: Plan) -> tuple[str, str, str]:
    goal = plan.goals[0]
    assert goal.status != "planned"
    assert goal.reason
    return goal.status, goal.test or "", goal.reason


SKULL = Goal(want="volume", of="skull")
LOW = Quantity(value=3, unit=HU)


def test_prerequisites_are_added_in_an_order_that_can_run() -> None:
    plan = compiled(SKULL, pictures=False)
    assert tools(plan) == ["head_outline", "bone", "skull", "mask_volume"]
    assert ordered(plan.steps) == plan.steps
    assert plan.goals[0].answers == (plan.steps[-1].id,)


def test_shared_steps_are_merged_into_one() -> None:
    goals = [SKULL, Goal(want="surface_area", of="skull"), Goal(want="longest_diameter", of="skull")]
    plan = compiled(*goals)
    assert sorted(tools(plan)) == sorted(
        ["head_outline", "bone", "skull", "mask_volume", "surface_area", "longest_diameter", "overlay"]
    )
    segmentation = next(s for s in plan.steps if s.tool == "skull")
    assert segmentation.why == (0, 1, 2)


def test_the_same_goal_twice_is_one_set_of_steps() -> None:
    assert tools(compiled(SKULL, SKULL)) == tools(compiled(SKULL))


def test_merging_gives_every_goal_the_steps_it_would_have_alone() -> None:
    goals = [SKULL, Goal(want="mean_intensity", of="bone"), Goal(want="volume_fraction", of="bone", region="head")]
    together = compiled(*goals)
    for i, goal in enumerate(goals):
        alone = compiled(goal)
        assert chain(together, together.goals[i].answers) == chain(alone, alone.goals[0].answers)


def chain(plan: Plan, answers: tuple[str, ...]) -> list[Any]:
    """What answers rest on, told without the ids of steps."""

    def told(step_id: str) -> Any:
        step = plan.step(step_id)
        return [
            step.tool,
            step.params,
            [(n, told(b.step) if isinstance(b, StepRef) else str(b)) for n, b in step.bindings()],
        ]

    return [told(a) for a in answers]


def test_each_side_is_a_left_and_a_right_answer_of_one_segmentation() -> None:
    plan = compiled(Goal(want="volume", of="skull", side="each"))
    sides = [s.params["side"] for s in plan.steps if s.tool == "one_side"]
    assert sides == ["left", "right"]
    assert len(plan.goals[0].answers) == 2
    assert tools(plan).count("skull") == tools(plan).count("midsagittal_plane") == 1


def test_both_sides_together_are_the_whole() -> None:
    assert tools(compiled(Goal(want="volume", of="skull", side="both"))) == tools(compiled(SKULL))


@pytest.mark.parametrize(
    ("goal", "studies", "status", "test", "words"),
    [
        (Goal(want="volume", of="liver"), (view(),), "refused", "no_tool", "liver"),
        (Goal(want="perfusion", of="brain"), (view(),), "refused", "no_tool", "perfusion"),
        (Goal(want="volume", of="brain"), (view(),), "refused", "modality", "CT"),
        (SKULL, (view(modality="MR"),), "refused", "modality", "MR"),
        (SKULL, (view(body_part="chest"),), "refused", "body_part", "chest"),
        (SKULL, (view(modality=None),), "needs_input", "modality", "modality"),
        (SKULL, (view(body_part=None),), "needs_input", "body_part", "body"),
        (Goal(want="asymmetry_index", of="skull"), (view(sides_known=False),), "refused", "sides_known", "left"),
        (Goal(want="volume", of="skull", side="left"), (view(sides_known=False),), "refused", "sides_known", "left"),
        (Goal(want="volume", of="given_region"), (view(),), "needs_input", "missing_mask", "--mask"),
        (Goal(want="intensity_at_point"), (view(),), "needs_input", "missing_point", "--at"),
        (Goal(want="volume", of="skull", region="head"), (view(),), "refused", "unused", "region"),
        (SKULL.model_copy(update={"params": {"low": LOW}}), (view(),), "refused", "unused", "low"),
        (SKULL.model_copy(update={"group": "slice"}), (view(),), "refused", "unused", "slice"),
        (SKULL.model_copy(update={"time": "2019"}), (view(),), "needs_input", "missing_study", "another exam"),
        (SKULL.model_copy(update={"compare": "S9"}), (view(),), "refused", "unused", "No tool compares"),
        (Goal(want="dimensions", side="left"), (view(),), "refused", "unused", "left"),
        (Goal(want="asymmetry_index", of="skull", side="left"), (view(),), "refused", "unused", "left"),
        (Goal(want="mean_intensity", side="left"), (view(),), "refused", "", "left"),
        (SKULL.model_copy(update={"unit": "mm"}), (view(),), "refused", "unit", "mm"),
        (SKULL.model_copy(update={"unit": "parsnip"}), (view(),), "refused", "unit", "parsnip"),
        (Goal(want="mean_intensity", unit=HU), (view(modality="MR"),), "refused", "unit", "HU"),
        (Goal(want="intensity_percentiles", unit="mm"), (view(),), "refused", "unit", "mm"),
        (Goal(want="intensity_at_point", unit="mm"), (view(at=Point(x=1, y=2, z=3)),), "refused", "unit", "mm"),
        (Goal(want="mean_intensity", unit="%"), (view(modality="MR"),), "refused", "unit", "%"),
        (Goal(want="component_count", of="skull", unit="%"), (view(),), "refused", "unit", "%"),
        (Goal(want="modality", unit="mm"), (view(),), "refused", "unit", "mm"),
        (Goal(want="dimensions", unit="mm"), (view(),), "refused", "unit", "mm"),
        (Goal(want="overlay", of="skull", unit="mm"), (view(),), "refused", "unit", "mm"),
        (Goal(want="volume_change", of="skull"), (view(),), "needs_input", "missing_study", "earlier"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong(
    goal: Goal, studies: tuple[StudyView, ...], status: str, test: str, words: str
) -> None:
    got = refusal(compiled(goal, studies=studies))
    assert got[0] == status, got
    if test:
        assert got[1] == test, got
    assert words in got[2]
    assert got[2].endswith(".")


def test_a_threshold_that_no_scan_holds_is_refused() -> None:
    for low in (Quantity(value=-5000, unit=HU), Quantity(value=300, unit="mm")):
        plan = compiled(Goal(want="volume", of="intensity_range", params={"low": low}))
        assert refusal(plan)[:2] == ("refused", "param_in_image_unit")


def test_a_refusal_names_what_the_tools_can_find() -> None:
    assert "skull" in refusal(compiled(Goal(want="volume", of="liver")))[2]


def test_goals_are_planned_or_refused_each_by_itself() -> None:
    plan = compiled(SKULL, Goal(want="volume", of="liver"), Goal(want="spacing"))
    assert [g.status for g in plan.goals] == ["planned", "refused", "planned"]


def test_two_patients_are_not_compared() -> None:
    goal = Goal(want="volume_change", of="skull", compare="S1")
    later, earlier = view("S2", time="t2"), view("S1", subject="P2")
    plan = compiled(goal, studies=(later, earlier))
    concerns = sense.check(plan, (later, earlier), REGISTRY)
    assert settle(plan, concerns).goals[0].status == "refused"


def test_a_change_between_two_exams_measures_each_and_compares() -> None:
    studies = (view("S2", time="t2"), view("S1"))
    plan = compiled(Goal(want="volume_change", of="skull", compare="S1"), studies=studies, pictures=False)
    assert tools(plan).count("mask_volume") == 2
    change = next(s for s in plan.steps if s.tool == "volume_change")
    origin = {n: roots(plan, b.step) for n, b in change.bindings() if isinstance(b, StepRef)}
    assert origin == {"earlier": {"S1"}, "later": {"S2"}}
    assert not [c for c in sense.check(plan, studies, REGISTRY) if c.effect == "refuse"]


def roots(plan: Plan, step_id: str) -> set[str]:
    found: set[str] = set()
    for _, binding in plan.step(step_id).bindings():
        found |= roots(plan, binding.step) if isinstance(binding, StepRef) else {binding.study}
    return found


def no_weights(tool: Tool[..., Any]) -> str | None:
    return "The weights are not here: fetch them." if tool.card.weights else None


def test_a_tool_without_its_weights_is_not_offered_and_planned_with_the_whole_catalogue() -> None:
    brain, studies = Goal(want="volume", of="brain"), (view(modality="MR"),)
    status, test, reason = refusal(compiled(brain, studies=studies, usable=no_weights))
    assert (status, test, reason) == ("refused", "weights", "The weights are not here: fetch them.")
    assert "brain_extraction" in tools(compiled(brain, studies=studies))


def test_a_pin_decides_which_tool_is_taken() -> None:
    import agent_probe_tools

    extra = some_tools()
    extra.add_module(agent_probe_tools)
    plan = Compiler(extra, pins={"skull": "skull"}).compile([SKULL], [view()])
    assert "skull" in tools(plan)
    order = Compiler(extra, pins={"volume": "zzz"})._order(SKULL, view())
    assert order(extra.get("skull"))[0] is True
    pinned = Compiler(extra, pins={"volume": "skull"})._order(SKULL, view())
    assert sorted(extra, key=pinned)[0].card.id == "skull"


def test_a_study_of_several_series_asks_which_one() -> None:
    two = StudyView("S1", "S-1", "exam", {"a": scan(), "b": scan(time="t1", spacing=2.0)})
    with pytest.raises(UserInputError, match="--series"):
        compiled(SKULL, studies=(two,))
    plan = compiled(SKULL.model_copy(update={"series": "b"}), studies=(two,))
    assert {b.series for s in plan.steps for _, b in s.bindings() if not isinstance(b, StepRef)} == {"b"}


def test_compiling_is_deterministic() -> None:
    goals = [SKULL, Goal(want="mean_intensity", of="bone"), Goal(want="volume", of="liver")]
    assert compiled(*goals).to_json() == compiled(*goals).to_json()


def test_a_plan_survives_its_file() -> None:
    plan = compiled(SKULL, Goal(want="volume", of="liver"), Goal(want="volume", of="skull", side="each"))
    assert plan_from_json(plan.to_json(), "plan.json") == plan


def test_the_key_of_a_plan_forgets_who_made_it_and_sees_every_parameter() -> None:
    def above(hu: float) -> Goal:
        return Goal(want="volume", of="intensity_range", params={"low": Quantity(value=hu, unit=HU)})

    plan = compiled(above(300))
    assert plan.key == plan.model_copy(update={"planner": "other", "question": "?"}).key
    assert plan.key != compiled(above(301)).key


WANTS = [*sorted(EVERY.wants()), "perfusion"]
OF = [*sorted(STRUCTURES), "something_else"]
UNITS = [None, "mL", "L", "mm", "cm2", "%", "1", HU, "parsnip"]
VALUES = st.one_of(
    st.builds(Quantity, value=st.floats(-6000, 6000), unit=st.sampled_from(["1", HU, "mm"])),
    st.builds(Point, x=st.floats(-300, 300), y=st.floats(-300, 300), z=st.floats(-300, 300)),
    st.sampled_from(["left", "text"]),
)
ANY_GOALS = st.builds(
    Goal,
    want=st.sampled_from(WANTS),
    of=st.sampled_from(OF),
    side=st.sampled_from(["left", "right", "both", "each", "whole"]),
    region=st.sampled_from([None, None, *OF]),
    params=st.dictionaries(st.sampled_from(["low", "high", "at", "side", "hue"]), VALUES, max_size=2),
    compare=st.sampled_from([None, None, "S1", "S9"]),
    time=st.sampled_from([None, None, None, "2019"]),
    group=st.sampled_from([None, None, "slice", "patient"]),
    unit=st.sampled_from(UNITS),
    output=st.sampled_from([None, "table", "picture"]),
)
# Mostly goals that make sense, so that most of them are planned.
LIKELY_GOALS = st.builds(
    Goal,
    want=st.sampled_from(sorted(EVERY.wants())),
    of=st.sampled_from(["skull", "head", "bone", "brain", "image", "given_region", "intensity_range"]),
    side=st.sampled_from(["whole", "whole", "whole", "left", "each"]),
    region=st.sampled_from([None, None, "head"]),
    params=st.sampled_from([{}, {}, {"low": Quantity(value=300.0, unit=HU)}]),
    unit=st.sampled_from([None, None, None, "mL", "cm"]),
    output=st.sampled_from([None, None, "table"]),
)
GOALS = LIKELY_GOALS | ANY_GOALS
STUDIES = st.just(view(mask=True, at=Point(x=10, y=20, z=30))) | st.builds(
    view,
    mask=st.booleans(),
    at=st.sampled_from([None, Point(x=10, y=20, z=30)]),
    modality=st.sampled_from(["CT", "MR", "PT", None]),
    body_part=st.sampled_from(["head", "chest", None]),
    sides_known=st.booleans(),
)
MANY = hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(goals=st.lists(GOALS, min_size=1, max_size=3), main=STUDIES, earlier=st.booleans())
def test_any_goals_become_a_plan_that_passes_the_check_or_a_refusal_with_a_sentence(
    goals: list[Goal], main: StudyView, earlier: bool
) -> None:
    studies = (main,)
    if earlier:
        later = StudyView("S2", "S-2", "later", {"scan": main.image()}, main.mask, main.at)
        studies = (later, view("S1", time="t0"))
    plan = Compiler(EVERY).compile(goals, studies)
    settled = settle(plan, sense.check(plan, studies, EVERY))
    assert len(settled.goals) == len(goals)
    assert ordered(settled.steps) == settled.steps
    known = {s.id for s in settled.steps}
    for planned in settled.goals:
        if planned.status == "planned":
            assert planned.answers
            assert {*planned.answers, *planned.pictures, *planned.files} <= known
        else:
            assert planned.reason
            assert planned.reason.strip().endswith((".", "?", ")"))
            assert not planned.answers
    assert not [c for c in sense.check(settled, studies, EVERY) if c.effect != "flag" and c.step is not None]
    assert plan_from_json(settled.to_json(), "plan.json") == settled
    for planned in settled.goals:
        if planned.status == "planned" and planned.goal.unit is not None:
            for answer in planned.answers:
                measured_in = unit_of(settled, answer, studies, planned.goal)
                assert measured_in is None or convertible(measured_in, planned.goal.unit)


def unit_of(plan: Plan, step_id: str, studies: tuple[StudyView, ...], goal: Goal) -> str | None:
    card = EVERY.get(plan.step(step_id).tool).card
    if card.output.kind != "Measurement":
        return None
    return CANONICAL_UNITS.get(goal.want) or (studies[0].image().image.unit if "intensity" in goal.want else None)


def test_a_mask_carried_from_another_exam_needs_that_exam() -> None:
    plan = Compiler(EVERY).compile([Goal(want="carried_mask", of="skull")], (view(),))
    assert plan.goals[0].status == "needs_input"
    assert plan.goals[0].missing == ("earlier study",)


@MANY
@given(goals=st.lists(GOALS, min_size=2, max_size=3), main=STUDIES)
def test_merging_never_changes_what_a_goal_rests_on(goals: list[Goal], main: StudyView) -> None:
    together = Compiler(EVERY).compile(goals, (main,))
    for goal, planned in zip(goals, together.goals, strict=True):
        alone = Compiler(EVERY).compile([goal], (main,))
        assert planned.status == alone.goals[0].status
        assert planned.reason == alone.goals[0].reason
        assert chain(together, planned.answers) == chain(alone, alone.goals[0].answers)


@MANY
@given(data=st.data(), n=st.integers(1, 12))
def test_any_plan_without_a_cycle_is_put_in_an_order_that_can_run(data: st.DataObject, n: int) -> None:
    names = data.draw(st.permutations([f"s{i}" for i in range(n)]))
    steps = []
    for i, name in enumerate(names):
        needs = data.draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=4)) if i else []
        inputs: Any = {"mask": tuple(StepRef(step=s) for s in needs)} if needs else {}
        steps.append(Step(id=name, tool="t", version="1", inputs=inputs))
    shuffled = tuple(data.draw(st.permutations(steps)))
    result = ordered(shuffled)
    assert sorted(s.id for s in result) == sorted(names)
    done: set[str] = set()
    for step in result:
        assert step.depends_on() <= done
        done.add(step.id)
    if n > 1:
        first, last = result[0], result[-1]
        back = {"mask": StepRef(step=last.id)}
        ring = [*result[1:-1], first.model_copy(update={"inputs": back})]
        ring.append(last.model_copy(update={"inputs": {"mask": StepRef(step=first.id)}}))
        with pytest.raises(UserInputError, match="circle"):
            ordered(tuple(ring))


def test_a_plan_merged_for_three_goals_gives_the_numbers_that_each_gives_alone(wb: Workbench, scans: Any) -> None:
    study = [scans / "head.nii.gz"]
    goals = [Goal(want=w, of="skull") for w in ("volume", "surface_area", "longest_diameter")]

    def answers(*wanted: Goal) -> list[Any]:
        with wb.open_home() as home:
            from scanwright.agent.given import Given

            views = Given().views(home, study)
        result = wb.run_plan(Compiler(REGISTRY).compile(wanted, views), study)
        return [e.value for e in result.evidence if e.quantity is not None]

    together = answers(*goals)
    assert together == [value for goal in goals for value in answers(goal)]
    assert together[0] == pytest.approx(HEAD_TRUTH["skull_ml"], rel=0.02)
