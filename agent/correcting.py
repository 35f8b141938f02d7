"""Correcting: a person's mask stands in for a step's output, and a child run answers anew from there.

    mask kept with its author → child run written (its plan has a `provided` step) → correction written → acknowledged
        → run: the cache serves what does not depend on the step
"""  # fmt: skip

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scanwright.agent.plan.plan import Plan
from scanwright.agent.running import new_run_id
from scanwright.memory.corrections import Correction
from scanwright.memory.home import Home
from scanwright.memory.records import EventKind, RunRecord
from scanwright.tools.artifacts import Artifact, Mask, Volume
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import pixel_hash
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.pixels import MASK_TYPE, write_mask
from scanwright.tools.runtime.context import touched_edges

AUTHOR_LENGTH = 80


class ChangedMeanwhile(UserInputError):
    """Somebody else corrected the same output first. kept is the hash of the mask that came later, newest the other."""

    def __init__(self, message: str, kept: str, newest: str, author: str) -> None:
        super().__init__(message)
        self.kept, self.newest, self.author = kept, newest, author


@dataclass(frozen=True)
class Corrected:
    """What became of a correction: the artifact, and the run that has yet to be run (Workbench.resume)."""

    artifact: str
    child_run: str
    correction: Correction


def output_of(home: Home, run_id: str, step: str) -> Artifact:
    """What a step of a run gave. Raises UserInputError where it gave nothing that is kept."""
    given = home.runs.finished_steps(run_id).get(step)
    if given is None:
        raise UserInputError(f"The step {step} of the run {run_id} gave nothing that is kept: run it first.")
    return given


def newest(home: Home, run_id: str, step: str) -> tuple[str, str]:
    """Hash and author of the newest version of a step's output, over all corrections of the run; "" is the tool's."""
    root = home.corrections.root_of(run_id)
    made = [c for c in home.corrections.of_root(root) if c.step == step]
    return (made[-1].artifact, made[-1].author) if made else (output_of(home, root, step).hash, "")


def correct(
    home: Home, run_id: str, step: str, voxels: NDArray[np.bool_], author: str, base: str, *, force: bool = False
) -> Corrected:
    """Keeps a corrected mask, bool (i, j, k) on the grid of the step's own output, and begins the child run.

    base is the hash of the output that the person saw. Raises ChangedMeanwhile where it is not the newest any more,
    unless force: the mask is kept then too. Raises UserInputError for what cannot be corrected so.
    """
    record = home.runs.get(run_id)
    old = output_of(home, record.run_id, step)
    if not isinstance(old, Mask):
        raise UserInputError(f"The step {step} gives a {old.type.kind}, and only a mask can be corrected by a mask.")
    author = author_name(author)
    mask = drawn(home, voxels, old, old.type, old.name, author)
    artifact = home.step_cache.keep(mask)
    now, who = newest(home, record.run_id, step)
    if now != base and not force:
        raise ChangedMeanwhile(
            f"{who or 'The tool'} changed this mask after you opened it; yours is kept too: look at both, then take "
            "yours or go on from theirs.",
            artifact, now, who,
        )  # fmt: skip
    return _begun(home, record, step, base, artifact, author)


def drawn(
    home: Home, voxels: NDArray[np.bool_], like: Volume | Mask, type_: ArtifactType, name: str, author: str
) -> Mask:
    """A mask that a person drew on the grid of like, its voxels in the blob store. An empty author leaves no flag."""
    if voxels.shape != like.geometry.shape:
        raise UserInputError(f"The mask is {_size(voxels.shape)}, and the scan is {_size(like.geometry.shape)} voxels.")
    home.staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.staging) as folder:
        file = Path(folder) / "mask"
        write_mask(voxels, file)
        blob = home.blobs.put(file, MASK_TYPE)
    geometry: Geometry = like.geometry
    return Mask(
        type=type_, name=name, geometry=geometry, image=like.image, blob=blob,
        flags=(f"drawn by {author}",) if author else (),
        pixel_hash=pixel_hash(voxels.view("uint8"), geometry.matrix), voxels=int(voxels.sum()),
        touches=touched_edges(voxels, geometry),
    )  # fmt: skip


def author_name(text: str) -> str:
    """A person's name as it may be shown. Raises UserInputError where there is none."""
    name = " ".join("".join(c for c in text if c.isprintable()).split())[:AUTHOR_LENGTH]
    if not name:
        raise UserInputError("A correction has an author: say whose it is.")
    return name


def _begun(home: Home, record: RunRecord, step: str, base: str, artifact: str, author: str) -> Corrected:
    root = home.corrections.root_of(record.run_id)
    overrides = {c.step: c.artifact for c in home.corrections.of_root(root)} | {step: artifact}
    first = home.runs.get(root)
    plan = Plan.model_validate(first.plan)
    steps = tuple(s.model_copy(update={"provided": overrides.get(s.id, s.provided)}) for s in plan.steps)
    plan = plan.model_copy(update={"steps": steps})
    made = next(e for e in home.runs.events(root) if e.kind == EventKind.PLAN_MADE)
    child = new_run_id()
    payload = {k: made.payload[k] for k in ("planner", "masks", "studies")}
    payload |= {"plan_key": plan.key, "parent": record.run_id}
    # One transaction: a correction that is acknowledged has its run, and no run stands without its correction.
    with home.runs.together():
        home.runs.create(child, first.question, first.study_ids, plan.model_dump(mode="json"), plan.key)
        home.runs.append(child, EventKind.PLAN_MADE, payload)
        correction = home.corrections.add(root, record.run_id, step, base, artifact, author, child)
    return Corrected(artifact, child, correction)


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
