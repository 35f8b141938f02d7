"""Two exams of one head, turned and shifted by known amounts, are laid on each other; what grew is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scanwright.tools import phantoms
from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.errors import Cancelled, ToolFailed, ToolInputError
from scanwright.tools.families.registered_change import (
    carried_mask,
    exam_displacement,
    overlap_change,
    registered_exam,
)
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.morphology.registration import register
from scanwright.tools.testing import ToolBench

SHAPE, SPACING = (62, 74, 56), (2.0, 1.9, 2.2)
TURN, MOVE = (6.0, -5.0, 9.0), (5.0, -4.0, 6.0)
BLEED = ((-18.0, 14.0, 12.0), (13.0, 11.0, 12.0))


def rigid(turn_degrees: tuple[float, ...], move_mm: tuple[float, ...]) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", turn_degrees, degrees=True).as_matrix()
    matrix[:3, 3] = move_mm
    return matrix


TRUTH = rigid(TURN, MOVE)


def exam(pose: NDArray[np.float64], bleed_mm: float = 0.0, spacing: tuple[float, ...] = SPACING, seed: int = 1) -> Any:
    """A small head with unlike parts, seen after pose (mm of this exam → mm of the head); its bleed grown by a rim."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) * s / 2 + 1.5 for n, s in zip(SHAPE, spacing, strict=True)]
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis((grid @ affine[:3, :3].T + affine[:3, 3]) @ pose[:3, :3].T + pose[:3, 3], -1, 0)

    def ball(centre: tuple[float, ...], radii: tuple[float, ...]) -> NDArray[np.float64]:
        far = np.sqrt(sum(((p - c) / r) ** 2 for p, c, r in zip((x, y, z), centre, radii, strict=True)))
        # Partial volume: the border is one voxel wide.
        return np.clip(0.5 + (1 - far) * min(radii) / 2.0, 0.0, 1.0)

    image = 1000 * ball((0, 0, 0), (46, 56, 44)) - 700 * ball((0, -2, 1), (41, 50, 39))
    image += 150 * ball((17, -18, -9), (14, 9, 11)) + 220 * ball((-9, 29, -17), (9, 12, 7))
    image -= 260 * ball((7, 12, 16), (6, 17, 9))
    # Folds: a head of smooth ellipsoids turns almost freely in itself, and no real one is so.
    image += 160 * np.sin(x / 5.0) * np.sin(y / 6.5 + 1) * np.sin(z / 4.5 + 2) * ball((0, -2, 1), (41, 50, 39))
    bleed = ball(BLEED[0], tuple(r + bleed_mm for r in BLEED[1]))
    image += 120 * bleed + np.random.default_rng(seed).normal(0, 15, SHAPE)
    return image.astype(np.float32), affine, bleed > 0.5


def artifacts(bench: ToolBench, made: Any, time: str) -> tuple[Volume, Mask]:
    image, affine, bleed = made
    volume = bench.volume(image, affine, modality="MR", body_part="head")
    volume = volume.model_copy(update={"type": volume.type.model_copy(update={"time": time})})
    return volume, bench.mask(bleed, volume, "given_region")


@pytest.fixture(scope="module")
def exams() -> tuple[Any, Any]:
    """The earlier exam, and a later one, turned, moved, brighter, with a bleed grown by 3 mm."""
    image, affine, bleed = exam(TRUTH, 3.0, (1.9, 2.1, 2.0), seed=2)
    return exam(np.eye(4)), (image * 1.4 + 50, affine, bleed)


def far_apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """The largest distance over a head's corners in mm, and the angle between two transforms in degrees."""
    corners = np.array([[x, y, z, 1.0] for x in (-40, 40) for y in (-50, 50) for z in (-38, 38)])
    between = one[:3, :3].T @ other[:3, :3]
    angle = np.degrees(np.arccos(np.clip((np.trace(between) - 1) / 2, -1, 1)))
    return float(np.linalg.norm(corners @ (one - other).T, axis=1).max()), float(angle)


seen: list[NDArray[np.float64]] = []


@pytest.mark.parametrize("k", [0, 29])
def test_a_turned_and_shifted_exam_is_found_again_however_it_is_stored(exams: tuple[Any, Any], k: int) -> None:
    earlier, later = exams
    voxels, affine = phantoms.reoriented(later[0], later[1], k)
    found = register(voxels, Geometry.of(voxels.shape, affine), earlier[0], Geometry.of(SHAPE, earlier[1]))
    distance, angle = far_apart(found.matrix, TRUTH)
    assert distance < 0.5
    assert angle < 0.5
    seen.append(found.matrix)
    assert all(np.array_equal(found.matrix, other) for other in seen)


