"""Answers that a language model words: in the person's language, booked, and never lost where the model fails."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from scanwright.agent.answer.result import AnswerResult
from scanwright.agent.given import Given
from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.llm.settings import LLMSettings
from scanwright.agent.settings import Settings
from scanwright.agent.workbench import Workbench
from scanwright.memory.records import EventKind
from scanwright.tools.imaging.loaded import GivenFacts
from scanwright.tools.settings import ToolSettings

sys.path.insert(0, str(Path(__file__).parent / "llm"))
from scripted_llm_server import Answer, Asked, fails, llm_server, says

GERMAN = "Wie groß ist der Kopf?"
ENGLISH = "How large is the head?"
GOAL = {"kind": "goal", "want": "volume", "of": "head", "side": "whole", "more": []}
PLAN = says(json.dumps({"items": [GOAL]}))
WORDED = says(json.dumps({"sentences": ["Das Volumen des Kopfes beträgt {E1.value} {E1.range} [E1]. "]}))
KNOWN = Given(GivenFacts(modality="CT", body_part="head"))


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ball of 40 HU in air, 4 mm voxels, off the middle."""
    z, y, x = np.mgrid[:40, :44, :48]
    inside = (x - 21) ** 2 + (y - 24) ** 2 + (z - 19) ** 2 < 15**2
    data = np.where(inside, 40, -1000).astype(np.int16).T
    path = tmp_path_factory.mktemp("scan") / "head.nii.gz"
    nibabel.save(nibabel.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0])), path)
    return path


def bench_at(home: Path, url: str, **llm: Any) -> Workbench:
    endpoint = Endpoint(base_url=url, model="m", timeout_s=20, retries=0)
    settings = LLMSettings(endpoint=endpoint, planner="model", **llm)
    return Workbench(home, settings=Settings(tools=ToolSettings(workers=1, threads=1), llm=settings))


def asked(
    home: Path, head: Path, question: str, *script: Answer, **llm: Any
) -> tuple[AnswerResult, list[Any], dict[str, Any]]:
    """The answer, what the server heard, and what the run's record says of the wording."""
    with llm_server(*script) as (url, heard), bench_at(home, url, **llm) as bench:
        result = bench.ask([head], question, KNOWN)
        assert result.run_id is not None
        with bench.open_home() as opened:
            events = opened.runs.events(result.run_id)
    written = next(e.payload for e in events if e.kind == EventKind.ANSWER_WRITTEN)
    return result, heard, written


def test_a_german_question_gets_a_german_answer_with_the_number_of_the_evidence(tmp_path: Path, head: Path) -> None:
    result, heard, written = asked(tmp_path, head, GERMAN, PLAN, WORDED)
    assert result.answer.startswith("Das Volumen des Kopfes beträgt ")
    assert "mL" in result.answer.splitlines()[0]
    assert result.worded_by == "model (m)"
    assert len(heard) == 2
    assert written["llm"]["calls"] == 1
    value = result.evidence[0].value
    assert isinstance(value, float)
    assert f"{value:.0f}" in result.answer.replace("\u202f", "")
    assert str(value) not in json.dumps(heard)


def test_an_english_question_costs_no_token_for_its_wording(tmp_path: Path, head: Path) -> None:
    result, heard, written = asked(tmp_path, head, ENGLISH, PLAN, WORDED)
    assert result.worded_by == "template"
    assert len(heard) == 1
    assert "llm" not in written


def test_a_setting_has_the_model_word_every_answer_or_none(tmp_path: Path, head: Path) -> None:
    english = says(json.dumps({"sentences": ["The volume of the head is {E1.value} {E1.range} [E1]."]}))
    always, _, _ = asked(tmp_path / "a", head, ENGLISH, PLAN, english, writer="model")
    never, heard, _ = asked(tmp_path / "n", head, GERMAN, PLAN, WORDED, writer="template")
    assert always.worded_by == "model (m)"
    assert never.worded_by == "template"
    assert len(heard) == 1


@pytest.mark.parametrize("failing", [fails(500), says("no form"), says(json.dumps({"sentences": ["Ein Tumor."]}))])
def test_where_the_model_fails_the_templates_answer_stands_with_a_warning(
    tmp_path: Path, head: Path, failing: Answer
) -> None:
    result, _, _ = asked(tmp_path, head, GERMAN, PLAN, failing)
    assert result.status == "answered"
    assert result.answer.startswith("The volume of the head is ")
    assert result.worded_by == "template"
    assert any("language model" in w or "model held" in w for w in result.warnings)


def test_stopping_the_wording_leaves_the_measured_answer(tmp_path: Path, head: Path) -> None:
    reached = threading.Event()

    def hangs(request: Asked, body: dict[str, Any]) -> None:
        reached.set()
        time.sleep(30)

    with llm_server(PLAN, hangs) as (url, _), bench_at(tmp_path, url) as bench:

        def stop() -> None:
            reached.wait(60)
            bench.cancelled.set()

        threading.Thread(target=stop, daemon=True).start()
        result = bench.ask([head], GERMAN, KNOWN)
        assert result.answer.startswith("The volume of the head is ")
        assert not bench.cancelled.is_set()
