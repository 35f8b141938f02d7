"""Completing: a fragment and the goals that were asked before give the goals that are meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from scanwright.agent.answer.units import sayable, unit_of
from scanwright.agent.conversation.fragment import Fragment
from scanwright.agent.given import OF_TWO_EXAMS
from scanwright.agent.plan.second_method import METHODS, OVERLAP
from scanwright.agent.planner.reading.structures import mentions
from scanwright.agent.planner.reading.wants import INTENSITY, MEASURES, OF_THE_IMAGE
from scanwright.agent.planner.reading.wants_flat import on_flat
from scanwright.tools.contract.goal import Goal, Side
from scanwright.tools.contract.quantity import HU, Point, Quantity
from scanwright.tools.registry import Registry
from scanwright.tools.vocabulary.structures import PAIRED

RANGE = "intensity_range"
PICTURES = ("overlay", "mask", "mask_nifti", "surface_stl", "surface_mesh")
DIAMETERS = ("longest_diameter", "longest_axial_diameter", "axial_diameters")
# What is wanted of a structure, whichever it is; what is ever of one structure is not asked of another.
_OF_ONE = frozenset({*MEASURES, *OF_THE_IMAGE, "emphysema_index", "labelmap", "plane", "area_at_level"})


# Measures of one family, which in a follow-up are called by what tells them apart.
_KIN: tuple[tuple[frozenset[str], tuple[tuple[re.Pattern[str], str], ...]], ...] = (
    (
        frozenset({"liver_spleen_ratio", "liver_spleen_difference", "liver_fat_grade"}),
        (
            (re.compile(r"\bdifferences?\b"), "liver_spleen_difference"),
            (re.compile(r"\bratio\b"), "liver_spleen_ratio"),
            (re.compile(r"\bgrades?\b"), "liver_fat_grade"),
        ),
    ),
    (
        frozenset({"agatston_score", "calcium_volume_score", "calcified_lesion_count"}),
        (
            (re.compile(r"\bvolume\b"), "calcium_volume_score"),
            (re.compile(r"\b(?:how many|number|count)\b"), "calcified_lesion_count"),
            (re.compile(r"\bagatston\b"), "agatston_score"),
        ),
    ),
    (
        frozenset({"suv_max", "suv_mean", "suv_peak"}),
        (
            (re.compile(r"\b(?:max\w*|highest)\b"), "suv_max"),
            (re.compile(r"\b(?:mean|average)\b"), "suv_mean"),
            (re.compile(r"\bpeak\b"), "suv_peak"),
        ),
    ),
    (
        frozenset({"nuclei_count", "nuclei_density"}),
        ((re.compile(r"\bper (?:square|sq|mm|area|unit)|\bdens\w+"), "nuclei_density"),),
    ),
    (
        frozenset({"vessel_density", "vessel_length", "vessel_calibre", "fractal_dimension"}),
        (
            (re.compile(r"\b(?:length|long)\b"), "vessel_length"),
            (re.compile(r"\b(?:width|wide|calib\w+|thick\w*)\b"), "vessel_calibre"),
            (re.compile(r"\bdens\w+\b"), "vessel_density"),
            (re.compile(r"\bfractal\b"), "fractal_dimension"),
        ),
    ),
)


class Ambiguous(Exception):
    """Several things could be meant; goals are what each would be."""

    def __init__(self, goals: Sequence[Goal]) -> None:
        super().__init__("ambiguous")
        self.goals = tuple(goals)


class Completer:
    """Completes fragments. image_unit is the unit of the image's values (UCUM)."""

    def __init__(self, registry: Registry, image_unit: str) -> None:
        self._registry, self._image_unit = registry, image_unit

    def completed(self, said: Fragment, before: Sequence[Goal]) -> tuple[Goal, ...]:
        """The goals that a fragment means after these; none where it has nothing to do with them. Raises Ambiguous."""
        kin = kin_of(said.text, before)
        if kin is not None:
            goals: tuple[Goal, ...] = (kin,)
        elif said.wants:
            goals = self._other_wants(said, before)
        elif said.structures:
            goals = self._other_structures(said, before)
        elif said.show:
            goals = self._shown(before)
        elif said.modifies:
            goals = tuple(before)
        else:
            return ()
        return tuple(dict.fromkeys(g for g in (self._changed(said, goal) for goal in goals) if g is not None))

    def _other_wants(self, said: Fragment, before: Sequence[Goal]) -> tuple[Goal, ...]:
        """ "And its mean HU?": what is wanted is new, of what is from before."""
        want = said.wants[0]
        if want == "overlay" and not said.structures:
            return self._shown(before)
        if said.structures:
            of, side = said.structures[0]
            return (Goal(want=want, of=of, side=side),) if want not in OF_THE_IMAGE else ()
        donors = _distinct(
            g for g in before if _has_structure(g) and not (want in _OF_ONE and want not in OF_THE_IMAGE)
        )
        goals = [_of_same(g, on_flat(g.of, want, said.text) or want) for g in donors]
        if len(goals) > 1 and said.singular and len({g.of for g in goals}) > 1:
            raise Ambiguous(goals)
        return tuple(goals)

    def _other_structures(self, said: Fragment, before: Sequence[Goal]) -> tuple[Goal, ...]:
        """ "What about the spleen?": of what is new, what is wanted is from before."""
        found = []
        for goal in before:
            for name, side in said.structures:
                if goal.want in _OF_ONE and name != goal.of:
                    continue
                if goal.of == RANGE:
                    found.append(goal.model_copy(update={"region": name, "side": side}))
                    continue
                if goal.want == "volume_fraction" and said.region is None and name == goal.region:
                    continue
                kept: Side = "each" if goal.side == "each" and name in PAIRED else "whole"
                found.append(goal.model_copy(update={"of": name, "side": side if side != "whole" else kept}))
        return tuple(found)

    def _shown(self, before: Sequence[Goal]) -> tuple[Goal, ...]:
        found = []
        for goal in before:
            picture = next((t.card.quantities[0] for t in self._registry if goal.want in t.card.shows), None)
            if picture is not None:
                found.append(Goal(want=picture, of=goal.of, side=goal.side, region=goal.region, params=goal.params))
            elif _has_structure(goal):
                found.append(_of_same(goal, "overlay"))
        return tuple(found)

    def _changed(self, said: Fragment, goal: Goal) -> Goal | None:
        """The goal as the fragment wants it asked; None where that cannot be said of it."""
        changes: dict[str, Any] = {}
        if goal.compare == METHODS and (said.structures or said.limits or said.side or said.other_side):
            # A second method was asked for of the other thing.
            changes["compare"] = None
        side = _asked_side(said, goal)
        if side is not None:
            if not _has_structure(goal):
                return None
            if said.structures and len(said.structures) > 1:
                side = goal.side
            changes["side"] = "whole" if goal.want == "asymmetry_index" else side
        elif said.other_side:
            return None
        if said.unit is not None:
            own = unit_of(goal.want, self._image_unit)
            if goal.want == "volume" and said.unit == "%":
                return None
            if own is None or not sayable(own, said.unit):
                return None
            changes["unit"] = said.unit
        if said.limits is not None or said.no_limits:
            limited = self._limited(said, goal)
            if limited is None:
                return None
            changes |= limited
        if said.region is not None and said.limits is None:
            changes["region"] = said.region
        if said.table:
            if goal.want in PICTURES:
                return None
            changes["output"] = "table"
        if said.slices:
            changes["group"] = "slice"
            if goal.want in DIAMETERS:
                changes["want"] = "axial_diameters"
        if said.methods:
            if not has_methods(goal):
                return None
            changes["compare"] = METHODS
        return goal.model_copy(update=changes)

    def _limited(self, said: Fragment, goal: Goal) -> dict[str, Any] | None:
        """ "Only above 300 HU": the voxels between limits in what was measured."""
        if goal.want == "emphysema_index" and said.limits is not None:
            limits: dict[str, Any] = {k: q.model_copy(update={"unit": HU}) for k, q in said.limits.params.items()}
            return {"want": "volume_fraction", "of": RANGE, "region": goal.of, "params": limits}
        if not _has_structure(goal) or goal.want in _OF_ONE:
            return None
        others = {k: v for k, v in goal.params.items() if k not in ("low", "high")}
        if said.no_limits:
            if goal.of != RANGE:
                return None
            return {"of": goal.region or "image", "region": None, "params": others}
        assert said.limits is not None
        params: dict[str, Quantity | Point | str] = {**others, **_in_unit_of(goal, said.limits.params)}
        if goal.of == RANGE:
            if said.only:
                params = {**goal.params, **params}
            return {"params": params} | ({"region": said.region} if said.region else {})
        region = said.region or (None if goal.of == "image" else goal.of)
        if goal.want == "volume_fraction":
            region = said.region or goal.of
        return {"of": RANGE, "region": region, "params": params}


