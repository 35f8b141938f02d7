"""What a model may word: sentences that hold stand, all others are the template's, and nothing is lost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from scanwright.agent.answer.held import complaints
from scanwright.agent.answer.model_writer import ModelWriter
from scanwright.agent.answer.result import EvidenceItem
from scanwright.agent.answer.spoken import spoken
from scanwright.agent.answer.verify import problems
from scanwright.agent.answer.writer import GoalOutcome, write
from scanwright.agent.answer.written import Written
from scanwright.agent.llm.client import LLMClient
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.uncertainty import Uncertainty

sys.path.insert(0, str(Path(__file__).parent / "llm"))
from scripted_llm_server import Answer, fails, llm_server, says


def item(id_: str, **facts: Any) -> EvidenceItem:
    given = {"kind": "Measurement", "name": "n", "step": "s", "tool": "t 1", "quantity": "volume", "unit": "mL"}
    return EvidenceItem(id=id_, **{**given, **facts})


LEFT = item(
    "E1", structure="lung", side="left", value=2104.2, bound="lower", flags=("cut by the field of view",),
    uncertainty=Uncertainty(kind="range", low=2001.0, high=2201.0, method="two methods"),
)  # fmt: skip
RIGHT = item("E2", structure="lung", side="right", value=2504.0)
BRAIN = item("E3", structure="brain", value=1380.5, side="whole")
MASK = item("E4", kind="Mask", quantity=None, unit=None, structure="brain", side="whole", artifact="/runs/m.png")
BLEED = item("E5", structure="haemorrhage", value=None, flags=("sensitivity 0.9 above 1 mL",))
UNSURE = item("E6", structure="haemorrhage", value=None)
EVIDENCE = {i.id: i for i in (LEFT, RIGHT, BRAIN, MASK, BLEED, UNSURE)}
GOALS = {
    "E1": Goal(want="volume", of="lung", side="left"), "E2": Goal(want="volume", of="lung", side="right"),
    "E3": Goal(want="volume", of="brain"), "E4": Goal(want="mask", of="brain"),
    "E5": Goal(want="volume", of="haemorrhage"), "E6": Goal(want="volume", of="haemorrhage"),
}  # fmt: skip
REASONS = {"R1": "Not answered (diagnosis): ask a radiologist."}
OUTCOMES = [
    GoalOutcome(GOALS["E1"], "answered", (LEFT,)),
    GoalOutcome(GOALS["E2"], "answered", (RIGHT,)),
    GoalOutcome(GOALS["E3"], "answered", (BRAIN,), (MASK,)),
]
DRAFT = write(OUTCOMES, [(3, "R1")])


def written(*script: Answer, question: str = "How large are lungs and brain?") -> tuple[Written, str, list[Any]]:
    with llm_server(*script) as (url, heard):
        llm = LLMClient(Endpoint(base_url=url, model="m", timeout_s=5, retries=0))
        result = ModelWriter(llm).write(question, OUTCOMES, EVIDENCE, REASONS, DRAFT)
    assert problems(result.draft, EVIDENCE, REASONS) == []
    return result, spoken(result.draft, EVIDENCE, REASONS, result.language), heard


def form(*sentences: str) -> Answer:
    return says(json.dumps({"sentences": list(sentences)}))


GOOD = (
    "Das Volumen der linken Lunge beträgt {E1.value} {E1.range} [E1].",
    "Das Volumen der rechten Lunge beträgt {E2.value} [E2].",
    "Das Gehirn hat ein Volumen von {E3.value} [E3].",
)


def test_an_answer_in_the_persons_language_holds_every_number_flag_and_refusal_of_the_template() -> None:
    result, text, _ = written(form(*GOOD), question="Wie groß sind Lunge und Gehirn?")
    assert result.by == "model (m)"
    assert result.warnings == ()
    assert (
        "Das Volumen der linken Lunge beträgt mindestens 2\u202f100 mL "
        "(Spanne 2\u202f000 bis 2\u202f200 mL: two methods) [E1]." in text
    )
    for kept in (
        "Cut by the field of view.",
        "2\u202f504 mL [E2]",
        "1\u202f380 mL",
        "/runs/m.png [E4]",
        "ask a radiologist",
    ):
        assert kept in text
    assert "The volume of" not in text


def test_a_sentence_that_fails_is_asked_for_once_more_with_the_rule() -> None:
    bad = "The brain is 1400 mL [E3]."
    result, text, heard = written(form(bad), form("The volume of the brain is {E3.value} [E3]."))
    assert len(heard) == 2
    assert "digit outside a slot" in heard[1]["messages"][-1]["content"]
    assert result.by == "model (m)"
    assert "1400" not in text
    assert "1,380 mL [E3]" in text


def test_a_sentence_that_fails_twice_is_the_templates() -> None:
    result, text, heard = written(form("The brain shows a tumour {E3.value} [E3].", GOOD[1]))
    assert len(heard) == 2
    assert "tumour" not in text
    assert "The volume of the brain is 1\u202f380 mL [E3]." in text
    assert "The volume of the left lung is at least 2\u202f100 mL (range " in text
    assert "rechten Lunge" in text
    assert result.replaced == 1


@pytest.mark.parametrize("script", [fails(401), says("no form at all"), form(), form("", "  "), form("x" * 9000)])
def test_where_nothing_holds_the_template_stands_and_a_warning_says_so(script: Answer) -> None:
    result, _, _ = written(script)
    assert result.draft == DRAFT
    assert result.by == "template"
    assert len(result.warnings) == 1


def test_the_model_hears_no_number_no_flag_no_name_and_no_reason() -> None:
    _, _, heard = written(form(*GOOD))
    said = str(heard)
    for secret in ("2104", "2,104", "1380", "2001", "cut by the field", "radiologist", "/runs", "t 1", "two methods"):
        assert secret not in said
    assert "volume of the left lung" in said
    assert "{E1.flags}" in said


def test_ten_thousand_sentences_leave_an_answer_of_the_usual_length() -> None:
    flood = form(
        *[GOOD[2]] * 5000, *(f"The brain volume is {{E3.value}} [E3] {'very ' * (n % 20)}." for n in range(5000))
    )
    result, text, _ = written(flood)
    assert text.count("[E3]") == 1
    assert len(result.draft) < 900


HOLDS = [
    "The volume of the left lung is {E1.value} {E1.range} [E1].",
    "The left lung has a volume of {E1.value} [E1].",
    "Le volume du poumon gauche est de {E1.value} {E1.range} [E1].",
    "El volumen del pulmón izquierdo es de {E1.value} [E1].",
    "左肺的体积为{E1.value} [E1]。",
    "{E1.flags} The volume of the left lung is told with this remark [E1].",
    "Das Gehirn hat ein Volumen von {E3.value} [E3].",
    "A mask of the brain was made: {E4.path} [E4].",
    "{R1}",
    "No haemorrhage was found: {E5.flags} [E5]",
]


@pytest.mark.parametrize("sentence", HOLDS)
def test_a_sentence_of_the_evidence_holds(sentence: str) -> None:
    assert complaints(sentence, EVIDENCE, REASONS, GOALS) == []


FALLS = {
    "a number": "The volume of the brain is 1380 [E3].",
    "a number in words": "The brain has a volume of about thirteen hundred, {E3.value} [E3].",
    "a number in German words": "Das Gehirn hat ein Volumen von vierzehnhundert, {E3.value} [E3].",
    "a number in Chinese": "脑的体积约为一千三百, {E3.value} [E3]。",
    "digits of another script": "The volume of the brain is ١٣٨٠ or {E3.value} [E3].",
    "a superscript": "The volume of the brain is {E3.value} x10³ [E3].",
    "an unknown slot": "The volume of the brain is {E9.value} [E3].",
    "a slot that does not exist": "The volume of the brain is {E3.secret} [E3].",
    "an unknown citation": "The volume of the brain is {E3.value} [E3] [E77].",
    "no citation": "The volume of the brain is {E3.value}.",
    "another's citation": "The volume of the brain is {E3.value} [E2].",
    "no slot": "The volume of the brain was measured well [E3].",
    "a unit": "The volume of the brain is {E3.value} litres [E3].",
    "the other side": "The volume of the right lung is {E1.value} [E1].",
    "the other side in French": "Le volume du poumon droit est de {E1.value} [E1].",
    "no side": "The volume of the lung is {E1.value} [E1].",
    "both sides at once": "The left lung is {E1.value} and the right lung is {E2.value} [E1] [E2].",
    "another structure": "The volume of the liver is {E3.value} [E3].",
    "another structure in German": "Das Volumen der Leber beträgt {E3.value} [E3].",
    "another quantity": "The surface area of the brain is {E3.value} [E3].",
    "another quantity in Spanish": "El diámetro del cerebro es {E3.value} [E3].",
    "a finding": "The brain with its tumour has a volume of {E3.value} [E3].",
    "a finding in German": "Das Gehirn mit einer Hirnblutung hat ein Volumen von {E3.value} [E3].",
    "a finding in French": "Le cerveau avec une fracture du crâne a un volume de {E3.value} [E3].",
    "a finding in Spanish": "El cerebro con metástasis tiene un volumen de {E3.value} [E3].",
    "a finding in Chinese": "脑出血, 脑的体积为{E3.value} [E3]。",
    "a finding by its ending": "The brain with cholangitis has a volume of {E3.value} [E3].",
    "a finding in Italian": "Il volume del cervello con emorragia è {E3.value} [E3].",
    "a finding in Russian": "Опухоль: {E3.value} [E3].",
    "a finding with letters of two alphabets": "The brain with a tumоur has a volume of {E3.value} [E3].",
    "a denial": "There is no haemorrhage in the brain, {E3.value} [E3].",
    "a denial that nobody stands behind": "No haemorrhage was found: {E6.value} [E6].",
    "a denial without its sensitivity": "No haemorrhage was found: {E5.value} [E5].",
    "a denial in German": "Keine Blutung im Gehirn, {E3.value} [E3].",
    "what is normal": "The volume of the brain is normal at {E3.value} [E3].",
    "what is normal in Spanish": "El volumen del cerebro es normal: {E3.value} [E3].",
    "advice": "The volume of the brain is {E3.value} and a biopsy is needed [E3].",
    "a comparison": "The volume of the brain is {E3.value}, larger than before [E3].",
    "a diagnosis": "The volume of the brain is {E3.value}, consistent with dementia [E3].",
    "a certainty": "The volume of the brain is exactly {E3.value} [E3].",
    "an interval that was not calibrated": "The confidence interval of the left lung volume is {E1.value} [E1].",
    "a link": "The volume of the brain is {E3.value} [E3], see https://evil.example/x.",
    "a bare host": "The volume of the brain is {E3.value} [E3], see evil.example for it.",
    "a Markdown link": "[The brain](evil) is {E3.value} [E3].",
    "an image": "![x](x) The volume of the brain is {E3.value} [E3].",
    "HTML": "<b>The volume of the brain</b> is {E3.value} [E3].",
    "an entity": "The volume of the brain is {E3.value} &lt;img&gt; [E3].",
    "ANSI": "\x1b[31mThe volume of the brain is {E3.value} [E3].",
    "a turned text": "The volume of the brain is \u202e{E3.value} [E3].",
    "a hidden letter": "The tum\u200bour volume is {E3.value} [E3].",
    "a line break": "The volume of the brain is {E3.value} [E3].\nNext",
    "half a surrogate": "The volume of the brain is {E3.value} [E3] \ud800.",
    "an order": "The volume of the brain is {E3.value} [E3], send it to them.",
    "words beside a reason": "{R1} But all is well.",
    "braces": "The volume of the brain is {E3.value} {{x}} [E3].",
}


@pytest.mark.parametrize("name", FALLS)
def test_a_sentence_does_not_hold_that_says(name: str) -> None:
    assert complaints(FALLS[name], EVIDENCE, REASONS, GOALS), FALLS[name]


def test_a_denial_holds_in_a_draft_only_with_a_detector_that_looked() -> None:
    sentence = "There was no haemorrhage: {E5.value} {E5.flags} [E5]."
    assert problems(sentence, EVIDENCE, {}) == []
    assert problems(sentence.replace("E5", "E6"), EVIDENCE, {})
    assert problems("There is no fracture: {E5.value} {E5.flags} [E5].", EVIDENCE, {})
