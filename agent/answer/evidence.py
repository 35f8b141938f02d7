"""Evidence: the artifacts that answer a goal, in the unit that was asked for, numbered E1, E2, …"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from scanwright.agent.answer.render import shown
from scanwright.agent.answer.result import EvidenceItem
from scanwright.agent.answer.units import factor, sayable, shown_unit
from scanwright.agent.plan.plan import Plan, PlannedGoal, StepRef
from scanwright.agent.plan.second_method import OVERLAP, VALUE, method_name
from scanwright.agent.run.executor import StepReport
from scanwright.tools.artifacts import (
    Artifact,
    Case,
    CaseList,
    Figure,
    File,
    Mask,
    Measurement,
    Measurements,
)
from scanwright.tools.contract.card import OUTLINES
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.registry import Registry, structures_of
from scanwright.tools.vocabulary.structures import STRUCTURES

# What is said of a similar case, in this order.
CASE_FACTS = ("modality", "body_part", "sex", "age_band", "scanner")
Publish = Callable[[Artifact, str], Path | None]


class EvidenceBook:
    """Collects the evidence of a run; the same artifact gets the same number once."""

    def __init__(self, plan: Plan, reports: Mapping[str, StepReport], registry: Registry, publish: Publish) -> None:
        """publish(artifact, id) puts a picture or file where the person finds it and returns its path."""
        self._plan, self._reports, self._registry, self._publish = plan, reports, registry, publish
        self._ids: dict[tuple[str, str | None, str | None], EvidenceItem] = {}

    @property
    def items(self) -> tuple[EvidenceItem, ...]:
        """All evidence in the order of its numbers."""
        return tuple(self._ids.values())

    def of_goal(self, goal: PlannedGoal) -> tuple[list[EvidenceItem], list[EvidenceItem]]:
        """What answers the goal, and what shows it (masks, pictures, files)."""
        answers = [item for step in goal.answers for item in self._answer(step, goal.goal)]
        shown: list[EvidenceItem] = []
        for step in goal.answers:
            by_method = self.values_of(step)
            for each in by_method:
                shown += self._add(each, goal.goal)
            for mask_step in (m for each in (by_method or [step]) for m in self._mask_steps(each)):
                shown += self._add(mask_step, goal.goal)
        for step in (*goal.pictures, *goal.files):
            if self._reports[step].artifact is not None:
                shown += self._add(step, goal.goal)
        return answers, [s for s in dict.fromkeys(shown) if s not in answers]

    def values_of(self, step_id: str) -> list[str]:
        """The steps that measured by one method each what this step sets together; none where it does not."""
        step = self._plan.step(step_id)
        if VALUE not in self._registry.get(step.tool).card.quantities:
            return []
        return [b.step for _, b in step.bindings() if isinstance(b, StepRef)]

    def _made_by(self, step_id: str, structure: str | None) -> str:
        """The method that outlined the structure; nothing where a person did. An overlap is of two methods."""
        if self.values_of(step_id):
            return ""
        if OVERLAP in self._registry.get(self._plan.step(step_id).tool).card.quantities:
            return " and ".join(self._made_by(b, structure) for b in self._mask_steps(step_id))
        waiting = [step_id]
        while waiting:
            step = self._plan.step(waiting.pop(0))
            card = self._registry.get(step.tool).card
            if structure in structures_of(card):
                return method_name(card)
            waiting += sorted(step.depends_on())
        return ""

    def _answer(self, step_id: str, goal: Goal) -> list[EvidenceItem]:
        return self._add(step_id, goal)

    def _mask_steps(self, step_id: str) -> list[str]:
        made = {b: self._reports[b].artifact for b in sorted(self._plan.step(step_id).depends_on())}
        return [b for b, artifact in made.items() if artifact is not None and artifact.type.kind in OUTLINES]

    def _add(self, step_id: str, goal: Goal) -> list[EvidenceItem]:
        artifact = self._reports[step_id].artifact
        if artifact is None:
            return []
        if isinstance(artifact, Measurements):
            wanted = [i for i in artifact.items if i.quantity == goal.want] or list(artifact.items)
            return [self._put(step_id, i, goal, index) for index, i in enumerate(wanted)]
        if isinstance(artifact, CaseList):
            return [self._put(step_id, case, goal, index) for index, case in enumerate(_cases(artifact))]
        return [self._put(step_id, artifact, goal, 0)]

    def _put(self, step_id: str, artifact: Artifact, goal: Goal, index: int) -> EvidenceItem:
        quantity = artifact.quantity if isinstance(artifact, Measurement) else artifact.type.kind
        unit = goal.unit if isinstance(artifact, Measurement) else None
        key = (step_id, f"{quantity}/{index}", unit)
        if key not in self._ids:
            self._ids[key] = self._item(f"E{len(self._ids) + 1}", step_id, artifact, unit)
        return self._ids[key]

    def _item(self, number: str, step_id: str, artifact: Artifact, unit: str | None) -> EvidenceItem:
        step = self._plan.step(step_id)
        card = self._registry.get(step.tool).card
        whole = self._reports[step_id].artifact
        type_ = artifact.type if artifact.type.structure or whole is None else whole.type
        structure = type_.structure
        item = EvidenceItem(
            id=number,
            kind=artifact.type.kind,
            name=artifact.name,
            step=step_id,
            tool=f"{card.id} {card.version}",
            method=card.summary,
            made_by=self._made_by(step_id, structure),
            structure=structure,
            side=type_.side,
            flags=tuple(dict.fromkeys((*(whole.flags if whole is not None else ()), *artifact.flags))),
            reference=card.reference,
            artifact_hash=whole.hash if whole is not None else None,
        )
        if isinstance(artifact, Measurement):
            said = _measured(artifact, unit) | {"method": artifact.method or card.summary}
            if unit is not None and said["unit"] not in (None, unit):
                said["flags"] = (*item.flags, f"asked for in {shown_unit(unit)}, in which this cannot be said")
            return _showable(item.model_copy(update=said))
        code = STRUCTURES[structure].code if structure in STRUCTURES else None
        path = self._publish(artifact, number) if isinstance(artifact, Figure | File | Mask) else None
        return _showable(item.model_copy(update={"code": code, "artifact": None if path is None else str(path)}))


def _showable(item: EvidenceItem) -> EvidenceItem:
    """The item with its tool's own words as they may be shown: without links and control characters."""
    clean: dict[str, object] = {"name": shown(item.name), "method": shown(item.method), "made_by": shown(item.made_by)}
    clean |= {"at": shown(item.at) if item.at else item.at, "flags": tuple(shown(f) for f in item.flags)}
    if isinstance(item.value, str):
        clean["value"] = shown(item.value)
    if item.uncertainty is not None:
        clean["uncertainty"] = item.uncertainty.model_copy(update={"method": shown(item.uncertainty.method)})
    return item.model_copy(update=clean)


