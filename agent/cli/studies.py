"""scanwright studies"""

from __future__ import annotations

from pathlib import Path

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench
from scanwright.tools.artifacts import Image, Volume


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
            click.echo(f"{record.study_id}  {record.name}  {record.subject}  {series.name}: {_what(series.image)}")
    if not records:
        click.echo("No study has been imported yet: scanwright import PATH.", err=True)
    return 0


def _what(image: Image) -> str:
    facts = image.image
    said = f"{facts.modality or 'modality not known'}, {facts.body_part or 'body part not known'}"
    if isinstance(image, Volume):
        return f"{said}, {' × '.join(map(str, image.geometry.shape))}, {image.geometry.space}"
    um = image.frame.um_per_pixel
    pixel = "pixel size not known" if um is None else f"{um[0]:.3g} µm a pixel"
    return f"{said}, {image.frame.width} × {image.frame.height} pixels, {facts.stain or 'stain not known'}, {pixel}"
