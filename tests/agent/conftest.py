"""Workbenches with homes of their own and warm workers, one for each module, and one to which probes are added."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_examples import PROBES, head_ct, marker_mask, settings, small_scan
from scanwright.agent.workbench import Workbench


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with head.nii.gz (CT), marker.nii.gz (a mask with labels 1 and 2) and small.nii.gz (kind not known)."""
    folder = tmp_path_factory.mktemp("scans")
    head_ct(folder)
    marker_mask(folder)
    small_scan(folder)
    return folder


@pytest.fixture(scope="module")
def wb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workbench with the real tools."""
    with Workbench(tmp_path_factory.mktemp("home"), settings=settings()) as workbench:
        yield workbench


@pytest.fixture(scope="session")
def probe_path() -> Iterator[str]:
    """PYTHONPATH with the probe tools on it, for workers and child processes."""
    before = os.environ.get("PYTHONPATH")
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = here if before is None else f"{here}{os.pathsep}{before}"
    yield os.environ["PYTHONPATH"]
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory, probe_path: str) -> Iterator[Workbench]:
    """A workbench with the probe tools as well."""
    home = tmp_path_factory.mktemp("probe-home")
    with Workbench(home, settings=settings(), extra_modules=[PROBES]) as workbench:
        yield workbench