def _cases(found: CaseList) -> list[Measurement]:
    """Each case with its score, named by its study, series and facts."""
    return [
        Measurement(
            type=found.type,
            name=f"{case.study_id}, {case.series} ({_facts_text(case)})",
            quantity="similar_cases",
            value=case.score,
            method=found.method,
        )
        for case in found.cases
    ]


def _facts_text(case: Case) -> str:
    return ", ".join(str(case.facts[f]) for f in CASE_FACTS if f in case.facts) or "nothing more known"


def _measured(measurement: Measurement, unit: str | None) -> dict[str, object]:
    if unit is not None and not sayable(measurement.unit, unit):
        unit = None
    scale = 1.0 if unit is None else factor(measurement.unit, unit)
    value = measurement.value
    if isinstance(value, tuple):
        value = tuple(v * scale for v in value)
    elif isinstance(value, int | float) and scale != 1.0:
        value = value * scale
    return {
        "value": value,
        "unit": None if isinstance(value, str) else unit or measurement.unit,
        "uncertainty": _scaled(measurement.uncertainty, scale),
        "code": measurement.code,
        "quantity": measurement.quantity,
        "at": measurement.at,
        "bound": measurement.bound,
    }


def _scaled(uncertainty: Uncertainty | None, scale: float) -> Uncertainty | None:
    if uncertainty is None or uncertainty.low is None or uncertainty.high is None or scale == 1.0:
        return uncertainty
    return uncertainty.model_copy(update={"low": uncertainty.low * scale, "high": uncertainty.high * scale})
