"""Sense check: is this plan right for these scans and for medicine, not only for the types?

It looks at any plan, whoever wrote it. What cannot be a plan at all (a mask where a number is wanted) is an error of
the plan; what is a plan but clinically wrong (a brain tool on a chest, two patients compared) is a concern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scanwright.agent.plan.faithful import check_goals
from scanwright.agent.plan.lineage import Origin, lineage_concerns, of_mask, of_step, of_volume
from scanwright.agent.plan.plan import Binding, Plan, PlanConcern, Step, StepRef, StudyRef
from scanwright.agent.plan.scans import mask_concerns, scan_concerns
from scanwright.agent.plan.studies import StudyView, scene_of
from scanwright.tools.artifacts import Image, Mask
from scanwright.tools.contract.card import IMAGES, ToolInput
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.types import ArtifactType, Bindings, Mismatch, substitute, unify
from scanwright.tools.errors import ToolInputError, UserInputError
from scanwright.tools.registry import Registry

# Fields whose mismatch means that the plan is wrong for the scan; in all others it is no plan.
_SCAN_FIELDS = {
    "modality": "This step needs {wanted}, and it is given {got}.",
    "subject": "This step brings together two different patients, and their values cannot be compared or mixed.",
    "grid": "This step brings together two images on different grids: resample one of them first.",
    "time": "This step mixes two exams that it takes for one: measure each exam by itself, then compare.",
}


def check(plan: Plan, studies: Sequence[StudyView], registry: Registry) -> tuple[PlanConcern, ...]:
    """Every concern about the plan, in the order of its steps.

    Raises UserInputError where it cannot be a plan: unknown tool, wrong type, unknown or missing parameter, a goal
    that is answered by something else.
    """
    views = {s.alias: s for s in studies}
    concerns = [c for s in studies for c in scan_concerns(s)]
    types: dict[str, ArtifactType] = {}
    origins: dict[str, Origin] = {}
    for step in plan.steps:
        tool = registry.get(step.tool)
        params = _params(tool, step)
        bound, found = _bind(tool, step, types, views)
        concerns += found
        named = {f"?{k}": v for k, v in params.items() if isinstance(v, str)}
        types[step.id] = substitute(tool.card.output, {**named, **bound})
        inputs = _origins(step, origins, views)
        origins[step.id] = of_step(step, params, inputs, tool.card)
        structures = {n: _type_of(b, types, views).structure for n, b in step.bindings()}
        for scan in _scenes(tool, inputs):
            concerns += [
                PlanConcern(
                    step=step.id, effect=c.effect, sentence=c.sentence, test=c.test, missing=c.missing, offers=c.offers
                )
                for c in tool.concerns(scene_of(scan, params, structures))
            ]
        if not any(c.effect == "refuse" for c in found):
            concerns += lineage_concerns(step, tool.card, inputs)
        concerns += _given_mask_concerns(step, views)
    check_goals(plan, types, registry)
    return tuple(dict.fromkeys(concerns))


def verdict(concerns: Sequence[PlanConcern]) -> str:
    """The strongest effect: "refuse", "ask", "flag", or "fine"."""
    effects = {c.effect for c in concerns}
    return next((e for e in ("refuse", "ask", "flag") if e in effects), "fine")


def _params(tool: Tool[..., Any], step: Step) -> dict[str, Any]:
    try:
        return tool.params(step.params)
    except ToolInputError as error:
        raise UserInputError(f"Step {step.id!r} of the plan cannot run: {error}") from None


def _bind(
    tool: Tool[..., Any], step: Step, types: Mapping[str, ArtifactType], views: Mapping[str, StudyView]
) -> tuple[Bindings, list[PlanConcern]]:
    specs = {i.name: i for i in tool.card.inputs}
    unknown = sorted(set(step.inputs) - specs.keys())
    if unknown:
        known = ", ".join(specs)
        raise UserInputError(f"Step {step.id!r}: {tool.card.id} has no input {unknown[0]!r}; it has: {known}.")
    missing = [n for n, i in specs.items() if not i.optional and n not in step.inputs]
    if missing:
        raise UserInputError(f"Step {step.id!r}: {tool.card.id} needs the input {missing[0]!r}.")
    bound: Bindings = {}
    concerns: list[PlanConcern] = []
    for name, binding in step.bindings():
        given = _type_of(binding, types, views)
        fit = unify(specs[name].type, given, bound)
        if isinstance(fit, Mismatch):
            concerns.append(_mismatch(step, specs[name], _gravest(specs[name].type, given, bound, fit)))
        else:
            bound = fit
    return bound, concerns


def _gravest(pattern: ArtifactType, given: ArtifactType, bound: Bindings, fit: Mismatch) -> Mismatch:
    """Of several mismatches the one that says most: two patients rather than two exams rather than two grids."""
    for leave_out in (("grid", "time"), ("grid",)):
        other = unify(pattern, given.model_copy(update=dict.fromkeys(leave_out)), bound)
        if isinstance(other, Mismatch):
            return other
    return fit


def _mismatch(step: Step, spec: ToolInput, fit: Mismatch) -> PlanConcern:
    sentence = _SCAN_FIELDS.get(fit.field)
    if sentence is None:
        raise UserInputError(f"Step {step.id!r} cannot take that as {spec.name!r}: its {fit}.")
    return PlanConcern(
        step=step.id, effect="refuse", sentence=sentence.format(wanted=fit.wanted, got=fit.got), test=fit.field
    )


def _type_of(binding: Binding, types: Mapping[str, ArtifactType], views: Mapping[str, StudyView]) -> ArtifactType:
    if isinstance(binding, StepRef):
        return types[binding.step]
    return _view(binding, views).get(binding).type


def _view(ref: StudyRef, views: Mapping[str, StudyView]) -> StudyView:
    if ref.study not in views:
        raise UserInputError(
            f"The plan uses a study {ref.study}, and {'only ' if views else 'no study '}"
            f"{', '.join(views) or 'at all'} is given: name {len(views) + 1} studies."
        )
    return views[ref.study]


def _origins(
    step: Step, origins: Mapping[str, Origin], views: Mapping[str, StudyView]
) -> dict[str, tuple[Origin, ...]]:
    found: dict[str, tuple[Origin, ...]] = {}
    for name, binding in step.bindings():
        if isinstance(binding, StepRef):
            origin = origins[binding.step]
        else:
            view = _view(binding, views)
            scan, day = view.image(binding.series), view.relative_day
            artifact = view.get(binding)
            origin = of_mask(artifact, scan, day) if isinstance(artifact, Mask) else of_volume(scan, day)
        found[name] = (*found.get(name, ()), origin)
    return found


def _scenes(tool: Tool[..., Any], inputs: Mapping[str, tuple[Origin, ...]]) -> list[Image]:
    """The scans that the tool's conditions speak of: the one it is given, or else all that its inputs come from."""
    given = [i.name for i in tool.card.inputs if i.type.kind in IMAGES and i.name in inputs]
    scans = [v for name in given or inputs for origin in inputs[name] for v in origin.scans]
    return list({v.pixel_hash: v for v in scans}.values())


def _given_mask_concerns(step: Step, views: Mapping[str, StudyView]) -> list[PlanConcern]:
    given = [b for _, b in step.bindings() if isinstance(b, StudyRef) and b.item == "mask"]
    masks = [m for b in given if isinstance(m := _view(b, views).get(b), Mask)]
    return [c for m in masks for c in mask_concerns(step.id, m)]
