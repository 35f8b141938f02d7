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
    from scanwright.agent.cli.remote import server_of

    given = given_from(options)
    if (remote := server_of(home)) is not None:
        studies = [remote.upload(path, given) for path in map(Path, paths)]
        if as_json:
            print_json(studies)
        for study in () if as_json else studies:
            click.echo(f"{study['study_id']}  {study['name']}")
            for series in study["series"]:
                for warning in series["warnings"]:
                    click.echo(f"  {series['name']}: {warning}")
        return 0
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
