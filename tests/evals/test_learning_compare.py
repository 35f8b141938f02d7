"""The comparison of a model before and after tuning, and the wall between training and evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest
from scanwright.agent.learning.data import Maker, fingerprint, write
from scanwright.evals.learning.compare import exact_p, paired, share
from scanwright.evals.learning.sets import dev, fingerprints, overlap
from scanwright.tools.registry import load_registry


def test_the_exact_test_gives_the_probabilities_of_a_fair_coin() -> None:
    assert exact_p(5, 0) == pytest.approx(2 / 32)
    assert exact_p(8, 2) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert exact_p(0, 0) == exact_p(3, 3) == 1.0


def test_pairs_are_counted_on_the_questions_that_both_were_asked() -> None:
    said = paired({"a": False, "b": True, "c": False, "d": True}, {"a": True, "b": False, "c": True, "x": True})
    assert (said["n"], said["gained"], said["lost"]) == (3, 2, 1)


def test_a_share_comes_with_its_interval() -> None:
    said = share({str(i): i < 8 for i in range(10)})
    assert (said["right"], said["n"]) == (8, 10)
    assert said["interval"] == pytest.approx([0.490, 0.943], abs=0.001)


def test_training_data_made_beside_the_evaluation_sets_holds_none_of_their_questions(tmp_path: Path) -> None:
    registry, file = load_registry(), tmp_path / "plans.jsonl"
    write(Maker(registry, 3, fingerprints()).rows(60), file, seed=3, registry=registry, dropped={})
    assert overlap(file) == {}


def test_a_dev_question_in_training_data_is_found() -> None:
    assert all(fingerprint(q["question"].upper()) in fingerprints() for q in dev(40))
