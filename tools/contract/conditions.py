"""Conditions of use, as data: shown, hashed, exported, and checked before and after a tool runs.

A condition answers yes, no or unknown. "No" refuses or flags, as the condition says; "unknown" asks or flags,
and never passes silently.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scanwright.tools.artifacts import Artifact, Cells, Mask, Measurement, Measurements, Region
from scanwright.tools.contract.condition import After, Before, Concern, Effect, InSpace, Scene
from scanwright.tools.contract.conditions_flat import DyeIn, PixelSizeAtMost, PixelSizeKnown, StainIs
from scanwright.tools.contract.conditions_scan import Gated, SuvKnown
from scanwright.tools.contract.quantity import Point, Points, Quantity
from scanwright.tools.imaging.geometry import Geometry

__all__ = [
    "AnyAfter", "AnyBefore", "BodyPartIs", "Concern", "CoversAtLeast", "CoversAtMost", "DyeIn", "Effect", "Gated",
    "ModalityIs", "NoContrast", "NotCut", "NotEmpty", "ParamGiven", "ParamInUnit", "ParamOrdered", "PixelSizeAtMost",
    "PixelSizeKnown", "Plausible", "PointInside", "Scene", "SequenceIs", "SidesKnown", "SpacingAtMost", "StainIs",
    "StructureIs", "SuvKnown", "UnitIs",
]  # fmt: skip


class ModalityIs(Before):
    """The image is of one of these DICOM modalities."""

    test: Literal["modality"] = "modality"
    one_of: tuple[str, ...]

    def check(self, scene: Scene) -> Concern | None:
        have = scene.image.modality
        if have is None:
            return Concern(
                "ask",
                f"The file does not say what modality it is; this needs {_or(self.one_of)}.",
                "modality",
                self.one_of,
            )
        if have in self.one_of:
            return None
        return Concern("refuse", f"This works on {_or(self.one_of)}, and this scan is {have}.")


class BodyPartIs(Before):
    """The image shows one of these body parts (DICOM BodyPartExamined, lower case)."""

    test: Literal["body_part"] = "body_part"
    one_of: tuple[str, ...]

    def check(self, scene: Scene) -> Concern | None:
        have = scene.image.body_part
        if have is None:
            return Concern(
                "ask",
                f"The file does not say what part of the body it shows; this needs the {_or(self._shown)}.",
                "body_part",
                self._shown,
            )
        if have in self.one_of:
            return None
        return Concern("refuse", f"This works on the {_or(self._shown)}, and this scan shows the {have}.")

    @property
    def _shown(self) -> tuple[str, ...]:
        """The parts without other ways to say them: "lungs" beside "lung", "abdomenpelvis" beside both."""
        parts = self.one_of
        return tuple(p for p in parts if not any(o != p and o in p for o in parts))


class UnitIs(Before):
    """The voxels are in this UCUM unit."""

    test: Literal["unit"] = "unit"
    unit: str

    def check(self, scene: Scene) -> Concern | None:
        if scene.image.unit == self.unit:
            return None
        if scene.image.modality is None:
            return _ask_modality(self.unit)
        return Concern(
            "refuse",
            f"This needs voxels in {_unit(self.unit)}, and this scan's are in {_unit(scene.image.unit)}.",
        )


class SidesKnown(InSpace):
    """It is known which side is left."""

    test: Literal["sides_known"] = "sides_known"

    def look(self, scene: Scene, geometry: Geometry) -> Concern | None:
        if geometry.sides_known:
            return None
        return Concern(
            "refuse",
            "This scan's file does not say which side is left, so nothing about left or right can be said.",
            "sides",
        )


class SpacingAtMost(InSpace):
    """No voxel is longer than max_mm along any axis: the validated range of the method."""

    test: Literal["spacing"] = "spacing"
    max_mm: float
    otherwise: Effect = "flag"

    def look(self, scene: Scene, geometry: Geometry) -> Concern | None:
        worst = max(geometry.spacing_mm)
        if worst <= self.max_mm:
            return None
        return Concern(
            self.otherwise,
            f"The voxels are up to {worst:.2g} mm long; this was validated up to {self.max_mm:g} mm.",
        )


class CoversAtLeast(InSpace):
    """The field of view is at least this large (right–left, anterior–posterior, superior–inferior, mm)."""

    test: Literal["covers"] = "covers"
    extent_mm: tuple[float, float, float]
    otherwise: Effect = "refuse"

    def look(self, scene: Scene, geometry: Geometry) -> Concern | None:
        have = geometry.extent_mm
        if all(h >= w for h, w in zip(have, self.extent_mm, strict=True)):
            return None
        return Concern(
            self.otherwise,
            f"The field of view is {_size(have)} mm; this needs at least {_size(self.extent_mm)} mm to see the whole.",
        )


class CoversAtMost(InSpace):
    """The field of view is no larger than this (mm): something larger is not what the tool was made for."""

    test: Literal["covers_at_most"] = "covers_at_most"
    extent_mm: tuple[float, float, float]
    otherwise: Effect = "refuse"

    def look(self, scene: Scene, geometry: Geometry) -> Concern | None:
        have = geometry.extent_mm
        if all(h <= w for h, w in zip(have, self.extent_mm, strict=True)):
            return None
        return Concern(
            self.otherwise,
            f"The field of view is {_size(have)} mm, larger than any this was made for ({_size(self.extent_mm)} mm): "
            "check the spacing in the file.",
        )


class SequenceIs(Before):
    """The MR sequence's name holds one of these words (lower case); others, and none, are flagged."""

    test: Literal["sequence"] = "sequence"
    words: tuple[str, ...]
    validated: str

    def check(self, scene: Scene) -> Concern | None:
        have = scene.image.sequence
        if have is None:
            sentence = "The file does not name its sequence"
        elif any(word in have.lower() for word in self.words):
            return None
        else:
            sentence = f"The sequence is {have}"
        return Concern("flag", f"{sentence}; the method was validated on {self.validated} only.")


