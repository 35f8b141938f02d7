"""A second method: the chains of one goal by every maker of its mask, all else alike, and what sets them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scanwright.agent.plan.chain import Chainer, NoChain, Node, Source
from scanwright.tools.contract.card import OUTLINES, ToolCard
from scanwright.tools.contract.conditions import Concern
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.types import ArtifactType, is_variable
from scanwright.tools.families.agreement import BETWEEN
from scanwright.tools.registry import Registry, structures_of
from scanwright.tools.vocabulary.structures import STRUCTURES

METHODS = "methods"
VALUE, OVERLAP = "value_by_methods", "dice"
# Several numbers at once: which of one method belongs to which of the other is not known.
_LISTS = frozenset({"axial_diameters", "component_volumes", "bounding_box", "intensity_percentiles"})


@dataclass(frozen=True)
class Compared:
    """What answers a goal that asks for every method, what to show beside it, and what must be said of it.

    by_method are the chains that were set together; note is a sentence where only one method could be used.
    """

    answers: tuple[Node, ...]
    by_method: tuple[Node, ...] = ()
    note: str | None = None


def by_methods(goal: Goal, nodes: Sequence[Node], chainer: Chainer, registry: Registry, scan: ArtifactType) -> Compared:
    """The chains of a goal (one for each side), each by every method that can be used.

    A method is a tool that makes the mask of the goal's structure, by itself or out of a label map. Two tools that
    rest on each other, or on the same weights, are one method. Tools that cannot be used are told in the note.
    """
    answers: list[Node] = []
    chains: list[Node] = []
    notes: list[str] = []
    for node in nodes:
        maker = maker_of(node, goal.of)
        others, lacking = ([], []) if maker is None else _other_makers(goal.of, maker, chainer, scan)
        same = [node, *(_replaced(node, maker, other) for other in others if maker is not None)]
        if maker is None or not others or goal.want in _LISTS or VALUE not in registry.wants():
            answers.append(node)
            notes.append(_why_one(goal.of, maker, others, lacking))
        elif node.tool.card.output.kind == "Measurement":
            answers.append(_together(goal, same, [maker, *others], registry))
            chains += same
        else:
            answers += same
    return Compared(tuple(answers), tuple(chains), " ".join(dict.fromkeys(notes)) or None)


def overlaps(goal: Goal, outline: ArtifactType, chainer: Chainer, registry: Registry, scan: ArtifactType) -> Compared:
    """How far the outlines by the methods overlap: the preferred one against each of the others.

    outline is the type of what is outlined. Raises NoChain where no method can be used, or only one.
    """
    first = chainer.find(outline)
    maker = maker_of(first, goal.of)
    others, lacking = ([], []) if maker is None else _other_makers(goal.of, maker, chainer, scan)
    if maker is None or not others:
        sentence = _why_one(goal.of, maker, others, lacking)
        raise NoChain(6, Concern("refuse", sentence, "second method", test="second_method"))
    tool = next(t for t in registry if OVERLAP in t.card.quantities)
    names = [spec.name for spec in tool.card.inputs]
    outlines = [_replaced(first, maker, other) for other in others]
    pairs = [Node(tool, dict(zip(names, (first, each), strict=True)), {}) for each in outlines]
    return Compared(tuple(pairs), (first, *outlines))


def maker_of(node: Node, structure: str) -> Node | None:
    """The call in a chain that makes the mask of the structure, the nearest to the end; None where nothing does."""
    return next((n for n in _outwards(node) if _made(n) == structure), None)


def method_name(card: ToolCard) -> str:
    """What a method is called: by its weights, else by its tool."""
    return card.weights[0] if card.weights else card.id.replace("_", " ")


def _made(node: Node) -> str | None:
    """The structure that a call makes a mask of: that of its tool, or the one that it was told."""
    output = node.tool.card.output
    told = node.params.get(str(output.structure)[1:]) if is_variable(output.structure) else output.structure
    return str(told) if output.kind in OUTLINES and told is not None else None


def _outwards(node: Node) -> Iterator[Node]:
    """The calls of a chain from its end on; what only says where left and right part is no method."""
    yield node
    for source in node.sources():
        if isinstance(source, Node) and source.tool.card.output.kind != "Plane":
            yield from _outwards(source)


def _other_makers(
    structure: str, maker: Node, chainer: Chainer, scan: ArtifactType
) -> tuple[list[Node], list[str]]:  # fmt: skip
    """The same mask by other methods, the preferred first; and the weights that would make others usable."""
    side = maker.tool.card.output.side
    if is_variable(side):
        side = str(maker.params.get(str(side)[1:]))
    kind = maker.tool.card.output.kind
    want = ArtifactType(kind=kind, structure=structure, side=side, time=scan.time, subject=scan.subject)
    found: list[Node] = []
    lacking: list[str] = []
    for tool in chainer.makers(want):
        if structure not in structures_of(tool.card) or tool.card.id == maker.tool.card.id:
            continue
        try:
            other = chainer.made_by(tool, want)
        except NoChain as no:
            chainer.rejected[tool.card.id] = no.concern.sentence
            lacking += tool.card.weights if no.concern.test == "weights" else ()
            continue
        if not any(_one_method(other, each) for each in (maker, *found)):
            found.append(other)
    return found, list(dict.fromkeys(lacking))


def _one_method(first: Node, second: Node) -> bool:
    keys = [{n.key for n in node.walk()} for node in (first, second)]
    weights = [{w for n in node.walk() for w in n.tool.card.weights} for node in (first, second)]
    return first.key in keys[1] or second.key in keys[0] or (bool(weights[0]) and weights[0] == weights[1])


def _replaced(node: Node, old: Node, new: Node) -> Node:
    """The chain with another maker; what says where left and right part stays as it is."""
    if node.key == old.key:
        return new

    def one(source: Source) -> Source:
        if isinstance(source, Node) and source.tool.card.output.kind != "Plane":
            return _replaced(source, old, new)
        return source

    inputs = {k: tuple(one(s) for s in v) if isinstance(v, tuple) else one(v) for k, v in node.inputs.items()}
    return Node(node.tool, inputs, node.params)


def _together(goal: Goal, chains: Sequence[Node], makers: Sequence[Node], registry: Registry) -> Node:
    tool = next(t for t in registry if VALUE in t.card.quantities)
    names = BETWEEN.join(method_name(m.tool.card) for m in makers)
    return Node(tool, {tool.card.inputs[0].name: tuple(chains)}, {"quantity": goal.want, "methods": names})


def _why_one(structure: str, maker: Node | None, others: Sequence[Node], lacking: Sequence[str]) -> str:
    name = STRUCTURES[structure].label if structure in STRUCTURES else structure.replace("_", " ")
    if maker is None:
        return f"No tool here outlines the {name} by itself, so there are no methods to compare."
    if others:
        return "Several numbers are asked for at once, so no range is given by comparing methods."
    sentence = f"Only one method here can outline the {name}, so no range can be given by comparing methods."
    if lacking:
        sentence += f" With the weights {' or '.join(lacking)} there would be another: `scanwright weights` says how."
    return sentence
