"""Answers: every number comes from evidence, in the unit that was asked for; what is not known is said."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from agent_examples import HEAD_TRUTH, head_ct, marker_mask, write_scan
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scanwright.agent.answer.languages import LANGUAGES
from scanwright.agent.answer.notebook import answer_html
from scanwright.agent.answer.render import number_text, range_text, render, value_text
from scanwright.agent.answer.result import AnswerResult, EvidenceItem, GoalReport, PlanSummary
from scanwright.agent.answer.schema import answer_schema, as_text
from scanwright.agent.answer.units import factor, sayable
from scanwright.agent.answer.verify import problems
from scanwright.agent.answer.writer import GoalOutcome, write
from scanwright.agent.given import Given
from scanwright.agent.workbench import Workbench
from scanwright.tools import phantoms
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import HU
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.vocabulary.quantities import QUANTITIES
from scanwright.tools.vocabulary.structures import STRUCTURES

REPOSITORY = Path(__file__).parents[2]


def item(id_: str = "E1", **given: Any) -> EvidenceItem:
    base: dict[str, Any] = {
        "id": id_, "kind": "Measurement", "name": "volume of the brain", "step": "s1", "tool": "mask_volume 1",
        "quantity": "volume", "structure": "brain", "side": "whole", "value": 1956.3, "unit": "mL",
    }  # fmt: skip
    return EvidenceItem(**(base | given))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.0, "0"), (-0.0, "0"), (1, "1"), (12, "12"), (1234, "1,234"), (1956.31, "1,956"),
        (1234567.8, "1,234,568"), (999.96, "1,000"), (999.4, "999.4"), (123.456, "123.5"), (12.345, "12.35"),
        (1.999, "2"), (1.236, "1.24"), (1.0, "1"), (2.50, "2.5"), (0.99999, "1"), (0.4611, "0.4611"),
        (0.01234, "0.01234"), (0.000123456, "0.0001235"), (-12.345, "-12.35"), (-1956.31, "-1,956"),
        (1e-15, "1.000e-15"),
    ],
)  # fmt: skip
def test_a_number_is_shown_with_four_significant_digits_at_most(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_a_shown_number_is_the_number_to_half_a_percent(value: float) -> None:
    shown = float(number_text(value).replace(",", ""))
    assert math.isclose(shown, value, rel_tol=0.005, abs_tol=1e-15)


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ({}, "1,956 mL"),
        ({"value": 1.9563, "unit": "L"}, "1.96 L"),
        ({"value": -950.0, "unit": HU}, "-950 HU"),
        ({"value": 12.5, "unit": "cm2"}, "12.5 cm²"),
        ({"value": 45.5, "unit": "%"}, "45.5 %"),
        ({"value": None}, "not found"),
        ({"value": None, "tool": "acquisition_facts 1"}, "not stated in the file"),
        ({"value": "CT", "unit": None}, "CT"),
        ({"bound": "lower"}, "at least 1,956 mL"),
        ({"bound": "upper"}, "at most 1,956 mL"),
        ({"value": 3, "unit": "1", "quantity": "component_count"}, "3"),
        ({"value": 1234567, "unit": "1", "quantity": "component_count"}, "1,234,567"),
        ({"value": (3.0, 3.3, 3.5), "unit": "mm", "quantity": "spacing"}, "3 × 3.3 × 3.5 mm"),
        ({"value": (-12.0, 88.25), "unit": HU, "quantity": "intensity_percentiles"}, "-12 to 88.25 HU"),
        ({"value": tuple(float(v) for v in range(1, 13)), "quantity": "component_volumes"},
         "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more mL"),
    ],
)  # fmt: skip
def test_a_value_is_said_with_its_unit(given_: dict[str, Any], text: str) -> None:
    assert value_text(item(**given_)) == text


def test_a_range_says_how_it_came_about_and_an_interval_its_level() -> None:
    spread = Uncertainty(kind="range", low=1900.0, high=2000.4, method="two methods", n=2)
    assert range_text(item(uncertainty=spread)) == "(range 1,900 to 2,000 mL: two methods)"
    interval = Uncertainty(kind="interval", low=1000.0, high=3000.0, level=0.95, method="cross-validation")
    assert range_text(item(uncertainty=interval)) == "(95 % interval 1,000 to 3,000 mL: cross-validation)"
    assert range_text(item()) == ""


@pytest.mark.parametrize(
    ("code", "number", "bound"),
    [
        ("en", "1,234.5", "at least"),
        ("de", "1\u202f234,5", "mindestens"),
        ("fr", "1\u202f234,5", "au moins"),
        ("es", "1\u202f234,5", "al menos"),
        ("zh", "1,234.5", "至少"),
    ],
)
def test_a_number_is_written_as_its_language_writes_it(code: str, number: str, bound: str) -> None:
    language = LANGUAGES[code]
    assert language.number("1,234.5") == number
    assert value_text(item(value=0.5, bound="lower"), language).startswith(f"{bound} 0{language.point}5")


@given(st.floats(-1e7, 1e7, allow_nan=False))
def test_a_number_is_the_same_in_every_language(value: float) -> None:
    english = number_text(value)
    for language in LANGUAGES.values():
        said = language.number(english)
        back = said.replace(language.thousands, "").replace(language.point, ".")
        assert float(back) == float(english.replace(",", ""))


@pytest.mark.parametrize(
    "draft",
    [
        "The volume is 1956 mL [E1].",
        "The volume is {E1.value}, or about 2 L [E1].",
        "The volume is {E2.value} [E1].",
        "The volume is {E1.value} [E2].",
        "It is twice {E1.value} [E1].",
        "There are three parts [E1].",
        "About half of it is bone [E1].",
        "There is no fracture.",
        "No evidence of haemorrhage; the volume is {E1.value} [E1].",
        "The scan is free of metastases.",
        "{R2}",
    ],
)
def test_a_draft_with_a_number_a_slot_or_a_denial_of_its_own_is_refused(draft: str) -> None:
    assert problems(draft, {"E1": item()}, {"R1": "Because."})


@pytest.mark.parametrize(
    "draft",
    [
        "The volume is {E1.value} {E1.range} [E1].",
        "On T1 images L3 shows LAA-950 in 3D [E1].",
        "Fractures were not assessed. {R1}",
        "The volume of the left half of the brain is {E1.value} [E1].",
        "The 5th and 95th percentile of the intensity is {E1.value} [E1].",
    ],
)
def test_a_draft_of_slots_and_registered_names_is_rendered(draft: str) -> None:
    assert problems(draft, {"E1": item()}, {"R1": "Because."}) == []
    assert "{" not in render(draft, {"E1": item()}, {"R1": "Because."})


def test_what_fills_a_slot_is_left_as_it_is() -> None:
    odd = item(artifact="/home/my  scans/ .cache , old/a.png", kind="Figure")
    assert render("Picture: {E1.path} [E1]", {"E1": odd}, {}) == "Picture: /home/my  scans/ .cache , old/a.png [E1]"
    assert render("{R1}", {}, {"R1": "Look for {E1.value}."}) == "Look for {E1.value}."


def test_an_empty_slot_leaves_no_gap() -> None:
    assert render("It is {E1.value} {E1.at} {E1.range} [E1].", {"E1": item()}, {}) == "It is 1,956 mL [E1]."


VALUES = st.one_of(
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e7, max_value=1e7),
    st.integers(0, 10**7),
    st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=14).map(tuple),
)


def spread(low: float, high: float) -> Uncertainty:
    return Uncertainty(kind="range", low=low, high=high, method="2 ways")


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[GoalOutcome, ...]:
    result = []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        goal = Goal(
            want=draw(st.sampled_from([*sorted(QUANTITIES), "probe_95"])),
            of=draw(st.sampled_from([*sorted(STRUCTURES), "segment_8", "5th_rib"])),
            side=draw(st.sampled_from(["left", "right", "each", "whole"])),
            region=draw(st.sampled_from([None, "head"])),
        )
        if draw(st.booleans()) and result:
            result.append(GoalOutcome(goal, "refused", reason_id="R1"))
            continue
        answers = []
        for _ in range(draw(st.integers(1, 5))):
            number += 1
            low, high = sorted(draw(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))))
            answers.append(
                item(
                    f"E{number}",
                    quantity=goal.want,
                    structure=goal.of,
                    name=f"{goal.want} of 3 things",
                    value=draw(VALUES),
                    unit=draw(st.sampled_from(["mL", "1", HU, "%", None])),
                    at=draw(st.sampled_from([None, "(1.0, 2.0, 3.0) mm RAS"])),
                    side=draw(st.sampled_from(["left", "whole", None])),
                    flags=draw(st.sampled_from([(), ("validated up to 3 mm",)])),
                    bound=draw(st.sampled_from([None, "lower"])),
                    uncertainty=draw(st.sampled_from([None, spread(low, high)])),
                )
            )
        result.append(GoalOutcome(goal, "answered", tuple(answers)))
    return tuple(result)


NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e-\d+)?")


@hypothesis_settings(max_examples=200, deadline=None)
@given(outcomes())
def test_every_number_in_a_rendered_answer_comes_from_its_evidence(told: tuple[GoalOutcome, ...]) -> None:
    evidence = {e.id: e for outcome in told for e in outcome.answers}
    reasons = {"R1": "No tool here does that."}
    draft = write(told)
    assert problems(draft, evidence, reasons) == []
    text = render(draft, evidence, reasons)
    sources = " ".join(
        [" ".join([value_text(e), range_text(e), e.at or "", *e.flags, e.name]) for e in evidence.values()]
        + [c.label for c in (*QUANTITIES.values(), *STRUCTURES.values())]
        + [o.goal.of.replace("_", " ") for o in told]
    )  # fmt: skip
    known = set(NUMBER.findall(sources))
    bare = re.sub(r"\[E\d+\]", "", text)
    assert set(NUMBER.findall(bare)) <= known
    assert "{" not in text
    for answered in evidence.values():
        assert f"[{answered.id}]" in text


@pytest.mark.parametrize("unit", ["mL", "L", "cm3", "mm3", "dL", "uL"])
def test_a_volume_is_answered_in_the_unit_that_was_asked_for(unit: str, wb: Workbench, scans: Path) -> None:
    words = {"mL": "mL", "L": "litres", "cm3": "cubic centimetres", "mm3": "cubic millimetres",
             "dL": "decilitres", "uL": "microlitres"}  # fmt: skip
    result = wb.ask([scans / "head.nii.gz"], f"What is the volume of the skull in {words[unit]}?")
    found = next(e for e in result.evidence if e.quantity == "volume")
    assert found.unit == unit
    assert isinstance(found.value, float)
    assert found.value * factor(unit, "mL") == pytest.approx(HEAD_TRUTH["skull_ml"], rel=0.02)
    assert found.uncertainty is not None
    assert found.uncertainty.low is not None
    assert found.uncertainty.high is not None
    assert found.uncertainty.low < found.value < found.uncertainty.high
    assert value_text(found) in result.answer


def test_one_answer_in_two_units_is_two_pieces_of_evidence(wb: Workbench, scans: Path) -> None:
    result = wb.ask(
        [scans / "head.nii.gz"], "What is the volume of the skull in mL? What is the volume of the skull in litres?"
    )
    values = {e.unit: e.value for e in result.evidence if e.quantity == "volume"}
    assert set(values) == {"mL", "L"}
    assert values["mL"] == pytest.approx(1000 * float(values["L"]))  # type: ignore[arg-type]


def test_a_unit_is_sayable_only_where_it_means_something() -> None:
    assert sayable("mL", "L")
    assert sayable("%", "1")
    assert not sayable("1", "%")
    assert not sayable("mL", "mm")
    assert not sayable("mL", "parsnip")
    assert factor("mL", "L") == 0.001


def test_a_structure_cut_by_the_field_of_view_is_at_least(wb: Workbench, tmp_path: Path) -> None:
    phantom = phantoms.head_ct((3.0, 3.3, 3.5))
    cut = phantom.voxels[:, :, 20:]
    affine = phantom.affine.copy()
    affine[2, 3] += 20 * affine[2, 2]
    scan = write_scan(tmp_path, "cut", cut, affine, {"Modality": "CT", "BodyPartExamined": "HEAD"})
    result = wb.ask([scan], "How large is the head?")
    found = next(e for e in result.evidence if e.quantity == "volume")
    assert found.bound == "lower"
    assert "is at least " in result.answer
    assert "inferior edge of the field of view" in result.answer


def test_what_is_not_there_is_not_found_and_never_0_ml(wb: Workbench, scans: Path) -> None:
    result = wb.ask([scans / "head.nii.gz"], "How many mL of the head lie above 2500 HU?")
    found = next(e for e in result.evidence if e.quantity == "volume")
    assert found.value is None
    assert "not found" in result.answer
    assert "0 mL" not in result.answer


def test_a_finding_without_a_detector_is_not_assessed_and_never_denied(wb: Workbench, scans: Path) -> None:
    for finding in ("fracture", "haemorrhage", "tumour"):
        result = wb.ask([scans / "head.nii.gz"], f"Is there a {finding}?")
        assert (result.status, result.exit_code) == ("refused", 3)
        assert "ot assessed" in result.answer
        assert not re.search(rf"\bno {finding}", result.answer, re.IGNORECASE)


def test_goals_are_answered_or_refused_each_by_itself(wb: Workbench, scans: Path) -> None:
    question = "How large is the skull, how large is the spleen, and what is the voxel spacing?"
    result = wb.ask([scans / "head.nii.gz"], question)
    assert [g.status for g in result.goals] == ["answered", "refused", "answered"]
    assert result.status == "partly"
    assert result.refusal is not None
    assert "shows the head" in result.refusal.reason
    assert [g.evidence[:1] for g in result.goals if g.status == "answered"] == [("E1",), ("E4",)]


def test_a_percentile_and_the_halves_are_said_by_their_names(wb: Workbench, scans: Path) -> None:
    result = wb.ask([scans / "head.nii.gz"], "What are the 5th and 95th percentile of the HU in the skull?")
    assert "The 5th and 95th percentile of the intensity of the skull is 1,000 to 1,000 HU [E1]." in result.answer
    halves = wb.ask([scans / "head.nii.gz"], "How large are the left and the right half of the skull?")
    assert "left half of the skull is " in halves.answer
    assert "right half of the skull is " in halves.answer
    left, right = (e.value for e in halves.evidence if e.quantity == "volume")
    assert float(left) + float(right) == pytest.approx(HEAD_TRUTH["skull_ml"], rel=0.03)  # type: ignore[arg-type]


def test_many_values_are_listed_once_each_with_its_mark(wb: Workbench, scans: Path) -> None:
    given_ = Given(mask=f"{scans / 'marker.nii.gz'}:1")
    result = wb.ask([scans / "head.nii.gz"], "What is the diameter of the marked region on each slice?", given_)
    values = [e for e in result.evidence if e.quantity == "axial_diameters"]
    assert len(values) > 5
    assert all(f"{value_text(e)} [{e.id}]" in result.answer for e in values)
    assert result.answer.count("longest diameter on each axial slice") == 1


def test_a_picture_that_shows_several_answers_is_named_once(wb: Workbench, scans: Path) -> None:
    result = wb.ask([scans / "head.nii.gz"], "What are the volume and the longest diameter of the skull?")
    (picture,) = result.pictures()
    assert result.answer.count(picture) == 1
    assert Path(picture).read_bytes().startswith(b"\x89PNG")


def test_the_published_schema_is_current() -> None:
    assert (REPOSITORY / "docs" / "answer.schema.json").read_text() == as_text(), "make schema writes it anew"


def test_real_answers_are_what_the_schema_says(wb: Workbench, scans: Path) -> None:
    schema = answer_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for question in (
        "How large is the skull in litres?",
        "How large is the liver?",
        "What is the modality, the orientation and the matrix size?",
        "How large is the skull, and is there a fracture?",
        "What is the volume of the marked region?",
        "How many mL of the head lie above 2500 HU?",
    ):
        result = wb.ask([scans / "head.nii.gz"], question)
        data = json.loads(json.dumps(result.model_dump(mode="json"), allow_nan=False))
        jsonschema.validate(data, schema)
        assert AnswerResult.model_validate(data) == result
    broken = data | {"status": "fine"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_an_answer_shows_itself_with_text_table_and_picture_and_escapes_what_files_say(
    wb: Workbench, scans: Path
) -> None:
    result = wb.ask([scans / "head.nii.gz"], "How large is the skull?")
    html = result._repr_html_()
    assert "volume of the skull" in html
    assert "<table>" in html
    assert "data:image/png;base64," in html
    assert "Research use only" in html
    wicked = AnswerResult(
        run_id=None, question="?", status="refused", answer="<script>alert(1)</script>",
        goals=(GoalReport(goal={}, status="refused", reason="no"),), plan=PlanSummary(planner="<b>"),
        evidence=(item(name="<img src=x>"),), warnings=("<i>",),
    )  # fmt: skip
    assert not re.search(r"<(script|img|b|i)\b(?! style)", answer_html(wicked))


def test_ask_is_a_function_of_the_package_and_answers(tmp_path: Path) -> None:
    import scanwright.agent.asking as asking
    from scanwright.agent import ask
    from scanwright.tools.errors import UserInputError

    try:
        scan, mask = head_ct(tmp_path), marker_mask(tmp_path)
        home = tmp_path / "home"
        question = "What is the volume of the marked region?"
        left = ask(scan, question, mask=f"{mask}:1", home=home)
        assert left.status == "answered"
        assert ask([str(scan)], question, home=str(home)).status == "needs_input"
        assert ask(scan, "What is the HU at this point?", at=(-24, -2, 25), home=home).status == "answered"
        assert ask(scan, "How large is the skull?", modality="MR", home=home).status == "refused"
        assert len(asking._benches) == 1
        with pytest.raises(UserInputError, match="three numbers"):
            ask(scan, "What is the HU at this point?", at=(1.0, float("nan"), 3.0), home=home)
        with pytest.raises(UserInputError, match=r"nowhere\.nii"):
            ask(tmp_path / "nowhere.nii", question, home=home)
    finally:
        asking.close()
    assert not asking._benches