class NoContrast(Before):
    """No contrast was given, or the result is flagged with what it changes (otherwise: what a known contrast does)."""

    test: Literal["contrast"] = "contrast"
    changes: str
    otherwise: Effect = "flag"

    def check(self, scene: Scene) -> Concern | None:
        if scene.image.contrast is False:
            return None
        if scene.image.contrast:
            return Concern(self.otherwise, f"Contrast was given: {self.changes}.")
        return Concern("flag", f"The file does not say whether contrast was given; if so, {self.changes}.")


class StructureIs(Before):
    """What is measured is one of these structures: of others the number says nothing."""

    test: Literal["structure"] = "structure"
    name: str = "mask"
    one_of: tuple[str, ...]
    instead: str

    def check(self, scene: Scene) -> Concern | None:
        have = scene.structures.get(self.name)
        if have is None or have in self.one_of:
            return None
        return Concern("refuse", f"This is not told of the {have.replace('_', ' ')}: {self.instead}.")


class PointInside(InSpace):
    """A point, or each of several, lies in the field of view (within half a voxel of a voxel's centre)."""

    test: Literal["point_inside"] = "point_inside"
    name: str = "at"

    def look(self, scene: Scene, geometry: Geometry) -> Concern | None:
        given = scene.params.get(self.name)
        matrix = geometry.matrix
        for point in given.points if isinstance(given, Points) else (given,):
            if not isinstance(point, Point):
                continue
            index = np.linalg.solve(matrix[:3, :3], np.array([point.x, point.y, point.z]) - matrix[:3, 3])
            if not all(-0.5 <= i < n - 0.5 for i, n in zip(index, geometry.shape, strict=True)):
                return Concern("refuse", f"The point {point} lies outside the field of view: give a point inside it.")
        return None


# Concentrations and counts, which no scanner writes below nought.
_NOT_NEGATIVE = ("{SUVbw}g/mL", "Bq/mL", "{counts}", "{counts}/s")


class ParamInUnit(Before):
    """A threshold is given in the unit of the voxels, and lies in the range that HU, SUV or counts can have."""

    test: Literal["param_in_image_unit"] = "param_in_image_unit"
    names: tuple[str, ...]
    hu_range: tuple[float, float] = (-1024.0, 30000.0)

    def check(self, scene: Scene) -> Concern | None:
        for name in self.names:
            given = scene.params.get(name)
            if not isinstance(given, Quantity):
                continue
            unit = scene.image.unit
            if given.unit not in (unit, "1"):
                if scene.image.modality is None and given.unit in _MODALITY_OF:
                    return _ask_modality(given.unit)
                return Concern(
                    "refuse",
                    f"{given.value:g} {_unit(given.unit)} is not a voxel value: this scan's voxels are in "
                    f"{_unit(unit)}, so give a number in {_unit(unit)}.",
                )
            low, high = self.hu_range
            if unit == "[hnsf'U]" and not low <= given.value <= high:
                return Concern(
                    "refuse",
                    f"{given.value:g} HU is outside what a CT can hold ({low:g} to {high:g} HU): check the number.",
                )
            if unit in _NOT_NEGATIVE and given.value < 0:
                return Concern(
                    "refuse", f"{given.value:g} {_unit(unit)} is below nought, which no voxel is: check the number."
                )
        return None


