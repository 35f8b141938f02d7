"""Fixtures for all tests: the folder with real scans, and a bench to run single tools on arrays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scanwright.tools.testing import ToolBench


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real scans; where SCANWRIGHT_DATA is not set, the test is skipped and says so."""
    folder = os.environ.get("SCANWRIGHT_DATA")
    if not folder:
        pytest.skip("SCANWRIGHT_DATA is not set: it names the folder with the real scans")
    if not Path(folder).is_dir():
        pytest.fail(f"SCANWRIGHT_DATA names {folder}, which is no folder")
    return Path(folder)


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """Runs single tools on arrays."""
    folder = tmp_path / "blobs"
    folder.mkdir()
    return ToolBench(folder)
