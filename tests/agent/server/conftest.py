"""One server for all tests that do not kill it, with a head on CT in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The module with the scans of the agent's tests lies one folder up.
sys.path.insert(0, str(Path(__file__).parents[1]))

from server_process import COARSE, ServerProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on loopback, which asks nobody who they are."""
    process = ServerProcess(tmp_path_factory.mktemp("serving") / "home")
    yield process
    process.stop()


TOKEN = "a-token-of-more-than-twenty-characters"


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that demands a token, and that tests kill and start again."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "token").write_text(TOKEN + "\n")
    process = ServerProcess(folder / "home", "--token-file", str(folder / "token"))
    yield process
    process.stop()


@pytest.fixture(scope="session")
def head_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A coarse head on CT."""
    from agent_examples import write_scan
    from scanwright.tools import phantoms

    phantom = phantoms.head_ct(COARSE)
    return write_scan(tmp_path_factory.mktemp("files"), "head", phantom.voxels, phantom.affine, None)


@pytest.fixture(scope="session")
def head(server: ServerProcess, head_file: Path) -> dict[str, Any]:
    """The head as a study of the server."""
    return server.upload(head_file, modality="CT", body_part="head")


@pytest.fixture(scope="session")
def skull(server: ServerProcess, head: dict[str, Any]) -> dict[str, Any]:
    """A turn that measured the skull."""
    return server.ask(server.session(head["study_id"]), "What is the volume of the skull?")
