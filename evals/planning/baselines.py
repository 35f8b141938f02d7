"""Two ways in which language models usually plan: calls of tools that stand in the prompt, and free-form JSON.

What a model writes is read as generously as can be: see `wanted` and `matches`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from scanwright.agent.llm.endpoint import Endpoint
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.contract.card import OUTLINES, ToolCard, ToolInput
from scanwright.tools.contract.goal import Goal
from scanwright.tools.registry import Registry
from scanwright.tools.vocabulary.structures import STRUCTURES

Way = Literal["tools", "json"]
_TOKENS_AT_MOST = 400
_SAYS = """You plan measurements on one medical image for a clinician; the image is given to every tool by itself. \
{how} A later step takes the result of an earlier one by its number ("1", "2") or by the name of the structure. \
Plan only what is asked. Where the question cannot be answered with these tools and this image, or asks for a \
diagnosis, a treatment or a finding that no tool looks for, {refuse}"""
_HOW = {
    "tools": "Call the functions that answer the question, all calls at once.",
    "json": 'Write one JSON object: {"steps": [{"tool": "…", "args": {…}}, …]}.',
}
_REFUSE = {
    "tools": "call no function and say why in one sentence.",
    "json": 'write {"steps": [], "why": "…"}.',
}


@dataclass(frozen=True)
class Asked:
    """What a model wrote: the steps that could be read, whether all were well-formed, and what it took."""

    steps: tuple[tuple[str, Mapping[str, Any]], ...]
    well_formed: bool
    text: str
    tokens_in: int
    tokens_out: int
    seconds: float


@dataclass(frozen=True)
class Wanted:
    """What a step amounts to: any of the wants its tool gives, of a structure."""

    tool: str
    wants: tuple[str, ...]
    of: str | None
    side: str
    region: str | None
    limits: tuple[float | None, float | None]
    is_outline: bool


def ask(endpoint: Endpoint, way: Way, question: str, view: StudyView, registry: Registry) -> Asked:
    """Asks a model once for the steps that answer a question. Raises openai.OpenAIError where it gives nothing."""
    from openai import OpenAI

    client = OpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key, timeout=endpoint.timeout_s, max_retries=0)
    system = _SAYS.format(how=_HOW[way], refuse=_REFUSE[way])
    more: dict[str, Any] = {}
    if way == "tools":
        more = {"tools": list(functions(registry)), "parallel_tool_calls": True}
    else:
        system += "\nThe tools:\n" + "\n".join(_line(card) for card in _cards(registry))
    start = time.perf_counter()
    reply = client.chat.completions.create(
        model=endpoint.model, temperature=0, max_tokens=_TOKENS_AT_MOST,
        messages=[
            {"role": "system", "content": system},
            {"role": "user", "content": f"{facts(view)}\nQuestion: {question}"},
        ],
        **more,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    message = reply.choices[0].message
    text = message.content or ""
    called = [(c.function.name, c.function.arguments) for c in message.tool_calls or () if c.type == "function"]
    steps, well_formed = _read(called, text)
    usage = reply.usage
    return Asked(
        steps, well_formed, text or json.dumps(called),
        usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0, seconds,
    )  # fmt: skip


def facts(view: StudyView) -> str:
    """What is said of the study: more than our own prompt says, so that a model can refuse by itself."""
    image = view.image()
    known = image.image
    said = [f"modality {known.modality}", f"body part {known.body_part or 'not known'}"]
    if known.contrast is not None:
        said.append("with contrast" if known.contrast else "without contrast")
    geometry = getattr(image, "geometry", None)
    if geometry is not None and not geometry.sides_known:
        said.append("left and right are not known")
    if known.stain:
        said.append(f"stain {known.stain}")
    said.append("a mask ('given_region') was given" if view.mask is not None else "no mask was given")
    said.append("a point was given" if view.at is not None else "no point was given")
    return f"Image: {', '.join(said)}."


def functions(registry: Registry) -> Iterator[dict[str, Any]]:
    """Every card as a function of the OpenAI interface."""
    for card in _cards(registry):
        properties: dict[str, Any] = {i.name: {"type": "string"} for i in _handed(card)}
        for param in card.params:
            kind = {"number": "number", "integer": "integer", "flag": "boolean", "quantity": "number"}.get(param.kind)
            properties[param.name] = {"type": kind or "string"}
            if 0 < len(param.choices) <= 20:
                properties[param.name]["enum"] = list(param.choices)
        needed = [i.name for i in _handed(card) if not i.optional] + [p.name for p in card.params if p.required]
        schema = {"type": "object", "properties": properties, "required": needed}
        yield {"type": "function", "function": {"name": card.id, "description": card.summary, "parameters": schema}}


def _line(card: ToolCard) -> str:
    names = [*(i.name for i in _handed(card)), *(p.name for p in card.params)]
    return f"{card.id}({', '.join(names)}): {card.summary}"


def _cards(registry: Registry) -> list[ToolCard]:
    # A person's own models are known by the name of their file only.
    return sorted((t.card for t in registry if not t.card.id.startswith("own_model")), key=lambda card: card.id)


def _handed(card: ToolCard) -> list[ToolInput]:
    """The inputs that a step names: what the study gives, and masks that are always the same ones, are left out."""
    kinds = (*OUTLINES, "Measurement", "Measurements")
    return [i for i in card.inputs if i.type.kind in kinds and not (i.type.structure or "?").isidentifier()]


def _read(called: Sequence[tuple[str, str]], text: str) -> tuple[tuple[tuple[str, Mapping[str, Any]], ...], bool]:
    """Steps out of calls, or of JSON anywhere in the text: small models write their calls there."""
    steps: list[tuple[str, Mapping[str, Any]]] = []
    well_formed = True
    for name, arguments in called:
        try:
            read = json.loads(arguments or "{}")
        except ValueError:
            read, well_formed = {}, False
        steps.append((name, read if isinstance(read, dict) else {}))
    if called:
        return tuple(steps), well_formed
    decoder, at = json.JSONDecoder(), 0
    while (found := re.search(r"[{\[]", text[at:])) is not None:
        at += found.start()
        try:
            value, length = decoder.raw_decode(text[at:])
        except ValueError:
            at, well_formed = at + 1, False
            continue
        at += length
        steps += _steps_in(value)
    return tuple(steps), well_formed or bool(steps)


def _steps_in(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, list):
        for each in value:
            yield from _steps_in(each)
    elif isinstance(value, dict):
        name = value.get("tool") or value.get("name") or value.get("function")
        if isinstance(name, str):
            args = value.get("args") or value.get("arguments") or value.get("parameters") or {}
            yield name, args if isinstance(args, dict) else {}
        else:
            for inner in ("steps", "plan", "calls", "tool_calls", "function"):
                yield from _steps_in(value.get(inner))


def wanted(asked: Asked, registry: Registry) -> tuple[list[Wanted], bool]:
    """What the steps amount to, and whether the plan is valid: tools that exist, structures that are known.

    A step whose mask another step takes is part of that one. An outline beside a measurement of the same structure
    counts as part of it, too, unless the question wants outlines (`matches` looks).
    """
    cards = {card.id: card for card in _cards(registry)}
    valid = asked.well_formed
    said: list[Wanted | None] = []
    taken: set[int] = set()
    for number, (name, args) in enumerate(asked.steps, start=1):
        card = cards.get(name)
        if card is None:
            valid = False
            said.append(None)
            continue
        step, used, fits = _amounts_to(card, args, said)
        valid = valid and fits
        taken |= used - {number - 1}
        said.append(step)
    return [step for i, step in enumerate(said) if step is not None and i not in taken], valid


def _amounts_to(
    card: ToolCard, args: Mapping[str, Any], before: Sequence[Wanted | None]
) -> tuple[Wanted, set[int], bool]:
    inputs = _handed(card)
    used: set[int] = set()
    fits = True
    found: list[Wanted | None] = []
    # A mask under another name than the input's is taken for it.
    strange = [
        k for k, v in args.items() if k not in {i.name for i in inputs} and not card.param(k) and isinstance(v, str)
    ]
    for each in inputs:
        name = each.name if each.name in args else strange.pop(0) if strange else None
        if name is None:
            fits = fits and each.optional
            continue
        step, index = _meant(str(args[name]), before)
        fits = fits and step is not None
        found.append(step)
        if index is not None:
            used.add(index)
    fits = fits and all(p.name in args for p in card.params if p.required and p.kind not in ("point", "points"))
    structure, side = card.output.structure, str(args.get("side", "whole")).lower()
    first = next((s for s in found if s is not None), None)
    of: str | None
    if card.id == "voxels_in_range":
        limits = _number(args.get("low")), _number(args.get("high"))
        return (
            Wanted(card.id, card.quantities, "intensity_range", "whole", first.of if first else None, limits, True),
            used,
            fits,
        )
    if "structure" in args:
        meant, _ = _meant(str(args["structure"]), ())
        of = meant.of if meant else None
        fits = fits and of is not None
    elif first is not None:
        of = first.of
    else:
        of = structure if structure in STRUCTURES else None
    region = first.region if first else None
    if len(found) > 1 and (second := found[1]) is not None:
        region = second.of
    limits = first.limits if first else (None, None)
    if side not in ("left", "right"):
        side = first.side if first else "whole"
    return Wanted(card.id, card.quantities, of, side, region, limits, card.output.kind in OUTLINES), used, fits


def _meant(text: str, before: Sequence[Wanted | None]) -> tuple[Wanted | None, int | None]:
    """The earlier step or the structure that an argument names."""
    number = re.fullmatch(
        r"\W*(?:step|result|call|output)?[\s_]*(?:of[\s_]*)?(?:step[\s_]*)?(\d+)\W*(?:\.\w+)?", text.lower()
    )
    if number is not None and 1 <= int(number[1]) <= len(before):
        return before[int(number[1]) - 1], int(number[1]) - 1
    for index in reversed(range(len(before))):
        step = before[index]
        if step is not None and step.tool in text:
            return step, index
    words = f" {re.sub(r'[^a-z0-9]+', ' ', text.lower())} "
    side = "left" if " left " in words else "right" if " right " in words else "whole"
    for synonym, name in _synonyms():
        if f" {synonym} " in words:
            same = next((i for i, s in enumerate(before) if s and s.is_outline and s.of == name), None)
            step = before[same] if same is not None else None
            if step is not None and side == "whole":
                return step, same
            return Wanted("", (), name, side, None, (None, None), True), same
    return None, None


@cache
def _synonyms() -> list[tuple[str, str]]:
    """Every word for a structure, the longest first."""
    words = {
        (s.replace("-", " "), c.name) for c in STRUCTURES.values() for s in (*c.synonyms, c.name.replace("_", " "))
    }
    return sorted(words, key=lambda pair: (-len(pair[0]), pair[0]))


def _number(value: Any) -> float | None:
    if isinstance(value, dict):
        value = value.get("value")
    found = re.search(r"[-+−]?\d+(?:\.\d+)?", str(value)) if value is not None else None
    return float(found[0].replace("−", "-")) if found else None


def matches(steps: Sequence[Wanted], gold: Sequence[Goal]) -> bool:
    """Whether the steps amount to the gold goals, in any order, and to nothing else.

    Units, tables, one value per slice and "by every method" are not looked at. One step may serve several goals, and
    "each side" is a step for the left and one for the right, or one step of both. Outlines that nothing takes count as
    extra only where no goal is about their structure.
    """
    used: set[int] = set()
    for goal in gold:
        serving = [i for i, step in enumerate(steps) if _serves(step, goal)]
        if not serving:
            return False
        if goal.side == "each":
            sides = {steps[i].side for i in serving}
            if not ("whole" in sides or {"left", "right"} <= sides):
                return False
        used |= set(serving)
    about = {goal.of for goal in gold} | {goal.region for goal in gold}
    extra = [s for i, s in enumerate(steps) if i not in used and not (s.is_outline and s.of in about)]
    return not extra


def _serves(step: Wanted, goal: Goal) -> bool:
    if goal.want not in step.wants:
        return False
    low, high = goal.params.get("low"), goal.params.get("high")
    limits = tuple(None if q is None else float(getattr(q, "value", 0)) for q in (low, high))
    if goal.of == "intensity_range" and step.limits != limits:
        return False
    if goal.of == "image":
        return step.of in (None, "image")
    if step.of != goal.of:
        return False
    if goal.region is not None and step.region != goal.region:
        return False
    return goal.side == "each" or step.side in (goal.side, "both" if goal.side == "whole" else goal.side)


def as_goals(steps: Sequence[Wanted]) -> list[Goal]:
    """Goals that say what the steps amount to, so that the tools' own conditions can be asked of them."""
    from scanwright.tools.contract.quantity import Quantity

    goals = []
    for step in steps:
        params = {
            name: Quantity(value=value, unit="1")
            for name, value in zip(("low", "high"), step.limits, strict=True)
            if value is not None
        }
        side = step.side if step.side in ("left", "right", "each") else "whole"
        want = step.wants[0]
        goals.append(
            Goal.model_validate(
                {"want": want, "of": step.of or "image", "side": side, "region": step.region, "params": params}
            )
        )
    return goals
