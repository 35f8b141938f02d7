"""Fixtures for the offline planner: the real encoder in a home of its own, and studies as a planner sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scanwright.agent.planner.exemplar import ExemplarPlanner
from scanwright.agent.planner.lexicon import dictionary
from scanwright.agent.planner.reading.words import Speller
from scanwright.agent.workbench import Workbench


@pytest.fixture(scope="session")
def planning_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench whose home stays open."""
    home: Path = tmp_path_factory.mktemp("planner-home")
    with Workbench(home) as bench, bench.open_home():
        yield bench


@pytest.fixture(scope="session")
def planner(planning_bench: Workbench) -> ExemplarPlanner:
    """The offline planner as the command line uses it."""
    with planning_bench.open_home() as home:
        made = planning_bench.planner(home)
    assert isinstance(made, ExemplarPlanner)
    return made


@pytest.fixture(scope="session")
def speller(planning_bench: Workbench) -> Speller:
    """The speller with the encoder's words."""
    return Speller(dictionary(planning_bench.weights))
