"""scanwright cases add|list|similar|forget"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from scanwright.agent.cli.options import exit_codes, given_from, given_options, home_option, print_json, workbench


@click.group("cases")
def command() -> None:
    """Keep scans as cases, and find those that resemble another scan."""


@command.command("add")
@click.argument("studies", nargs=-1, required=True, metavar="STUDY|FOLDER [STUDY|FOLDER …]")
@given_options
@home_option
@exit_codes
def add(studies: tuple[str, ...], home: Path | None, as_json: bool, **options: Any) -> int:
    """Import studies where they are new, and keep the scans of each that an encoder can read as cases."""
    from scanwright.agent.cases import add_cases
    from scanwright.agent.cli.progress import StepProgress

    given, done = given_from(options), []
    with workbench(home) as bench:
        for study in studies:
            with StepProgress() as progress:
                done.append(add_cases(bench, study, given, on_step=progress))
    if as_json:
        print_json(
            [{"study_id": a.study_id, "cases": [c.model_dump() for c in a.cases], "left_out": a.left_out} for a in done]
        )
    else:
        for added in done:
            for case in added.cases:
                click.echo(f"{added.study_id}  {added.name}  {case.series}: kept ({_facts(case.facts)})")
            for series, why in added.left_out.items():
                click.echo(f"{added.study_id}  {added.name}  {series}: not kept. {why}", err=True)
    return 0 if all(a.cases for a in done) else 3


@command.command("list")
@home_option
@exit_codes
def list_(home: Path | None, as_json: bool) -> int:
    """List the kept cases."""
    with workbench(home).open_home() as opened:
        cases = opened.cases.list()
    if as_json:
        print_json([c.model_dump() for c in cases])
        return 0
    for case in cases:
        click.echo(f"{case.study_id}  {case.subject}  {case.series}  {_facts(case.facts)}  [{case.encoder}]")
    if not cases:
        click.echo("No case is kept yet: scanwright cases add STUDY.", err=True)
    return 0


@command.command("similar")
@click.argument("study")
@given_options
@click.option("--limit", type=click.IntRange(1, 50), default=5, show_default=True, help="How many cases.")
@click.option("--case-body-part", help="Only cases of this body part; “same” for the scan's own.")
@click.option("--sex", help="Only cases of this sex; “same” for the patient's own.")
@click.option("--age-band", help="Only cases of this age band; “same” for the patient's own.")
@click.option("--scanner", help="Only cases from this scanner; “same” for the scan's own.")
@click.option("--also-same-patient", is_flag=True, help="Other studies of the patient count as cases, too.")
@home_option
@exit_codes
def similar_(study: str, limit: int, case_body_part: str | None, sex: str | None, age_band: str | None, scanner: str | None, also_same_patient: bool, home: Path | None, as_json: bool, **options: Any) -> int:  # fmt: skip
    """Show the kept cases that resemble STUDY most."""
    from scanwright.agent.cases import similar
    from scanwright.agent.cli.ask import print_result
    from scanwright.agent.cli.progress import StepProgress

    wanted = {"body_part": case_body_part, "sex": sex, "age_band": age_band, "scanner": scanner}
    filters = {name: value for name, value in wanted.items() if value}
    if also_same_patient:
        filters["patient"] = "any"
    with workbench(home) as bench, StepProgress() as progress:
        result = similar(bench, study, given_from(options), filters=filters, limit=limit, on_step=progress)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_result(result)
    return result.exit_code


@command.command("forget")
@click.argument("studies", nargs=-1, required=True, metavar="STUDY [STUDY …]")
@home_option
@exit_codes
def forget(studies: tuple[str, ...], home: Path | None, as_json: bool) -> int:
    """Keep the cases of STUDY no longer; the study itself stays."""
    with workbench(home).open_home() as opened:
        gone = {record.study_id: opened.cases.forget(record.study_id) for record in map(opened.studies.get, studies)}
    if as_json:
        print_json(gone)
        return 0
    for study_id, count in gone.items():
        click.echo(f"{study_id}: {count} {'case' if count == 1 else 'cases'} forgotten")
    return 0


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(facts[name] for name in ("modality", "body_part", "sex", "age_band", "scanner") if name in facts)
