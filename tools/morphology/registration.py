"""Rigid registration of two exams of one patient: mutual information on straight grids, coarse to fine, by SimpleITK.

The same two volumes give the same transform, bit for bit: sampling has a fixed seed and one thread sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry

# Half a millimetre is found on voxels of two: the whole head votes.
STEP_MM = 2.0
SEED = 20260
BINS = 48
SAMPLES = 0.15
SHRINK = (4, 2, 1)
SMOOTH_MM = (6.0, 3.0, 1.5)
TURNS_AT_MOST = 120
AGAIN = 6
STAYS_DEGREES = 0.05
# Two registrations, there and back, that disagree by more than this found no common place.
DISAGREE_MM = 3.0
# Exams that share less than this part of the later one's content cannot be laid on each other.
OVERLAP_AT_LEAST = 0.3


@dataclass(frozen=True)
class Rigid:
    """matrix (4, 4): RAS+ mm of the later exam → RAS+ mm of the earlier.

    displacement_mm is how far the content of the later exam lies from where it was, its mean over points;
    rotation_degrees the angle; disagree_mm and disagree_degrees how far the registration of the later onto the
    earlier, begun anew, is from the inverse of that of the earlier onto the later.
    """

    matrix: NDArray[np.float64]
    displacement_mm: float
    rotation_degrees: float
    disagree_mm: float
    disagree_degrees: float


def register(
    later: NDArray[Any],
    later_geometry: Geometry,
    earlier: NDArray[Any],
    earlier_geometry: Geometry,
    progress: Callable[[float], None] = lambda _: None,
) -> Rigid:
    """Where each place of the later exam (i, j, k) lies in the earlier (i, j, k).

    Mattes' mutual information, so that the two may differ in brightness; six degrees of freedom; begun from the
    centres of the fields of view and from those of the content. progress takes 0 to 1 and may raise to stop.
    Raises ToolFailed where a scan is empty, or no common place is found.
    Source: Mattes et al., IEEE Trans Med Imaging 2003;22:120–128.
    """
    fixed, fixed_points = _straight(later, later_geometry)
    moving, _ = _straight(earlier, earlier_geometry)
    there = _one_way(fixed, moving, lambda part: progress(0.5 * part))
    back = _one_way(moving, fixed, lambda part: progress(0.5 + 0.5 * part))
    moved = _applied(there, fixed_points)
    returned = _applied(back, moved)
    disagree = float(np.linalg.norm(returned - fixed_points, axis=1).mean())
    if disagree > DISAGREE_MM:
        raise ToolFailed(
            f"The two exams cannot be laid on each other: registered there and back, places come to lie {disagree:.0f} "
            "mm from where they began. Are they of the same part of the body?"
        )
    inside = _share_inside(moved, earlier_geometry)
    if inside < OVERLAP_AT_LEAST:
        raise ToolFailed(
            f"Only {100 * inside:.0f} % of the later exam lies inside the earlier one, too little to register them."
        )
    return Rigid(
        there,
        float(np.linalg.norm(moved - fixed_points, axis=1).mean()),
        _angle(there),
        disagree,
        _angle(there @ back),
    )


def resampled(
    voxels: NDArray[Any],
    geometry: Geometry,
    target: Geometry,
    matrix: NDArray[np.float64],
    *,
    order: int,
    outside: float,
) -> NDArray[np.float32]:
    """voxels (i, j, k) on the target's grid (i, j, k); matrix maps mm of the target to mm of the source.

    order 1 is linear, 0 nearest neighbour; where the source does not reach, the value is outside.
    """
    from scipy.ndimage import affine_transform

    view, turned, _ = orient.canonical(voxels, geometry)
    _, wanted, undo = orient.canonical(np.empty(target.shape, np.bool_), target)
    mapping = np.linalg.inv(turned.matrix) @ matrix @ wanted.matrix
    moved = affine_transform(
        np.nan_to_num(view.astype(np.float32)), mapping[:3, :3], mapping[:3, 3], wanted.shape, np.float32,
        order=order, cval=outside,
    )  # fmt: skip
    return undo(np.asarray(moved))


def seen(geometry: Geometry, target: Geometry, matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which voxels (i, j, k) of the target's grid the source's field of view holds."""
    mapping = np.linalg.inv(geometry.matrix) @ matrix @ target.matrix
    i, j, k = (np.arange(n, dtype=np.float32) for n in target.shape)
    result = np.ones(target.shape, np.bool_)
    for axis, count in enumerate(geometry.shape):
        row = mapping[axis]
        index = row[3] + row[0] * i[:, None, None] + row[1] * j[None, :, None] + row[2] * k[None, None, :]
        result &= (index >= -0.5) & (index <= count - 0.5)
    return result


def _one_way(fixed: Any, moving: Any, progress: Callable[[float], None]) -> NDArray[np.float64]:
    """The transform (4, 4) from mm of fixed to mm of moving."""
    import SimpleITK as sitk  # noqa: N813 - the name that its own documentation gives it

    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfWorkUnits(1)
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetInterpolator(sitk.sitkLinear)
    found = _best_start(method, fixed, moving)
    method.SetMetricSamplingPercentage(SAMPLES, SEED)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-3, TURNS_AT_MOST, 0.7, 1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    stopped: list[BaseException] = []
    begun = 0

    def step() -> None:
        part = (method.GetCurrentLevel() + method.GetOptimizerIteration() / TURNS_AT_MOST) / len(SHRINK)
        try:
            progress(min(1.0, (begun + part) / AGAIN))
        except BaseException as stop:  # a callback of the library must not raise through it
            stopped.append(stop)
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, step)
    # Steps that shrink on noise can end short of the best place: begun again from there until it stays.
    for begun in range(AGAIN):
        levels = slice(0 if not begun else 1, None)
        method.SetShrinkFactorsPerLevel(SHRINK[levels])
        method.SetSmoothingSigmasPerLevel(SMOOTH_MM[levels])
        method.SetInitialTransform(found, inPlace=True)
        before = _as_matrix(found)
        try:
            method.Execute(fixed, moving)
        except RuntimeError as error:
            if stopped:
                raise stopped[0] from None
            raise ToolFailed("The two exams cannot be laid on each other: they share too little.") from error
        if stopped:
            raise stopped[0]
        after = _as_matrix(found)
        if begun and _angle(np.linalg.inv(before) @ after) < STAYS_DEGREES:
            break
    return _as_matrix(found)


