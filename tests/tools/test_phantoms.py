"""The phantoms are what they say: volumes within half a percent, no symmetry, sides right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.phantoms import Phantom, ellipsoid, head_ct, reoriented


@pytest.fixture(scope="module")
def head() -> Phantom:
    return head_ct()


def ml(phantom: Phantom, hu: int) -> float:
    """Volume of all voxels with that value."""
    return np.count_nonzero(phantom.voxels == hu) * abs(np.linalg.det(phantom.affine[:3, :3])) / 1000


@pytest.mark.parametrize(("hu", "name"), [(1000, "skull_ml"), (35, "brain_ml"), (40, "soft_tissue_ml")])
def test_the_head_has_its_volumes(head: Phantom, hu: int, name: str) -> None:
    assert ml(head, hu) == pytest.approx(head.truth[name], rel=0.005)


def test_the_parts_of_the_head_add_up(head: Phantom) -> None:
    truth = head.truth
    inside = truth["brain_ml"] + truth["marker_left_ml"] + truth["marker_right_ml"]
    assert inside == pytest.approx(truth["intracranial_ml"])
    whole = truth["soft_tissue_ml"] + truth["sinus_ml"] + truth["skull_ml"] + truth["intracranial_ml"]
    assert whole == pytest.approx(truth["head_ml"])


def test_the_larger_marker_is_on_the_left(head: Phantom) -> None:
    i = np.nonzero(head.voxels == 75)[0]
    x = head.affine[0, 3] + i * head.affine[0, 0]
    voxel = abs(np.linalg.det(head.affine[:3, :3])) / 1000
    assert np.count_nonzero(x < 0) * voxel == pytest.approx(head.truth["marker_left_ml"], rel=0.01)
    assert np.count_nonzero(x > 0) * voxel == pytest.approx(head.truth["marker_right_ml"], rel=0.01)
    assert head.truth["marker_left_ml"] > 2 * head.truth["marker_right_ml"]


def test_the_sinus_is_air_in_front_and_apart_from_the_air_around(head: Phantom) -> None:
    import cc3d

    parts = cc3d.statistics(cc3d.connected_components(head.voxels == -1000, connectivity=26))
    assert len(parts["voxel_counts"]) == 3
    sinus = parts["voxel_counts"].tolist().index(min(parts["voxel_counts"]))
    assert parts["voxel_counts"][sinus] * abs(np.linalg.det(head.affine[:3, :3])) / 1000 == pytest.approx(
        head.truth["sinus_ml"], rel=0.01
    )
    assert parts["centroids"][sinus][1] * head.affine[1, 1] + head.affine[1, 3] > 60


@pytest.mark.parametrize("make", [head_ct, ellipsoid])
def test_no_axis_is_a_mirror(make: Callable[[], Phantom]) -> None:
    voxels = make().voxels
    for axis in range(3):
        assert not np.array_equal(voxels, np.flip(voxels, axis))


def test_the_ellipsoid_has_its_volume_and_halves() -> None:
    phantom = ellipsoid()
    assert ml(phantom, 100) == pytest.approx(phantom.truth["volume_ml"], rel=0.005)
    voxel = abs(np.linalg.det(phantom.affine[:3, :3])) / 1000
    planes = np.count_nonzero(phantom.voxels == 100, axis=(1, 2)) * voxel
    assert planes[:30].sum() + planes[30] / 2 == pytest.approx(phantom.truth["left_ml"], rel=0.01)
    assert phantom.truth["left_ml"] + phantom.truth["right_ml"] == pytest.approx(phantom.truth["volume_ml"])


def test_the_48_ways_are_all_different_and_leave_every_voxel_in_its_place() -> None:
    voxels = np.arange(4 * 3 * 2).reshape(4, 3, 2)
    affine = np.array([[1.5, 0.1, 0, 3], [0, 2, 0, -4], [0.2, 0, 3, 5], [0, 0, 0, 1.0]])
    seen = set()
    for k in range(48):
        turned, moved = reoriented(voxels, affine, k)
        seen.add(Geometry.of(turned.shape, moved).orientation)
        for index in np.ndindex(*turned.shape):
            back = np.linalg.solve(affine, moved @ [*index, 1])[:3].round().astype(int)
            assert turned[index] == voxels[tuple(back)]
    assert len(seen) == 48


def test_the_first_way_changes_nothing() -> None:
    voxels = np.arange(4 * 3 * 2).reshape(4, 3, 2)
    turned, moved = reoriented(voxels, np.eye(4), 0)
    assert np.array_equal(turned, voxels)
    assert np.array_equal(moved, np.eye(4))


@pytest.mark.parametrize("k", [-1, 48])
def test_there_is_no_49th_way(k: int) -> None:
    with pytest.raises(ValueError, match="48 axis orders"):
        reoriented(np.zeros((2, 3, 4)), np.eye(4), k)
