"""scanwright studies"""

from __future__ import annotations

from pathlib import Path

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench


@click.command("studies")
@home_option
@exit_codes
def command(home: Path | None, as_json: bool) -> int:
    """List the imported studies."""
    with workbench(home).open_home() as opened:
        records = opened.studies.list()
    if as_json:
        print_json([r.model_dump(mode="json") for r in records])
        return 0
    for record in records:
        for series in record.series:
            image, geometry = series.volume.image, series.volume.geometry
            size = " × ".join(map(str, geometry.shape))
            what = f"{image.modality or 'modality not known'}, {image.body_part or 'body part not known'}"
            click.echo(
                f"{record.study_id}  {record.name}  {record.subject}  {series.name}: {what}, {size}, {geometry.space}"
            )
    if not records:
        click.echo("No study has been imported yet: scanwright import PATH.", err=True)
    return 0
