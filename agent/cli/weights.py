"""scanwright weights list|fetch|verify|path [NAME]"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from scanwright.agent.cli.options import exit_codes, home_option, print_json, workbench

if TYPE_CHECKING:
    from scanwright.tools.weights.entries import WeightsEntry
    from scanwright.tools.weights.store import WeightsStore


@click.command("weights")
@click.argument("action", type=click.Choice(["list", "fetch", "verify", "path"]), default="list")
@click.argument("name", required=False)
@click.option("--accept-licence", is_flag=True, help="Accept a licence that forbids commercial use.")
@home_option
@exit_codes
def command(action: str, name: str | None, accept_licence: bool, home: Path | None, as_json: bool) -> int:
    """List the weights, fetch them (all that can be, without a NAME), verify them, or say where they are."""
    bench = workbench(home)
    store, folder = bench.weights, bench.settings.tools.weights_dir
    assert folder is not None
    entries = [store.entry(name)] if name is not None else list(store.entries())
    if action == "list":
        return _list(store, entries, as_json)
    if action == "fetch":
        return _fetch(store, entries, folder, accept_licence, as_json, everything=name is None)
    if action == "verify":
        return _verify(store, entries, as_json)
    return _path(store, entries, folder, as_json, everything=name is None)


def _list(store: WeightsStore, entries: list[WeightsEntry], as_json: bool) -> int:
    rows = [_row(store, e) for e in entries]
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        terms = row["licence"] + ("" if row["commercial"] else ", not for commercial use")
        click.echo(
            f"{row['name']:<20} {row['mb']:>7.1f} MB  {'here' if row['missing'] is None else 'not here':<9} {terms}"
        )
        if row["missing"] is not None:
            click.echo(f"{'':<20} {row['missing']}")
    return 0


def _fetch(
    store: WeightsStore,
    entries: list[WeightsEntry],
    folder: Path,
    accept_licence: bool,
    as_json: bool,
    *,
    everything: bool,
) -> int:
    from scanwright.tools.errors import NeedsInput, UserInputError
    from scanwright.tools.weights import acceptance
    from scanwright.tools.weights.fetch import fetch

    done: list[dict[str, Any]] = []
    for entry in entries:
        if not acceptance.accepted(entry, folder):
            if not accept_licence:
                if everything:
                    click.echo(acceptance.not_accepted(entry), err=True)
                    continue
                raise NeedsInput(acceptance.not_accepted(entry), ("licence",), ("--accept-licence",))
            acceptance.accept(entry, folder)
        if store.available(entry.name):
            done.append(_row(store, entry))
            continue
        try:
            fetch(entry, folder, progress=_told(entry.name))
        except UserInputError as error:
            if not everything:
                raise
            click.echo(str(error), err=True)
            continue
        store.resolve(entry.name)
        done.append(_row(store, entry))
    if as_json:
        print_json(done)
        return 0
    for row in done:
        click.echo(f"{row['name']:<20} here ({row['licence']})")
    return 0


def _told(name: str) -> Any:
    shown: dict[str, int] = {}

    def tell(file: str, have: int, size: int) -> None:
        percent = 100 * have // size
        if percent // 10 != shown.get(file, -1):
            shown[file] = percent // 10
            click.echo(f"{name}: {file} {percent} % of {size / 1e6:.1f} MB", err=True)

    return tell


def _verify(store: WeightsStore, entries: list[WeightsEntry], as_json: bool) -> int:
    """Hashes every file that is here: 0 where all are what was published."""
    from scanwright.tools.hashing import sha256_file

    report: dict[str, str] = {}
    for entry in entries:
        found = store.locate(entry.name)
        if found is None:
            report[entry.name] = "not here"
            continue
        wrong = [f.file for f in entry.files if sha256_file(found[f.role]) != f.sha256]
        known = "as published" if entry.files else "here; no hash of it was published"
        report[entry.name] = f"wrong: {', '.join(wrong)}" if wrong else known
    if as_json:
        print_json(report)
    else:
        for each, state in report.items():
            click.echo(f"{each:<20} {state}")
    return 1 if any(s.startswith("wrong") for s in report.values()) else 0


def _path(store: WeightsStore, entries: list[WeightsEntry], folder: Path, as_json: bool, *, everything: bool) -> int:
    if everything:
        if as_json:
            print_json({"folder": str(folder)})
        else:
            click.echo(str(folder))
        return 0
    found = store.resolve(entries[0].name)
    if as_json:
        print_json({role: str(path) for role, path in found.items()})
    else:
        for path in found.values():
            click.echo(str(path))
    return 0


def _row(store: WeightsStore, entry: WeightsEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "licence": entry.licence,
        "commercial": entry.commercial,
        "source": entry.source,
        "mb": sum(f.size for f in entry.files) / 1e6,
        "missing": store.why_not(entry.name),
    }
