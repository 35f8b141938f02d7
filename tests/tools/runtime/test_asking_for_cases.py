"""A tool in a worker asks its parent for near cases."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import pytest
from scanwright.tools.artifacts import Case, CaseList, Embedding
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.runtime.base import Job
from scanwright.tools.runtime.local import LocalRuntime

PATIENCE_S = 120


class Kept:
    """Finds as many cases as are asked for, or fails as it was told to."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.fails = fails
        self.asked: list[tuple[int, dict[str, str], int]] = []

    def nearest(self, embedding: Embedding, limit: int, filters: Mapping[str, str]) -> CaseList:
        self.asked.append((limit, dict(filters), os.getpid()))
        if self.fails is not None:
            raise self.fails
        found = tuple(Case(study_id=f"S-{n}", series="a", score=1 - n / 10) for n in range(limit))
        kind = embedding.type.model_copy(update={"kind": "CaseList"})
        return CaseList(type=kind, name="near", cases=found, searched=9, encoder=embedding.encoder)


def ask(runtime: LocalRuntime, limit: int, name: str = "job") -> str:
    result = runtime.submit(Job(name, "probe_cases", {}, {"limit": limit})).result(PATIENCE_S)
    return str(result.artifact.value)  # type: ignore[attr-defined]


def test_the_parent_answers_and_the_worker_goes_on(make_runtime: Callable[..., LocalRuntime]) -> None:
    kept = Kept()
    runtime = make_runtime(cases=kept, workers=1)
    first, count, worker = ask(runtime, 3).split()
    assert (first, count) == ("S-0", "3")
    assert kept.asked == [(3, {"sex": "F"}, os.getpid())]
    assert int(worker) != os.getpid()
    assert ask(runtime, 2, "again").split()[1:] == ["2", worker]


def test_what_is_wrong_there_is_told_here(make_runtime: Callable[..., LocalRuntime]) -> None:
    runtime = make_runtime(cases=Kept(ToolInputError("No case is kept yet.")), workers=1)
    with pytest.raises(ToolInputError, match="No case is kept yet"):
        ask(runtime, 1)
    bug = make_runtime(cases=Kept(ZeroDivisionError("x")), workers=1)
    with pytest.raises(ToolFailed, match="could not be searched"):
        ask(bug, 1)


def test_a_runtime_without_cases_says_so(make_runtime: Callable[..., LocalRuntime]) -> None:
    with pytest.raises(ToolFailed, match="no kept cases"):
        ask(make_runtime(workers=1), 1)
