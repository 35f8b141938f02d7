"""scanwright tools [NAME]"""

from __future__ import annotations

from pathlib import Path

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench


@click.command("tools")
@click.argument("name", required=False)
@click.option("--study", help="Say for this study which tools fit, and why the others do not.")
@home_option
@exit_codes
def command(name: str | None, study: str | None, home: Path | None, as_json: bool) -> int:
    """List the tools, or show the card of one."""
    from scanwright.agent.cli.words import card_lines

    bench = workbench(home)
    registry = bench.registry
    if name is not None:
        tool = registry.get(name)
        if as_json:
            print_json(tool.card.model_dump(mode="json"))
        else:
            for line in card_lines(tool.card, bench.why_not(tool)):
                click.echo(line)
        return 0
    fits = bench.fits(study) if study is not None else {t.card.id: bench.why_not(t) for t in registry}
    if as_json:
        print_json([t.card.model_dump(mode="json") | {"why_not": fits[t.card.id]} for t in registry])
        return 0
    for tool in registry:
        if fits[tool.card.id] is None:
            click.echo(f"{tool.card.id:<24} {tool.card.summary}")
    # The same reason holds for many; it is said once.
    reasons: dict[str, list[str]] = {}
    for tool_id, reason in fits.items():
        if reason is not None:
            reasons.setdefault(reason, []).append(tool_id)
    for reason, ids in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
        click.echo(f"\nnot offered: {reason}\n  {', '.join(sorted(ids))}")
    for broken, reason in registry.broken.items():
        click.echo(f"{broken:<24} could not be loaded: {reason}", err=True)
    return 0
