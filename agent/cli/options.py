"""Options that several commands share, and how errors become exit codes."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from scanwright.agent.given import Given
    from scanwright.agent.workbench import Workbench
    from scanwright.tools.contract.quantity import Points

_POINTS = ("more", "not_at", "liver_at", "spleen_at")
F = TypeVar("F", bound=Callable[..., Any])


def home_option(function: F) -> F:
    """--home and --json."""
    function = click.option(
        "--home", type=click.Path(path_type=Path), help="Folder with all state (default: the user's data folder)."
    )(function)
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def given_options(function: F) -> F:
    """What a person can say beside a question."""
    for option in reversed(
        (
            click.option("--modality", help="DICOM Modality (CT, MR, …) where the file does not say."),
            click.option("--body-part", help="Body part (head, chest, …) where the file does not say."),
            click.option(
                "--sides", type=click.Choice(["known", "unknown"]), help="Whether left and right can be relied on."
            ),
            click.option(
                "--stain", help="How a slide is stained (H&E, IHC, fluorescence) where the file does not say."
            ),
            click.option("--pixel-size", type=float, help="Size of a slide's pixel in µm where the file does not say."),
            click.option(
                "--gated",
                type=click.Choice(["yes", "no"]),
                help="Whether the scan was synchronised with the heartbeat.",
            ),
            click.option(
                "--mask",
                multiple=True,
                help="A mask that you give: FILE or FILE:LABEL (NIfTI, on the scan's grid). One is for the last study; "
                "repeated, one for each study in their order.",
            ),
            click.option("--at", help="A point in RAS+ mm that you mean: X,Y,Z."),
            click.option(
                "--more", multiple=True, help="A further point inside what you mean: X,Y,Z (may be repeated)."
            ),
            click.option("--not-at", multiple=True, help="A point outside what you mean: X,Y,Z (may be repeated)."),
            click.option("--liver-at", multiple=True, help="A point in the liver: X,Y,Z (may be repeated)."),
            click.option("--spleen-at", multiple=True, help="A point in the spleen: X,Y,Z (may be repeated)."),
            click.option("--series", help="The series that is meant, where the study has several."),
            click.option(
                "--patient", help="A patient's name for joining studies whose files do not say whose they are."
            ),
        )
    ):
        function = option(function)
    return function


def given_from(options: dict[str, Any]) -> Given:
    """The Given that the options say. Raises UserInputError on a point that is none."""
    from scanwright.agent.given import Given
    from scanwright.tools.errors import UserInputError
    from scanwright.tools.imaging.loaded import GivenFacts

    if (um := options["pixel_size"]) is not None and not 0 < um < 10_000:
        raise UserInputError(f"--pixel-size is a number of micrometres above 0, as --pixel-size 0.5: got {um:g}.")
    facts = GivenFacts(
        modality=options["modality"], body_part=options["body_part"], sides=options["sides"], stain=options["stain"],
        pixel_size_um=um, gated=None if options["gated"] is None else options["gated"] == "yes",
    )  # fmt: skip
    given = {name: _points(options[name], f"--{name.replace('_', '-')}") for name in _POINTS}
    points = {name: value for name, value in given.items() if value is not None}
    return Given(facts, options["mask"], _point(options["at"]), options["series"], options["patient"], points)


def _points(texts: Sequence[str], option: str) -> Points | None:
    from scanwright.tools.contract.quantity import Points

    return Points(points=tuple(_point(text, option) for text in texts)) if texts else None


def _point(text: str | None, option: str = "--at") -> Any:
    from scanwright.tools.contract.quantity import Point
    from scanwright.tools.errors import UserInputError

    if text is None:
        return None
    try:
        x, y, z = (float(v) for v in text.split(","))
        return Point(x=x, y=y, z=z)
    except ValueError:
        raise UserInputError(f"{option} takes three numbers in mm, as {option} 10,-20.5,33: got {text!r}.") from None


def workbench(home: Path | None) -> Workbench:
    """A workbench that says on stderr when it waits for another command."""
    from scanwright.agent.workbench import Workbench

    return Workbench(home, on_wait=lambda message: click.echo(message, err=True))


def exit_codes(function: Callable[..., int | None]) -> Callable[..., int]:
    """Errors told in one sentence: 2 the input is wrong, 3 something is missing, 1 it failed."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> int:
        from scanwright.tools.errors import Cancelled, NeedsInput, ScanwrightError, UserInputError

        as_json = bool(kwargs.get("as_json"))
        try:
            return function(*args, **kwargs) or 0
        except NeedsInput as error:
            return _told(error, 3, as_json, missing=error.missing, offers=error.offers)
        except UserInputError as error:
            return _told(error, 2, as_json)
        except (Cancelled, ScanwrightError) as error:
            return _told(error, 1, as_json)
        except KeyboardInterrupt:
            click.echo("Stopped; what was finished is kept.", err=True)
            return 1

    return run


def _told(
    error: Exception, code: int, as_json: bool, missing: tuple[str, ...] = (), offers: tuple[str, ...] = ()
) -> int:
    click.echo(f"{error}", err=True)
    if as_json:
        kind = {1: "failed", 2: "wrong_input", 3: "needs_input"}[code]
        print_json({"status": kind, "error": str(error), "missing": list(missing), "offers": list(offers)})
    return code


def print_json(value: Any) -> None:
    """JSON on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
