"""scanwright plan STUDY QUESTION"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from scanwright.agent.cli.options import exit_codes, given_from, given_options, home_option, print_json, workbench


@click.command("plan")
@click.argument("words", nargs=-1, required=True, metavar="STUDY [STUDY …] QUESTION")
@given_options
@click.option(
    "--catalogue",
    type=click.Choice(["offered", "all"]),
    default="offered",
    help="all: plan with tools whose weights are missing, too.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write the plan file here.")
@home_option
@exit_codes
def command(words: tuple[str, ...], catalogue: str, output: Path | None, home: Path | None, as_json: bool, **options: Any) -> int:  # fmt: skip
    """Show the plan for QUESTION about STUDY; nothing is run."""
    from scanwright.agent.cli.words import plan_lines
    from scanwright.agent.planner.base import Declined, Unclear
    from scanwright.tools.errors import UserInputError

    if len(words) < 2:
        raise UserInputError('Name a study and ask a question: scanwright plan STUDY "question".')
    *studies, question = words
    with workbench(home) as bench:
        planned = bench.plan(studies, question, given_from(options), catalogue_all=catalogue == "all")
        plan = planned.plan
        missing = {
            w: why
            for step in plan.steps
            for w in bench.registry.get(step.tool).card.weights
            if (why := bench.weights.why_not(w)) is not None
        }
    if output is not None:
        try:
            output.write_text(plan.to_json(), encoding="utf-8")
        except OSError as error:
            raise UserInputError(f"The plan file {output} cannot be written: {error.strerror}.") from None
    not_goals = [i for i in planned.items if isinstance(i, Declined | Unclear)]
    if as_json:
        print_json(plan.model_dump(mode="json"))
    else:
        for line in plan_lines(plan):
            click.echo(line)
    for item in not_goals:
        click.echo(
            f"  “{item.asked}”: {item.sentence}" + (f" For example: {'; '.join(item.offers)}" if item.offers else ""),
            err=as_json,
        )
    for why in missing.values():
        click.echo(f"  to fetch: {why}", err=as_json)
    return 0 if any(g.status == "planned" for g in plan.goals) else 3
