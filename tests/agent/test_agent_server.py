"""The API server on a real home with real tools."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.orient import write_nifti
from scanwright.tools.phantoms import head_ct


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`scanwright serve` in a process of its own, stopped by its process id."""
    home = tmp_path_factory.mktemp("server-home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "scanwright.agent.cli.main", "serve", "--port", str(port), "--home", str(home)]
    process = subprocess.Popen(command)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        for _ in range(300):
            try:
                client.get("/health")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        yield client
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def study(server: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An uploaded phantom of a head on CT."""
    file = tmp_path_factory.mktemp("upload") / "head.nii.gz"
    phantom = head_ct((2.0, 2.0, 3.0))
    write_nifti(phantom.voxels, Geometry.of(phantom.voxels.shape, phantom.affine), file)
    with file.open("rb") as upload:
        answer = server.post(
            "/studies", files={"upload": ("../../head.nii.gz", upload)}, data={"modality": "CT", "body_part": "head"}
        )
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json()
    return record


def test_health_and_tools_answer(server: httpx.Client) -> None:
    assert server.get("/health").json()["status"] == "ok"
    assert "brain_extraction" in {card["id"] for card in server.get("/tools").json()}


def test_an_uploaded_scan_is_asked_about(server: httpx.Client, study: dict[str, Any]) -> None:
    asked = server.post("/ask", json={"studies": [study["study_id"]], "question": "How large is the head?"})
    assert asked.status_code == 200, asked.text
    result = asked.json()
    assert result["status"] == "answered"
    assert result["evidence"][0]["quantity"] == "volume"
    assert study["study_id"] in {s["study_id"] for s in server.get("/studies").json()}


def test_a_path_of_the_server_is_no_study(server: httpx.Client) -> None:
    answer = server.post("/ask", json={"studies": ["/etc/passwd"], "question": "How large is the head?"})
    assert answer.status_code == 422
    assert "error" in answer.json()


def test_another_host_name_gets_nothing(server: httpx.Client) -> None:
    assert server.get("/health", headers={"host": "evil.example"}).status_code == 421


def test_an_address_that_others_reach_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scanwright.agent.cli.main", "serve", "--host", "0.0.0.0", "--home", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "no sign-in" in done.stderr
