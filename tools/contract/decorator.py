"""@tool: one decorator makes a typed function a tool with a card, checked arguments and checked results."""

from __future__ import annotations

import hashlib
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Generic, Literal, ParamSpec, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from scanwright.tools.artifacts import Artifact, Cells, Flat, LabelMap, Mask, Measurements, Region, Volume
from scanwright.tools.contract.card import MeasuredError, Needs, ParamKind, ToolCard, ToolInput, ToolParam
from scanwright.tools.contract.conditions import AnyAfter, AnyBefore, Concern, Scene
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.quantity import Point, Points, Quantity
from scanwright.tools.contract.types import Bindings, Mismatch, Of, substitute, unify
from scanwright.tools.errors import ToolInputError

P = ParamSpec("P")
R = TypeVar("R", bound=Artifact)


@dataclass(frozen=True)
class Tool(Generic[P, R]):
    """A registered tool: call it as the plain function it is, or run it with checks."""

    card: ToolCard
    function: Callable[P, R]
    adapters: dict[str, TypeAdapter[Any]] = field(repr=False, hash=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def concerns(self, scene: Scene) -> list[Concern]:
        """The conditions of use that do not hold for this image and these parameters."""
        checked = ((condition, condition.check(scene)) for condition in self.card.when)
        return [replace(concern, test=condition.test) for condition, concern in checked if concern is not None]

    def params(self, given: dict[str, Any]) -> dict[str, Any]:
        """given, checked and completed with defaults. Raises ToolInputError with a sentence."""
        unknown = sorted(set(given) - {p.name for p in self.card.params})
        if unknown:
            known = ", ".join(p.name for p in self.card.params) or "none"
            raise ToolInputError(f"{self.card.id} has no parameter {unknown[0]!r}; it has: {known}.")
        result: dict[str, Any] = {}
        for spec in self.card.params:
            if spec.name not in given:
                if spec.required:
                    raise ToolInputError(f"{self.card.id} needs the parameter {spec.name!r}, and none was given.")
                result[spec.name] = spec.default
                continue
            try:
                result[spec.name] = self.adapters[spec.name].validate_python(self._number(spec, given[spec.name]))
            except ValidationError as error:
                raise ToolInputError(
                    f"{self.card.id} cannot take {given[spec.name]!r} as {spec.name!r}: {error.errors()[0]['msg']}."
                ) from None
        return result

    def _number(self, spec: ToolParam, given: Any) -> Any:
        """A plain number for a parameter that is one, where a goal or a plan file gives it as a Quantity."""
        if spec.kind not in ("number", "integer"):
            return given
        if isinstance(given, dict) and "value" in given and given.keys() <= {"value", "unit"}:
            given = Quantity.model_validate(given)
        if not isinstance(given, Quantity):
            return given
        if given.unit != "1":
            raise ToolInputError(f"{self.card.id} takes a plain number as {spec.name!r}, and {given} has a unit.")
        return given.value

    def bind(self, inputs: dict[str, Any]) -> Bindings:
        """The variables of the signature, bound by these inputs. Raises ToolInputError where they do not fit."""
        bound: Bindings = {}
        for spec in self.card.inputs:
            given = inputs.get(spec.name)
            if given is None:
                if not spec.optional:
                    raise ToolInputError(f"{self.card.id} needs the input {spec.name!r}, and none was given.")
                continue
            for artifact in given if isinstance(given, tuple | list) else (given,):
                fit = unify(spec.type, artifact.type, bound)
                if isinstance(fit, Mismatch):
                    raise ToolInputError(f"{self.card.id} cannot take {artifact.name!r} as {spec.name!r}: {fit}.")
                bound = fit
        return bound

    def run(self, ctx: ToolContext, inputs: dict[str, Any], params: dict[str, Any]) -> Artifact:
        """Checks inputs, parameters and conditions, calls the function, checks and completes the result.

        Raises ToolInputError where something does not fit; TypeError where the tool broke its own promise.
        """
        values = self.params(params)
        bound = self.bind(inputs)
        scene = _scene(inputs, values)
        flags: list[str] = []
        if scene is not None:
            for concern in self.concerns(scene):
                if concern.effect != "flag":
                    raise ToolInputError(concern.sentence)
                flags.append(concern.sentence)
        result = self.function(ctx, **{k: v for k, v in inputs.items() if v is not None}, **values)  # type: ignore[arg-type]
        return self._complete(result, bound, values, flags)

    def _complete(self, result: Artifact, bound: Bindings, params: dict[str, Any], flags: list[str]) -> Artifact:
        names = {f"?{k}": v for k, v in params.items() if isinstance(v, str)}
        promised = substitute(self.card.output, {**names, **bound})
        fit = unify(promised, result.type, {})
        if isinstance(fit, Mismatch):
            raise TypeError(f"{self.card.id} promised {promised} and returned {result.type}: {fit}")
        update = {f: getattr(promised, f) for f in type(promised).model_fields if not getattr(result.type, f)}
        if isinstance(result, Measurements):
            update["quantity"] = tuple(dict.fromkeys(item.quantity for item in result.items))
        flags += [f for f in (condition.check(result) for condition in self.card.then) if f is not None]
        type_ = result.type.model_copy(update=update)
        return result.model_copy(update={"type": type_, "flags": (*result.flags, *dict.fromkeys(flags))})


def tool(
    *,
    examples: Sequence[str],
    reference: str,
    family: str | None = None,
    version: str = "1",
    near_misses: Sequence[str] = (),
    when: Sequence[AnyBefore] = (),
    then: Sequence[AnyAfter] = (),
    needs: Needs | None = None,
    weights: Sequence[str] = (),
    error: Sequence[MeasuredError] = (),
    licence: str = "Apache-2.0",
    lossy: bool = False,
    reaches_out: bool = False,
    fresh: bool = False,
    packages: Mapping[str, str] | None = None,
    shows: Sequence[str] = (),
    uses: Sequence[types.ModuleType] = (),
) -> Callable[[Callable[P, R]], Tool[P, R]]:
    """Makes a function a tool.

    The function takes a ToolContext, then artifacts annotated with Of(...), then scalars (Quantity, Point, Points,
    str, float, int, bool, Literal); it returns one annotated artifact. A variable of the output that is named as a
    Literal parameter ("?side" and side) is set by it. uses names local modules whose code the result depends on.
    Raises TypeError where the signature cannot be read.
    """

    def make(function: Callable[P, R]) -> Tool[P, R]:
        module = sys.modules[function.__module__]
        inputs, params, adapters = _read_parameters(function)
        doc = inspect.getdoc(function) or ""
        if not doc:
            raise TypeError(f"{function.__name__} needs a docstring: its first line is the tool's summary")
        hints = typing.get_type_hints(function, include_extras=True)
        card = ToolCard(
            id=function.__name__,
            version=version,
            family=family or function.__module__.rsplit(".", 1)[-1],
            summary=doc.splitlines()[0],
            description=doc,
            examples=tuple(examples),
            near_misses=tuple(near_misses),
            when=tuple(when),
            then=tuple(then),
            inputs=tuple(inputs),
            params=tuple(params),
            output=_artifact_pattern(hints["return"], function.__name__).type,
            needs=needs or Needs(),
            weights=tuple(weights),
            reference=reference,
            error=tuple(error),
            licence=licence,
            lossy=lossy,
            reaches_out=reaches_out,
            fresh=fresh,
            packages=tuple((packages or {}).items()),
            shows=tuple(shows),
            package=function.__module__.split(".")[0]
            if not function.__module__.startswith("scanwright.")
            else "scanwright",
            code_hash=_code_hash((module, *uses)),
        )
        return Tool(card, function, adapters)

    return make


def _read_parameters(
    function: Callable[..., Any],
) -> tuple[list[ToolInput], list[ToolParam], dict[str, TypeAdapter[Any]]]:
    hints = typing.get_type_hints(function, include_extras=True)
    inputs: list[ToolInput] = []
    params: list[ToolParam] = []
    adapters: dict[str, TypeAdapter[Any]] = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        hint = hints[name]
        if _is_artifact(hint):
            pattern = _artifact_pattern(hint, name)
            inputs.append(pattern.model_copy(update={"name": name}))
            continue
        bare, optional = _without_none(hint)
        required = parameter.default is inspect.Parameter.empty
        default = None if required else parameter.default
        choices = tuple(str(c) for c in get_args(bare)) if get_origin(bare) is Literal else ()
        params.append(
            ToolParam(name=name, kind=_param_kind(bare, name), required=required, default=default, choices=choices)
        )
        adapters[name] = TypeAdapter(hint if not optional else bare | None)
    return inputs, params, adapters


def _param_kind(hint: Any, name: str) -> ParamKind:
    if get_origin(hint) is Literal:
        return "choice"
    kinds: dict[Any, ParamKind] = {
        Quantity: "quantity",
        Point: "point",
        Points: "points",
        float: "number",
        int: "integer",
        str: "text",
        bool: "flag",
    }
    if hint not in kinds:
        raise TypeError(f"parameter {name!r} has the type {hint!r}, which no plan can hold")
    return kinds[hint]


def _is_artifact(hint: Any) -> bool:
    bare = _unwrap(hint)[0]
    return isinstance(bare, type) and issubclass(bare, Artifact)


def _artifact_pattern(hint: Any, name: str) -> ToolInput:
    bare, of, optional, many = _unwrap(hint)
    if not (isinstance(bare, type) and issubclass(bare, Artifact)):
        raise TypeError(f"{name} is annotated {hint!r}, which is no artifact")
    return ToolInput(name=name, type=of.of_kind(bare.KIND), optional=optional, many=many)


def _unwrap(hint: Any) -> tuple[Any, Of, bool, bool]:
    """The class inside Annotated, "| None" and tuple[..., ...], with what those said: Of, optional, many."""
    of, optional, many = Of(), False, False
    while True:
        inner, none = _without_none(hint)
        optional = optional or none
        if get_origin(inner) is Annotated:
            hint, *marks = get_args(inner)
            of = next((m for m in marks if isinstance(m, Of)), of)
        elif get_origin(inner) is tuple:
            hint, many = get_args(inner)[0], True
        elif none:
            hint = inner
        else:
            return inner, of, optional, many


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (typing.Union, types.UnionType):
        rest = [a for a in get_args(hint) if a is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return hint, False


def _scene(inputs: dict[str, Any], params: dict[str, Any]) -> Scene | None:
    given = [a for v in inputs.values() if v is not None for a in (v if isinstance(v, tuple | list) else (v,))]
    volume = next((a for a in given if isinstance(a, Volume)), None)
    pixels = volume or next((a for a in given if isinstance(a, Mask | LabelMap)), None)
    structures = {k: v.type.structure for k, v in inputs.items() if isinstance(v, Artifact)}
    if pixels is not None:
        return Scene(pixels.image, pixels.geometry, params, structures)
    flat = next((a for a in given if isinstance(a, Flat | Region | Cells)), None)
    return None if flat is None else Scene(flat.image, flat.frame, params, structures)


def _code_hash(modules: Sequence[types.ModuleType]) -> str:
    digest = hashlib.sha256()
    for module in modules:
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()
