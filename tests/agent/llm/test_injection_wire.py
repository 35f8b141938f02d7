"""Data never instructs: what the endpoint hears of 74 attacks, and what leaves of a patient."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from injection_carriers import ATTACKS, attacks, dicom, nifti, rounds
from scanwright.agent.given import Given
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.settings import Settings
from scanwright.agent.workbench import Workbench
from scanwright.tools.imaging.loaded import GivenFacts
from scanwright.tools.settings import ToolSettings

sys.path.insert(0, str(Path(__file__).parent))
from scripted_llm_server import llm_server, says

HEAD = {
    "kind": "goal", "want": "volume", "of": "head", "side": "whole", "inside": None, "above": None, "below": None,
    "unit": None, "options": [],
}  # fmt: skip
QUESTION = "How large is the head?"
Heard = list[dict[str, Any]]


def wired(home: Path, url: str, *, inside: bool = True) -> Workbench:
    """A workbench that always asks the model at url."""
    endpoint = Endpoint(base_url=url, model="m", inside=inside, timeout_s=20, retries=0)
    llm = LLMSettings(endpoint=endpoint, planner="model")
    return Workbench(home, settings=Settings(tools=ToolSettings(workers=1, threads=1), llm=llm))


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workbench, Heard]]:
    """A workbench that always asks a model, and what the model heard."""
    with (
        llm_server(says(json.dumps({"items": [HEAD]}))) as (url, heard),
        wired(tmp_path_factory.mktemp("home"), url) as bench,
    ):
        yield bench, heard


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workbench, Heard]]:
    """The same, outside the trust boundary."""
    with (
        llm_server(says(json.dumps({"items": [HEAD]}))) as (url, heard),
        wired(tmp_path_factory.mktemp("home"), url, inside=False) as bench,
    ):
        yield bench, heard


def on_the_wire(heard: Heard) -> str:
    """Everything that was sent, as it is and with its escapes resolved."""
    raw = json.dumps(heard, ensure_ascii=False)
    return (raw + raw.encode().decode("unicode_escape", errors="replace")).casefold()


def test_the_set_holds_at_least_sixty_attacks_of_every_aim_and_channel() -> None:
    assert len(ATTACKS) >= 60
    assert len({a["text"] for a in ATTACKS}) == len({a["token"] for a in ATTACKS}) == len(ATTACKS)
    assert all(a["token"] in a["text"] for a in ATTACKS)
    assert {a["channel"].split(".")[0] for a in ATTACKS} == {
        "dicom", "nifti", "sidecar", "report", "file_name", "folder_name", "mask_name", "tool", "burned_in", "question",
    }  # fmt: skip
    assert {a["aim"] for a in ATTACKS} == {
        "ignore_schema", "call_tool", "exfiltrate", "delete", "reveal_prompt", "finding", "change_unit",
        "other_patient", "add_goals",
    }  # fmt: skip


KNOWN = Given(GivenFacts(modality="CT", body_part="HEAD"))


def clean(result: Any, carried: list[dict[str, str]]) -> None:
    """No link, no control character and no word of an attack stands in the answer."""
    shown = "\n".join((result.answer, *result.warnings))
    assert not [a["token"] for a in carried if a["token"] in shown]
    assert "evil" not in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("n", range(len(rounds(attacks("dicom")))))
def test_no_tag_reaches_a_planning_request_or_an_answer(n: int, wire: Any, tmp_path: Path) -> None:
    bench, heard = wire
    carried = rounds(attacks("dicom"))[n]
    heard.clear()
    result = bench.ask([dicom(tmp_path / "series", carried)], QUESTION, KNOWN)
    assert heard
    assert not [a["id"] for a in carried if a["token"] in on_the_wire(heard)]
    assert result.status == "answered"
    clean(result, carried)


@pytest.mark.parametrize("n", range(len(rounds(attacks("nifti", "sidecar", "report", "burned_in")))))
def test_no_header_sidecar_report_or_pixel_reaches_a_planning_request_or_an_answer(
    n: int, wire: Any, tmp_path: Path
) -> None:
    bench, heard = wire
    carried = rounds(attacks("nifti", "sidecar", "report", "burned_in"))[n]
    heard.clear()
    result = bench.ask([nifti(tmp_path / "head.nii.gz", carried)], QUESTION, KNOWN)
    assert heard
    assert not [a["id"] for a in carried if a["token"] in on_the_wire(heard)]
    assert result.status == "answered"
    clean(result, carried)


@pytest.mark.parametrize("attack", attacks("file_name", "folder_name", "mask_name"), ids=lambda a: a["id"])
def test_no_name_of_a_file_reaches_a_planning_request(attack: dict[str, str], wire: Any, tmp_path: Path) -> None:
    bench, heard = wire
    text = attack["text"].replace("/", "_")
    folder = tmp_path / text if attack["channel"] == "folder_name" else tmp_path
    scan = nifti(folder / (f"{text}.nii.gz" if attack["channel"] == "file_name" else "head.nii.gz"), [])
    mask = None
    if attack["channel"] == "mask_name":
        import nibabel as nib

        image = nib.load(scan)
        mask = tmp_path / f"{text}.nii.gz"
        nib.save(nib.Nifti1Image((image.get_fdata() > 500).astype("uint8"), image.affine), mask)
    heard.clear()
    bench.plan([scan], QUESTION, Given(mask=None if mask is None else str(mask)))
    assert heard
    assert attack["token"] not in on_the_wire(heard)


@pytest.mark.parametrize("attack", attacks("question"), ids=lambda a: a["id"])
def test_a_question_is_data_of_the_person_and_stands_in_one_place(
    attack: dict[str, str], wire: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench, heard = wire
    scan = nifti(tmp_path_factory.getbasetemp() / "asked" / "head.nii.gz", [])
    heard.clear()
    result = bench.plan([scan], attack["text"])
    messages = heard[0]["messages"]
    holds = [m["role"] for m in messages if attack["token"] in m["content"]]
    assert holds == ["user"]
    assert attack["token"] in messages[-1]["content"]
    # What a model may write is the form, whatever it was asked.
    assert [g.want for g in result.items] == ["volume"]
    assert not [s.tool for s in result.plan.steps if bench.registry.get(s.tool).card.reaches_out]


IDENTITY = {
    "PatientName": "Müller-Lüdenscheidt^Jürgen", "PatientID": "H-471199", "PatientBirthDate": "19600229",
    "AccessionNumber": "ACC7788", "InstitutionName": "St. Elsewhere", "ReferringPhysicianName": "Housemann^Gregor",
    "SpecificCharacterSet": "ISO_IR 192",
}  # fmt: skip
ASKED = [
    "How large is Jürgen Müller-Lüdenscheidt's head?",
    "How large is the head of Juergen Mueller-Luedenscheidt (H471199, born 29.02.1960)?",
    "Herr Lüdenscheidt, geb. 29. Februar 1960: Wie groß ist der Kopf? Müllers Vorbefund ACC-7788.",
    "J\u200bürgens head, H 471199, né le 29 février 1960, Dr Housemann of St. Elsewhere asks",
    "MUELLER^JUERGEN 19600229 471199 head volume",
    "Volumen de la cabeza de jurgen muller, nacido el 29 de febrero de 1960, tel. 0171 5551234, j.m@mail.example",
]
PIECES = ("ürgen", "urgen", "uergen", "üller", "muller", "mueller", "denscheidt", "471199", "7788", "1960", "elsewhere",
          "housemann", "5551234", "mail.example")  # fmt: skip


@pytest.fixture(scope="module")
def identified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series whose tags name the patient."""
    return dicom(tmp_path_factory.mktemp("identified"), [], **IDENTITY)


@pytest.mark.parametrize("question", ASKED)
def test_no_identifier_leaves_even_where_the_question_holds_it(question: str, outside: Any, identified: Path) -> None:
    bench, heard = outside
    heard.clear()
    result = bench.plan([identified], question)
    assert [g.want for g in result.items] == ["volume"]
    sent = on_the_wire(heard)
    assert "[name]" in sent
    assert not [piece for piece in PIECES if piece in sent]


def test_a_patient_who_is_called_as_the_prompt_writes_is_still_asked_about(outside: Any, tmp_path: Path) -> None:
    bench, heard = outside
    scan = dicom(tmp_path / "series", [], PatientName="Name^Question", PatientID="goal")
    heard.clear()
    bench.plan([scan], "How large is the head of Name?")
    assert heard
