"""The cases of the sense set: what stands in cases.jsonl and scans.json, and the studies it describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scanwright.agent.plan.compiler import Compiler
from scanwright.agent.plan.plan import Plan, PlannedGoal, plan_from_json
from scanwright.agent.plan.studies import StudyView
from scanwright.tools import phantoms
from scanwright.tools.artifacts import BlobRef, Image, ImageFacts, Mask, PetFacts, Photograph, Slide, Volume
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.hashing import sha256_json
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.geometry import Edge, Geometry, Space
from scanwright.tools.registry import Registry
from scanwright.tools.runtime.context import store_volume
from scanwright.tools.testing import ToolBench

Vec = tuple[float, float, float]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ellipsoid(_Described):
    """An ellipsoid in RAS+ mm that is drawn into an image with a value, or into a mask."""

    centre_mm: Vec
    radii_mm: Vec
    value: float = 1.0


class Scan(_Described):
    """A series: the facts of its file, its grid, and pixels where the case is run.

    The grid is centred on the origin and runs to the right, the front and the top (RAS+) unless affine is given.
    drawn makes pixels of background and ellipsoids; phantom "head_ct" takes those of the phantom, in voxels of
    spacing_mm and of the slices (axis k) from–to. A slide or a photograph has pixels (width, height) of um
    micrometres (None: not known) and no grid in space; it is never drawn.
    """

    kind: Literal["Volume", "Slide", "Photograph"] = "Volume"

    modality: str | None = None
    body_part: str | None = None
    unit: str = "1"
    sequence: str | None = None
    contrast: bool | None = None
    gated: bool | None = None
    pet: PetFacts | None = None
    stain: str | None = None
    pixels: tuple[int, int] = (1, 1)
    um: float | None = None
    shape: tuple[int, int, int] = (1, 1, 1)
    spacing_mm: Vec = (1.0, 1.0, 1.0)
    affine: tuple[tuple[float, float, float, float], ...] | None = None
    sides_known: bool = True
    space: Space = "native"
    space_name: str | None = None
    drawn: tuple[Ellipsoid, ...] | None = None
    background: float = 0.0
    phantom: Literal["head_ct"] | None = None
    slices: tuple[int, int] | None = None


class GivenMask(_Described):
    """The person's mask, on a series (the only one where none is named): drawn, or described by size and edges."""

    series: str | None = None
    voxels: int = 5000
    touches: tuple[Edge, ...] = ()
    drawn: tuple[Ellipsoid, ...] | None = None


class StudyText(_Described):
    """A study: its series by name, each a scan of scans.json by "like" and what differs from it."""

    series: dict[str, dict[str, Any]]
    subject: str = "P-1"
    time: str
    day: int | None = None
    mask: GivenMask | None = None
    at: Point | None = None
    points: dict[str, Points] = Field(default_factory=dict)


class Expect(_Described):
    """What the checks must say.

    effect "none" is a control: nothing refused, nothing asked, no flag but those whose code is in may_flag.
    because is PlanConcern.test, "no_plan" for what cannot be a plan, or for what only the result shows: "lower_bound"
    (the measurement's bound), "not_found" (no value), "refused_by_tool", or "result_flag". says is a phrase of the
    sentence.
    """

    effect: Literal["refuse", "ask", "flag", "none"]
    where: Literal["plan", "result"] = "plan"
    because: str = ""
    says: str = ""
    may_flag: tuple[str, ...] = ()


class Case(_Described):
    """A plan, the studies it would run on, why it is wrong (or right), and what must be said of it.

    In place of a plan a goal may stand: what the compiler says of it, or of the plan that it makes, counts.
    """

    id: str
    topic: str
    why: str
    studies: dict[str, StudyText]
    plan: dict[str, Any] = Field(default_factory=dict)
    goal: Goal | None = None
    expect: Expect
    run: bool = False

    @property
    def control(self) -> bool:
        """True for a plan that is right."""
        return self.expect.effect == "none"

    def read_plan(self, registry: Registry, views: Sequence[StudyView]) -> Plan:
        """The plan as if read from a file, with one goal that its last step answers; or that of the goal.

        Raises UserInputError.
        """
        if self.goal is not None:
            return Compiler(registry, pictures=False).compile([self.goal], views)
        plan = plan_from_json(json.dumps(self.plan), self.id)
        last = plan.steps[-1]
        goal = Goal(want=registry.get(last.tool).card.quantities[0])
        served = PlannedGoal(goal=goal, status="planned", answers=(last.id,))
        steps = tuple(s.model_copy(update={"why": (0,)}) for s in plan.steps)
        return plan.model_copy(update={"goals": (served,), "steps": steps})

    def views(self, bench: ToolBench) -> list[StudyView]:
        """The studies; pixels are stored only for a case that is run."""
        return [_view(alias, text, bench, self.run) for alias, text in self.studies.items()]


def cases() -> list[Case]:
    """All cases, in the order of the file."""
    lines = _text("cases.jsonl").splitlines()
    return [Case.model_validate_json(line) for line in lines]


@cache
def _scans() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(_text("scans.json"))
    return found


def _text(name: str) -> str:
    return files("scanwright.evals.sense").joinpath(name).read_text("utf-8")


