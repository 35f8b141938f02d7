"""scanwright chat STUDY [STUDY …]"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from scanwright.agent.cli.options import exit_codes, given_from, given_options, home_option, print_json, workbench

if TYPE_CHECKING:
    from scanwright.agent.answer.result import AnswerResult
    from scanwright.agent.conversation.conversation import Conversation
    from scanwright.agent.workbench import Workbench


@click.command("chat")
@click.argument("studies", nargs=-1, metavar="[STUDY …]")
@given_options
@click.option("--session", help="Go on with an earlier conversation: its id, the beginning of it, or last.")
@click.option("--list", "listed", is_flag=True, help="List the conversations.")
@click.option("--yes", is_flag=True, help="Approve every plan beforehand.")
@home_option
@exit_codes
def command(
    studies: tuple[str, ...],
    session: str | None,
    listed: bool,
    yes: bool,
    home: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Ask questions about STUDY one after the other: from a terminal, or one a line on standard input.

    A question may go on from the ones before ("and the left one?", "only above 300 HU", "same for the previous exam"),
    or be about the answer ("why?", "how sure are you?", "undo that", "go back to turn 2"). Of two studies the first is
    the earlier exam. /turns lists the turns, /branches the branches, /quit ends.
    """
    from scanwright.tools.errors import UserInputError

    if sum((bool(studies), session is not None, listed)) != 1:
        raise UserInputError("Name studies, or an earlier conversation with --session ID, or --list.")
    with workbench(home) as bench:
        if listed:
            return _list(bench, as_json)
        if session is not None:
            chat = bench.open_conversation(session)
        else:
            chat = bench.conversation(list(studies), given_from(options))
        click.echo(f"Conversation {chat.conversation_id}; go on with it later by --session.", err=True)
        if session is not None and not as_json:
            _told_before(chat)
        return _questions(chat, as_json, approved=yes)


def _questions(chat: Conversation, as_json: bool, *, approved: bool) -> int:
    """Asks line by line until the end; the exit code is that of the last answer."""
    code = 0
    for question in _lines():
        if question in ("/quit", "/exit"):
            break
        if question in ("/turns", "/branches"):
            _show(chat, question)
            continue
        code = _one(chat, question, as_json, approved=approved)
    return code


def _one(chat: Conversation, question: str, as_json: bool, *, approved: bool) -> int:
    """One answer, or one sentence about what is wrong; the conversation goes on in either case."""
    from scanwright.agent.cli.ask import print_result
    from scanwright.agent.cli.progress import StepProgress
    from scanwright.tools.errors import NeedsInput, ScanwrightError, UserInputError

    try:
        try:
            with StepProgress() as progress:
                result = chat.ask(question, on_step=progress, approved=approved)
        except NeedsInput as needed:
            if "approval" not in needed.missing or not sys.stdin.isatty():
                raise
            result = _approved(chat, needed)
    except ScanwrightError as error:
        click.echo(f"{error}", err=True)
        code = 3 if isinstance(error, NeedsInput) else 2 if isinstance(error, UserInputError) else 1
        if as_json:
            status = {1: "failed", 2: "wrong_input", 3: "needs_input"}[code]
            _json_line(chat, {"question": question, "status": status, "error": str(error)})
        return code
    if as_json:
        _json_line(chat, result.model_dump(mode="json"))
    else:
        print_result(result)
    return result.exit_code


def _approved(chat: Conversation, needed: Exception) -> AnswerResult:
    """Shows the plan of the turn that waits and runs it where the person says so."""
    from scanwright.agent.cli.progress import StepProgress
    from scanwright.agent.cli.words import plan_lines
    from scanwright.tools.errors import Cancelled

    click.echo(str(needed), err=True)
    turn = chat.turns[-1].seq
    for line in plan_lines(chat.plan_of(turn)):
        click.echo(line, err=True)
    if not click.confirm("Run it?", err=True):
        raise Cancelled("The plan was not approved; nothing was run.")
    with StepProgress() as progress:
        return chat.take_up(turn, on_step=progress, approved=True)


def _json_line(chat: Conversation, row: dict[str, Any]) -> None:
    """One result on one line, with the turn that it belongs to."""
    turn = next(iter(chat.turns[-1:]), None)
    about: dict[str, Any] = {"conversation": chat.conversation_id}
    if turn is not None and turn.question == row["question"]:
        about |= {"turn": turn.seq, "reading": turn.reading, "exam": turn.exam}
    sys.stdout.write(json.dumps({**about, **row}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _lines() -> Any:
    """Questions from a terminal with a prompt, or the lines of standard input; blank ones are left out."""
    if sys.stdin.isatty():
        import readline  # noqa: F401

        while True:
            try:
                text = input("? ")
            except EOFError:
                return
            if text.strip():
                yield text.strip()
    for line in sys.stdin:
        if line.strip():
            yield line.strip()


def _told_before(chat: Conversation) -> None:
    """The branch that holds, for who comes back."""
    branches = chat.branches
    for turn in branches[-1] if branches else []:
        click.echo(f"  {turn.seq}. {turn.question}", err=True)


def _show(chat: Conversation, what: str) -> None:
    """The turns, or the branches, on stderr."""
    if what == "/turns":
        for turn in chat.turns:
            after = "" if turn.head is None else f", now at {turn.head}"
            click.echo(
                f"  {turn.seq:>3} {turn.reading:<9} {turn.question}  ({turn.run_id or 'no run'}{after})", err=True
            )
        return
    branches = chat.branches
    for number, branch in enumerate(branches, start=1):
        holds = " (this one)" if number == len(branches) else ""
        click.echo(f"  branch {number}{holds}: " + " → ".join(f"{t.seq}. {t.question}" for t in branch), err=True)


def _list(bench: Workbench, as_json: bool) -> int:
    with bench.open_home() as home:
        records = home.conversations.list(50)
        names = {s.study_id: s.name for s in home.studies.list()}
    if as_json:
        print_json([r.model_dump(mode="json", exclude={"given"}) for r in records])
        return 0
    for record in records:
        about = ", ".join(names.get(s, f"{s} (erased)") for s in record.study_ids)
        click.echo(f"{record.conversation_id}  {record.created_utc[:16]}  {record.turns} turns  {about}")
    return 0
