"""The two scans of the question set as a planner sees them: facts and geometry, no pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.artifacts import BlobRef, ImageFacts, Mask, Volume
from scanwright.tools.contract.quantity import HU, Point
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.geometry import Geometry

_NO_PIXELS = BlobRef(sha256="0" * 64, size=0, media_type="application/octet-stream")


def study(name: str, context: dict[str, Any]) -> StudyView:
    """ "brain_t1" (MR, MNI space) or "head_ct" (CT, sides not known), with a mask or point where the context says so."""
    if name == "brain_t1":
        affine = np.eye(4)
        affine[:3, 3] = -90.0, -126.0, -72.0
        geometry = Geometry.of((181, 217, 181), affine, space="normalised", space_name="MNI")
        image = ImageFacts(modality="MR", body_part="head")
    else:
        affine = np.diag([-0.957, -0.957, 1.5, 1.0])
        affine[:3, 3] = 122.0, 122.0, -80.0
        geometry = Geometry.of((256, 256, 108), affine, sides_known=False)
        image = ImageFacts(modality="CT", body_part="head", unit=HU)
    type_ = ArtifactType(kind="Volume", modality=image.modality, grid=geometry.grid, time=name, subject=f"P-{name}")
    volume = Volume(type=type_, name=name, geometry=geometry, image=image, blob=_NO_PIXELS, pixel_hash=name)
    mask = None
    if context["mask"]:
        mask = Mask(
            type=type_.model_copy(update={"kind": "Mask", "structure": "given_region", "side": "whole"}),
            name="given region", geometry=geometry, image=image, blob=_NO_PIXELS, pixel_hash="mask", voxels=1000,
        )  # fmt: skip
    return StudyView("S1", name, name, {name: volume}, mask, Point(x=0, y=0, z=0) if context["point"] else None)
