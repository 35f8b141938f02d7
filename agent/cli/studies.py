"""scanwright studies"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench
from scanwright.tools.artifacts import Image, Volume


@click.command("studies")
@home_option
@exit_codes
def command(home: Path | None, as_json: bool) -> int:
    """List the imported studies."""
    from scanwright.agent.cli.remote import server_of

    if (remote := server_of(home)) is not None:
        return _of_server(remote.call("GET", "/api/v1/studies")[::-1], as_json)
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


def _of_server(studies: list[dict[str, Any]], as_json: bool) -> int:
    if as_json:
        print_json(studies)
        return 0
    for study in studies:
        for s in study["series"]:
            size = " × ".join(map(str, s["shape"])) + ("" if s["kind"] == "volume" else " pixels")
            said = f"{s['modality'] or 'modality not known'}, {s['body_part'] or 'body part not known'}, {size}"
            click.echo(f"{study['study_id']}  {study['name']}  {study['subject']}  {s['name']}: {said}")
    if not studies:
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