def has_methods(goal: Goal) -> bool:
    """True where an outline is measured, so that several methods could be."""
    return goal.of != "image" and goal.want not in (*OF_THE_IMAGE, *OF_TWO_EXAMS, OVERLAP)


def kin_of(text: str, before: Sequence[Goal]) -> Goal | None:
    """The measure of the same family that the words name; none where another structure is named."""
    if [m for m in mentions(text) if m.name not in ("image", *(g.of for g in before))]:
        return None
    for goal in before:
        for family, names in _KIN:
            want = next((w for p, w in names if p.search(text)), None) if goal.want in family else None
            if want is not None and want != goal.want:
                return goal.model_copy(update={"want": want, "unit": None, "output": None, "compare": None})
    return None


def _in_unit_of(goal: Goal, limits: dict[str, Quantity]) -> dict[str, Quantity]:
    """Limits without a unit are in that of the earlier ones."""
    earlier = [q.unit for name in ("low", "high") if isinstance(q := goal.params.get(name), Quantity)]
    bare = all(q.unit == "1" for q in limits.values())
    return {k: q.model_copy(update={"unit": earlier[0]}) for k, q in limits.items()} if earlier and bare else limits


def _asked_side(said: Fragment, goal: Goal) -> Side | None:
    if said.together:
        return "whole"
    if said.other_side:
        other: dict[str, Side] = {"left": "right", "right": "left"}
        return other.get(goal.side)
    return said.side


