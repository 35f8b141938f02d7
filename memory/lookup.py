"""Finding a record by what a person typed: a whole id, its beginning, or a name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from scanwright.tools.errors import UserInputError


def the_one(key: str, what: str, found: Sequence[str], known: Sequence[str], listing: str) -> str:
    """The single id in found. Raises UserInputError where there is none (with near ones of known) or several."""
    if len(found) == 1:
        return found[0]
    if found:
        raise UserInputError(f"More than one {what} fits {key!r} ({_some(found)}): write more of its id. {listing}")
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.4) or list(known[:3])
    if not near:
        raise UserInputError(f"There is no {what} {key!r}: none is kept in this home yet.")
    raise UserInputError(f"There is no {what} {key!r}; near ones are {_some(near)}. {listing}")


def _some(names: Sequence[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
