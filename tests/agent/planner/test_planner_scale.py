"""Prompts of 1,000 tools are as long as those of the real ones, and what was right stays right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray
from scanwright.agent.planner.reading.words import Speller
from scanwright.evals.planning.run import questions
from scanwright.evals.planning.scale import Bench, mcnemar, measured, quarter
from scanwright.memory.vectors import open_vectors


def _by_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of words: what is tested are the lengths and the candidates, and 2,500 sentences take long to encode."""
    vectors = np.full((len(texts), 384), 1e-3, np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            vectors[row, crc32(word.encode()) % 384] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_prompts_stay_as_long_and_candidates_and_goals_as_right_with_a_thousand_tools(tmp_path: Path) -> None:
    rows = [q for split in ("dev", "eyes_dev") for q in questions(split)][::16]
    vectors = open_vectors(tmp_path)
    try:
        few, many = (measured(Bench(n, vectors, _by_words, Speller()), rows, quarter) for n in (110, 1000))
    finally:
        vectors.close()
    assert many["tools"] == 1000
    assert many["tokens_mean"] <= 1.05 * few["tokens_mean"]
    assert many["recall"] >= few["recall"]
    assert sum(many["right"].values()) >= sum(few["right"].values())


@pytest.mark.parametrize(("lost", "won", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (3, 3, 1.0)])
def test_a_paired_comparison_is_exact(lost: int, won: int, p: float) -> None:
    assert mcnemar(lost, won) == pytest.approx(p)
