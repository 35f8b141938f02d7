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
    return {fingerprint(text) for _, texts in _by_file() for text in texts}


def _by_file() -> Iterator[tuple[str, list[str]]]:
    for folder in _SETS:
        try:
            found = sorted(files(f"scanwright.evals.{folder}").iterdir(), key=lambda f: f.name)
        except ModuleNotFoundError:
            continue
        for file in found:
            if file.name.endswith(".jsonl"):
                rows = map(json.loads, file.read_text("utf-8").splitlines())
                turns = [t for row in rows for t in (row, *row.get("turns", ()))]
                yield f"{folder}/{file.name}", [t["question"] for t in turns if "question" in t]


def overlap(data: Path) -> dict[str, int]:
    """How many rows that are trained on are a question of an evaluation set, by file; only files with some.

    A set that came after the data may hold one: a model that was trained on them says nothing on such a question.
    """
    trained = {fingerprint(row.question) for row in load(data, "train")}
    counts = {name: len({fingerprint(t) for t in texts} & trained) for name, texts in _by_file()}
    return {name: count for name, count in counts.items() if count}


def synthetic(data: Path, count: int, seed: int) -> list[Row]:
    """A fixed sample of the questions whose templates were kept from training."""
    rows = load(data, "held_out")
    # The first rows are looked at while training runs, for its log.
    return random.Random(seed).sample(rows[64:], min(count, max(len(rows) - 64, 0)))


def dev(every: int) -> list[dict[str, Any]]:
    """Every n-th question of the dev half of the planning set."""
    return list(questions("dev"))[::every]
