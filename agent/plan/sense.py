"""Sense check: is this plan right for these scans and for medicine, not only for the types?

It looks at any plan, whoever wrote it. What cannot be a plan at all (a mask where a number is wanted) is an error of
the plan; what is a plan but clinically wrong (a brain tool on a chest, two patients compared) is a concern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scanwright.agent.plan.plan import Binding, Plan, PlanConcern, Step, StepRef, StudyRef
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.contract.card import ToolInput
from scanwright.tools.contract.conditions import NotCut, Scene
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.contract.types import ArtifactType, Bindings, Mismatch, substitute, unify
from scanwright.tools.errors import ToolInputError, UserInputError
from scanwright.tools.registry import Registry

_EMPTY_MASK = "The given mask is empty, so nothing in it can be measured."
# Fields whose mismatch means that the plan is wrong for the scan; in all others it is no plan.
_SCAN_FIELDS = {
    "modality": "This step needs a {wanted} scan, and it is given {got}.",
    "subject": "This step brings together two different patients, and their values cannot be compared or mixed.",
    "grid": "This step brings together two images on different grids: resample one of them first.",
    "time": "This step mixes two exams that it takes for one: measure each exam by itself, then compare.",
}


def check(plan: Plan, studies: Sequence[StudyView], registry: Registry) -> tuple[PlanConcern, ...]:
    """Every concern about the plan, in the order of its steps.

    Raises UserInputError where it cannot be a plan: unknown tool, wrong type, unknown or missing parameter.
    """
    views = {s.alias: s for s in studies}
    concerns = [c for s in studies for c in _scan_concerns(s)]
    types: dict[str, ArtifactType] = {}
    roots: dict[str, Volume | None] = {}
    for step in plan.steps:
        tool = registry.get(step.tool)
        params = _params(tool, step)
        bound, found = _bind(tool, step, types, views)
        concerns += found
        named = {f"?{k}": v for k, v in params.items() if isinstance(v, str)}
        types[step.id] = substitute(tool.card.output, {**named, **bound})
        root = _root(step, roots, views)
        roots[step.id] = root
        if root is not None:
            scene = Scene(root.image, root.geometry, params)
            concerns += [
                PlanConcern(
                    step=step.id, effect=c.effect, sentence=c.sentence, test=c.test, missing=c.missing, offers=c.offers
                )
                for c in tool.concerns(scene)
            ]
        concerns += _given_mask_concerns(step, views)
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
            concerns.append(_mismatch(step, specs[name], fit))
        else:
            bound = fit
    return bound, concerns


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


def _root(step: Step, roots: Mapping[str, Volume | None], views: Mapping[str, StudyView]) -> Volume | None:
    """The scan that a step's result comes from (the first, where there are several)."""
    for _, binding in step.bindings():
        root = _root_of(binding, roots, views)
        if root is not None:
            return root
    return None


def _root_of(binding: Binding, roots: Mapping[str, Volume | None], views: Mapping[str, StudyView]) -> Volume | None:
    if isinstance(binding, StepRef):
        return roots.get(binding.step)
    return _view(binding, views).volume(binding.series)


def _given_mask_concerns(step: Step, views: Mapping[str, StudyView]) -> list[PlanConcern]:
    concerns = []
    for _, binding in step.bindings():
        if not isinstance(binding, StudyRef) or binding.item != "mask":
            continue
        mask = _view(binding, views).get(binding)
        if isinstance(mask, Mask) and mask.voxels == 0:
            concerns.append(PlanConcern(step=step.id, effect="refuse", sentence=_EMPTY_MASK, test="empty_mask"))
        elif (cut := NotCut().check(mask)) is not None:
            concerns.append(
                PlanConcern(step=step.id, effect="flag", sentence=f"The given mask is {cut}.", test="not_cut")
            )
    return concerns


# Beyond these a file's spacing is an error of units (metres, micrometres, pixels) more often than a scan.
_SPACING_MM = (0.05, 20.0)
_EXTENT_MM = 2200.0


def _scan_concerns(study: StudyView) -> list[PlanConcern]:
    concerns = []
    for name, volume in study.volumes.items():
        spacing, extent = volume.geometry.spacing_mm, volume.geometry.extent_mm
        if min(spacing) < _SPACING_MM[0] or max(spacing) > _SPACING_MM[1] or max(extent) > _EXTENT_MM:
            shown = " × ".join(f"{v:.3g}" for v in spacing)
            sentence = (
                f"The voxels of {name} are {shown} mm, which no scanner makes of a person: check the file's units."
            )
            concerns.append(PlanConcern(step=None, effect="refuse", sentence=sentence, test="scale"))
    return concerns
