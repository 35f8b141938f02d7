"""A side or a limit that the question says and no goal carries, in the languages of the form.

It goes back to the model like any other objection; where the model leaves it out again, the person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scanwright.agent.planner.base import Item, Unclear
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Quantity

_SIDES = {
    "left": re.compile(
        r"\bleft\b(?!-?\s*over|\s+(?:out|behind|to do)\b)|\blinke[nrsm]?\b|\blinks\b|\bgauches?\b|"
        r"\bizquierd[oa]s?\b|左",
        re.I,
    ),
    "right": re.compile(
        r"\bright\b(?!\s+(?:now|away|here|there|after|answer)\b)|\brechte[nrsm]?\b|\brechts\b|\bdroite?s?\b|\bderech[oa]s?\b|右",
        re.I,
    ),
}
# A direction ("left to right") and a comparison of the sides belong to wants that have no side of their own.
_OF_BOTH = {"asymmetry_index", "orientation", "plane", "midline_shift", "bounding_box", "labelmap", "emphysema_picture"}
_UNIT = (
    r"(?:hu|hounsfield\w*|suv\w*|%|per ?cent|prozent|pour ?cent|por ?ciento|mm|cm|ml|cc|millim\w+|centim\w+|zentim\w+|"
    r"mill?ilit\w+|毫米|厘米|毫升)(?![a-z])"
)
_COMPARED = (
    r"(?:above|below|over|under|exceed\w*|"
    r"(?:more|less|greater|larger|smaller|higher|lower|denser|darker|brighter) than|"
    r"at least|at most|über|unter(?:halb)?|oberhalb|mehr als|weniger als|mindestens|höchstens|größer als|kleiner als|"
    r"au-dessus de|en dessous de|au-dessous de|supérieure?s? à|inférieure?s? à|plus de|moins de|"
    r"por encima de|por debajo de|(?:mayor|menor)e?s? (?:que|de|a)|más de|menos de|superior(?:es)? a|inferior(?:es)? a|"
    r"高于|低于|大于|小于|超过|不到|[<>≥≤]=?)"
)
_NUMBER = r"(?P<number>\d+(?:[.,]\d+)*)"
_LIMIT = re.compile(
    rf"{_COMPARED}\s*(?:of |von |de |an? )?(?:hu |suv )?[-−–]?\s?{_NUMBER}|"
    rf"(?<![\w.,]){_NUMBER.replace('number', 'other')}\s*{_UNIT}",
    re.I,
)
# What a number with a unit says of the scan, and no limit of what is asked.
_OF_THE_SCAN = re.compile(
    r"^[\s-]*(?:thick|slices?|scans?|ct\b|mri?\b|cuts?|sections?|schicht|coupes?|cortes?|层)", re.I
)
# −950 HU is what the emphysema index counts from.
_OWN_LIMIT = {"emphysema_index": {950.0}}


@dataclass(frozen=True)
class Omission:
    """What was said and is in no goal; sentence is for the model."""

    said: str
    sentence: str


def omissions(question: str, items: Sequence[Item]) -> list[Omission]:
    """The sides and limits of a question that none of the goals read from it carries.

    Where a part of the question is no goal they may belong to that part, and nothing is held against the goals.
    """
    goals = [i for i in items if isinstance(i, Goal)]
    if not goals or len(goals) != len(items):
        return []
    return [*_sides(question, goals), *_limits(question, goals)]


def asked_about(question: str, left_out: Sequence[Omission]) -> Unclear:
    """The question back to the person, where the model leaves out what was said."""
    said = " and ".join(f'"{each.said}"' for each in left_out)
    return Unclear(
        question, f"The question says {said}, and the plan that was made does not take it in: say it in another way."
    )


def _sides(question: str, goals: Sequence[Goal]) -> list[Omission]:
    if any(g.side in ("each", "both") or g.want in _OF_BOTH or g.of in ("image", "given_region") for g in goals):
        return []
    carried = {g.side for g in goals}
    found = ((side, pattern.search(question)) for side, pattern in _SIDES.items() if side not in carried)
    return [
        Omission(match[0], f'the question says "{match[0]}" and no item has side {side}: set it where it was asked.')
        for side, match in found
        if match is not None
    ]


def _limits(question: str, goals: Sequence[Goal]) -> list[Omission]:
    carried = {abs(q.value) for g in goals for q in g.params.values() if isinstance(q, Quantity)}
    carried |= {value for g in goals for value in _OWN_LIMIT.get(g.want, ())}
    # Of which "95 %" a spread between methods is, and where a point lies, is no limit.
    if any(g.compare is not None or g.want == "intensity_percentiles" for g in goals):
        return []
    found: dict[str, Omission] = {}
    for match in _LIMIT.finditer(question):
        number = match["number"] or match["other"]
        if _OF_THE_SCAN.match(question[match.end() :]) or _readings(number) & carried:
            continue
        sentence = (
            f'the question says "{match[0].strip()}" and no item has that limit: set above or below where it was asked.'
        )
        found[number] = Omission(match[0].strip(), sentence)
    return list(found.values())


def _readings(number: str) -> set[float]:
    """ "1,000" and "1.000" are a thousand too."""
    plain = (number.replace(",", ""), number.replace(",", "."), number.replace(".", "").replace(",", "."))
    return {float(each) for each in plain if each.count(".") <= 1}
