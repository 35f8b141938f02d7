"""scanwright doctor"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench

PACKAGES = (
    "torch", "monai", "transformers", "langgraph", "openai", "qdrant-client", "qdrant-edge-py", "fastapi", "pydicom",
    "highdicom", "nibabel", "SimpleITK", "deepbet", "vllm", "ray", "faster-whisper", "openslide-python",
)  # fmt: skip


@click.command("doctor")
@home_option
@exit_codes
def command(home: Path | None, as_json: bool) -> int:
    """Say what is installed, which weights are here, which tools are offered and why the others are not."""
    bench = workbench(home)
    report: dict[str, Any] = {
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in PACKAGES},
        "weights": {
            e.name: {"licence": e.licence, "missing": bench.weights.why_not(e.name)} for e in bench.weights.entries()
        },
        "tools": {t.card.id: bench.why_not(t) for t in bench.registry},
        "broken": bench.registry.broken,
    }
    with bench.open_home() as opened:
        report["home"] = str(opened.path)
        report["studies"] = len(opened.studies.list())
        report["vectors"] = type(opened.vectors()).__name__
    if as_json:
        print_json(report)
        return 0
    click.echo(
        f"Python {report['python']} on {report['machine']}; home {report['home']} ({report['studies']} studies, {report['vectors']})"
    )
    click.echo("Packages: " + ", ".join(f"{n} {v}" for n, v in report["packages"].items() if v))
    absent = [n for n, v in report["packages"].items() if not v]
    if absent:
        click.echo(f"Not installed (each is needed only for its own extra): {', '.join(absent)}")
    for name, facts in report["weights"].items():
        click.echo(f"Weights {name} ({facts['licence']}): {facts['missing'] or 'here'}")
    offered = [n for n, why in report["tools"].items() if why is None]
    click.echo(f"Tools offered: {len(offered)} of {len(report['tools'])}")
    for name, why in report["tools"].items():
        if why is not None:
            click.echo(f"  not offered: {name}: {why}")
    for name, why in report["broken"].items():
        click.echo(f"  could not be loaded: {name}: {why}")
    return 0


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
