"""The form that a model fills: its JSON schema from what is registered, and the goals that a filled form says.

The model names things; it never writes a step, a tool or a file. What does not fit the form is no goal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scanwright.agent.plan.second_method import METHODS
from scanwright.agent.planner.base import Declined, DeclinedCode, Item, Unclear
from scanwright.agent.planner.reading.declines import SENTENCES
from scanwright.agent.planner.reading.parts import protect, split
from scanwright.agent.planner.reading.structures import mentions
from scanwright.agent.planner.reading.wants import OF_THE_IMAGE
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Point, Quantity
from scanwright.tools.vocabulary.structures import STRUCTURES

SIDES = ("whole", "left", "right", "each")
DECLINES: tuple[DeclinedCode, ...] = (
    "diagnosis", "treatment", "off_topic", "not_assessed", "normative", "no_tool"
)  # fmt: skip
UNITS = ("mL", "L", "mm3", "cm3", "mm", "cm", "mm2", "cm2", "%", "HU", "SUV")
OPTIONS = ("table", "each_slice", "how_sure")
ITEMS_AT_MOST = 8
MORE_AT_MOST = 5
_UCUM = {"HU": "[hnsf'U]", "SUV": "{SUVbw}g/mL"}


class FormWrong(ValueError):
    """A filled form that says nothing that can be done; the sentence is for the model."""


@dataclass(frozen=True)
class Choices:
    """What a form can name: wants and structures ("image" for all of it, "given_region" for what a person outlined)."""

    wants: tuple[str, ...]
    structures: tuple[str, ...]

    def schema(self) -> dict[str, Any]:
        """The JSON schema, in the part of the standard that every constrained decoder knows."""
        # What is seldom asked is a list that is empty where it is not: a model that must name every property names
        # limits and units that nobody asked for.
        more = [
            _object({"inside": {"enum": list(self.structures)}}),
            _object({"above": {"type": "number"}}),
            _object({"below": {"type": "number"}}),
            _object({"unit": {"enum": list(UNITS)}}),
            _object({"add": {"enum": list(OPTIONS)}}),
        ]
        goal = {
            "kind": {"const": "goal"},
            "want": {"enum": list(self.wants)},
            "of": {"enum": list(self.structures)},
            "side": {"enum": list(SIDES)},
            "more": {"type": "array", "items": {"anyOf": more}, "maxItems": MORE_AT_MOST},
        }
        decline = {"kind": {"const": "decline"}, "why": {"enum": list(DECLINES)}}
        items = {"anyOf": [_object(goal), _object(decline), _object({"kind": {"const": "unclear"}})]}
        return _object({"items": {"type": "array", "minItems": 1, "maxItems": ITEMS_AT_MOST, "items": items}})

    def read(self, form: Mapping[str, Any], question: str, before: Sequence[Goal] = ()) -> tuple[Item, ...]:
        """What a filled form says, in its order. Raises FormWrong, in words for the model, where it does not fit.

        before are the goals of the question that this one goes on from: what they say counts as said.
        """
        rows = form.get("items")
        if (
            not isinstance(rows, list)
            or not 0 < len(rows) <= ITEMS_AT_MOST
            or not all(isinstance(r, dict) for r in rows)
        ):
            raise FormWrong(f'"items" is a list of 1 to {ITEMS_AT_MOST} objects.')
        heard = f"{question} {_said_before(before)}" if before else question
        items = tuple(dict.fromkeys(self._item(row, heard) for row in rows))
        items = tuple(i if isinstance(i, Goal) else replace(i, asked=question) for i in items)
        goals = tuple(i for i in items if isinstance(i, Goal))
        # A small model likes to add a refusal to a goal. A sentence of one part asks for one thing.
        return goals if goals and is_english(question) and len(split(protect(question.lower()))) < 2 else items

    def _item(self, row: Mapping[str, Any], question: str) -> Item:
        kind = row.get("kind")
        if kind == "goal":
            return self._goal(row, question)
        if kind == "decline":
            code = row.get("why")
            if code not in DECLINES:
                raise FormWrong(f'"why" is one of {", ".join(DECLINES)}.')
            return Declined(question, code, SENTENCES[code])
        if kind == "unclear":
            # No word of the model's own is shown: a question back is as good a place for a lie as any.
            return Unclear(question, "It is not clear what is wanted: say what to measure, and of what.")
        raise FormWrong('"kind" is "goal", "decline" or "unclear".')

    def _goal(self, row: Mapping[str, Any], question: str) -> Goal:
        want = _one_of(row, "want", self.wants)
        of = _one_of(row, "of", self.structures)
        side = _one_of(row, "side", SIDES) if row.get("side") is not None else "whole"
        more = _more(row)
        inside = None if more.get("inside") in (None, "image", of) else _one_of(more, "inside", self.structures)
        units = [_one_of({"unit": u}, "unit", UNITS) for u in more["unit"]]
        unit = next((u for u in units if u not in _UCUM and says(question, u)), None)
        limits = {"low": _number(more, "above", question), "high": _number(more, "below", question)}
        asked = {name: value for name, value in limits.items() if value is not None}
        of_limits = next((ucum for u, ucum in _UCUM.items() if says(question, u)), "1")
        params: dict[str, Quantity | Point | str] = {
            name: Quantity(value=value, unit=of_limits) for name, value in asked.items()
        }
        options = [o for o in more["add"] if says(question, o)]
        if want in OF_THE_IMAGE:
            of, side, inside = "image", "whole", None
        return Goal(
            want=want,
            of="intensity_range" if asked and of == "image" else of,
            side=side if side == "whole" or says(question, "side") else "whole",
            region=inside if inside is None or _named(question, inside) else None,
            params=params,
            compare=METHODS if "how_sure" in options else None,
            group="slice" if "each_slice" in options or want == "axial_diameters" else None,
            unit=unit,
            output="table" if "table" in options else None,
        )


def filled(items: Sequence[Item]) -> dict[str, Any] | None:
    """The form that says these items, for examples; None where it cannot say them."""
    rows = [_row(item) for item in items]
    return None if not rows or any(row is None for row in rows) else {"items": rows}


def _said_before(before: Sequence[Goal]) -> str:
    """What goals say, in the words that a question would need for it."""
    words: list[str] = []
    for goal in before:
        words += ["both" if goal.side in ("each", "both") else goal.side, goal.unit or ""]
        words += [goal.output or "", "slice" if goal.group else "", "methods" if goal.compare == METHODS else ""]
        # Structures are named in the words of the vocabulary, so that they are read as they were.
        words += [STRUCTURES[n].label for n in (goal.of, goal.region) if n in STRUCTURES]
        limits = [q for q in goal.params.values() if isinstance(q, Quantity)]
        words += [
            f"{q.value:g} {'HU' if q.unit == _UCUM['HU'] else 'SUV' if q.unit == _UCUM['SUV'] else ''}" for q in limits
        ]
    return " ".join(w for w in words if w and w != "whole")


def _row(item: Item) -> dict[str, Any] | None:
    if isinstance(item, Declined):
        return {"kind": "decline", "why": item.code}
    if isinstance(item, Unclear):
        return {"kind": "unclear"}
    if set(item.params) - {"low", "high"} or item.series or item.time or item.compare not in (None, METHODS):
        return None
    low, high = (item.params.get(name) for name in ("low", "high"))
    units = dict.fromkeys([q.unit for q in (low, high) if isinstance(q, Quantity) and q.unit != "1"])
    more: list[dict[str, Any]] = [{"inside": item.region}] if item.region else []
    more += [
        {name: int(q.value) if q.value == int(q.value) else q.value}
        for name, q in (("above", low), ("below", high))
        if isinstance(q, Quantity)
    ]
    written = {ucum: name for name, ucum in _UCUM.items()}
    more += [{"unit": written.get(u, u)} for u in [*units, item.unit] if u]
    for option, holds in (
        ("table", item.output == "table"),
        ("each_slice", item.group == "slice" and item.want != "axial_diameters"),
        ("how_sure", item.compare == METHODS),
    ):
        more += [{"add": option}] if holds else []
    side = "each" if item.side == "both" else item.side
    return {"kind": "goal", "want": item.want, "of": item.of, "side": side, "more": more}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _one_of(row: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    value = row.get(name)
    if not isinstance(value, str) or value not in choices:
        raise FormWrong(f'"{name}" is one of {", ".join(choices)}; it was {str(value)[:40]!r}.')
    return value


def _more(row: Mapping[str, Any]) -> dict[str, Any]:
    """The list of further wishes as one object; "add" holds the options, "unit" the units."""
    rows = row.get("more") or []
    if not isinstance(rows, list) or not all(isinstance(r, dict) and len(r) == 1 for r in rows):
        raise FormWrong('"more" is a list of objects with one property each.')
    merged: dict[str, Any] = {"add": [], "unit": []}
    for name, value in (pair for each in rows for pair in each.items()):
        if name == "add":
            merged["add"].append(_one_of({"add": value}, "add", OPTIONS))
        elif name == "unit":
            merged["unit"].append(value)
        elif name in ("inside", "above", "below"):
            merged[name] = value
        else:
            raise FormWrong(f'"more" knows no {str(name)[:40]!r}.')
    return merged


def _number(row: Mapping[str, Any], name: str, question: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e6 < value < 1e6:
        raise FormWrong(f'"{name}" is a number.')
    said = _numbers(question)
    # A small model loses signs; a limit that nobody gave would answer another question, and look exact.
    for read in (float(value), -float(value)):
        if read in said:
            return read
    raise FormWrong(f'"{name}" is a number that stands in the question, or is left out.')


_NUMBER = re.compile(r"(?P<minus>(?<![\w.,])[-−–]\s?|\b(?:minus|moins|menos)\s|负)?(?P<digits>\d+(?:[.,]\d+)*)")


def _numbers(text: str) -> set[float]:
    """The numbers of a text; "1,000" and "1.000" are also read as a thousand, and a dash after a word is no sign."""
    found: set[float] = set()
    for each in _NUMBER.finditer(text):
        digits = each["digits"]
        for plain in (digits.replace(",", ""), digits.replace(",", "."), digits.replace(".", "").replace(",", ".")):
            if plain.count(".") <= 1:
                found.add(-float(plain) if each["minus"] else float(plain))
    return found


# What a question must say before it counts as asked, in the languages that are tested. A small model adds units,
# sides and tables that nobody asked for.
_SIDE = (
    r"\bleft|\bright|\bboth\b|\beach\b|either|\bsides?\b|\bsided\b|bilateral|unilateral|hemi|\b[lr]\b|\blinke|\brechte|"
    r"\bbeid|seite|gauche|droit|c[oô]t[ée]|les deux|izquierd|derech|ambos|ambas|lado|左|右|侧|两"
)
_SURE = (
    r"\bsure\b|certain|confiden|reliab|trust|method|accura|precis|error|margin|agree|algorithm|range of|±|"
    r"plus or minus|sicher|genau|zuverl|verfahren|s[uû]r|fiab|m[ée]th?od|segur|confia|可靠|确定|准确|方法"
)
_PATTERNS = {
    "side": _SIDE,
    "table": r"table|csv|spreadsheet|excel|xlsx|tabelle|tableau|tabla|hoja de|表",
    "each_slice": r"slice|\bcuts?\b|schicht|coupe|corte|层|切片",
    "how_sure": _SURE,
    "mL": r"\bm\.?l\b|\bmls\b|\dml|mill?ilit|毫升",
    "L": r"\bl\b|\dl\b|\blit(?:re|er|ro)|升(?<!毫升)",
    "mm3": r"mm ?(?:3|³|\^3)|cubic mill|kubikmill|立方毫米",
    "cm3": r"cm ?(?:3|³|\^3)|\bccm?s?\b|cubic cent|kubikcent|立方厘米",
    "mm": r"\bmm\b|\dmm\b|mill?im|毫米",
    "cm": r"\bcm\b|\dcm\b|cent[ií]m|zentim|厘米",
    "mm2": r"mm ?(?:2|²|\^2)|square mill|quadratmill|平方毫米",
    "cm2": r"cm ?(?:2|²|\^2)|square cent|quadratcent|平方厘米",
    "HU": r"\bhu\b|\dhu\b|hounsfield",
    "SUV": r"\bsuv",
    "%": r"%|per ?cent|prozent|pour ?cent|por ?ciento|百分",
}
_ENGLISH = re.compile(
    r"\b(?:the|is|are|was|of|what|which|who|where|when|how|why|do|does|can|could|should|would|will|this|that|there|it|"
    r"and|or|to|for|me|my|please|give|show|tell|any|with|has|have|an|i|you)\b",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"[äöüßéèêàâçñíóúõ¿¡\u0400-\u04ff\u0590-\u06ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|"
    r"\b(?:der|das|des|dem|eine?[rs]?|wie|viel|gross|ist|sind|und|mit|bitte|zeige?|gibt|linke[rns]?|rechte[rns]?|"
    r"le|les|du|quel(?:le)?s?|est|une|dans|montre[zr]?|combien|gauche|droite?|"
    r"el|los|del|cual|es|una|muestra|cuanto|izquierd[oa]s?|derech[oa]s?)\b",
    re.IGNORECASE,
)
_SAID = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}


def is_english(question: str) -> bool:
    """True where a word stands in it that English sentences are made of, and none of another language."""
    return _ENGLISH.search(question) is not None and not is_foreign(question)


def is_foreign(question: str) -> bool:
    """True where a letter or a small word of another language stands in it (German, French, Spanish, other scripts)."""
    return _FOREIGN.search(question) is not None


def _named(question: str, structure: str) -> bool:
    """False where an English question says nothing of a structure; other languages are taken at the model's word."""
    return not is_english(question) or structure in {m.name for m in mentions(question.lower())}


def says(question: str, what: str) -> bool:
    """True where a question names an option, a unit, or (what: "side") a side."""
    return _SAID[what].search(question) is not None
