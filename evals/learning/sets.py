"""The questions that training must not see, as hashes, and the two sets that tuning is measured on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from scanwright.agent.learning.data import Row, fingerprint, load
from scanwright.evals.planning.run import questions

_SETS = ("planning", "domains", "conversation", "cohort")


def fingerprints() -> set[str]:
    """The hashes of every question in every evaluation set that is there, both halves; no text leaves this function."""
    return {fingerprint(text) for folder in _SETS for text in _texts(folder)}


def _texts(folder: str) -> Iterator[str]:
    try:
        found = list(files(f"scanwright.evals.{folder}").iterdir())
    except ModuleNotFoundError:
        return
    for file in found:
        if file.name.endswith(".jsonl"):
            for line in file.read_text("utf-8").splitlines():
                row = json.loads(line)
                yield from (t["question"] for t in [row, *row.get("turns", ())] if "question" in t)


def overlap(data: Path) -> int:
    """How many rows of a training file are a question of an evaluation set; it should be none."""
    taken = fingerprints()
    return sum(fingerprint(row.question) in taken for row in load(data))


def synthetic(data: Path, count: int, seed: int) -> list[Row]:
    """A fixed sample of the questions whose templates were kept from training."""
    rows = load(data, "held_out")
    # The first rows are looked at while training runs, for its log.
    return random.Random(seed).sample(rows[64:], min(count, max(len(rows) - 64, 0)))


def dev(every: int) -> list[dict[str, Any]]:
    """Every n-th question of the dev half of the planning set."""
    return list(questions("dev"))[::every]
