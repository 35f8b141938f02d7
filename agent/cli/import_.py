"""scanwright import PATH [PATH …]"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from scanwright.agent.cli.options import exit_codes, given_from, given_options, home_option, print_json, workbench


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH [PATH …]")
@given_options
@home_option
@exit_codes
def command(paths: tuple[str, ...], home: Path | None, as_json: bool, **options: Any) -> int:
    """Import files, folders or zips; the originals are not changed."""
    given = given_from(options)
    with workbench(home) as bench:
        records = [bench.import_study(path, given) for path in paths]
    if as_json:
        print_json([r.model_dump(mode="json") for r in records])
        return 0
    for record in records:
        click.echo(f"{record.study_id}  {record.name}")
        for series in record.series:
            for warning in series.warnings:
                click.echo(f"  {series.name}: {warning}")
    return 0
