"""The sets of planning questions by name, the kind of each question, and the selection "bench" over all of them."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Literal

Row = dict[str, Any]
Half = Literal["dev", "test"]

# Files that hold both halves; a split of theirs is called "languages_dev", "languages_test".
HALVED = ("follow_ups", "cohorts", "languages", "dictated", "adversarial", "requests")
# Those in which one line is one question on one study. The others have readers of their own.
SINGLE_TURN = ("languages", "dictated", "adversarial", "requests")
KINDS = (
    "single", "multi", "comparison", "cohort", "follow_up", "ambiguous", "impossible", "out_of_scope", "adversarial",
    "dictated", "language_de", "language_fr", "language_es", "language_zh", "request",
)  # fmt: skip
# Of the older sets so many of each kind go into each half of the selection, where there are so many.
_OF_OLDER = {
    "single": 20, "multi": 16, "comparison": 12, "ambiguous": 12, "impossible": 15, "out_of_scope": 12, "dictated": 8,
}  # fmt: skip
_SEED = 20261125
_BESIDE_THE_POINT = {"diagnosis", "treatment", "off_topic", "not_assessed", "normative"}
_COMPARING = {
    "asymmetry_index", "dice", "volume_change", "overlap_change", "recist_response", "exam_displacement",
    "exam_rotation", "liver_spleen_ratio", "liver_spleen_difference", "abc2_difference", "similar_cases",
}  # fmt: skip


def rows(file: str, half: str | None = None) -> Iterator[Row]:
    """The lines of a file of questions ("languages"), or those of its half. Raises FileNotFoundError."""
    text = files("scanwright.evals.planning").joinpath(f"{file}.jsonl").read_text("utf-8")
    for line in text.splitlines():
        row: Row = json.loads(line)
        if half in (None, row["split"]):
            yield row


def kind(row: Row) -> str:
    """Which of KINDS a question is: that of its set, or what its gold answer makes of it."""
    if "language" in row:
        return f"language_{row['language']}"
    category = row["category"]
    if category in ("cohort", "follow_up", "adversarial", "dictated", "request"):
        return str(category)
    if category == "typo":
        return "dictated"
    expect = row["expect"]
    goals: Sequence[Row] = expect["goals"]
    if expect["outcome"] == "ask":
        return "ambiguous"
    if expect["outcome"] == "refuse":
        return "out_of_scope" if expect["reason"] in _BESIDE_THE_POINT else "impossible"
    if any(g.get("compare") or g["want"] in _COMPARING for g in goals):
        return "comparison"
    return "multi" if len(goals) > 1 or expect["outcome"] == "partly" else "single"


def bench(half: Half) -> list[Row]:
    """The selection that all planners are compared on: every new set's half, and a fixed draw from the older sets'.

    Of the older sets the half that was tuned on stands with "dev", that which was run for figures only with "test".
    """
    older = [*rows("questions", half), *rows(f"eyes_{half}")]
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in older:
        by_kind[kind(row)].append(row)
    drawn = [row for name, n in _OF_OLDER.items() for row in shuffled(by_kind[name], name)[:n]]
    return [*drawn, *(row for name in HALVED for row in rows(name, half))]


def shuffled(chosen: Sequence[Row], name: str) -> list[Row]:
    """The rows in an order that is the same each time, whatever order they come in."""
    ordered = sorted(chosen, key=lambda row: str(row["id"]))
    random.Random(f"{_SEED}{name}").shuffle(ordered)
    return ordered
