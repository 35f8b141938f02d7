"""The form that a model fills: its JSON schema from what is registered, and the goals that a filled form says.

The model names things; it never writes a step, a tool or a file. What does not fit the form is no goal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanwright.agent.plan.second_method import METHODS
from scanwright.agent.planner.base import Declined, DeclinedCode, Item, Unclear
from scanwright.agent.planner.reading.declines import SENTENCES
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Point, Quantity

SIDES = ("whole", "left", "right", "each")
DECLINES: tuple[DeclinedCode, ...] = (
    "diagnosis", "treatment", "off_topic", "not_assessed", "normative", "no_tool"
)  # fmt: skip
UNITS = ("mL", "L", "mm3", "cm3", "mm", "cm", "mm2", "cm2", "%", "HU", "SUV")
OPTIONS = ("table", "each_slice", "how_sure", "since_earlier_exam")
ITEMS_AT_MOST = 8
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
        number = {"type": ["number", "null"]}
        goal = {
            "kind": {"const": "goal"},
            "want": {"enum": list(self.wants)},
            "of": {"enum": list(self.structures)},
            "side": {"enum": list(SIDES)},
            "inside": {"enum": [None, *self.structures]},
            "above": number,
            "below": number,
            "unit": {"enum": [None, *UNITS]},
            "options": {"type": "array", "items": {"enum": list(OPTIONS)}, "maxItems": len(OPTIONS)},
        }
        decline = {"kind": {"const": "decline"}, "why": {"enum": list(DECLINES)}, "part": _text(120)}
        unclear = {"kind": {"const": "unclear"}, "ask": _text(160)}
        items = {"anyOf": [_object(goal), _object(decline), _object(unclear)]}
        return _object({"items": {"type": "array", "minItems": 1, "maxItems": ITEMS_AT_MOST, "items": items}})

    def read(self, form: Mapping[str, Any], question: str) -> tuple[Item, ...]:
        """What a filled form says, in its order. Raises FormWrong, in words for the model, where it does not fit."""
        rows = form.get("items")
        if (
            not isinstance(rows, list)
            or not 0 < len(rows) <= ITEMS_AT_MOST
            or not all(isinstance(r, dict) for r in rows)
        ):
            raise FormWrong(f'"items" is a list of 1 to {ITEMS_AT_MOST} objects.')
        return tuple(dict.fromkeys(self._item(row, question) for row in rows))

    def _item(self, row: Mapping[str, Any], question: str) -> Item:
        kind = row.get("kind")
        if kind == "goal":
            return self._goal(row)
        if kind == "decline":
            code = row.get("why")
            if code not in DECLINES:
                raise FormWrong(f'"why" is one of {", ".join(DECLINES)}.')
            return Declined(_short(row.get("part"), 120) or question, code, SENTENCES[code])
        if kind == "unclear":
            # The model's own words are not shown: a question back is as good a place for a lie as any.
            return Unclear(question, "It is not clear what is wanted: say what to measure, and of what.")
        raise FormWrong('"kind" is "goal", "decline" or "unclear".')

    def _goal(self, row: Mapping[str, Any]) -> Goal:
        want = _one_of(row, "want", self.wants)
        of = _one_of(row, "of", self.structures)
        side = _one_of(row, "side", SIDES) if row.get("side") is not None else "whole"
        inside = None if row.get("inside") in (None, "image", of) else _one_of(row, "inside", self.structures)
        options = row.get("options") or []
        if not isinstance(options, list) or not set(options) <= set(OPTIONS):
            raise FormWrong(f'"options" holds some of {", ".join(OPTIONS)}.')
        unit = None if row.get("unit") is None else _one_of(row, "unit", UNITS)
        limits = {"low": _number(row, "above"), "high": _number(row, "below")}
        asked = {name: value for name, value in limits.items() if value is not None}
        params: dict[str, Quantity | Point | str] = {
            name: Quantity(value=value, unit=_UCUM.get(unit or "", "1")) for name, value in asked.items()
        }
        return Goal(
            want=want,
            of="intensity_range" if asked and of == "image" else of,
            side=side,
            region=inside,
            params=params,
            compare=METHODS if "how_sure" in options else None,
            group="slice" if "each_slice" in options or want == "axial_diameters" else None,
            unit=None if asked or unit in _UCUM else unit,
            output="table" if "table" in options else None,
        )


def filled(items: Sequence[Item]) -> dict[str, Any] | None:
    """The form that says these items, for examples; None where it cannot say them."""
    rows = [_row(item) for item in items]
    return None if not rows or any(row is None for row in rows) else {"items": rows}


def _row(item: Item) -> dict[str, Any] | None:
    if isinstance(item, Declined):
        return {"kind": "decline", "why": item.code, "part": item.asked[:120]}
    if isinstance(item, Unclear):
        return {"kind": "unclear", "ask": "What should be measured, and of what?"}
    if set(item.params) - {"low", "high"} or item.series or item.time or item.compare not in (None, METHODS):
        return None
    low, high = (item.params.get(name) for name in ("low", "high"))
    unit = next((q.unit for q in (low, high) if isinstance(q, Quantity) and q.unit != "1"), item.unit)
    options = [
        name
        for name, holds in (
            ("table", item.output == "table"),
            ("each_slice", item.group == "slice" and item.want != "axial_diameters"),
            ("how_sure", item.compare == METHODS),
        )
        if holds
    ]
    return {
        "kind": "goal", "want": item.want, "of": item.of, "side": "each" if item.side == "both" else item.side,
        "inside": item.region, "above": low.value if isinstance(low, Quantity) else None,
        "below": high.value if isinstance(high, Quantity) else None,
        "unit": {v: k for k, v in _UCUM.items()}.get(unit or "", unit), "options": options,
    }  # fmt: skip


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _text(length: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": length}


def _one_of(row: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    value = row.get(name)
    if not isinstance(value, str) or value not in choices:
        raise FormWrong(f'"{name}" is one of {", ".join(choices)}; it was {str(value)[:40]!r}.')
    return value


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e6 < value < 1e6:
        raise FormWrong(f'"{name}" is a number or null.')
    return float(value)


def _short(value: Any, length: int) -> str:
    return value[:length] if isinstance(value, str) else ""
