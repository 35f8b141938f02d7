"""Backward chaining: from the type that is wanted to tools and study artifacts that give it.

A chain is a tree of nodes; equal nodes have equal keys, so merging shared steps is a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from scanwright.agent.plan.fitting import ruled_out
from scanwright.agent.plan.plan import StudyRef
from scanwright.agent.plan.studies import StudyView, kind_in_words, scene_of
from scanwright.tools.artifacts import Image
from scanwright.tools.contract.card import IMAGES, OUTLINES, ToolParam
from scanwright.tools.contract.conditions import Concern
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.types import (
    IDENTITY_FIELDS,
    MEANING_FIELDS,
    ArtifactType,
    Bindings,
    Mismatch,
    is_variable,
    substitute,
    unify,
)
from scanwright.tools.errors import ToolInputError
from scanwright.tools.hashing import canonical_json, plain
from scanwright.tools.registry import Registry, structures_of
from scanwright.tools.vocabulary.structures import STRUCTURES

MAX_DEPTH = 8
WHOLE_IMAGE = "image"


@dataclass(frozen=True)
class Node:
    """A call of a tool in a chain."""

    tool: Tool[..., Any]
    inputs: dict[str, Source | tuple[Source, ...]]
    params: dict[str, Any]

    @cached_property
    def key(self) -> str:
        """Equal for equal calls."""
        inputs = {n: [_key(s) for s in v] if isinstance(v, tuple) else _key(v) for n, v in sorted(self.inputs.items())}
        return canonical_json([self.tool.card.id, inputs, {k: plain(v) for k, v in self.params.items()}])

    def sources(self) -> Iterator[Source]:
        """The direct inputs."""
        for value in self.inputs.values():
            yield from value if isinstance(value, tuple) else (value,)

    def inputs_are_sided(self) -> bool:
        """True where the side of its output is that of an input that it has, or of a parameter."""
        side = self.tool.card.output.side
        if not is_variable(side):
            return True
        return str(side)[1:] in self.params or any(
            spec.type.side == side and spec.name in self.inputs for spec in self.tool.card.inputs
        )

    def walk(self) -> Iterator[Node]:
        """This node and all it depends on, dependencies first."""
        for source in self.sources():
            if isinstance(source, Node):
                yield from source.walk()
        yield self


Source: TypeAlias = Node | StudyRef


@dataclass
class NoChain(Exception):
    """No chain gives what is wanted. rank: the higher, the closer it came and the more its sentence helps."""

    rank: int
    concern: Concern
    tool: str | None = None
    rejected: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Chainer:
    """Finds chains for one goal on the given studies.

    usable says why a tool cannot be used now (weights missing), or None. order sorts candidates: the person's pin,
    active lessons, measured error on this modality, cost, name.
    """

    registry: Registry
    main: StudyView
    others: dict[str, StudyView]
    goal: Goal
    usable: Callable[[Tool[..., Any]], str | None]
    order: Callable[[Tool[..., Any]], tuple[Any, ...]]
    rejected: dict[str, str] = field(default_factory=dict)

    def find(self, want: ArtifactType) -> Node:
        """The best chain for a goal's own output. Raises NoChain."""
        source = self._provide(want, ())
        if isinstance(source, StudyRef):
            raise NoChain(
                0, Concern("refuse", "The study holds this already: there is nothing to compute.", test="given")
            )
        return source

    def _provide(self, want: ArtifactType, path: tuple[str, ...]) -> Source:
        study = self._study_of(want)
        mismatch: Mismatch | None = None
        for ref, artifact in study.items(self.goal.series):
            fit = _fits(want, artifact.type)
            if fit is None:
                return ref
            if artifact.type.kind == want.kind and want.kind in IMAGES:
                mismatch = fit
        failures: list[NoChain] = []
        if len(path) < MAX_DEPTH:
            for tool in self.makers(want):
                if tool.card.id in path:
                    continue
                try:
                    return self._call(tool, want, study, path)
                except NoChain as failure:
                    failures.append(failure)
                    self.rejected.setdefault(tool.card.id, failure.concern.sentence)
        raise max([self._nothing(want, study, mismatch), *failures], key=lambda f: f.rank)

    def makers(self, want: ArtifactType) -> list[Tool[..., Any]]:
        """The tools whose output can be of that type, the preferred first; whether they can be used is not asked."""
        return sorted((t for t in self.registry if _can_make(t, want)), key=self.order)

    def made_by(self, tool: Tool[..., Any], want: ArtifactType) -> Node:
        """The best chain that ends in this tool. Raises NoChain."""
        return self._call(tool, want, self._study_of(want), ())

    def _call(self, tool: Tool[..., Any], want: ArtifactType, study: StudyView, path: tuple[str, ...]) -> Node:
        bound, params = self._bound(tool, want, study)
        self._check(tool, study, params, bound, ("ask",))
        inputs: dict[str, Source | tuple[Source, ...]] = {}
        for spec in tool.card.inputs:
            needed = substitute(spec.type, bound)
            if spec.optional and needed.structure in (None, WHOLE_IMAGE):
                continue
            if spec.many:
                raise NoChain(
                    0, Concern("refuse", f"{tool.card.id} gathers other results.", test="no_tool"), tool.card.id
                )
            source = self._provide(needed, (*path, tool.card.id))
            inputs[spec.name] = source
        # Asked last: weights are worth fetching only for a tool that would work on this scan.
        reason = self.usable(tool)
        if reason is not None:
            raise NoChain(5, Concern("refuse", reason, test="weights"), tool.card.id)
        return Node(tool, inputs, params)

    def _bound(self, tool: Tool[..., Any], want: ArtifactType, study: StudyView) -> tuple[Bindings, dict[str, Any]]:
        """The variables and the parameters of a call. Raises NoChain.

        A refusal goes before a question: nobody is asked for a point, or an exam, that would not help.
        """
        bound: Bindings = {}
        params: dict[str, Any] = {}
        missing: NoChain | None = None
        try:
            bound = self._bind(tool, want)
        except NoChain as no:
            missing = no
        for spec in tool.card.params:
            value = self._param(spec, bound, study)
            if value is not None:
                params[spec.name] = value
            elif spec.required and missing is None:
                missing = NoChain(6, _ask_for(spec.name, spec.kind), tool.card.id)
        self._check(tool, study, params, bound, ("refuse",))
        if missing is not None:
            raise missing
        try:
            tool.params(params)
        except ToolInputError as error:
            raise NoChain(4, Concern("refuse", str(error), test="parameter"), tool.card.id) from None
        return bound, params

    def _bind(self, tool: Tool[..., Any], want: ArtifactType) -> Bindings:
        bound = unify(tool.card.output, want, {})
        if isinstance(bound, Mismatch):  # pragma: no cover - makers has looked
            raise NoChain(0, Concern("refuse", str(bound), test="no_tool"), tool.card.id)
        wanted_in = {getattr(i.type, f) for i in tool.card.inputs for f in (*MEANING_FIELDS, *IDENTITY_FIELDS)}
        if "?region" in wanted_in and self.goal.region not in (None, WHOLE_IMAGE):
            bound["?region"] = str(self.goal.region)
        if {"?t1", "?t2"} <= wanted_in:
            earlier = self._earlier()
            bound["?t1"], bound["?t2"] = (
                str(earlier.image().type.time),
                str(self.main.image(self.goal.series).type.time),
            )
        return bound

    def _earlier(self) -> StudyView:
        other = self.others.get(self.goal.compare or "")
        if other is None:
            raise NoChain(
                6,
                Concern(
                    "ask",
                    "This compares two exams: give the earlier one as well.",
                    "earlier study",
                    test="missing_study",
                ),
            )
        return other

    def _param(self, spec: ToolParam, bound: Bindings, study: StudyView) -> Any:
        """What a parameter is set to; None where nothing says it."""
        # What the output has to be (its side) stands above a parameter of the goal.
        if f"?{spec.name}" in bound:
            return bound[f"?{spec.name}"]
        if spec.name in self.goal.params:
            return self.goal.params[spec.name]
        if spec.kind == "point":
            return study.at
        return study.points.get(spec.name) if spec.kind == "points" else None

    def _check(
        self, tool: Tool[..., Any], study: StudyView, params: dict[str, Any], bound: Bindings, effects: tuple[str, ...]
    ) -> None:
        image = study.image(self.goal.series)
        kinds = [i.type.kind for i in tool.card.inputs if i.type.kind in IMAGES and not i.optional]
        if kinds and image.type.kind not in kinds:
            raise NoChain(4, _other_kind(kinds[0], study, image), tool.card.id)
        given = {i.name: substitute(i.type, bound).structure for i in tool.card.inputs}
        for concern in tool.concerns(scene_of(image, params, given)):
            if concern.effect in effects:
                raise NoChain(4 if concern.effect == "refuse" else 5, concern, tool.card.id)

    def _study_of(self, want: ArtifactType) -> StudyView:
        for view in (self.main, *self.others.values()):
            if want.time is not None and any(v.type.time == want.time for v in view.images.values()):
                return view
        return self.main

    def _nothing(self, want: ArtifactType, study: StudyView, mismatch: Mismatch | None) -> NoChain:
        if mismatch is not None and mismatch.field == "modality":
            have = ", ".join(sorted({v.image.modality or "unknown" for v in study.images.values()}))
            return NoChain(
                3, Concern("refuse", f"This needs a {want.modality} scan, and {study.name} is {have}.", test="modality")
            )
        if mismatch is not None and mismatch.field == "subject":
            return NoChain(
                7,
                Concern(
                    "refuse", "The two scans are of different patients, so they cannot be compared.", test="subject"
                ),
            )
        if want.kind in IMAGES:
            return NoChain(2, _other_kind(want.kind, study, study.image(self.goal.series)))
        if want.kind == "Mask" and want.structure == "given_region":
            sentence = "The question is about a region that you outline: give it with --mask FILE[:LABEL]."
            return NoChain(6, Concern("ask", sentence, "mask", ("--mask FILE[:LABEL]",), test="missing_mask"))
        if want.kind in OUTLINES:
            return NoChain(1, Concern("refuse", self._no_mask(want), "tool", test="no_tool"))
        return NoChain(0, Concern("refuse", f"No tool here gives {_what(want)}.", "tool", test="no_tool"))

    def _no_mask(self, want: ArtifactType) -> str:
        if want.structure == WHOLE_IMAGE:
            return "This measures a structure inside the scan: say which one, or ask for the field of view."
        name = STRUCTURES[want.structure].label if want.structure in STRUCTURES else str(want.structure)
        image = self.main.image(self.goal.series)
        makers = (t for t in self.registry if structures_of(t.card) and self.usable(t) is None)
        here = {s for t in makers if ruled_out(t, image) is None for s in structures_of(t.card)}
        known = ", ".join(STRUCTURES[s].label for s in sorted(here) if s in STRUCTURES)
        return f"No tool here can find the {name}; what can be found is: {known or 'nothing on this image'}."


