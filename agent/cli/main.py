"""scanwright: the entry point. Subcommands are imported when they are called, so that --help is quick."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import entry_points
from typing import Any

import click

# name: (module, one line of help)
COMMANDS: dict[str, tuple[str, str]] = {
    "ask": ("scanwright.agent.cli.ask", "Ask a question about a scan."),
    "chat": ("scanwright.agent.cli.chat", "Ask questions that go on from one another."),
    "plan": ("scanwright.agent.cli.plan", "Show how a question would be answered; run nothing."),
    "run": ("scanwright.agent.cli.run", "Run a plan file."),
    "show": ("scanwright.agent.cli.show", "Show an earlier run and its evidence."),
    "resume": ("scanwright.agent.cli.resume", "Finish a run that was interrupted."),
    "tools": ("scanwright.agent.cli.tools", "List what Scanwright can do, or show one tool's card."),
    "weights": ("scanwright.agent.cli.weights", "List, fetch or verify the weights of networks."),
    "llm": ("scanwright.agent.cli.llm", "Fetch, serve or check a language model that plans."),
    "learn": ("scanwright.agent.cli.learn", "Make training data, tune a small model that plans, find a better prompt."),
    "studies": ("scanwright.agent.cli.studies", "List the imported studies."),
    "cases": ("scanwright.agent.cli.cases", "Keep scans as cases, and find similar ones."),
    "import": ("scanwright.agent.cli.import_", "Import a file, folder or zip."),
    "doctor": ("scanwright.agent.cli.doctor", "Say what is installed and what is offered, and why not."),
    "serve": ("scanwright.agent.cli.serve", "Serve the API on this machine."),
    "demo": ("scanwright.agent.cli.demo", "Answer questions about two real scans."),
}
COMMAND_GROUP = "scanwright.commands"


class _Lazy(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(point.name for point in entry_points(group=COMMAND_GROUP))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            command: click.Command = importlib.import_module(COMMANDS[name][0]).command
            return command
        point = next((p for p in entry_points(group=COMMAND_GROUP) if p.name == name), None)
        return None if point is None else point.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        more = [(p.name, "Benchmarks of the parts and the whole.") for p in entry_points(group=COMMAND_GROUP)]
        rows = [(name, line) for name, (_, line) in COMMANDS.items()] + more
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scanwright", prog_name="scanwright")
def cli() -> None:
    """Ask a question about a scan; get a plan you can read and an answer whose every number you can trace.

    Research use only: not a medical device.
    """


def main(args: list[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    try:
        code: Any = cli.main(args=args, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped; what was finished is kept.", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
