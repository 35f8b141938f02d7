"""Artifacts: the typed values that tools take and give. Big pixels are references into the blob store."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from scanwright.tools.contract.types import ArtifactType, Kind
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.hashing import sha256_json
from scanwright.tools.imaging.flat.frame import Frame
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


class PetFacts(Frozen):
    """What SUV by body weight is reckoned from: injected dose, half-life, body weight, and the decay that is undone.

    decay_s runs from the injection to the moment that the voxels are decay-corrected to (0: to the injection).
    why_not says why SUV cannot be told from this file; the numbers are then not all there.
    """

    dose_bq: float | None = None
    half_life_s: float | None = None
    weight_kg: float | None = None
    decay_s: float | None = None
    why_not: str | None = None


class ImageFacts(Frozen):
    """What is known of the image that pixels come from; None is "not known", never a guess.

    modality is a DICOM Modality ("CT", "MR", …), body_part a DICOM BodyPartExamined in lower case ("head"),
    unit the UCUM unit of the voxels ("[hnsf'U]", "{SUVbw}g/mL", or "1" for arbitrary intensities).
    contrast is None where the file does not say, and so is gated (synchronised with the heartbeat). stain is "H&E",
    "IHC DAB" or "fluorescence".
    """

    modality: str | None = None
    body_part: str | None = None
    unit: str = "1"
    sequence: str | None = None
    contrast: bool | None = None
    slice_thickness_mm: float | None = None
    stain: str | None = None
    source_format: str | None = None
    gated: bool | None = None
    pet: PetFacts | None = None


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


class Flat(Artifact):
    """A flat colour image. files hold it: one array of pixels where stored is "pixels", else the slide as it came.

    pixel_hash identifies the pixels and the frame.
    """

    frame: Frame
    image: ImageFacts
    files: tuple[BlobRef, ...]
    stored: Literal["pixels", "pyramid", "dicom"] = "pixels"
    pixel_hash: str


class Slide(Flat):
    """Tissue under a microscope: a whole slide, or a tile of one. modality is SM, stain says what colours it."""

    KIND = "Slide"
    kind: Literal["Slide"] = "Slide"


class Photograph(Flat):
    """A photograph of the patient: the fundus of an eye (modality OP), skin (XC), an endoscope's view (ES)."""

    KIND = "Photograph"
    kind: Literal["Photograph"] = "Photograph"


class Region(Artifact):
    """A set of pixels of a flat image, as an array (rows, columns) of pixels downsample times larger than its own.

    frame is that of the region's own pixels; pixels counts them and is 0 for "not found". touches says whether it
    reaches the edge of the image.
    """

    KIND = "Region"
    kind: Literal["Region"] = "Region"
    frame: Frame
    downsample: float = 1.0
    image: ImageFacts
    blob: BlobRef
    pixel_hash: str
    pixels: int
    touches: bool = False


class Cells(Artifact):
    """Cells (or nuclei) of a flat image, one row each; columns name what is known of each.

    blob holds a table (count, columns) of float32, x and y in pixels of the image; labels, where kept, an image
    (rows, columns) with the row number + 1 at each pixel of a cell. frame is the image's; searched is the share of
    the image that was looked at.
    """

    KIND = "Cells"
    kind: Literal["Cells"] = "Cells"
    frame: Frame
    image: ImageFacts
    blob: BlobRef
    columns: tuple[str, ...]
    count: int
    labels: BlobRef | None = None
    searched: float = 1.0


class Embedding(Artifact):
    """A vector that stands for a scan or a part of it. encoder names what made it: only like vectors compare."""

    KIND = "Embedding"
    kind: Literal["Embedding"] = "Embedding"
    encoder: str
    vector: tuple[float, ...]
    image: ImageFacts


class Case(Frozen):
    """A kept scan that resembles the one asked about; score is the cosine of the (centred) vectors, at most 1."""

    study_id: str
    series: str
    score: float
    facts: dict[str, str | float | None] = Field(default_factory=dict)


class CaseList(Artifact):
    """The scans that resemble one most, nearest first; searched counts those that were compared."""

    KIND = "CaseList"
    kind: Literal["CaseList"] = "CaseList"
    cases: tuple[Case, ...]
    searched: int
    encoder: str
    method: str = ""


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


Image: TypeAlias = Volume | Slide | Photograph
AnyImage = Annotated[Image, Field(discriminator="kind")]
AnyArtifact = Annotated[
    Volume
    | Slide
    | Photograph
    | Mask
    | Region
    | Cells
    | LabelMap
    | Plane
    | Measurement
    | Measurements
    | Finding
    | Embedding
    | CaseList
    | Figure
    | File,
    Field(discriminator="kind"),
]


class ArtifactBox(Frozen):
    """Reads any artifact back from its JSON."""

    artifact: AnyArtifact


def artifact_from_json(data: dict[str, Any]) -> Artifact:
    """The artifact that `model_dump(mode="json")` wrote. Raises pydantic.ValidationError."""
    return ArtifactBox.model_validate({"artifact": data}).artifact
