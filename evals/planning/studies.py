"""The scans of the question sets as a planner sees them: facts and geometry, no pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.artifacts import BlobRef, Image, ImageFacts, Mask, PetFacts, Photograph, Slide, Volume
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.geometry import Geometry

_NO_PIXELS = BlobRef(sha256="0" * 64, size=0, media_type="application/octet-stream")


def study(name: str, context: dict[str, Any]) -> StudyView:
    """A study of one scan, with a mask or a point where the context says so.

    "brain_t1": MR in MNI space; "head_ct": CT, sides not known; "chest_ct": native CT, 1.25 mm; "abdomen_ct": CT with
    contrast, 3 mm; "abdomen_native": CT, 3 mm; "cardiac_ct": CT, native and ECG-gated; "pet": PET whose tags give SUV.
    The trunk scans know their sides and are centred on the origin. Flat, never with a mask or a point: "fundus",
    "he_tile" (0.25 µm a pixel), "he_unscaled" (size of a pixel not known), "ihc_tile". Raises KeyError for another
    name.
    """
    if name in _FLAT:
        return StudyView("S1", name, name, {name: _flat(name)})
    geometry, image = _SCANS[name]()
    type_ = ArtifactType(kind="Volume", modality=image.modality, grid=geometry.grid, time=name, subject=f"P-{name}")
    volume = Volume(type=type_, name=name, geometry=geometry, image=image, blob=_NO_PIXELS, pixel_hash=name)
    mask = None
    if context["mask"]:
        mask = Mask(
            type=type_.model_copy(update={"kind": "Mask", "structure": "given_region", "side": "whole"}),
            name="given region", geometry=geometry, image=image, blob=_NO_PIXELS, pixel_hash="mask", voxels=1000,
        )  # fmt: skip
    return StudyView("S1", name, name, {name: volume}, mask, Point(x=0, y=0, z=0) if context["point"] else None)


def _brain_t1() -> tuple[Geometry, ImageFacts]:
    affine = np.eye(4)
    affine[:3, 3] = -90.0, -126.0, -72.0
    geometry = Geometry.of((181, 217, 181), affine, space="normalised", space_name="MNI")
    return geometry, ImageFacts(modality="MR", body_part="head")


def _head_ct() -> tuple[Geometry, ImageFacts]:
    affine = np.diag([-0.957, -0.957, 1.5, 1.0])
    affine[:3, 3] = 122.0, 122.0, -80.0
    geometry = Geometry.of((256, 256, 108), affine, sides_known=False)
    return geometry, ImageFacts(modality="CT", body_part="head", unit=HU)


def _trunk(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Geometry:
    affine = np.diag([-spacing_mm[0], -spacing_mm[1], spacing_mm[2], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Geometry.of(shape, affine)


def _chest_ct() -> tuple[Geometry, ImageFacts]:
    image = ImageFacts(modality="CT", body_part="chest", unit=HU, contrast=False)
    return _trunk((512, 512, 280), (0.7, 0.7, 1.25)), image


def _abdomen_ct() -> tuple[Geometry, ImageFacts]:
    image = ImageFacts(modality="CT", body_part="abdomen", unit=HU, contrast=True)
    return _trunk((512, 512, 160), (0.8, 0.8, 3.0)), image


def _abdomen_native() -> tuple[Geometry, ImageFacts]:
    image = ImageFacts(modality="CT", body_part="abdomen", unit=HU, contrast=False)
    return _trunk((512, 512, 140), (0.78, 0.78, 3.0)), image


def _cardiac_ct() -> tuple[Geometry, ImageFacts]:
    image = ImageFacts(modality="CT", body_part="chest", unit=HU, contrast=False, gated=True)
    return _trunk((512, 512, 56), (0.48, 0.48, 2.5)), image


def _pet() -> tuple[Geometry, ImageFacts]:
    facts = PetFacts(dose_bq=3.1e8, half_life_s=6586.2, weight_kg=74.0, decay_s=3600.0)
    image = ImageFacts(modality="PT", body_part="wholebody", unit="Bq/mL", pet=facts)
    return _trunk((200, 200, 326), (4.07, 4.07, 3.0)), image


def _flat(name: str) -> Image:
    frame, image = _FLAT[name]
    kind: type[Slide] | type[Photograph] = Slide if image.modality == "SM" else Photograph
    type_ = ArtifactType(kind=kind.KIND, modality=image.modality, grid=frame.grid, time=name, subject=f"P-{name}")
    return kind(type=type_, name=name, frame=frame, image=image, files=(_NO_PIXELS,), pixel_hash=name)


def _tile(stain: str, um: float | None) -> tuple[Frame, ImageFacts]:
    frame = Frame(width=1000, height=1200, um_per_pixel=None if um is None else (um, um))
    return frame, ImageFacts(modality="SM", stain=stain)


_SCANS = {
    "brain_t1": _brain_t1, "head_ct": _head_ct, "chest_ct": _chest_ct, "abdomen_ct": _abdomen_ct,
    "abdomen_native": _abdomen_native, "cardiac_ct": _cardiac_ct, "pet": _pet,
}  # fmt: skip
_FLAT = {
    "fundus": (Frame(width=1411, height=1400), ImageFacts(modality="OP", body_part="eye")),
    "he_tile": _tile("H&E", 0.25),
    "he_unscaled": _tile("H&E", None),
    "ihc_tile": _tile("IHC DAB", 0.25),
}
