"""Servers as processes: waited for, stopped by their pid, never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from scanwright.agent.llm import serving, vllm_server
from scanwright.tools.errors import ToolFailed, UserInputError

SCRIPT = str(Path(__file__).with_name("small_llm_server.py"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(port: int, delay: float = 0.3) -> list[str]:
    return [sys.executable, SCRIPT, str(port), str(delay)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    serving.stop(tmp_path)


def test_a_server_is_waited_for_and_stopped_by_its_pid(folder: Path) -> None:
    port = free_port()
    server = serving.start(command(port), folder, port=port, model="m", ready_s=30)
    assert serving.running(folder) == server
    assert psutil.Process(server.pid).cmdline()[1] == SCRIPT
    assert serving.stop(folder) == server
    assert not psutil.pid_exists(server.pid) or psutil.Process(server.pid).status() == psutil.STATUS_ZOMBIE
    assert serving.stop(folder) is None


def test_a_second_server_is_refused_while_one_runs(folder: Path) -> None:
    port = free_port()
    serving.start(command(port), folder, port=port, model="m", ready_s=30)
    with pytest.raises(UserInputError, match="runs already"):
        serving.start(command(port), folder, port=port, model="m")


def test_a_port_that_somebody_answers_on_is_not_taken_for_ours(folder: Path, tmp_path: Path) -> None:
    port = free_port()
    serving.start(command(port), folder, port=port, model="m", ready_s=30)
    with pytest.raises(UserInputError, match="answers on port"):
        serving.start(command(port), tmp_path / "other", port=port, model="m")


def test_a_server_that_ends_says_why(folder: Path) -> None:
    with pytest.raises(ToolFailed, match="there is no such model"):
        serving.start(command(0), folder, port=free_port(), model="m", ready_s=30)
    assert not (folder / serving.RECORD).exists()


def test_a_server_that_is_never_ready_is_not_left_running(folder: Path) -> None:
    port = free_port()
    with pytest.raises(ToolFailed, match="not ready"):
        serving.start(command(port, 60), folder, port=port, model="m", ready_s=0.5)
    children = psutil.Process(os.getpid()).children()
    assert [c for c in children if SCRIPT in c.cmdline() and c.status() != psutil.STATUS_ZOMBIE] == []


def test_a_pid_that_another_process_has_now_is_never_ended(folder: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        record = {"pid": bystander.pid, "created": 1.0, "base_url": "http://127.0.0.1:1/v1", "model": "m"}
        (folder / serving.RECORD).write_text(json.dumps(record))
        assert serving.stop(folder) is None
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_python_without_the_server_is_told_how_to_get_it() -> None:
    with pytest.raises(UserInputError, match="vllm/bin/pip install"):
        serving.vllm_command("model", "m", 8000)
    with pytest.raises(UserInputError, match="cannot be run"):
        serving.llamacpp_command(Path("m.gguf"), "m", 8000, python="/nowhere/python")


def test_a_model_server_listens_on_this_machine_alone(tmp_path: Path) -> None:
    """A Python that has vLLM: the module is found, and never run."""
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").touch()
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    words = serving.vllm_command("/models/big", "big", 8000, python=str(python))
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--model") + 1] == "/models/big"
    assert words[1] == vllm_server.__file__
    assert words[2] == str(os.getpid())


def test_vllm_reports_to_nobody_and_looks_up_no_folder_on_a_hub(tmp_path: Path) -> None:
    said = serving.vllm_environment(str(tmp_path))
    assert (said["VLLM_NO_USAGE_STATS"], said["DO_NOT_TRACK"], said["HF_HUB_OFFLINE"]) == ("1", "1", "1")
    assert said["VLLM_HOST_IP"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("method", "path", "headers", "passes"),
    [
        ("GET", "/v1/models", {b"host": b"127.0.0.1:8093"}, True),
        ("POST", "/v1/chat/completions", {b"host": b"localhost:8093"}, True),
        ("GET", "/metrics", {b"host": b"127.0.0.1:8093"}, False),
        ("POST", "/tokenize", {b"host": b"127.0.0.1:8093"}, False),
        ("GET", "/v1/models", {b"host": b"evil.example:8093"}, False),
        ("GET", "/v1/models", {b"host": b"127.0.0.1:8093", b"origin": b"http://evil.example"}, False),
        ("GET", "/v1/models", {}, False),
    ],
)
def test_the_gate_passes_on_what_is_used_here_and_nothing_else(
    method: str, path: str, headers: dict[bytes, bytes], passes: bool
) -> None:
    reached: list[object] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers.items())}
    asyncio.run(vllm_server.Gate(app)(scope, None, send))
    assert bool(reached) == passes
    assert [m.get("status") for m in sent] == ([] if passes else [404, None])


def test_a_folder_that_is_no_adapter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").touch()
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with pytest.raises(UserInputError, match="adapter_config"):
        serving.vllm_command("m", "m", 8000, python=str(python), adapters={"a": tmp_path})
