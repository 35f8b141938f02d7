"""scanwright resume [RUN]"""

from __future__ import annotations

from pathlib import Path

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench


@click.command("resume")
@click.argument("run", default="last", metavar="[RUN]")
@home_option
@exit_codes
def command(run: str, home: Path | None, as_json: bool) -> int:
    """Finish a run that was interrupted; finished steps are not repeated. RUN defaults to the last one."""
    from scanwright.agent.cli.ask import print_result
    from scanwright.agent.cli.progress import StepProgress

    with workbench(home) as bench, StepProgress() as progress:
        result = bench.resume(run, on_step=progress)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_result(result)
    return result.exit_code