def _has_structure(goal: Goal) -> bool:
    return goal.want not in OF_THE_IMAGE and goal.of not in ("labels", "midsagittal_plane")


def _of_same(goal: Goal, want: str) -> Goal:
    """The want of what the goal is of; limits and place stay, unit and form are those of another quantity."""
    if want in OF_THE_IMAGE:
        return Goal(want=want)
    kept = {k: v for k, v in goal.params.items() if k in ("low", "high", "at") or want == goal.want}
    of, region = goal.of, goal.region
    if of == "image" and want not in INTENSITY and want != "overlay":
        return Goal(want=want, of=of)
    if goal.want == "volume_fraction" and want != "volume_fraction" and of != RANGE:
        region = None
    side: Side = "whole" if want == "asymmetry_index" else goal.side
    group = "slice" if want == "axial_diameters" else None
    return Goal(
        want=want, of=of, side=side, region=region, params=kept, group=group, series=goal.series, time=goal.time
    )


def _distinct(goals: Iterable[Goal]) -> list[Goal]:
    """One goal for each thing that was asked about."""
    found: dict[str, Goal] = {}
    for goal in goals:
        key = Goal(want="", of=goal.of, side=goal.side, region=goal.region, params=goal.params).canonical()
        found.setdefault(key, goal)
    return list(found.values())
