"""How files and sizes are said in messages."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path | str) -> str:
    """The last part of a path, safe to print: what is not printable becomes "?"."""
    name = Path(path).name or str(path)
    return "".join(c if c.isprintable() else "?" for c in name)


def size_in_words(count: int) -> str:
    """A number of bytes with a decimal unit: "71 bytes", "1.7 TB"."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"


def some(names: list[str], limit: int = 3) -> str:
    """The first few of a list, and how many more there are."""
    listed = ", ".join(names[:limit])
    return listed if len(names) <= limit else f"{listed} and {len(names) - limit} more"
