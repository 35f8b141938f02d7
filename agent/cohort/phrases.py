"""The words of a cohort question that are about the rows, not about a scan: facts, comparisons, order, statistics."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from scanwright.agent.cohort.question import Condition, Fact, Op
from scanwright.tools.contract.quantity import Quantity

_NUMBER = r"(?P<number>[-−]?\d+(?:[.,]\d+)*)"
UNITS = {
    "ml": "mL", "millilitre": "mL", "milliliter": "mL", "cc": "cm3", "ccm": "cm3", "cm3": "cm3", "cm³": "cm3",
    "cm^3": "cm3", "l": "L", "litre": "L", "liter": "L", "mm3": "mm3", "mm³": "mm3", "mm": "mm", "millimetre": "mm",
    "millimeter": "mm", "cm": "cm", "centimetre": "cm", "centimeter": "cm", "mm2": "mm2", "mm²": "mm2", "cm2": "cm2",
    "cm²": "cm2", "%": "%", "percent": "%", "per cent": "%", "hu": "[hnsf'U]", "hounsfield unit": "[hnsf'U]",
}  # fmt: skip
_UNIT = r"(?P<unit>" + "|".join(sorted((re.escape(u) for u in UNITS), key=len, reverse=True)) + r")?s?(?![\w³²^])"
OPS: dict[Op, str] = {
    ">=": r"at least|no less than|not less than|not below|>=|≥|(?:from|starting at)(?= \d)",
    "<=": r"at most|no more than|not more than|not above|up to|<=|≤",
    ">": r"(?:larger|greater|bigger|more|higher|longer|wider|older|thicker|denser) than|above|over|exceed(?:s|ing)?|>",
    "<": r"(?:smaller|less|lower|fewer|shorter|narrower|younger|thinner) than|below|under|beneath|<",
    "!=": r"not equal to|other than|!=|≠",
    "==": r"equal to|exactly|==|=",
}
_OP = "|".join(f"(?:{p})" for p in OPS.values())
COMPARED = re.compile(
    rf"\s*\b(?:(?:that|which) (?:is|are)|is|are|of|was|were)?\s*(?<!\w)(?P<op>{_OP})\s*{_NUMBER}\s*{_UNIT}", re.I
)
BETWEEN = re.compile(
    rf"\s*\b(?:is|are|of)?\s*\bbetween (?P<low>[-−]?\d+(?:[.,]\d+)*)\s*\w*\s+and\s+{_NUMBER}\s*{_UNIT}", re.I
)
INTENSE = re.compile(r"\b(?:hu|densit\w+|intensit\w+|attenuation|suv\w*|brightness)\b", re.I)
SCAN_NOUN = r"(?:patients?|stud(?:y|ies)|scans?|subjects?|cases?|people|persons?|slides?|exams?|images?|participants?)"
_FEMALE, _MALE = r"(?:wom[ae]n|females?)", r"(?:men|man|males?)"
_AGE_OP = {
    ">": r"over|above|older than|>",
    "<": r"under|below|younger than|<",
    ">=": r"at least|from",
    "<=": r"at most",
}
_MODALITIES = {"CT": r"cts?", "MR": r"mrs?|mris?", "PT": r"pets?", "SM": r"slides?|histolog\w+"}
_PARTS = r"chest|thorax|abdomen|head|brain|neck|pelvis|heart|spine|knee|breast|eye"


def number(text: str) -> float:
    """A number as people write it: 1,000 is a thousand, 0,5 a half."""
    plain = text.replace("−", "-")
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
        plain = plain.replace(",", "")
    return float(plain.replace(",", "."))


def operator(text: str) -> Op:
    """The comparison that words say."""
    return next(op for op, pattern in OPS.items() if re.fullmatch(pattern.replace("(?= \\d)", ""), text.strip(), re.I))


def quantity(match: re.Match[str]) -> Quantity:
    """The number of a comparison with its UCUM unit, "1" where none is said."""
    unit = UNITS.get((match["unit"] or "").lower(), "1")
    return Quantity(value=number(match["number"]), unit=unit)


def fact_of(text: str) -> Fact | None:
    """The fact that words name ("the patient's age"), or None."""
    words = re.sub(r"\b(?:the|their|its|patients?'?s?|of|at|each|both|exam|study|imaging)\b|['’]s?", " ", text.lower())
    names: dict[str, Fact] = {
        "age": "age", "ages": "age", "age band": "age", "age group": "age", "sex": "sex", "gender": "sex",
        "sexes": "sex", "scanner": "scanner", "scanners": "scanner", "scanner model": "scanner", "day": "day",
        "date": "day", "modality": "modality", "body part": "body_part", "men and women": "sex", "women and men": "sex",
    }  # fmt: skip
    return names.get(" ".join(words.split()).strip(" .,?"))


class Text:
    """A question from which what was understood is taken away."""

    def __init__(self, text: str) -> None:
        self.left = text

    def take(self, pattern: str) -> re.Match[str] | None:
        """The first place where the pattern stands; it is gone after."""
        match = re.search(pattern, self.left, re.I)
        if match is not None:
            self.left = f"{self.left[: match.start()]} {self.left[match.end() :]}"
        return match


def take_facts(text: Text, *, of_scans: bool = False) -> tuple[Condition, ...]:
    """The conditions on sex, age and scanner; of_scans: on modality and body part too ("CT of the chest")."""
    found: list[tuple[int, Condition]] = []

    def note(pattern: str, made: Callable[[re.Match[str]], list[Condition]]) -> None:
        start = re.search(pattern, text.left, re.I)
        match = text.take(pattern)
        if match is not None and start is not None:
            found.extend((start.start(), c) for c in made(match))

    def sex(value: Literal["F", "M"]) -> Callable[[re.Match[str]], list[Condition]]:
        return lambda _: [Condition(column="sex", op="==", value=value)]

    before = r"(?:\b(?:only )?(?:in|of|for|among|from) )?(?:\bthe )?(?:\ball )?"
    decade = re.search(r"\bin their (\d)0s\b", text.left, re.I)
    if decade is not None:
        low = 10.0 * int(decade[1])
        note(r"\b(?:patients |people )?in their \d0s\b", lambda _: [_age(">=", low), _age("<", low + 10)])
    note(
        rf"\b(?:of |for |in )?(?:{SCAN_NOUN} )?(?:aged? |of age )?between (\d+) and (\d+) years?(?: old| of age)?\b|"
        r"\b(?:aged?|of age) (?:between )?(\d+) (?:and|to|-) (\d+)(?: years)?\b",
        lambda m: [_age(">=", float(m[1] or m[3])), _age("<=", float(m[2] or m[4]))],
    )
    people = rf"(?:{SCAN_NOUN}|{_FEMALE}|{_MALE})"
    for op, words in _AGE_OP.items():
        note(
            rf"\b(?:{before})?(?P<who>{people} )(?:who are |that are |aged |of age )?(?:{words}) (?P<n>\d+)"
            r"(?! ?(?:ml|l|cc|cm|mm|%|hu|kg)\b)(?: years(?: old| of age)?)?|"
            rf"\b(?:aged?|whose age is|who are) (?:{words}) (?P<m>\d+)(?: years(?: old)?)?",
            lambda m, op=op: [  # type: ignore[misc]
                *_sex_of(m["who"]), _age(op, float(m["n"] or m["m"])),
            ],
        )  # fmt: skip
    note(rf"{before}\b{_FEMALE}(?: {SCAN_NOUN})?\b(?! and (?:men|males))", sex("F"))
    note(rf"{before}(?<!and )\b{_MALE}(?: {SCAN_NOUN})?\b(?! and (?:women|females))", sex("M"))
    note(
        rf"(?:\b(?:of|for|in|among) )?(?:\bthe )?(?:\b{SCAN_NOUN} )?\b(?:from|on|by|with) (?:the |an? )?"
        r"(?P<maker>[\w-]+(?: [\w-]+)?) scanners?\b",
        lambda m: [Condition(column="scanner", op="==", value=m["maker"])],
    )
    if of_scans:
        for code, words in _MODALITIES.items():
            note(
                rf"\b(?:{words})\b(?: {SCAN_NOUN})?",
                lambda _, code=code: [Condition(column="modality", op="==", value=code)],  # type: ignore[misc]
            )
        note(
            rf"(?:\bof )?(?:\bthe )?\b(?P<part>{_PARTS})\b",
            lambda m: [Condition(column="body_part", op="==", value=m["part"].lower())],
        )
    return tuple(dict.fromkeys(c for _, c in sorted(found, key=lambda f: f[0])))


def _age(op: Op | str, years: float) -> Condition:
    return Condition.model_validate({"column": "age", "op": op, "value": {"value": years, "unit": "a"}})


def _sex_of(who: str | None) -> list[Condition]:
    if who is None:
        return []
    sex = "F" if re.match(_FEMALE, who, re.I) else "M" if re.match(rf"{_MALE}\b", who, re.I) else None
    return [] if sex is None else [Condition(column="sex", op="==", value=sex)]
