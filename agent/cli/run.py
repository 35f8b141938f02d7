"""scanwright run PLAN.json STUDY [STUDY …]"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from scanwright.agent.cli.options import exit_codes, given_from, given_options, home_option, print_json, workbench


@click.command("run")
@click.argument("plan_file", type=click.Path(path_type=Path), metavar="PLAN.json")
@click.argument("studies", nargs=-1, required=True, metavar="STUDY [STUDY …]")
@given_options
@click.option("--yes", is_flag=True, help="Approve steps that export, delete or reach out.")
@home_option
@exit_codes
def command(
    plan_file: Path, studies: tuple[str, ...], yes: bool, home: Path | None, as_json: bool, **options: Any
) -> int:
    """Run a plan file on STUDY (its S1), and further studies (S2, …)."""
    from scanwright.agent.cli.ask import print_result
    from scanwright.agent.cli.progress import StepProgress
    from scanwright.agent.plan.plan import load_plan

    plan = load_plan(plan_file)
    with workbench(home) as bench, StepProgress() as progress:
        result = bench.run_plan(plan, list(studies), given_from(options), on_step=progress, approved=yes)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_result(result)
    return result.exit_code