def test_displacement_and_rotation_are_those_of_the_truth(bench: ToolBench, exams: tuple[Any, Any]) -> None:
    (earlier, _), (later, _) = artifacts(bench, exams[0], "t0"), artifacts(bench, exams[1], "t1")
    moved, turned = bench.run(exam_displacement, earlier=earlier, later=later).items
    assert turned.value == pytest.approx(np.degrees(np.arccos((np.trace(TRUTH[:3, :3]) - 1) / 2)), abs=0.5)
    assert 6.0 < moved.value < 15.0
    assert (moved.unit, turned.unit) == ("mm", "deg")
    assert moved.uncertainty.low <= moved.value <= moved.uncertainty.high


def test_the_earlier_exam_and_mask_lie_on_the_later_grid(bench: ToolBench, exams: tuple[Any, Any]) -> None:
    (earlier, mask), (later, _) = artifacts(bench, exams[0], "t0"), artifacts(bench, exams[1], "t1")
    moved = bench.run(registered_exam, earlier=earlier, later=later)
    assert moved.geometry.same_grid(later.geometry)
    assert registered_exam.card.lossy
    assert any("interpolated" in flag for flag in moved.flags)
    inner = (slice(12, -12),) * 3
    correlation = np.corrcoef(bench.read(moved)[inner].ravel(), exams[1][0][inner].ravel())[0, 1]
    assert correlation > 0.97
    carried = bench.run(carried_mask, mask=mask, earlier=earlier, later=later)
    truth = exam(TRUTH, 0.0, (1.9, 2.1, 2.0))[2]
    there = bench.read(carried)
    assert 2 * (there & truth).sum() / (there.sum() + truth.sum()) > 0.93
    assert carried.voxels * carried.geometry.voxel_ml == pytest.approx(mask.voxels * mask.geometry.voxel_ml, rel=0.05)
    assert (carried.type.structure, carried.type.quantity) == ("given_region", ("carried_mask",))
    assert carried.type.time == "t1"


def test_what_is_new_gone_and_kept_holds_the_truth(bench: ToolBench, exams: tuple[Any, Any]) -> None:
    (earlier, old), (later, new) = artifacts(bench, exams[0], "t0"), artifacts(bench, exams[1], "t1")
    fresh, gone, kept = bench.run(overlap_change, earlier_mask=old, later_mask=new, earlier=earlier, later=later).items
    small = 4 / 3 * np.pi * np.prod(BLEED[1]) / 1000
    large = 4 / 3 * np.pi * np.prod(np.array(BLEED[1]) + 3) / 1000
    assert fresh.uncertainty.low < large - small < fresh.uncertainty.high
    assert gone.value < 0.15
    assert kept.value == pytest.approx(small, rel=0.05)
    assert fresh.value + kept.value == pytest.approx(new.voxels * new.geometry.voxel_ml)
    assert "new since the earlier exam" in fresh.name


def test_what_cannot_be_registered_is_refused(bench: ToolBench, exams: tuple[Any, Any]) -> None:
    (earlier, old), (later, _) = artifacts(bench, exams[0], "t0"), artifacts(bench, exams[1], "t1")
    with pytest.raises(ToolInputError, match="same exam"):
        bench.run(exam_displacement, earlier=earlier, later=earlier)
    other = later.model_copy(update={"type": later.type.model_copy(update={"subject": "P-other"})})
    with pytest.raises(ToolInputError, match="subject"):
        bench.run(exam_displacement, earlier=earlier, later=other)
    flat = bench.volume(np.zeros(SHAPE, np.float32), modality="MR", body_part="head")
    flat = flat.model_copy(update={"type": later.type.model_copy(update={"grid": flat.geometry.grid})})
    with pytest.raises(ToolFailed, match="same everywhere"):
        bench.run(exam_displacement, earlier=earlier, later=flat)
    empty = bench.mask(np.zeros(SHAPE, bool), later, "given_region")
    with pytest.raises(ToolInputError, match="was not found"):
        bench.run(overlap_change, earlier_mask=old, later_mask=empty, earlier=earlier, later=later)
    chest = bench.volume(exams[0][0], exams[0][1], modality="MR", body_part="chest")
    with pytest.raises(ToolInputError, match="shows the chest"):
        bench.run(exam_displacement, earlier=chest.model_copy(update={"type": earlier.type}), later=later)


def test_a_registration_can_be_stopped(exams: tuple[Any, Any]) -> None:
    said: list[float] = []

    def stop(part: float) -> None:
        said.append(part)
        if part > 0.2:
            raise Cancelled("The step was stopped.")

    earlier, later = exams
    with pytest.raises(Cancelled):
        register(later[0], Geometry.of(SHAPE, later[1]), earlier[0], Geometry.of(SHAPE, earlier[1]), stop)
    assert len(said) > 3
