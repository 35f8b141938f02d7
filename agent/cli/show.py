"""scanwright show [RUN]"""

from __future__ import annotations

from pathlib import Path

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench


@click.command("show")
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--events", is_flag=True, help="Show the log of the run as well.")
@home_option
@exit_codes
def command(run: str, events: bool, home: Path | None, as_json: bool) -> int:
    """Show an earlier run: its answer, where each number came from, its steps. RUN defaults to the last one."""
    from scanwright.agent.answer.render import range_text, value_text
    from scanwright.agent.answer.result import AnswerResult
    from scanwright.agent.cli.remote import server_of
    from scanwright.memory.records import Event, RunRecord

    if (remote := server_of(home)) is not None:
        told = remote.run(run)
        kept = {k: told[k] for k in ("run_id", "question", "plan", "status", "answer", "created_utc")}
        record = RunRecord(**kept, study_ids=told["studies"], plan_key="")
        log = [Event.model_validate(e) for e in remote.call("GET", f"/api/v1/runs/{record.run_id}/events")]
    else:
        with workbench(home).open_home() as opened:
            record = opened.runs.get(run)
            log = opened.runs.events(record.run_id)
    if as_json:
        shown = record.model_dump(mode="json")
        print_json(shown | ({"events": [e.model_dump(mode="json") for e in log]} if events else {}))
        return 0
    click.echo(f"{record.run_id}: {record.question!r} ({record.status}, {record.created_utc})")
    if record.answer is not None:
        result = AnswerResult.model_validate(record.answer)
        click.echo(result.answer)
        for item in result.evidence:
            value = f"{value_text(item)} {range_text(item)}" if item.quantity else item.artifact or ""
            click.echo(f"  [{item.id}] {item.name}: {value}")
            click.echo(f"       step {item.step}, {item.tool}; {item.method}; {item.reference or ''}")
        for step in result.plan.steps:
            seconds = "kept" if step.cached else f"{step.seconds:.2f} s"
            click.echo(f"  {step.id} {step.tool} {step.version}: {step.status}, {seconds}")
    if events:
        for event in log:
            click.echo(f"  {event.seq:>3} {event.utc:%H:%M:%S} {event.kind} {event.actor} {event.payload}")
    return 0
