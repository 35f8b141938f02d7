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
_WORD = r"(?:%s)" % "|".join(sorted((*_ONES, *_TENS, *_SCALES), key=len, reverse=True))  # noqa: UP031
_SPOKEN = re.compile(
    rf"\b(?:(?P<sign>minus|negative)\s+)?(?P<words>{_WORD}(?:(?:(?<=hundred)\s+and\s+|(?<=thousand)\s+and\s+|[\s-]+){_WORD})*)\b"
    rf"(?:\s+point\s+(?P<decimals>{_WORD}(?:\s+{_WORD})*))?"
)
# Alone these are English more often than numbers: "one of them", "no one".
_LEFT_ALONE = {"one", "oh", "zero"}


def spoken_to_digits(text: str) -> str:
    """text (lower case) with numbers in words replaced by digits; "one" alone is left as it is."""

    def replace(match: re.Match[str]) -> str:
        words = re.split(r"[\s-]+", match["words"])
        if len(words) == 1 and words[0] in _LEFT_ALONE and not match["sign"] and not match["decimals"]:
            return match[0]
        if words[0] in _SCALES:
            words = ["one", *words]
        digits = _value([w for w in words if w != "and"])
        if digits is None:
            return match[0]
        text = str(digits)
        if match["decimals"]:
            text += "." + "".join(str(_ONES.get(w, _TENS.get(w, 0))) for w in match["decimals"].split())
        return f"-{text}" if match["sign"] else text

    text = re.sub(r"\ba (?=hundred|thousand|million)", "", text)
    return re.sub(r"\b(?:minus|negative)\s+(?=\d)", "-", _SPOKEN.sub(replace, text))


def _value(words: list[str]) -> int | None:
    total, part, last = 0, 0, 10**9
    for word in words:
        if word in _ONES or word in _TENS:
            number = _ONES.get(word, _TENS.get(word, 0))
            if number >= last and not (last == 20 and number < 10):
                return None
            part += number
            last = 20 if word in _TENS else number if number else 1
        elif word == "hundred":
            part, last = max(part, 1) * 100, 10**9
        else:
            total, part, last = total + max(part, 1) * _SCALES[word], 0, 10**9
    return total + part
