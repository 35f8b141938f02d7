"""Concept: a name that tools use, its code, and what people call it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from scanwright.tools.artifacts import Coded


@dataclass(frozen=True)
class Concept:
    """A structure or a quantity.

    keyword is a pydicom code keyword as "SCT.Brain" (looked up, never typed in twice), or None where no code
    fits. label is how an answer says it, synonyms how people ask for it (lower case, singular and plural).
    paired: the body has one on each side, so that "left" names one of them and not half of it.
    """

    name: str
    label: str
    keyword: str | None = None
    synonyms: tuple[str, ...] = ()
    paired: bool = False

    @property
    def code(self) -> Coded | None:
        """The code, from pydicom's dictionary."""
        return coded(self.keyword) if self.keyword else None


@cache
def coded(keyword: str) -> Coded:
    """The code of a pydicom keyword, "SCT.Brain". Raises KeyError where the dictionary does not know it."""
    from pydicom.sr.codedict import codes

    scheme, word = keyword.split(".")
    try:
        code = getattr(getattr(codes, scheme), word)
    except AttributeError as error:
        raise KeyError(f"pydicom knows no code {keyword}") from error
    return Coded(system=code.scheme_designator, value=code.value, meaning=code.meaning)
