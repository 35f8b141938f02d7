"""The form and the prompt in few tokens, for a small model that is tuned to them; both say what the long ones say.

A goal is {"w": want, "o": structure, "s": side, "i": inside, "lo": above, "hi": below, "u": unit, "a": [options]} with
what is usual left out; {"no": code} declines, {"no": "unclear"} asks back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.model.form import (
    DECLINES,
    ITEMS_AT_MOST,
    OPTIONS,
    SIDES,
    UNITS,
    Choices,
    FormWrong,
)
from scanwright.agent.planner.model.prompt import ASKED_OTHERWISE, BODY_PARTS, MODALITIES
from scanwright.agent.planner.reading.structures import mentions
from scanwright.agent.planner.reading.wants import cued_wants
from scanwright.tools.registry import Registry
from scanwright.tools.vocabulary.structures import STRUCTURES

SYSTEM = "Write what the question asks of the image as JSON."
HINTS_AT_MOST = 4
UNCLEAR = "unclear"
_LONG = {"i": "inside", "lo": "above", "hi": "below"}


def choices_of(registry: Registry) -> Choices:
    """All that a compact form can name: every registered want, and every structure of the vocabulary and the tools."""
    wants = sorted(registry.wants().keys() - ASKED_OTHERWISE)
    structures = dict.fromkeys(
        ["image", "given_region", "intensity_range", *STRUCTURES, *sorted(registry.structures())]
    )
    return Choices(tuple(wants), tuple(structures))


def compact(form: Mapping[str, Any]) -> dict[str, Any]:
    """A filled form (form.filled) in short."""
    return {"items": [_short(row) for row in form["items"]]}


def expand(short: Mapping[str, Any]) -> dict[str, Any]:
    """The form that a compact one stands for. Raises FormWrong where it has not the shape of one."""
    rows = short.get("items")
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise FormWrong('"items" is a list of objects.')
    return {"items": [_long(row) for row in rows]}


def schema(choices: Choices) -> dict[str, Any]:
    """The JSON schema of the compact form, in the part of the standard that every constrained decoder knows."""
    goal = {
        "type": "object",
        "properties": {
            "w": {"enum": list(choices.wants)},
            "o": {"enum": list(choices.structures)},
            "s": {"enum": [s for s in SIDES if s != "whole"]},
            "i": {"enum": list(choices.structures)},
            "lo": {"type": "number"},
            "hi": {"type": "number"},
            "u": {"enum": list(UNITS)},
            "a": {"type": "array", "items": {"enum": list(OPTIONS)}, "minItems": 1, "maxItems": len(OPTIONS)},
        },
        "required": ["w", "o"],
        "additionalProperties": False,
    }
    no = {
        "type": "object",
        "properties": {"no": {"enum": [*DECLINES, UNCLEAR]}},
        "required": ["no"],
        "additionalProperties": False,
    }
    items = {"type": "array", "minItems": 1, "maxItems": ITEMS_AT_MOST, "items": {"anyOf": [goal, no]}}
    return {"type": "object", "properties": {"items": items}, "required": ["items"], "additionalProperties": False}


def prompt(question: str, studies: Sequence[StudyView], choices: Choices) -> str:
    """What is said of the image, what the words of the question name, and the question. No text of a file is in it."""
    text = question.lower()
    wants = [w for w in dict.fromkeys(cued_wants(text)) if w in choices.wants][:HINTS_AT_MOST]
    named = [n for n in dict.fromkeys(m.name for m in mentions(text)) if n in choices.structures][:HINTS_AT_MOST]
    return f"{_image(studies)}\nw: {' '.join(wants) or '?'}\no: {' '.join(named) or '?'}\nQ: {question}"


def messages(question: str, studies: Sequence[StudyView], choices: Choices) -> list[dict[str, str]]:
    """The chat for one question, without the answer."""
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt(question, studies, choices)}]


def _image(studies: Sequence[StudyView]) -> str:
    if not studies:
        return "no image"
    facts = studies[0].image().image
    said = [facts.modality if facts.modality in MODALITIES else "image"]
    said += [facts.body_part] if facts.body_part in BODY_PARTS else []
    said += ["+region"] if studies[0].mask is not None else []
    said += ["+point"] if studies[0].at is not None else []
    said += ["+earlier"] if len(studies) > 1 else []
    return " ".join(str(s) for s in said)


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["kind"] != "goal":
        return {"no": row.get("why", UNCLEAR)}
    short: dict[str, Any] = {"w": row["want"], "o": row["of"]}
    if row["side"] != "whole":
        short["s"] = row["side"]
    more = [pair for each in row["more"] for pair in each.items()]
    for key, name in _LONG.items():
        for found, value in more:
            if found == name:
                short[key] = value
    units = [value for found, value in more if found == "unit"]
    # A limit's HU and the unit of the answer may both be named; HU is read from the question in any case.
    unit = next((u for u in units if u not in ("HU", "SUV")), units[0] if units else None)
    short |= {} if unit is None else {"u": unit}
    options = [value for found, value in more if found == "add"]
    return short | ({"a": options} if options else {})


def _long(row: Mapping[str, Any]) -> dict[str, Any]:
    if "no" in row:
        return {"kind": "unclear"} if row["no"] == UNCLEAR else {"kind": "decline", "why": row["no"]}
    more: list[dict[str, Any]] = [{name: row[key]} for key, name in _LONG.items() if key in row]
    more += [{"unit": row["u"]}] if "u" in row else []
    options = row.get("a", [])
    if not isinstance(options, list):
        raise FormWrong('"a" is a list.')
    more += [{"add": option} for option in options]
    return {"kind": "goal", "want": row.get("w"), "of": row.get("o"), "side": row.get("s", "whole"), "more": more}
