"""The registry: every tool that is known, built-in families first, then installed packages.

A package adds tools by an entry point in the group `scanwright.tools` that names a module; every Tool in that
module is registered.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from scanwright.tools import families
from scanwright.tools.contract.card import OUTLINES, ToolCard
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.types import Kind, is_variable
from scanwright.tools.errors import UserInputError

ENTRY_POINT_GROUP = "scanwright.tools"


class Registry:
    """Tools by id. Iterates in order of id."""

    def __init__(self, tools: Iterable[Tool[..., Any]] = ()) -> None:
        self._tools: dict[str, Tool[..., Any]] = {}
        self.broken: dict[str, str] = {}
        for each in tools:
            self.add(each)

    def add(self, new: Tool[..., Any]) -> None:
        """Registers a tool. Raises ValueError where another tool has the id."""
        old = self._tools.get(new.card.id)
        if old is not None and old is not new:
            raise ValueError(
                f"two tools are called {new.card.id!r}: one of {old.card.package}, one of {new.card.package}"
            )
        self._tools[new.card.id] = new

    def add_module(self, module: ModuleType) -> None:
        """Registers every tool that stands in a module."""
        for value in vars(module).values():
            if isinstance(value, Tool):
                self.add(value)

    def get(self, tool_id: str) -> Tool[..., Any]:
        """The tool of that id. Raises UserInputError that names the nearest ones."""
        if tool_id not in self._tools:
            from difflib import get_close_matches

            near = get_close_matches(tool_id, self._tools, 3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`scanwright tools` lists them."
            raise UserInputError(f"There is no tool called {tool_id!r}: {hint}")
        return self._tools[tool_id]

    def __contains__(self, tool_id: object) -> bool:
        return tool_id in self._tools

    def __iter__(self) -> Iterator[Tool[..., Any]]:
        return iter(sorted(self._tools.values(), key=lambda t: t.card.id))

    def __len__(self) -> int:
        return len(self._tools)

    def wants(self) -> dict[str, Kind]:
        """What goals can want: the union over the tools, each with the kind of artifact that it is."""
        found = {q: tool.card.output.kind for tool in self for q in tool.card.quantities}
        return found | ({"mask": "Mask"} if "mask" in found else {})

    def kind_of(self, want: str, structure: str) -> Kind:
        """The kind of artifact that a want of a structure is: an outline is a mask, a region or a set of cells.

        Raises KeyError for a want that no tool gives.
        """
        kinds = (t.card.output.kind for t in self if want in t.card.quantities and structure in structures_of(t.card))
        return next(kinds, None) or self.wants()[want]

    def structures(self) -> set[str]:
        """The structures that some tool makes a mask of."""
        return {s for t in self for s in structures_of(t.card)}


def structures_of(card: ToolCard) -> tuple[str, ...]:
    """The structures that a tool outlines: its output's, or the choices of the parameter that sets it."""
    structure = card.output.structure
    if card.output.kind not in OUTLINES or structure is None or structure == "*":
        return ()
    if not is_variable(structure):
        return (structure,)
    parameter = card.param(structure[1:])
    return parameter.choices if parameter is not None else ()


def load_registry() -> Registry:
    """The built-in families and every installed package's tools.

    A package that cannot be imported is left out and its reason kept in `broken`.
    """
    registry = Registry()
    for found in pkgutil.iter_modules(families.__path__, f"{families.__name__}."):
        registry.add_module(importlib.import_module(found.name))
    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            registry.add_module(point.load())
        except Exception as error:
            registry.broken[point.name] = f"{type(error).__name__}: {error}"
    return registry
