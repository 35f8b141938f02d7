"""Writes an endpoint into scanwright.toml and leaves every other line as it is."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from scanwright.tools.errors import UserInputError

_TABLE = re.compile(r"^\[llm\.endpoint\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", re.MULTILINE)


def lines(base_url: str, model: str, timeout_s: int | None = None) -> str:
    """The lines that name an endpoint; timeout_s where it is slower than others."""
    slow = "" if timeout_s is None else f"timeout_s = {timeout_s}\n"
    return f"[llm.endpoint]\nbase_url = {json.dumps(base_url)}\nmodel = {json.dumps(model)}\n{slow}"


def settings_file(home: Path | None) -> Path:
    """The file that the settings are read from; where none is there, the one that would be read first."""
    candidates = [Path("scanwright.toml")] if home is None else [home / "scanwright.toml", Path("scanwright.toml")]
    return next((c for c in candidates if c.is_file()), candidates[0])


def register(file: Path, base_url: str, model: str, timeout_s: int | None = None) -> None:
    """Puts the endpoint into file, in the place of the one that stands there.

    Raises UserInputError where the file is not TOML, or has an endpoint that is not a table of its own.
    """
    before = file.read_text("utf-8") if file.is_file() else ""
    kept = _TABLE.sub("", before)
    after = f"{kept.rstrip()}\n\n{lines(base_url, model, timeout_s)}".lstrip()
    try:
        if _others(before) != _others(after):
            raise ValueError("other settings would change")
    except ValueError as error:
        raise UserInputError(
            f"{file} cannot be changed safely ({error}): put these lines there yourself:\n"
            f"{lines(base_url, model, timeout_s)}"
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
