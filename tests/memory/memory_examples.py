"""Values to keep in a home: volumes, measurements, pictures, studies."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from scanwright.memory.blobs import BlobStore
from scanwright.memory.records import SeriesRecord, StudyRecord
from scanwright.tools.artifacts import Figure, ImageFacts, Measurement, Volume
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.runtime.context import WorkerContext, store_volume


def a_volume(blobs: BlobStore, seed: int = 0, subject: str = "P-aaaaaaaaaaaa") -> Volume:
    """A small asymmetric volume (5, 4, 3), stored."""
    voxels = np.random.default_rng(seed).integers(-1000, 1000, (5, 4, 3)).astype(np.int16)
    geometry = Geometry.of(voxels.shape, np.diag([1.0, 2.0, 3.0, 1.0]))
    facts = ImageFacts(modality="CT", unit="[hnsf'U]")
    return store_volume(blobs, voxels, geometry, facts, name=f"series {seed}", subject=subject, time="d0")


def a_measurement(value: float, subject: str = "P-aaaaaaaaaaaa") -> Measurement:
    """A volume in mL."""
    kind = ArtifactType(kind="Measurement", subject=subject, quantity=("volume",))
    return Measurement(type=kind, name="brain volume", quantity="volume", value=value, unit="mL")


def a_figure(blobs: BlobStore, text: bytes) -> Figure:
    """A picture, which names no subject."""
    return WorkerContext(blobs, weights=lambda _name: {}).figure(text, name="overlay", caption="a picture")


def a_study(blobs: BlobStore, study_id: str, *, seed: int = 0, subject: str = "P-aaaaaaaaaaaa") -> StudyRecord:
    """A study with one series."""
    return StudyRecord(
        study_id=study_id,
        name=f"head CT {seed}",
        subject=subject,
        relative_day=0,
        age_band="40-49",
        sex="F",
        source_format="nifti",
        series=(SeriesRecord(name="axial", volume=a_volume(blobs, seed, subject), safe={"Rows": 4}),),
        created_utc=datetime(2026, 1, 1, 0, 0, seed, tzinfo=UTC),
        fingerprint=f"{seed:064x}",
    )
