"""The scenes that training questions are asked of: facts and geometry without pixels."""

from __future__ import annotations

import numpy as np
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.artifacts import BlobRef, Image, ImageFacts, Mask, PetFacts, Photograph, Slide, Volume
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.geometry import Geometry

_NO_PIXELS = BlobRef(sha256="0" * 64, size=0, media_type="application/octet-stream")
_PET = PetFacts(dose_bq=2.9e8, half_life_s=6586.2, weight_kg=70.0, decay_s=3600.0)
# name: (voxels, voxel size in mm, sides known, facts)
_VOLUMES: dict[str, tuple[tuple[int, int, int], float, bool, ImageFacts]] = {
    "head MR": ((176, 240, 256), 1.0, True, ImageFacts(modality="MR", body_part="head")),
    "head CT": ((256, 256, 120), 0.9, True, ImageFacts(modality="CT", body_part="head", unit=HU, contrast=False)),
    "chest CT": ((512, 512, 300), 0.8, True, ImageFacts(modality="CT", body_part="chest", unit=HU, contrast=False)),
    "heart CT": (
        (512, 512, 60),
        0.5,
        True,
        ImageFacts(modality="CT", body_part="chest", unit=HU, contrast=False, gated=True),
    ),
    "abdomen CT": ((512, 512, 200), 0.8, True, ImageFacts(modality="CT", body_part="abdomen", unit=HU, contrast=False)),
    "body PET": (
        (200, 200, 300),
        4.0,
        True,
        ImageFacts(modality="PT", body_part="wholebody", unit="Bq/mL", pet=_PET),
    ),
}
_FLAT: dict[str, tuple[Frame, ImageFacts]] = {
    "eye photograph": (Frame(width=1400, height=1400), ImageFacts(modality="OP", body_part="eye")),
    "slide H&E": (Frame(width=1000, height=1000, um_per_pixel=(0.25, 0.25)), ImageFacts(modality="SM", stain="H&E")),
    "slide IHC": (
        Frame(width=1000, height=1000, um_per_pixel=(0.25, 0.25)),
        ImageFacts(modality="SM", stain="IHC DAB"),
    ),
}  # fmt: skip
SCENES: tuple[str, ...] = (*_VOLUMES, *_FLAT)


def scene(name: str, *, mask: bool = False, point: bool = False) -> StudyView:
    """The study of that name, one of SCENES, with a region or a point of the person's where the image is a volume.

    Raises KeyError for another name.
    """
    if name in _FLAT:
        return StudyView("S1", name, name, {name: _flat(name)})
    shape, size_mm, sides_known, facts = _VOLUMES[name]
    affine = np.diag([-size_mm, -size_mm, size_mm, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    geometry = Geometry.of(shape, affine, sides_known=sides_known)
    type_ = ArtifactType(kind="Volume", modality=facts.modality, grid=geometry.grid, time=name, subject=f"P-{name}")
    volume = Volume(type=type_, name=name, geometry=geometry, image=facts, blob=_NO_PIXELS, pixel_hash=name)
    region = None
    if mask:
        of_mask = type_.model_copy(update={"kind": "Mask", "structure": "given_region", "side": "whole"})
        region = Mask(
            type=of_mask, name="given region", geometry=geometry, image=facts, blob=_NO_PIXELS, pixel_hash="mask",
            voxels=1000,
        )  # fmt: skip
    return StudyView("S1", name, name, {name: volume}, region, Point(x=0, y=0, z=0) if point else None)


def is_volume(name: str) -> bool:
    """True where a region or a point can be given on it."""
    return name in _VOLUMES


def _flat(name: str) -> Image:
    frame, image = _FLAT[name]
    kind: type[Slide] | type[Photograph] = Slide if image.modality == "SM" else Photograph
    type_ = ArtifactType(kind=kind.KIND, modality=image.modality, grid=frame.grid, time=name, subject=f"P-{name}")
    return kind(type=type_, name=name, frame=frame, image=image, files=(_NO_PIXELS,), pixel_hash=name)
