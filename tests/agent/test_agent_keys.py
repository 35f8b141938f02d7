"""Step keys: equal calls share one, and what changes a result changes the key."""

from __future__ import annotations

import pytest
from scanwright.agent.plan.plan import Step, StudyRef
from scanwright.agent.run import keys
from scanwright.evals.planning.studies import study
from scanwright.tools.families.brain import brain_extraction
from scanwright.tools.weights.store import WeightsStore


def test_a_result_of_another_processor_precision_is_another_result(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = study("brain_t1", {"mask": False, "point": False}).image()
    step = Step(id="s1", tool="brain_extraction", version="1", inputs={"volume": StudyRef()})

    def key() -> str:
        return keys.step_key(brain_extraction, step, {"volume": volume}, WeightsStore())

    here = key()
    assert key() == here
    monkeypatch.setattr(keys, "engine", lambda: "elsewhere/float16")
    assert key() != here


def test_the_engine_names_machine_and_precision() -> None:
    machine, precision = keys.engine().split("/")
    assert machine
    assert precision in ("float32", "bfloat16")
