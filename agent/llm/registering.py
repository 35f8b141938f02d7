"""Writes an endpoint into scanwright.toml and leaves every other line as it is."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from scanwright.tools.errors import UserInputError

_TABLE = re.compile(r"^\[llm\.endpoint\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", re.MULTILINE)


def lines(base_url: str, model: str) -> str:
    """The lines that name an endpoint."""
    return f'[llm.endpoint]\nbase_url = "{base_url}"\nmodel = "{model}"\n'


def settings_file(home: Path | None) -> Path:
    """The file that the settings are read from; where none is there, the one that would be read first."""
    candidates = [Path("scanwright.toml")] if home is None else [home / "scanwright.toml", Path("scanwright.toml")]
    return next((c for c in candidates if c.is_file()), candidates[0])


def register(file: Path, base_url: str, model: str) -> None:
    """Puts the endpoint into file, in the place of the one that stands there.

    Raises UserInputError where the file is not TOML, or has an endpoint that is not a table of its own.
    """
    before = file.read_text("utf-8") if file.is_file() else ""
    kept = _TABLE.sub("", before)
    after = f"{kept.rstrip()}\n\n{lines(base_url, model)}".lstrip()
    try:
        if _others(before) != _others(after):
            raise ValueError("other settings would change")
    except ValueError as error:
        raise UserInputError(
            f"{file} cannot be changed safely ({error}): put these lines there yourself:\n{lines(base_url, model)}"
        ) from None
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_text(after, "utf-8")
    part.replace(file)


def _others(text: str) -> dict[str, Any]:
    """Every setting but the endpoint."""
    found = tomllib.loads(text)
    llm = {name: value for name, value in found.pop("llm", {}).items() if name != "endpoint"}
    return {**found, **({"llm": llm} if llm else {})}
