"""Written: a draft that holds, and who worded it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """A draft that holds. by says who wrote it: "template", or the model's name; warnings are said with the answer.

    language is the one in which its numbers are to be written (a key of LANGUAGES).
    """

    draft: str
    by: str
    warnings: tuple[str, ...] = ()
    replaced: int = 0
    language: str = "en"
