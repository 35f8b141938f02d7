"""Reference surfaces become voxels: whole, and open where the array's lower or upper face cuts them."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.evals.accuracy.body_references import filled_surface
from skimage.measure import marching_cubes


def _stl(path, mask):
    corners, faces, _, _ = marching_cubes(mask.astype(np.float32), 0.5)
    triangles = np.zeros(len(faces), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("more", "<u2")])
    triangles["corners"] = corners[faces]
    path.write_bytes(b"\0" * 80 + np.uint32(len(faces)).tobytes() + triangles.tobytes())
    return path


@pytest.mark.parametrize("centre_z", [20, 2, 38])
def test_a_surface_is_filled_where_it_is_whole_and_where_a_face_cuts_it(tmp_path, centre_z):
    x, y, z = np.meshgrid(np.arange(30), np.arange(36), np.arange(40), indexing="ij")
    mask = ((x - 12) / 8) ** 2 + ((y - 21) / 11) ** 2 + ((z - centre_z) / 9) ** 2 <= 1
    assert (filled_surface(_stl(tmp_path / "a.stl", mask), mask.shape) == mask).all()
