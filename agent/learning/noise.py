"""Ways in which people write the same question: polite, short, dictated, with typos."""

from __future__ import annotations

import random
import re

_BEFORE = (
    "Could you please tell me: ",
    "Please: ",
    "Hi, ",
    "Quick question: ",
    "I would like to know: ",
    "okay so ",
    "For my report: ",
    "next: ",
)
_AFTER = (" please", ", thanks", " asap", " for the report", " pls", ", thank you")
_SHORT = (
    (r"\bvolume\b", "vol"), (r"\bmaximum\b", "max"), (r"\bminimum\b", "min"), (r"\baverage\b", "avg"), (r"\bdiameter\b", "diam"),
    (r"\bplease\b", "pls"), (r"\bwith\b", "w/"), (r"\band\b", "&"), (r"\b(?:the|a|an)\s+", ""), (r"\bWhat is\s+", ""), (r"\bstandard deviation\b", "SD"),
)  # fmt: skip
_SAID = (
    (r"\?$", ""),
    (r"\bmm\b", "millimetres"),
    (r"\bmL\b", "millilitres"),
    (r"\bcm\b", "centimetres"),
    (r"\.$", " full stop"),
)
_WORD = re.compile(r"[A-Za-z]{5,}")
# A typo in these would change what is asked.
_KEPT = {"right", "below", "above", "under", "table", "litres", "liters", "slice", "percent"}


def varied(text: str, rng: random.Random) -> str:
    """The question in one of these ways, English; about two in five stay as they are."""
    way = rng.random()
    if way < 0.4:
        return text
    if way < 0.52:
        return _polite(text, rng)
    if way < 0.66:
        return _substituted(text, _SHORT, rng).strip().rstrip("?.").lower() if rng.random() < 0.7 else text.lower()
    if way < 0.76:
        return "".join(rng.sample(["uh ", "um so ", ""], 1)) + _substituted(text, _SAID, None).lower()
    return with_typos(text, rng)


def with_typos(text: str, rng: random.Random) -> str:
    """One or two letters swapped, dropped or doubled, in words of five letters and more."""
    words = [m for m in _WORD.finditer(text) if m[0].lower() not in _KEPT]
    for m in sorted(rng.sample(words, min(len(words), rng.choice((1, 1, 2)))), key=lambda m: -m.start()):
        i = rng.randrange(1, len(m[0]) - 1)
        word, way = m[0], rng.random()
        if way < 0.5:
            word = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        elif way < 0.8:
            word = word[:i] + word[i + 1 :]
        else:
            word = word[:i] + word[i] + word[i:]
        text = text[: m.start()] + word + text[m.end() :]
    return text.lower() if rng.random() < 0.5 else text


def _polite(text: str, rng: random.Random) -> str:
    if rng.random() < 0.5:
        before = rng.choice(_BEFORE)
        return before + (text[0].lower() + text[1:] if text[1:2].islower() else text)
    return text.rstrip("?.") + rng.choice(_AFTER)


def _substituted(text: str, pairs: tuple[tuple[str, str], ...], rng: random.Random | None) -> str:
    for pattern, instead in pairs:
        if rng is None or rng.random() < 0.7:
            text = re.sub(pattern, instead, text)
    return text
