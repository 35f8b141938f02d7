"""The wheel puts scanwright/ and nothing else into site-packages; the layers import what they may."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("agent", "tools", "memory", "evals")


def test_every_package_on_disk_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    on_disk = {
        "scanwright." + ".".join(init.parent.relative_to(ROOT).parts)
        for layer in LAYERS
        for init in (ROOT / layer).rglob("__init__.py")
    }
    assert set(listed) == on_disk


def test_the_wheel_holds_only_scanwright(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        ROOT,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names} == {"scanwright", wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    for needed in (
        "scanwright/agent/planner/exemplars.json",
        "scanwright/memory/migrations/env.py",
        "scanwright/evals/planning/questions.jsonl",
        "scanwright/tools/py.typed",
    ):
        assert needed in names


def test_help_needs_no_heavy_library() -> None:
    code = (
        "import sys\nfrom scanwright.agent.cli.main import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'sqlalchemy', 'langgraph'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "ask" in done.stdout


def test_the_process_that_answers_never_imports_torch() -> None:
    code = (
        "import sys\nimport scanwright.agent.workbench\nfrom scanwright.tools.registry import load_registry\n"
        "load_registry()\nsys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
