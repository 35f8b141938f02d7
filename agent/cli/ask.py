"""scanwright ask STUDY [STUDY …] QUESTION"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from scanwright.agent.cli.options import exit_codes, given_from, given_options, home_option, print_json, workbench

if TYPE_CHECKING:
    from scanwright.agent.answer.result import AnswerResult
    from scanwright.agent.cli.remote import Remote
    from scanwright.agent.given import Given
    from scanwright.agent.plan.plan import Plan
    from scanwright.agent.workbench import Workbench


@click.command("ask")
@click.argument("words", nargs=-1, required=True, metavar="STUDY [STUDY …] QUESTION")
@given_options
@click.option("--review", is_flag=True, help="Look at the plan and approve it before it runs.")
@click.option("--yes", is_flag=True, help="Approve the plan beforehand.")
@click.option("--table", type=click.Path(path_type=Path), help="Ask it of each study: one row each, in this CSV file.")
@home_option
@exit_codes
def command(words: tuple[str, ...], review: bool, yes: bool, table: Path | None, home: Path | None, as_json: bool, **options: Any) -> int:  # fmt: skip
    """Ask QUESTION about STUDY: a file, a folder, a zip, or an imported study's id or name."""
    from scanwright.tools.errors import UserInputError

    if len(words) < 2:
        raise UserInputError('Name a study and ask a question: scanwright ask STUDY "question".')
    from scanwright.agent.cli.remote import server_of

    *studies, question = words
    given = given_from(options)
    if table is None and (remote := server_of(home)) is not None:
        result = _of_server(remote, studies, question, given, review=review, approved=yes)
        if as_json:
            print_json(result.model_dump(mode="json"))
        else:
            print_result(result)
        return result.exit_code
    with workbench(home) as bench:
        if table is not None:
            return _table(bench, studies, question, given, table, as_json, approved=yes)
        result = _one(bench, studies, question, given, review=review, approved=yes)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_result(result)
    return result.exit_code


def _of_server(
    remote: Remote, studies: list[str], question: str, given: Given, *, review: bool, approved: bool
) -> AnswerResult:
    """The answer of the server that owns the home; a plan that waits is looked at here."""
    from scanwright.agent.answer.result import AnswerResult
    from scanwright.agent.cli.remote import followed, raised, turn_request
    from scanwright.agent.plan.plan import Plan
    from scanwright.tools.errors import Cancelled, NeedsInput

    found = [remote.study(s, given) for s in studies]
    session = remote.call("POST", "/api/v1/sessions", {"studies": [s["study_id"] for s in found]})["session_id"]
    body = turn_request(remote, found, question, given) | {"review": review and not approved, "approved": approved}
    turn = remote.call("POST", f"/api/v1/sessions/{session}/turns", body)["turn_id"]
    kind, payload = followed(remote, session, turn)
    if kind == "plan.waits":
        if not review and not sys.stdin.isatty():
            raise NeedsInput(f"{payload['why']} Approve it with --yes, or look at it with --review.", ("approval",))
        click.echo(payload["why"], err=True)
        answer = "approve" if _review(Plan.model_validate(payload["plan"])) is not None else "reject"
        remote.call("POST", f"/api/v1/sessions/{session}/turns/{turn}/{answer}", {})
        if answer == "reject":
            raise Cancelled("The plan was not approved; nothing was run.")
        kind, payload = followed(remote, session, turn, payload["seq"])
    raised(kind, payload)
    return AnswerResult.model_validate(payload["answer"])


def _one(
    bench: Workbench, studies: list[str], question: str, given: Given, *, review: bool = False, approved: bool = False
) -> AnswerResult:
    from scanwright.agent.cli.progress import StepProgress
    from scanwright.tools.errors import NeedsInput

    try:
        with StepProgress() as progress:
            return bench.ask(
                studies, question, given, review=_review if review else None, on_step=progress, approved=approved
            )
    except NeedsInput as needed:
        if review or "approval" not in needed.missing or not sys.stdin.isatty():
            raise
        click.echo(str(needed), err=True)
        return _one(bench, studies, question, given, review=True)


def _review(plan: Plan) -> Plan | None:
    from scanwright.agent.cli.words import plan_lines
    from scanwright.tools.errors import NeedsInput

    for line in plan_lines(plan):
        click.echo(line, err=True)
    if not sys.stdin.isatty():
        raise NeedsInput(
            "The plan waits for your approval and there is no terminal to ask on: add --yes.", ("approval",)
        )
    return plan if click.confirm("Run it?", err=True) else None


def _table(
    bench: Workbench,
    studies: list[str],
    question: str,
    given: Given,
    table: Path,
    as_json: bool,
    *,
    approved: bool,
) -> int:
    from scanwright.agent.cli.rows import write_rows

    results: list[tuple[str, AnswerResult | str]] = []
    from scanwright.tools.errors import ScanwrightError

    for i, study in enumerate(studies):
        try:
            own = given.of_one(i, len(studies))
            results.append((study, _one(bench, [study], question, own, approved=approved)))
        except ScanwrightError as error:
            results.append((study, str(error)))
            click.echo(f"{study}: {error}", err=True)
    write_rows(table, results)
    answered = [r for _, r in results if not isinstance(r, str) and r.exit_code == 0]
    if as_json:
        print_json([r if isinstance(r, str) else r.model_dump(mode="json") for _, r in results])
    else:
        click.echo(f"{len(answered)} of {len(results)} studies answered; the table is {table}.")
    if answered:
        return 0
    codes = [2 if isinstance(r, str) else r.exit_code for _, r in results]
    return max(codes)


def print_result(result: AnswerResult, *, quiet: bool = False) -> None:
    """The answer and what must be known of it, for a terminal; quiet leaves out which planner and run it was."""
    click.echo(result.answer)
    for warning in result.warnings:
        click.echo(f"Note: {warning}")
    if result.refusal is not None and result.status == "refused" and result.refusal.offers:
        click.echo(f"What can be done: {'; '.join(result.refusal.offers)}.")
    if quiet:
        return
    worded = "" if result.worded_by == "template" else f" worded by {result.worded_by};"
    click.echo(f"Planned by {result.plan.planner};{worded} run {result.run_id}. {result.notice}", err=True)