class ParamGiven(Before):
    """At least one of these parameters is given."""

    test: Literal["missing_parameter"] = "missing_parameter"
    one_of: tuple[str, ...]
    example: str

    def check(self, scene: Scene) -> Concern | None:
        if any(scene.params.get(name) is not None for name in self.one_of):
            return None
        return Concern(
            "ask", f"The value is not said: give it as a number, {self.example}.", "threshold", (self.example,)
        )


class ParamOrdered(Before):
    """low is below high."""

    test: Literal["param_ordered"] = "param_ordered"
    low: str = "low"
    high: str = "high"

    def check(self, scene: Scene) -> Concern | None:
        low, high = scene.params.get(self.low), scene.params.get(self.high)
        if isinstance(low, Quantity) and isinstance(high, Quantity) and low.value > high.value:
            return Concern(
                "refuse", f"The range runs from {low} to {high}, so nothing lies in it: swap the two numbers."
            )
        return None


class NotEmpty(After):
    """The mask has voxels; an empty one is "not found", never 0 mL."""

    test: Literal["not_empty"] = "not_empty"

    def check(self, result: Artifact) -> str | None:
        if isinstance(result, Cells) and result.count == 0:
            return f"not found: no {result.name} were seen"
        if isinstance(result, Region) and result.pixels == 0:
            return f"not found: no pixel of the {result.name} was seen"
        if isinstance(result, Mask) and result.voxels == 0:
            return f"not found: no voxel of the {result.name} was seen"
        return None


class NotCut(After):
    """The mask does not touch the edge of the field of view (faces named in allow may be touched)."""

    test: Literal["not_cut"] = "not_cut"
    allow: tuple[str, ...] = ()

    def check(self, result: Artifact) -> str | None:
        if not isinstance(result, Mask):
            return None
        cut: list[str] = [edge for edge in result.touches if edge not in self.allow]
        if not result.geometry.sides_known:
            cut = sorted({"lateral" if edge in ("left", "right") else edge for edge in cut})
        if not cut:
            return None
        return f"cut by the {_and(cut)} edge of the field of view: the true size is larger"


class Plausible(After):
    """A size that a human structure can have; outside it the result is flagged, not hidden."""

    test: Literal["plausible"] = "plausible"
    quantity: str
    low: float
    high: float
    unit: str
    source: str

    def check(self, result: Artifact) -> str | None:
        if isinstance(result, Mask) and self.quantity == "volume" and result.voxels:
            value = result.voxels * result.geometry.voxel_ml
            return self._judge(value)
        items = result.items if isinstance(result, Measurements) else (result,)
        for item in items:
            if isinstance(item, Measurement) and item.quantity == self.quantity and isinstance(item.value, int | float):
                flag = self._judge(float(item.value))
                if flag:
                    return flag
        return None

    def _judge(self, value: float) -> str | None:
        if self.low <= value <= self.high:
            return None
        return (
            f"outside the plausible range ({self.low:g} to {self.high:g} {self.unit}; {self.source}): do not rely on it"
        )


AnyBefore = Annotated[
    ModalityIs
    | BodyPartIs
    | UnitIs
    | SidesKnown
    | SpacingAtMost
    | CoversAtLeast
    | CoversAtMost
    | SequenceIs
    | NoContrast
    | PointInside
    | ParamInUnit
    | ParamGiven
    | ParamOrdered
    | Gated
    | SuvKnown
    | StructureIs
    | StainIs
    | DyeIn
    | PixelSizeKnown
    | PixelSizeAtMost,
    Field(discriminator="test"),
]
AnyAfter = Annotated[NotEmpty | NotCut | Plausible, Field(discriminator="test")]


# Units that only images of these modalities have; where the modality is not known, the unit is not known either.
_MODALITY_OF = {"[hnsf'U]": "CT", "{SUVbw}g/mL": "PT"}


def _ask_modality(unit: str) -> Concern:
    offers = (_MODALITY_OF[unit],) if unit in _MODALITY_OF else ()
    sentence = f"The file does not say what modality it is; this needs voxels in {_unit(unit)}."
    return Concern("ask", sentence, "modality", offers)


def _or(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _size(extent: tuple[float, float, float]) -> str:
    return " × ".join(f"{v:.0f}" for v in extent)


def _unit(unit: str) -> str:
    return {"[hnsf'U]": "HU", "{SUVbw}g/mL": "SUV", "1": "arbitrary units"}.get(unit, unit)
