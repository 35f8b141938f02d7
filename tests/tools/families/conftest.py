"""Small phantoms with known truth, and the 48 ways to store the same scan."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scanwright.tools.artifacts import Volume
from scanwright.tools.testing import ToolBench

Stored = tuple[NDArray[Any], NDArray[np.float64]]


def _orders(voxels: NDArray[Any], affine: NDArray[np.float64]) -> Iterator[Stored]:
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            turned = voxels.transpose(axes)
            turn = np.zeros((4, 4))
            turn[3, 3] = 1
            for new, (old, flip) in enumerate(zip(axes, flips, strict=True)):
                turn[old, new] = -1 if flip else 1
                turn[old, 3] = voxels.shape[old] - 1 if flip else 0
            view = turned[tuple(slice(None, None, -1 if f else 1) for f in flips)]
            yield np.asfortranarray(view), affine @ turn


@pytest.fixture
def all_orders() -> Callable[[NDArray[Any], NDArray[np.float64]], Iterator[Stored]]:
    """All 48 axis orders and flips of one array, each with the affine that keeps it in place."""
    return _orders


@pytest.fixture
def ellipsoid() -> Callable[..., Stored]:
    """An ellipsoid with half axes in mm (right, anterior, superior) on a grid of the given 3×3 step matrix.

    Its centre lies off every voxel, and off the middle of the array.
    """

    def make(half_mm: tuple[float, float, float], steps: NDArray[np.float64], margin: int = 5) -> Stored:
        reach = np.abs(np.linalg.inv(steps)) @ np.asarray(half_mm)
        shape = tuple(int(n) for n in np.ceil(2 * reach + 2 * margin + np.array([3, 1, 2])))
        affine = np.eye(4)
        affine[:3, :3] = steps
        affine[:3, 3] = (-31.0, 17.0, 5.0)
        centre = affine[:3, :3] @ (np.array(shape) / 2 + [0.7, -0.2, 0.4]) + affine[:3, 3]
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
        position = grid @ steps.T + affine[:3, 3] - centre
        return ((position / np.asarray(half_mm)) ** 2).sum(axis=-1) <= 1, affine

    return make


@pytest.fixture
def real_scan(data_dir: Path, bench: ToolBench) -> Callable[[str], Volume]:
    """A real scan by name ("brain_t1", "head_ct"), with the facts of its sidecar."""

    def read(name: str) -> Volume:
        import nibabel as nib

        image = nib.Nifti1Image.from_bytes(gzip.decompress((data_dir / f"{name}.nii.gz").read_bytes()))
        side = json.loads((data_dir / f"{name}.json").read_text())
        ct = side["Modality"] == "CT"
        return bench.volume(
            np.asanyarray(image.dataobj),
            image.affine,
            sides_known=side.get("SidesKnown", True),
            space="normalised" if "Space" in side else "native",
            modality=side["Modality"],
            body_part=side["BodyPartExamined"].lower(),
            unit="[hnsf'U]" if ct else "1",
            sequence=side.get("SequenceName"),
        )

    return read
