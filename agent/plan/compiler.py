"""Compiler: goals become a plan, or an explained refusal; shared steps are merged, prerequisites added."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanwright.agent.answer.units import PIXEL_LENGTHS, PIXELS, RATIOS, SIZED, WORDS, sayable, shown_unit, unit_of
from scanwright.agent.plan.chain import WHOLE_IMAGE, Chainer, NoChain, Node, Source, unbound, wanted_type
from scanwright.agent.plan.plan import Binding, Plan, PlannedGoal, Rejected, Step, StepRef, StudyRef
from scanwright.agent.plan.second_method import METHODS, OVERLAP, Compared, by_methods, overlaps
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.artifacts import Image, Volume
from scanwright.tools.contract.card import OUTLINES
from scanwright.tools.contract.conditions import Concern
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.goal import Goal
from scanwright.tools.hashing import plain
from scanwright.tools.registry import Registry
from scanwright.tools.vocabulary.quantities import QUANTITIES

PICTURE = "overlay"
TABLE = "table_csv"


def _always(_: Tool[..., Any]) -> str | None:
    return None


@dataclass
class Compiler:
    """Turns goals into plans over a registry.

    usable(tool) is None or why a tool cannot be used now; pins maps a goal's `want` to a tool the person prefers.
    pictures adds to each answer a picture of the mask it rests on. held says of goals why they cannot be planned.
    """

    registry: Registry
    usable: Callable[[Tool[..., Any]], str | None] = _always
    pins: dict[str, str] = field(default_factory=dict)
    pictures: bool = True
    held: Mapping[Goal, Concern] = field(default_factory=dict)

    def compile(
        self, goals: Sequence[Goal], studies: Sequence[StudyView], *, question: str = "", planner: str = "person"
    ) -> Plan:
        """A plan for the goals on the first study (the others are there to compare with).

        Goals that cannot be met stand in the plan with their reason; the rest is planned. Raises UserInputError
        where it is not clear which series is meant.
        """
        main, others = studies[0], {s.alias: s for s in studies[1:]}
        steps = _Steps()
        planned = [self._plan_goal(i, goal, main, others, steps) for i, goal in enumerate(goals)]
        self._add_tables(planned, steps)
        cards = [self.registry.get(s.tool).card for s in steps.list()]
        return Plan(
            question=question,
            planner=planner,
            goals=tuple(planned),
            steps=steps.list(),
            expected_seconds=round(sum(c.needs.seconds for c in cards), 1),
            expected_memory_gb=max((c.needs.memory_gb for c in cards), default=0.0),
        )

    def _plan_goal(
        self, index: int, goal: Goal, main: StudyView, others: dict[str, StudyView], steps: _Steps
    ) -> PlannedGoal:
        asked = goal
        if goal.time is not None and goal.time in others:
            # Of another exam: everything is measured there.
            main, others = others[goal.time], {main.alias: main, **{a: s for a, s in others.items() if a != goal.time}}
            goal = goal.model_copy(update={"time": None})
        elif goal.time == main.alias:
            goal = goal.model_copy(update={"time": None})
        chainer = Chainer(self.registry, main, others, goal, self.usable, self._order(goal, main))
        try:
            if asked in self.held:
                raise NoChain(9, self.held[asked])
            compared = self._by_methods(goal, main, chainer)
        except NoChain as no:
            rejected = tuple(Rejected(tool=t, reason=r) for t, r in sorted(chainer.rejected.items()))
            concern = no.concern
            return PlannedGoal(
                goal=asked,
                status="needs_input" if concern.effect == "ask" else "refused",
                reason=concern.sentence,
                test=concern.test or "no_tool",
                missing=(concern.missing,) if concern.missing else (),
                offers=concern.offers,
                rejected=rejected,
            )
        answers = tuple(steps.add(node, index) for node in compared.answers)
        shown = self._drawn(goal, main, chainer) or self._pictures(goal, compared.by_method or compared.answers, main)
        pictures = tuple(dict.fromkeys(steps.add(node, index) for node in shown))
        left = sorted(chainer.rejected.items()) if goal.compare == METHODS else []
        return PlannedGoal(
            goal=asked,
            status="planned",
            answers=answers,
            pictures=pictures,
            note=compared.note,
            rejected=tuple(Rejected(tool=t, reason=r) for t, r in left),
        )

    def _by_methods(self, goal: Goal, main: StudyView, chainer: Chainer) -> Compared:
        """The chains that answer a goal; where it compares methods, by each of them."""
        scan = main.image(goal.series)
        if goal.want == OVERLAP and OVERLAP in self.registry.wants():
            self._check_unit(goal, main)
            made = [
                overlaps(goal, wanted_type(goal.model_copy(update={"want": "mask"}), "Mask", side, scan), chainer,
                         self.registry, scan.type)
                for side in _sides(goal)
            ]  # fmt: skip
            self._all_used(goal, [m.answers[0] for m in made])
            return Compared(tuple(a for m in made for a in m.answers), tuple(c for m in made for c in m.by_method))
        nodes = self._chains(goal, main, chainer)
        if goal.compare != METHODS:
            return Compared(tuple(nodes))
        return by_methods(goal, nodes, chainer, self.registry, scan.type)

    def _chains(self, goal: Goal, main: StudyView, chainer: Chainer) -> list[Node]:
        wants = self.registry.wants()
        if goal.want not in wants:
            raise NoChain(
                0, Concern("refuse", f"No tool here measures {goal.want.replace('_', ' ')}.", "tool", test="no_tool")
            )
        self._check_unit(goal, main)
        image = main.image(goal.series)
        kind = self.registry.kind_of(goal.want, goal.of)
        nodes = [chainer.find(wanted_type(goal, kind, side, image)) for side in _sides(goal)]
        self._all_used(goal, nodes)
        # A mask of this exam is no mask carried over from another, though its type leaves that open.
        if any(goal.want not in node.tool.card.quantities for node in nodes):
            raise NoChain(9, _another_exam())
        # Asked last: the size of a pixel would not help where the goal is refused for another reason.
        if not _sized(image) and (
            goal.want in SIZED or (goal.want in PIXEL_LENGTHS and goal.unit not in (None, PIXELS))
        ):
            raise NoChain(9, _ask_size(goal))
        return nodes

    def _check_unit(self, goal: Goal, main: StudyView) -> None:
        if goal.unit is None:
            return
        image = main.image(goal.series)
        unit = unit_of(goal.want, image.image.unit)
        if (goal.want in RATIOS and goal.unit == "%") or (
            goal.want in PIXEL_LENGTHS and goal.unit == PIXELS and not _sized(image)
        ):
            return
        if goal.want in WORDS or self.registry.wants()[goal.want] != "Measurement":
            raise _refused(
                f"The {_words(goal.want)} has no unit, so it cannot be said in {_unit_words(goal.unit)}.", "unit"
            )
        if unit is not None and not sayable(unit, goal.unit):
            said = (
                f"is measured in {_unit_words(unit)}"
                if unit != "1" or "intensity" in goal.want
                else "is a plain number"
            )
            sentence = f"The {_words(goal.want)} {said}, which cannot be said in {_unit_words(goal.unit)}."
            raise _refused(sentence, "unit")

    def _all_used(self, goal: Goal, nodes: list[Node]) -> None:
        """Raises NoChain where something that was asked for plays no part in the chains: it is never passed over."""
        calls = [call for node in nodes for call in node.walk()]
        taken = {name for call in calls for name in call.params}
        variables = {v for call in calls for spec in call.tool.card.inputs for v in unbound(spec.type)}
        taken |= {name for name, marks in (("region", {"?region"}), ("compare", {"?t1", "?t2"})) if marks <= variables}
        nothing_more = {"region": (None, WHOLE_IMAGE), "compare": (None, METHODS)}
        asked = set(goal.params) | {n for n, plain_ones in nothing_more.items() if getattr(goal, n) not in plain_ones}
        left = sorted(asked - taken)
        if left == ["compare"]:
            raise _refused(f"No tool compares the {_words(goal.want)} with that of another exam.", "compare")
        if left:
            raise _refused(f"No tool takes {' and '.join(left)} when it gives the {_words(goal.want)}.", left[0])
        if goal.time is not None:
            raise NoChain(9, _another_exam())
        if goal.group is not None and goal.want != "axial_diameters":
            raise _refused(f"The {_words(goal.want)} cannot be given per {goal.group}.", "tool")
        sides = [goal.side] if goal.side in ("left", "right") else ["left", "right"] if goal.side == "each" else []
        if sides and any(node.tool.card.output.side is None or not node.inputs_are_sided() for node in nodes):
            sentence = f"The {_words(goal.want)} cannot be given for the {' and the '.join(sides)} side alone"
            of_image = ": name the structure whose side is meant" if goal.of == WHOLE_IMAGE else ""
            raise _refused(f"{sentence}{of_image}.", "side")

    def _drawn(self, goal: Goal, main: StudyView, chainer: Chainer) -> list[Node]:
        """Pictures by the tools that draw where this want is measured; none where there is no such tool."""
        tools = [t for t in self.registry if goal.want in t.card.shows] if self.pictures else []
        image = main.image(goal.series)
        drawn = []
        for tool in tools:
            picture = goal.model_copy(update={"want": tool.card.quantities[0], "unit": None})
            try:
                drawn += [chainer.find(wanted_type(picture, "Figure", side, image)) for side in _sides(goal)]
            except NoChain:
                continue
        return drawn

    def _pictures(self, goal: Goal, nodes: Sequence[Node], main: StudyView) -> list[Node]:
        if not self.pictures or PICTURE not in self.registry.wants():
            return []
        kind = main.image(goal.series).type.kind
        tools = {_shows(t, kind): t for t in self.registry if PICTURE in t.card.quantities}
        ref = StudyRef(study=main.alias, series=None if len(main.images) == 1 else goal.series)
        drawn = []
        for node in nodes:
            for shown, source in _shown_by(node):
                tool = tools.get(shown)
                if tool is not None and node.tool.card.output.kind != "Figure":
                    names = {str(spec.type.kind): spec.name for spec in tool.card.inputs}
                    drawn.append(Node(tool, {names[kind]: ref, names[shown]: source}, {}))
        return drawn

    def _add_tables(self, planned: list[PlannedGoal], steps: _Steps) -> None:
        if not any(p.goal.output == "table" and p.status == "planned" for p in planned):
            return
        tables = (t for t in self.registry if TABLE in t.card.quantities)
        tool = next((t for t in tables if any(i.many and i.type.kind == "Measurement" for i in t.card.inputs)), None)
        if tool is None:
            return
        of_measurements = [
            (i, a) for i, p in enumerate(planned) for a in p.answers if steps.kind(a, self.registry) == "Measurement"
        ]
        if not of_measurements:
            return
        gathered = tuple(StepRef(step=a) for _, a in of_measurements)
        name = tool.card.inputs[0].name
        table = steps.add_step(tool, {name: gathered}, {}, tuple(sorted({i for i, _ in of_measurements})))
        for i, p in enumerate(planned):
            if p.answers and any(i == j for j, _ in of_measurements):
                planned[i] = p.model_copy(update={"files": (table,)})

    def _order(self, goal: Goal, main: StudyView) -> Callable[[Tool[..., Any]], tuple[Any, ...]]:
        modality = main.image(goal.series).image.modality

        def order(tool: Tool[..., Any]) -> tuple[Any, ...]:
            errors = [
                e.relative_error
                for e in tool.card.error
                if e.modality in (None, modality) and e.relative_error is not None
            ]
            pinned = self.pins.get(goal.want) == tool.card.id or self.pins.get(goal.of) == tool.card.id
            return (not pinned, min(errors, default=1.0), tool.card.needs.seconds, tool.card.id)

        return order


class _Steps:
    """Steps by the key of their call: asking for the same call twice gives the same step."""

    def __init__(self) -> None:
        self._by_key: dict[str, Step] = {}

    def add(self, node: Node, goal: int) -> str:
        """The id of the step for this call; its prerequisites are added before it."""
        for each in node.walk():
            inputs = {
                name: tuple(self._binding(s) for s in v) if isinstance(v, tuple) else self._binding(v)
                for name, v in each.inputs.items()
            }
            params = {k: plain(v) for k, v in each.params.items()}
            self._put(each.key, each.tool, inputs, params, (goal,))
        return self._by_key[node.key].id

    def add_step(
        self,
        tool: Tool[..., Any],
        inputs: dict[str, Binding | tuple[Binding, ...]],
        params: dict[str, Any],
        why: tuple[int, ...],
    ) -> str:
        """A step that gathers others."""
        return self._put(f"{tool.card.id} {inputs}", tool, inputs, params, why)

    def list(self) -> tuple[Step, ...]:
        """The steps in the order they were added."""
        return tuple(self._by_key.values())

    def kind(self, step_id: str, registry: Registry) -> str:
        """The kind of artifact that a step gives."""
        step = next(s for s in self._by_key.values() if s.id == step_id)
        return registry.get(step.tool).card.output.kind

    def _put(self, key: str, tool: Tool[..., Any], inputs: Any, params: dict[str, Any], why: tuple[int, ...]) -> str:
        old = self._by_key.get(key)
        if old is None:
            step = Step(
                id=f"s{len(self._by_key) + 1}",
                tool=tool.card.id,
                version=tool.card.version,
                inputs=inputs,
                params=params,
                why=why,
            )
        else:
            step = old.model_copy(update={"why": tuple(sorted({*old.why, *why}))})
        self._by_key[key] = step
        return step.id

    def _binding(self, source: Source) -> Binding:
        return StepRef(step=self._by_key[source.key].id) if isinstance(source, Node) else source


def _sides(goal: Goal) -> tuple[str, ...]:
    return ("left", "right") if goal.side == "each" else ("whole" if goal.side == "both" else goal.side,)


def _shows(tool: Tool[..., Any], image: str) -> str | None:
    """The kind of thing that a picture tool draws over an image of this kind; None where it does not."""
    kinds = {spec.type.kind for spec in tool.card.inputs}
    return next((k for k in OUTLINES if kinds == {image, k}), None)


def _shown_by(node: Node) -> list[tuple[str, Source]]:
    """What an answer rests on, with its kind: the node itself, or the mask (not the region) it measures."""
    if node.tool.card.output.kind in OUTLINES:
        return [(node.tool.card.output.kind, node)]
    for spec in node.tool.card.inputs:
        if spec.type.kind in OUTLINES and spec.name in node.inputs:
            source = node.inputs[spec.name]
            return [(spec.type.kind, s) for s in (source if isinstance(source, tuple) else (source,))]
    return []


def _another_exam() -> Concern:
    sentence = "The question is about another exam of the patient: give it as well, before the one asked about."
    return Concern("ask", sentence, "earlier study", test="missing_study")


def _sized(image: Image) -> bool:
    return isinstance(image, Volume) or image.frame.um_per_pixel is not None


def _ask_size(goal: Goal) -> Concern:
    said = "cannot be told" if goal.unit is None else f"cannot be said in {_unit_words(goal.unit)}"
    return Concern(
        "ask", f"The file does not say how large a pixel is, so the {_words(goal.want)} {said}.",
        "pixel_size", ("--pixel-size 0.5 (µm)",), "pixel_size",
    )  # fmt: skip


def _refused(sentence: str, missing: str) -> NoChain:
    return NoChain(9, Concern("refuse", sentence, missing, test="unit" if missing == "unit" else "unused"))


def _words(want: str) -> str:
    return QUANTITIES[want].label if want in QUANTITIES else want.replace("_", " ")


def _unit_words(unit: str) -> str:
    return "arbitrary units" if unit == "1" else shown_unit(unit)