def _view(alias: str, text: StudyText, bench: ToolBench, pixels: bool) -> StudyView:
    images: dict[str, Image] = {}
    for name, differs in text.series.items():
        like = _scans()[differs["like"]] if "like" in differs else {}
        scan = Scan.model_validate(like | {k: v for k, v in differs.items() if k != "like"})
        images[name] = _volume(name, scan, text, bench, pixels) if scan.kind == "Volume" else _flat(name, scan, text)
    volumes = {name: i for name, i in images.items() if isinstance(i, Volume)}
    mask = None if text.mask is None else _mask(text.mask, volumes, bench, pixels)
    return StudyView(alias, text.time, alias, images, mask, at=text.at, relative_day=text.day, points=dict(text.points))


def _flat(name: str, scan: Scan, study: StudyText) -> Slide | Photograph:
    um = None if scan.um is None else (scan.um, scan.um)
    frame = Frame(width=scan.pixels[0], height=scan.pixels[1], um_per_pixel=um)
    facts = ImageFacts(modality=scan.modality, body_part=scan.body_part, stain=scan.stain)
    kind = Slide if scan.kind == "Slide" else Photograph
    return kind(
        type=ArtifactType(
            kind=scan.kind, modality=scan.modality, grid=frame.grid, time=study.time, subject=study.subject
        ),
        name=name,
        frame=frame,
        image=facts,
        files=(_NO_BLOB,),
        pixel_hash=sha256_json([study.time, name, scan.model_dump(mode="json")]),
    )


def _volume(name: str, scan: Scan, study: StudyText, bench: ToolBench, pixels: bool) -> Volume:
    facts = ImageFacts(
        modality=scan.modality,
        body_part=scan.body_part,
        unit=scan.unit,
        sequence=scan.sequence,
        contrast=scan.contrast,
        gated=scan.gated,
        pet=scan.pet,
    )
    voxels, affine = _drawn(scan) if pixels else (None, None)
    if affine is None:
        affine = _affine(scan)
    shape = scan.shape if voxels is None else voxels.shape
    geometry = Geometry.of(shape, affine, space=scan.space, space_name=scan.space_name, sides_known=scan.sides_known)
    if voxels is not None:
        return store_volume(bench.blobs, voxels, geometry, facts, name=name, subject=study.subject, time=study.time)
    return Volume(
        type=ArtifactType(
            kind="Volume", modality=scan.modality, grid=geometry.grid, time=study.time, subject=study.subject
        ),
        name=name,
        geometry=geometry,
        image=facts,
        blob=_NO_BLOB,
        pixel_hash=sha256_json([study.time, name, scan.model_dump(mode="json")]),
    )


def _mask(given: GivenMask, volumes: dict[str, Volume], bench: ToolBench, pixels: bool) -> Mask:
    volume = volumes[given.series] if given.series else next(iter(volumes.values()))
    if pixels:
        inside = np.asarray(_inside(volume.geometry, given.drawn or ()).any(axis=0), dtype=np.bool_)
        mask = bench.mask(inside, volume, "given_region")
        return mask.model_copy(update={"name": "given region"})
    return Mask(
        type=volume.type.model_copy(update={"kind": "Mask", "structure": "given_region", "side": "whole"}),
        name="given region",
        geometry=volume.geometry,
        image=volume.image,
        blob=_NO_BLOB,
        pixel_hash=sha256_json([volume.pixel_hash, given.model_dump(mode="json")]),
        voxels=given.voxels,
        touches=given.touches,
    )


_NO_BLOB = BlobRef(sha256="0" * 64, size=0, media_type="application/octet-stream")


def _affine(scan: Scan) -> NDArray[np.float64]:
    if scan.affine is not None:
        return np.array(scan.affine, dtype=np.float64)
    affine = np.diag([*scan.spacing_mm, 1.0])
    affine[:3, 3] = [-(n - 1) * s / 2 for n, s in zip(scan.shape, scan.spacing_mm, strict=True)]
    return affine


def _drawn(scan: Scan) -> tuple[NDArray[Any], NDArray[np.float64]]:
    if scan.phantom is not None:
        head = phantoms.head_ct(scan.spacing_mm)
        start, stop = scan.slices or (0, head.voxels.shape[2])
        affine = head.affine.copy()
        affine[2, 3] += start * affine[2, 2]
        return np.asfortranarray(head.voxels[:, :, start:stop]), affine
    affine = _affine(scan)
    voxels = np.full(scan.shape, scan.background, np.float32, order="F")
    ellipsoids = scan.drawn or ()
    for inside, each in zip(_inside(Geometry.of(scan.shape, affine), ellipsoids), ellipsoids, strict=True):
        voxels[inside] = each.value
    return voxels, affine


def _inside(geometry: Geometry, ellipsoids: tuple[Ellipsoid, ...]) -> NDArray[np.bool_]:
    """(ellipsoid, i, j, k): True where a voxel's centre lies inside."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    points = grid @ geometry.matrix[:3, :3].T + geometry.matrix[:3, 3]
    inside = [(((points - e.centre_mm) / np.array(e.radii_mm)) ** 2).sum(axis=-1) <= 1.0 for e in ellipsoids]
    return np.array(inside, dtype=np.bool_).reshape(len(ellipsoids), *geometry.shape)
