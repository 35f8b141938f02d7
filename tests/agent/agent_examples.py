"""Scans with known truth for tests of the agent, and plans made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scanwright.agent.plan.plan import Plan, PlannedGoal, Step, StepRef, StudyRef
from scanwright.agent.settings import Settings
from scanwright.tools import phantoms
from scanwright.tools.contract.goal import Goal
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.orient import write_nifti
from scanwright.tools.settings import ToolSettings

PROBES = "agent_probe_tools"
SPACING = (3.0, 3.3, 3.5)
HEAD_TRUTH = phantoms.head_ct(SPACING).truth


def settings() -> Settings:
    """Two workers of one thread each."""
    return Settings(tools=ToolSettings(workers=2, threads=1))


def write_scan(folder: Path, name: str, voxels: Any, affine: Any, sidecar: dict[str, Any] | None) -> Path:
    """Writes name.nii.gz and, where it is given, name.json."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.nii.gz"
    write_nifti(voxels, Geometry.of(voxels.shape, affine), path)
    if sidecar is not None:
        (folder / f"{name}.json").write_text(json.dumps(sidecar))
    return path


def head_ct(folder: Path, name: str = "head", *, k: int = 0, marker_hu: int = 75, **sidecar: Any) -> Path:
    """A coarse head on CT, stored in the k-th of the 48 ways."""
    phantom = phantoms.head_ct(SPACING, marker_hu=marker_hu)
    voxels, affine = phantoms.reoriented(phantom.voxels, phantom.affine, k)
    return write_scan(folder, name, voxels, affine, {"Modality": "CT", "BodyPartExamined": "HEAD", **sidecar})


def marker_mask(folder: Path, name: str = "marker", *, k: int = 0) -> Path:
    """The two markers of the head as labels: 1 is on the patient's left, 2 on the right."""
    phantom = phantoms.head_ct(SPACING, marker_hu=75)
    x = np.arange(phantom.voxels.shape[0])[:, None, None] * SPACING[0] + phantom.affine[0, 3]
    labels = np.where(phantom.voxels == 75, np.where(x < 0, 1, 2), 0).astype(np.uint8, order="F")
    voxels, affine = phantoms.reoriented(labels, phantom.affine, k)
    return write_scan(folder, name, voxels, affine, None)


SMALL = phantoms.ellipsoid((31, 35, 25), (2.0, 2.5, 3.0), (27.0, 45.0, 36.0), (17.0, 30.0, 23.0))


def small_scan(folder: Path, name: str = "small", *, k: int = 0, **sidecar: Any) -> Path:
    """An ellipsoid of 100 in 0, stored in the k-th way, of an unknown kind unless the sidecar says."""
    voxels, affine = phantoms.reoriented(SMALL.voxels, SMALL.affine, k)
    return write_scan(folder, name, voxels, affine, sidecar or None)


def small_mask(folder: Path, name: str = "small-mask", *, k: int = 0) -> Path:
    """The ellipsoid of small_scan as a mask."""
    voxels, affine = phantoms.reoriented((SMALL.voxels == 100).astype("uint8"), SMALL.affine, k)
    return write_scan(folder, name, voxels, affine, None)


def step(id_: str, tool: str, *before: str, **params: Any) -> Step:
    """A step of a probe tool on the volume of S1."""
    inputs: dict[str, Any] = {"volume": StudyRef()}
    if before:
        inputs["before"] = tuple(StepRef(step=b) for b in before)
    return Step(id=id_, tool=tool, version="1", inputs=inputs, params=params)


def plan_of(*steps: Step, question: str = "probe") -> Plan:
    """A plan with one goal for each step that no other takes."""
    taken = {d for s in steps for d in s.depends_on()}
    wanted = {"probe_big_mask": Goal(want="mask", of="probe_mask")}
    goals = [
        PlannedGoal(goal=wanted.get(s.tool, Goal(want="probe_value")), status="planned", answers=(s.id,))
        for s in steps
        if s.id not in taken
    ]
    return Plan(question=question, goals=tuple(goals), steps=steps)


def calls(folder: Path, name: str) -> int:
    """How often the probe of that name was called."""
    file = folder / name
    return len(file.read_text().splitlines()) if file.exists() else 0
