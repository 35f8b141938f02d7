"""Numbers in words ("minus three hundred and fifty") as digits, the way people dictate them."""

from __future__ import annotations

import re

_ONES = {
    "zero": 0, "oh": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORD = "|".join(sorted((*_ONES, *_TENS, *_SCALES), key=len, reverse=True))
_SPOKEN = re.compile(
    rf"\b(?:(?P<sign>minus|negative)\s+)?"
    rf"(?P<words>(?:{_WORD})(?:(?:(?<=hundred)\s+and\s+|(?<=thousand)\s+and\s+|[\s-]+)(?:{_WORD}))*)\b"
    rf"(?:\s+point\s+(?P<decimals>(?:{_WORD})(?:\s+(?:{_WORD}))*))?"
)
# Alone these are English more often than numbers: "one of them", "no one".
_LEFT_ALONE = {"one", "oh", "zero"}


def spoken_to_digits(text: str) -> str:
    """text (lower case) with numbers in words replaced by digits; "one" alone is left as it is."""
    text = re.sub(r"\ba (?=hundred|thousand|million)", "", text)
    text = _SPOKEN.sub(_digits, text)
    text = re.sub(r"\b(\d+(?:\.\d+)?)k\b", lambda m: f"{float(m[1]) * 1000:g}", text)
    return re.sub(r"\b(?:minus|negative)\s+(?=\d)", "-", text)


def _digits(match: re.Match[str]) -> str:
    words = [w for w in re.split(r"[\s-]+", match["words"]) if w != "and"]
    if len(words) == 1 and words[0] in _LEFT_ALONE and not match["sign"] and not match["decimals"]:
        return match[0]
    value = _value(words)
    if value is None:
        return match[0]
    decimals = "".join(str(_small(w) or 0) for w in (match["decimals"] or "").split())
    return f"{'-' if match['sign'] else ''}{value}{'.' if decimals else ''}{decimals}"


def _small(word: str) -> int | None:
    return _ONES.get(word, _TENS.get(word))


def _value(words: list[str]) -> int | None:
    """The number, or None where the words are several numbers in a row ("seven nine")."""
    total, part, room = 0, 0, 10**9
    for word in words:
        number = _small(word)
        if number is None:
            scale = _SCALES[word]
            if scale == 100:
                part = max(part, 1) * 100
            else:
                total, part = total + max(part, 1) * scale, 0
            room = 10**9
        elif number < room:
            part, room = part + number, (10 if word in _TENS else 0)
        elif word in _TENS and 1 <= part <= 9 and room == 0:
            part, room = part * 100 + number, 10  # "two fifty" is 250
        else:
            return None
    return total + part
