"""Fixtures for the memory layer: a home, and Python programs that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scanwright.memory.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python program (its text, then its arguments); what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(Path(__file__).parent)}

    def start(text: str, *arguments: object) -> subprocess.Popen[str]:
        program = [sys.executable, "-c", textwrap.dedent(text), *map(str, arguments)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
