"""Artifacts: the typed values that tools take and give. Big pixels are references into the blob store."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from scanwright.tools.contract.types import ArtifactType, Kind
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.hashing import sha256_json
from scanwright.tools.imaging.geometry import Edge, Geometry


class Frozen(BaseModel):
    """A value that does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BlobRef(Frozen):
    """A file in the blob store, named by the SHA-256 of its bytes."""

    sha256: str
    size: int
    media_type: str


class Coded(Frozen):
    """A coded concept: scheme designator (SCT, DCM, UCUM, RADLEX), value, meaning."""

    system: str
    value: str
    meaning: str


class ImageFacts(Frozen):
    """What is known of the image that pixels come from; None is "not known", never a guess.

    modality is a DICOM Modality ("CT", "MR", …), body_part a DICOM BodyPartExamined in lower case ("head"),
    unit the UCUM unit of the voxels ("[hnsf'U]", "{SUVbw}g/mL", or "1" for arbitrary intensities).
    contrast is None where the file does not say.
    """

    modality: str | None = None
    body_part: str | None = None
    unit: str = "1"
    sequence: str | None = None
    contrast: bool | None = None
    slice_thickness_mm: float | None = None
    source_format: str | None = None


class Artifact(Frozen):
    """A typed value. type says what it is, name how to call it, flags what a reader must know of it."""

    KIND: ClassVar[Kind]
    type: ArtifactType
    name: str
    flags: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Hash of the content: equal artifacts have equal hashes."""
        return sha256_json(self.model_dump(mode="json"))


class Volume(Artifact):
    """A 3D image, (i, j, k) in stored order; pixel_hash identifies voxels and grid."""

    KIND = "Volume"
    kind: Literal["Volume"] = "Volume"
    geometry: Geometry
    image: ImageFacts
    blob: BlobRef
    pixel_hash: str


class Mask(Artifact):
    """A set of voxels on a volume's grid (uint8, 0 and 1).

    touches names the faces of the field of view that it reaches: what is cut there is larger in truth.
    voxels is 0 for "not found".
    """

    KIND = "Mask"
    kind: Literal["Mask"] = "Mask"
    geometry: Geometry
    image: ImageFacts
    blob: BlobRef
    pixel_hash: str
    voxels: int
    touches: tuple[Edge, ...] = ()


class Label(Frozen):
    """One value of a label map: the network's own name for it, and how many voxels have it."""

    value: int
    name: str
    voxels: int


class LabelMap(Artifact):
    """Many structures at once: one small whole number for each voxel of a volume's grid, 0 for none of them.

    type.structure names the scheme ("brain_parts"): what its values mean, and which tool takes structures out of it.
    """

    KIND = "LabelMap"
    kind: Literal["LabelMap"] = "LabelMap"
    geometry: Geometry
    image: ImageFacts
    blob: BlobRef
    pixel_hash: str
    labels: tuple[Label, ...]


class Plane(Artifact):
    """A plane in RAS+ mm: a point on it and its unit normal, which points to the patient's right."""

    KIND = "Plane"
    kind: Literal["Plane"] = "Plane"
    point_mm: tuple[float, float, float]
    normal: tuple[float, float, float]
    uncertainty: Uncertainty | None = None


Number: TypeAlias = float | int


class Measurement(Artifact):
    """A quantity with its UCUM unit.

    value is a number, several (spacing), a text (a modality), or None for "not found".
    bound is "lower" where the structure is cut by the field of view. method says how it was measured in words;
    at says where (slice, point) if it has a place.
    """

    KIND = "Measurement"
    kind: Literal["Measurement"] = "Measurement"
    quantity: str
    value: Number | tuple[Number, ...] | str | None
    unit: str = "1"
    code: Coded | None = None
    uncertainty: Uncertainty | None = None
    bound: Literal["lower", "upper"] | None = None
    method: str = ""
    at: str | None = None


class Measurements(Artifact):
    """Several measurements that one tool made together; type.quantity lists what it holds."""

    KIND = "Measurement"
    kind: Literal["Measurements"] = "Measurements"
    items: tuple[Measurement, ...]


class Finding(Artifact):
    """Something seen, with a code and a probability in 0..1 (None: not calibrated)."""

    KIND = "Finding"
    kind: Literal["Finding"] = "Finding"
    code: Coded
    probability: float | None = None
    method: str = ""


class Figure(Artifact):
    """A picture (PNG) with a caption."""

    KIND = "Figure"
    kind: Literal["Figure"] = "Figure"
    blob: BlobRef
    caption: str


class File(Artifact):
    """A file to hand out: mask as NIfTI, surface as STL, table as CSV."""

    KIND = "File"
    kind: Literal["File"] = "File"
    blob: BlobRef
    filename: str


AnyArtifact = Annotated[
    Volume | Mask | LabelMap | Plane | Measurement | Measurements | Finding | Figure | File, Field(discriminator="kind")
]


class ArtifactBox(Frozen):
    """Reads any artifact back from its JSON."""

    artifact: AnyArtifact


def artifact_from_json(data: dict[str, Any]) -> Artifact:
    """The artifact that `model_dump(mode="json")` wrote. Raises pydantic.ValidationError."""
    return ArtifactBox.model_validate({"artifact": data}).artifact