def _other_kind(wanted: str, study: StudyView, image: Image) -> Concern:
    have = kind_in_words(image.type.kind)
    return Concern("refuse", f"This needs a {kind_in_words(wanted)}, and {study.name} is a {have}.", test="kind")


def _can_make(tool: Tool[..., Any], want: ArtifactType) -> bool:
    """True where the output can be of the wanted type, with values that the tool's own choices allow.

    A tool for one side, or for one of several structures, is none where nothing says which.
    """
    output = tool.card.output
    # One that was brought onto another grid is made only where that is what is asked for.
    if output.kind in ("Volume", "Mask") and output.quantity and not want.quantity:
        return False
    bound = unify(output, want, {})
    if isinstance(bound, Mismatch):
        return False
    chosen = {p.name: p.choices for p in tool.card.params if p.choices and f"?{p.name}" in unbound(tool.card.output)}
    return all(bound.get(f"?{name}") in choices for name, choices in chosen.items())


def _fits(want: ArtifactType, have: ArtifactType) -> Mismatch | None:
    """None where an artifact of type have is what is wanted; unknown facts of the artifact fit and are asked later."""
    if want.kind != have.kind:
        return Mismatch("kind", want.kind, have.kind)
    if want.kind in ("Volume", "Mask") and want.quantity and not set(want.quantity) & set(have.quantity):
        return Mismatch("quantity", "/".join(want.quantity), "/".join(have.quantity))
    for name in (*MEANING_FIELDS, *IDENTITY_FIELDS):
        wanted, got = getattr(want, name), getattr(have, name)
        if wanted is not None and got is not None and wanted != got:
            return Mismatch(name, wanted, got)
    return None


