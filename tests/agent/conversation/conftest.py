"""Fixtures for conversations: the reader with the real encoder, and a workbench with real tools on a phantom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_examples import head_ct, marker_mask, settings
from scanwright.agent.conversation.reader import FollowUpReader, Past, Read
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.workbench import Workbench
from scanwright.evals.planning.studies import study

Talk = Callable[..., list[Read]]


@pytest.fixture(scope="session")
def reading_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench whose home stays open."""
    with Workbench(tmp_path_factory.mktemp("reading-home"), settings=settings()) as bench, bench.open_home():
        yield bench


@pytest.fixture(scope="session")
def offline(reading_bench: Workbench) -> ExemplarPlanner:
    """The planner without a model."""
    with reading_bench.open_home() as home:
        return reading_bench.offline_planner(home)


@pytest.fixture(scope="session")
def reader(reading_bench: Workbench, offline: ExemplarPlanner) -> FollowUpReader:
    """Reads turns by rules alone."""
    return FollowUpReader(offline, offline, reading_bench.registry)


@pytest.fixture(scope="session")
def talk(reader: FollowUpReader) -> Talk:
    """talk(study, question, question, …): how each turn is read, after those before it."""

    def read(name: str, *questions: str, **context: Any) -> list[Read]:
        views = [study(name, {"mask": False, "point": False, **context})]
        past: list[Past] = []
        found = []
        for question in questions:
            turn = reader.read(question, past, views)
            found.append(turn)
            command = None if turn.reading == "ask" else turn.reading
            past.insert(0, Past(question, turn.proposal.goals, turn.exam, command))
        return found

    return read


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head on CT with its markers as marker.nii.gz beside it."""
    folder = tmp_path_factory.mktemp("head")
    marker_mask(folder)
    return head_ct(folder)


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench with the real tools."""
    with Workbench(tmp_path_factory.mktemp("talking-home"), settings=settings()) as bench:
        yield bench
