"""Words that the tables of wants share."""

from __future__ import annotations

from typing import TypeAlias

# A want, and the patterns that name it, from the most to the least specific want.
Cues: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]

SHOW = (
    r"(?:show|pictures?|draw|display|visuali[sz]e|render|depict|illustrate|plot|overlay|view|figures?|illustration|"
    r"where (?:exactly )?(?:was|were|is|are|do|does|did)|which (?:slices?|levels?|lines?) (?:was|were|is|are))"
)
EARLIER = (
    r"(?:since|over time|last (?:scan|exam|year|month|time|week|study|visit)|(?:previous|prior|earlier|old|older|first|"
    r"baseline) (?:\w+ )?(?:scan|exam|examination|study|image|mri?|ct|one|time ?point|visit)|before\b|between the "
    r"(?:two|2) (?:scans|exams|studies|time ?points|visits)|compared (?:to|with) (?:the )?(?:baseline|last|prior|previous|"
    r"earlier))"
)
SHARE = r"(?:\b(?:shares?|fractions?|proportions?|portions?|percent(?:age)?s?|per ?cent|how much of|how many of)\b|%)"


def shown(name: str) -> tuple[str, ...]:
    """Patterns of asking for a picture of what that pattern names."""
    return (rf"\b{SHOW}\b.*{name}", rf"{name}.*\bpicture\b")
