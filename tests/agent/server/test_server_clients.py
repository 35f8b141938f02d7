"""While a server owns a home, the command line asks it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from server_process import ServerProcess


def _command(server: ServerProcess, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scanwright.agent.cli.main", *words, "--home", str(server.home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def test_a_question_on_the_command_line_is_answered_by_the_server(
    server: ServerProcess, head: dict[str, Any], head_file: Path
) -> None:
    options = ["--modality", "CT", "--body-part", "head", "--json"]
    asked = _command(server, "ask", str(head_file), "What is the volume of the skull?", *options)
    assert asked.returncode == 0, asked.stderr
    result = json.loads(asked.stdout)
    assert result["run_id"] in {r["run_id"] for r in server.client.get("/api/v1/runs").json()}
    shown = _command(server, "show", result["run_id"], "--events")
    assert "mask_volume" in shown.stdout
    assert "run.finished" in shown.stdout


def test_studies_are_those_of_the_server(server: ServerProcess, head: dict[str, Any]) -> None:
    assert head["study_id"] in _command(server, "studies").stdout


def test_what_the_server_refuses_is_refused_with_its_sentence(server: ServerProcess, head: dict[str, Any]) -> None:
    wrong = _command(server, "ask", "no-such-study", "How large is the skull?")
    assert wrong.returncode == 2
    assert "no-such-study" in wrong.stderr
    waits = _command(server, "ask", head["study_id"], "What is the volume of the skull?", "--review")
    assert waits.returncode == 3
    assert "--yes" in waits.stderr
