"""How long the command line takes to answer --help."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

from scanwright.evals.bench.figures import Figure, interleaved


def measure() -> list[Figure]:
    """`scanwright --help` against a bare interpreter, and what a server would import."""
    cli = "import sys; from scanwright.agent.cli.main import main; sys.argv = ['scanwright', '--help']; main()"
    bare, ours = interleaved([_python("pass"), _python(cli)], 9)
    (workbench,) = interleaved([_python("import scanwright.agent.workbench")], 5)
    return [
        Figure("scanwright --help", ours, "s", "python -c pass", bare, "≤ 0.3 s"),
        Figure("import of the workbench (no torch)", workbench, "s", "python -c pass", bare, "≤ 1.5 s"),
    ]


def _python(code: str) -> Callable[[], object]:
    command: Sequence[str] = (sys.executable, "-c", code)
    return lambda: subprocess.run(command, check=True, capture_output=True)