def _best_start(method: Any, fixed: Any, moving: Any) -> Any:
    """Of the places to begin from the one with the most mutual information."""
    import SimpleITK as sitk  # noqa: N813 - the name that its own documentation gives it

    starts = [sitk.Euler3DTransform()]
    starts[0].SetCenter(_middle(fixed))
    aligned = sitk.CenteredTransformInitializerFilter
    starts += [
        sitk.Euler3DTransform(sitk.CenteredTransformInitializer(fixed, moving, sitk.Euler3DTransform(), how))
        for how in (aligned.GEOMETRY, aligned.MOMENTS)
    ]
    small = [sitk.Shrink(sitk.SmoothingRecursiveGaussian(image, SMOOTH_MM[0]), [SHRINK[0]] * 3)
             for image in (fixed, moving)]  # fmt: skip
    scores = []
    method.SetMetricSamplingPercentage(1.0, SEED)
    for start in starts:
        method.SetInitialTransform(start)
        try:
            scores.append(method.MetricEvaluate(*small))
        except RuntimeError:  # no overlap from there
            scores.append(np.inf)
    if not np.isfinite(scores).any():
        raise ToolFailed("The two exams do not overlap at all, so they cannot be laid on each other.")
    return starts[int(np.argmin(scores))]


def _straight(voxels: NDArray[Any], geometry: Geometry) -> tuple[Any, NDArray[np.float64]]:
    """The scan on a grid of STEP_MM along the world's axes as a SimpleITK image (RAS+ mm), and points of its content.

    Sheared and oblique grids become straight here; block means come first, so that fine voxels are not skipped.
    """
    import SimpleITK as sitk  # noqa: N813 - the name that its own documentation gives it
    from scipy.ndimage import affine_transform

    view, turned, _ = orient.canonical(voxels, geometry)
    blocks = [max(1, int(STEP_MM / s + 0.01)) for s in turned.spacing_mm]
    counts = [max(1, n // b) for n, b in zip(view.shape, blocks, strict=True)]
    cut = np.nan_to_num(view[tuple(slice(0, c * b) for c, b in zip(counts, blocks, strict=True))].astype(np.float32))
    mean = cut.reshape([v for c, b in zip(counts, blocks, strict=True) for v in (c, b)]).mean(axis=(1, 3, 5))
    matrix = turned.matrix.copy()
    matrix[:3, 3] += matrix[:3, :3] @ [(b - 1) / 2 for b in blocks]
    matrix[:3, :3] *= np.array(blocks)
    low, high = (float(v) for v in np.percentile(mean, (1, 99.5)))
    if not high > low:
        raise ToolFailed("A scan that is the same everywhere cannot be registered.")
    # Air below −200 HU and metal tell nothing of where the patient lies.
    mean = np.clip(mean, max(low, -200.0), high)
    corners = geometry.corners_mm
    origin, end = corners.min(axis=0), corners.max(axis=0)
    shape = np.maximum(np.ceil((end - origin) / STEP_MM).astype(int) + 1, 2 * SHRINK[0])
    mapping = np.linalg.inv(matrix) @ np.array(
        [[STEP_MM, 0, 0, origin[0]], [0, STEP_MM, 0, origin[1]], [0, 0, STEP_MM, origin[2]], [0, 0, 0, 1]]
    )
    grid = affine_transform(
        mean, mapping[:3, :3], mapping[:3, 3], tuple(shape), np.float32, order=1, mode="grid-constant", cval=mean.min()
    )
    image = sitk.GetImageFromArray(np.ascontiguousarray(grid.transpose(2, 1, 0)))
    image.SetSpacing((STEP_MM,) * 3)
    image.SetOrigin([float(v) for v in origin])
    content = np.argwhere(grid[::4, ::4, ::4] > mean.min() + 0.15 * (high - mean.min())) * 4
    if len(content) < 50:
        raise ToolFailed("A scan holds too little to be registered.")
    return image, np.asarray(origin + content * STEP_MM, dtype=np.float64)


def _middle(image: Any) -> list[float]:
    return [o + s * (n - 1) / 2 for o, s, n in zip(image.GetOrigin(), image.GetSpacing(), image.GetSize(), strict=True)]


def _as_matrix(transform: Any) -> NDArray[np.float64]:
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(tuple(e))) - origin for e in np.eye(3).tolist()]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack(columns, axis=1), origin
    return matrix


def _applied(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def _angle(matrix: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(matrix[:3, :3]) - 1) / 2, -1.0, 1.0))))


def _share_inside(points: NDArray[np.float64], geometry: Geometry) -> float:
    index = _applied(np.asarray(np.linalg.inv(geometry.matrix), dtype=np.float64), points)
    inside = (index >= -0.5) & (index <= np.array(geometry.shape) - 0.5)
    return float(inside.all(axis=1).mean())
