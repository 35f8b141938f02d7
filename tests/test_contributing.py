"""The walk-through of CONTRIBUTING.md: a tool in a package outside the repository is found, planned and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of the walk-through, installed into a folder of their own; returns the environment that sees it."""
    folder = tmp_path_factory.mktemp("scan-shapes")
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    for name, block in zip(("pyproject.toml", "scan_shapes.py", "test_scan_shapes.py"), blocks, strict=True):
        (folder / name).write_text(block, encoding="utf-8")
    site = folder / "site"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        site,
        folder,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return {**os.environ, "PYTHONPATH": str(site), "WALK_THROUGH": str(folder)}


def scanwright(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scanwright.agent.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_the_test_of_the_walk_through_passes(package: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", package["WALK_THROUGH"]]
    done = subprocess.run(
        command, env=package, cwd=package["WALK_THROUGH"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_tool_is_found_by_its_entry_point(package: dict[str, str]) -> None:
    shown = scanwright(package, "tools", "sphericity", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["package"] == "scan_shapes"


def test_without_the_package_the_tool_is_not_known() -> None:
    shown = scanwright(dict(os.environ), "tools", "sphericity")
    assert shown.returncode == 2
    assert "sphericity" in shown.stderr


def test_the_tool_is_planned_and_run_on_a_real_scan(package: dict[str, str], tmp_path: Path) -> None:
    study = str(ROOT / "demo" / "head_ct.nii.gz")
    asked = scanwright(package, "ask", study, "How spherical is the head?", "--home", str(tmp_path / "home"), "--json")
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert [s["tool"] for s in answer["plan"]["steps"][:2]] == ["head_outline", "sphericity"]
    measured = next(e for e in answer["evidence"] if e["quantity"] == "sphericity")
    assert 0.5 < measured["value"] < 0.95
    assert f"[{measured['id']}]" in answer["answer"]