def wanted_type(goal: Goal, kind: Any, side: str, main: Image) -> ArtifactType:
    """The type of artifact that answers a goal."""
    quantity = () if goal.want == "mask" else (goal.want,)
    return ArtifactType(
        kind=kind, structure=goal.of, side=side, quantity=quantity, time=main.type.time, subject=main.type.subject
    )


def _ask_for(name: str, kind: str) -> Concern:
    if kind == "point":
        return Concern(
            "ask",
            "The question is about a place: point at it with --at X,Y,Z (mm).",
            "point",
            ("--at X,Y,Z",),
            "missing_point",
        )
    return Concern(
        "ask", f"The question leaves open the {name.replace('_', ' ')}: say which.", name, (), "missing_parameter"
    )


def _what(want: ArtifactType) -> str:
    quantity = " or ".join(q.replace("_", " ") for q in want.quantity) or want.kind.lower()
    structure = STRUCTURES[want.structure].label if want.structure in STRUCTURES else want.structure
    return f"the {quantity} of the {structure}" if structure and structure != WHOLE_IMAGE else f"the {quantity}"


def _key(source: Source) -> str:
    return source.key if isinstance(source, Node) else str(source)


def unbound(pattern: ArtifactType) -> set[str]:
    """The variables that stand in a pattern."""
    values = (getattr(pattern, f) for f in (*MEANING_FIELDS, *IDENTITY_FIELDS))
    return {v for v in values if is_variable(v)}
