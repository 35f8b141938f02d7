"""Values of a MONAI bundle's configuration, read as data: references are followed, expressions never run.

Published bundles write Python in their configurations. Of that only what is a value in Python's clothes is read:
numbers, texts and lists, references, a choice between two values by one that is given, and the call of a named
network. All else is refused.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from scanwright.tools.errors import ToolFailed

_REFERENCE = re.compile(r"@[A-Za-z_][\w]*(?:(?:#|::)\w+)*")
DEPTH = 20


def read_file(folder: Path, stem: str) -> dict[str, Any]:
    """configs/<stem>.json, .yaml or .yml of a bundle. Raises ToolFailed where it is missing or no table."""
    for suffix in (".json", ".yaml", ".yml"):
        path = folder / "configs" / f"{stem}{suffix}"
        if path.is_file():
            break
    else:
        raise ToolFailed(f"The bundle {folder.name} has no configs/{stem}.json or .yaml: copy the whole folder again.")
    try:
        if path.suffix == ".json":
            held = json.loads(path.read_text("utf-8"))
        else:
            import yaml

            held = yaml.safe_load(path.read_text("utf-8"))
    except Exception as error:
        raise ToolFailed(f"configs/{path.name} of the bundle {folder.name} cannot be read: copy it again.") from error
    if not isinstance(held, dict):
        raise ToolFailed(f"configs/{path.name} of the bundle {folder.name} does not describe a model: copy it again.")
    return held


class Config:
    """The configuration of a bundle."""

    def __init__(self, held: dict[str, Any]) -> None:
        self._held = held

    def get(self, key: str, otherwise: Any = None) -> Any:
        """The value under a key, as it is written."""
        return self._held.get(key, otherwise)

    def value(self, written: Any, where: str, depth: int = 0) -> Any:
        """written with its references followed. Raises ToolFailed where it is an expression; where says of what."""
        if depth > DEPTH:
            raise ToolFailed(f"The references in {where} go round in a circle: write the value in their place.")
        if isinstance(written, dict):
            return {k: self.value(v, where, depth + 1) for k, v in written.items()}
        if isinstance(written, list):
            return [self.value(v, where, depth + 1) for v in written]
        if not isinstance(written, str):
            return written
        if _REFERENCE.fullmatch(written.strip()):
            return self._follow(written.strip(), where, depth)
        return self._plain(written[1:], where, depth) if written.startswith("$") else written

    def call(self, written: Any, where: str) -> tuple[str, dict[str, Any]]:
        """Name and arguments of what a configuration asks to be made: {"_target_": …}, or the call of a named class."""
        if isinstance(written, str) and _REFERENCE.fullmatch(written.strip()):
            key, *rest = re.split(r"#|::", written.strip()[1:])
            return self.call(self._step(self._held, [key, *rest], where), where)
        if isinstance(written, dict) and "_target_" in written:
            given = {k: self.value(v, where) for k, v in written.items() if not k.startswith("_")}
            return str(written["_target_"]).rsplit(".", 1)[-1], given
        if isinstance(written, str) and written.startswith("$"):
            node, names = self._parsed(written[1:], where)
            if isinstance(node, ast.Call) and not node.args and all(k.arg for k in node.keywords):
                name = ast.unparse(node.func)
                if re.fullmatch(r"monai\.networks\.nets\.\w+", name):
                    given = {str(k.arg): self._read(k.value, names, where, 0) for k in node.keywords}
                    return name.rsplit(".", 1)[-1], given
        raise self._refused(written, where)

    def _follow(self, reference: str, where: str, depth: int) -> Any:
        return self.value(self._step(self._held, re.split(r"#|::", reference[1:]), where), where, depth + 1)

    def _step(self, held: Any, path: list[str], where: str) -> Any:
        for key in path:
            try:
                held = held[int(key)] if isinstance(held, list) else held[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise ToolFailed(
                    f"{where} refers to {'#'.join(path)}, which the configuration lacks: add it."
                ) from None
        return held

    def _plain(self, text: str, where: str, depth: int) -> Any:
        node, names = self._parsed(text, where)
        return self._read(node, names, where, depth)

    def _parsed(self, text: str, where: str) -> tuple[ast.expr, dict[str, str]]:
        """The expression as a tree, with names standing for its references."""
        names: dict[str, str] = {}

        def named(match: re.Match[str]) -> str:
            name = f"reference_{len(names)}"
            names[name] = match.group()
            return name

        try:
            return ast.parse(_REFERENCE.sub(named, text.strip()), mode="eval").body, names
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._refused(f"${text}", where) from None

    def _read(self, node: ast.expr, names: dict[str, str], where: str, depth: int) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str | bool | None):
            return node.value
        if isinstance(node, ast.List | ast.Tuple):
            return [self._read(each, names, where, depth) for each in node.elts]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return -self._read(node.operand, names, where, depth)
        if isinstance(node, ast.Name) and node.id in names:
            return self._follow(names[node.id], where, depth)
        if isinstance(node, ast.IfExp):
            chosen = node.body if self._read(node.test, names, where, depth) else node.orelse
            return self._read(chosen, names, where, depth)
        raise self._refused(f"${ast.unparse(node)}", where)

    def _refused(self, written: Any, where: str) -> ToolFailed:
        shown = re.sub(r"reference_\d+", "@…", str(written))
        shown = shown if len(shown) <= 60 else shown[:57] + "…"
        return ToolFailed(f"{where} is the expression {shown}, which is not run here: write its value in its place.")
