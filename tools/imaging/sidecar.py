"""The JSON file beside a NIfTI (BIDS style, DICOM keywords), and who wins: person, then sidecar, then header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from scanwright.tools.artifacts import ImageFacts
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.geometry import Geometry, Space
from scanwright.tools.imaging.loaded import GivenFacts, as_body_part, as_modality
from scanwright.tools.imaging.wording import shown

_MAX_BYTES: Final = 10_000_000
_UNITS: Final = {
    "hu": "[hnsf'U]", "hounsfield": "[hnsf'U]", "[hnsf'u]": "[hnsf'U]", "bq/ml": "Bq/mL", "bqml": "Bq/mL",
    "suv": "{SUVbw}g/mL", "suvbw": "{SUVbw}g/mL", "{suvbw}g/ml": "{SUVbw}g/mL",
    "1": "1", "arbitrary": "1", "arbitrary units": "1", "a.u.": "1", "hz": "Hz", "s": "s", "ms": "ms",
}  # fmt: skip
_NATIVE: Final = {"native", "scanner", "individual", "orig", "t1w"}


def _said(value: Any) -> Any:
    """DICOM and BIDS write contrast as a text: any agent is a yes."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "none", "no", "n/a", "false")
    return value


class Sidecar(BaseModel):
    """The keys that are read; others are ignored. None: the sidecar does not say."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    modality: str | None = Field(None, alias="Modality")
    body_part: str | None = Field(None, alias="BodyPartExamined")
    sides_known: bool | None = Field(None, alias="SidesKnown")
    space: str | None = Field(None, alias="Space")
    sequence: str | None = Field(None, alias="SequenceName")
    contrast_agent: Annotated[bool | None, BeforeValidator(_said)] = Field(None, alias="ContrastAgent")
    contrast_bolus: Annotated[bool | None, BeforeValidator(_said)] = Field(None, alias="ContrastBolusAgent")
    contrast_ingredient: Annotated[bool | None, BeforeValidator(_said)] = Field(None, alias="ContrastBolusIngredient")
    slice_thickness_mm: float | None = Field(None, alias="SliceThickness", gt=0, lt=1000)
    units: str | None = Field(None, alias="Units")
    stain: str | None = Field(None, alias="SampleStaining")
    sex: str | None = Field(None, alias="PatientSex")
    age: str | float | None = Field(None, alias="PatientAge")
    model: str | None = Field(None, alias="ManufacturersModelName")
    pixel_size: tuple[float, ...] | float | None = Field(None, alias="PixelSize")
    pixel_size_units: str = Field("um", alias="PixelSizeUnits")

    @field_validator("pixel_size", mode="before")
    @classmethod
    def _several(cls, size: Any) -> Any:
        return tuple(size) if isinstance(size, list) else size

    @property
    def um_per_pixel(self) -> tuple[float, float] | None:
        """The size of a pixel (x, y) in micrometres, as BIDS microscopy writes it; None where it does not say."""
        unit = {"um": 1.0, "µm": 1.0, "mm": 1000.0, "nm": 0.001}.get(self.pixel_size_units)
        if self.pixel_size is None or unit is None:
            return None
        sizes = self.pixel_size if isinstance(self.pixel_size, tuple) else (self.pixel_size,)
        return None if not sizes else (float(sizes[0]) * unit, float(sizes[min(1, len(sizes) - 1)]) * unit)

    @property
    def safe(self) -> dict[str, str | float]:
        """Sex, age band and scanner, as a DICOM header would give them; the age itself is not kept."""
        from scanwright.tools.imaging.dicom_facts import safe_facts

        age = f"{int(self.age):03d}Y" if isinstance(self.age, float) and 0 <= self.age < 130 else self.age
        tags = {"PatientSex": self.sex, "PatientAge": age, "ManufacturerModelName": self.model}
        return safe_facts({k: v for k, v in tags.items() if v is not None}, None)

    @property
    def contrast(self) -> bool | None:
        """Whether an agent was given; a yes under any of the keys wins."""
        said = [c for c in (self.contrast_agent, self.contrast_bolus, self.contrast_ingredient) if c is not None]
        return any(said) if said else None


def sidecar_path(image: Path) -> Path:
    """scan.nii.gz → scan.json, in the same folder."""
    name = image.name
    for ending in (".nii.gz", ".nii", ".gz"):
        if name.lower().endswith(ending):
            return image.with_name(name[: -len(ending)] + ".json")
    return image.with_suffix(".json")


def read_sidecar(image: Path) -> Sidecar:
    """The sidecar of an image; an empty one where there is no file. Raises UserInputError where it is not usable."""
    path = sidecar_path(image)
    if not path.is_file():
        return Sidecar()
    name = shown(path)
    if path.stat().st_size > _MAX_BYTES:
        raise UserInputError(f"{name} is too large for a sidecar of {shown(image)}: mend or remove it.")
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UserInputError(
            f"{name}, the sidecar of {shown(image)}, is not JSON ({error}): mend or remove it."
        ) from error
    if not isinstance(data, dict):
        raise UserInputError(f"{name}, the sidecar of {shown(image)}, holds no keys: mend or remove it.")
    try:
        return Sidecar.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserInputError(f"{name} has an unusable {key} ({first['msg']}): mend or remove it.") from error


def settled(
    image: ImageFacts, geometry: Geometry, sidecar: Sidecar, given: GivenFacts, *, oriented: bool
) -> tuple[ImageFacts, Geometry, tuple[str, ...]]:
    """Facts and geometry after person and sidecar have had their say, and warnings.

    oriented False: the file itself does not say how it lies, so nobody's word can make its sides known.
    """
    warnings: list[str] = []
    modality = given.modality or as_modality(sidecar.modality) or image.modality
    if sidecar.modality and given.modality and given.modality != as_modality(sidecar.modality):
        warnings.append(
            f"You said {given.modality}; the sidecar says {as_modality(sidecar.modality)}: your word was taken."
        )
    unit = "[hnsf'U]" if modality == "CT" else image.unit
    if sidecar.units is not None:
        unit = _UNITS.get(sidecar.units.strip().lower(), "1")
        if unit == "1" and sidecar.units.strip().lower() not in _UNITS:
            warnings.append("The sidecar gives a unit that is not known here: voxels count as arbitrary units.")
    facts = image.model_copy(
        update={
            "modality": modality,
            "body_part": given.body_part or as_body_part(sidecar.body_part) or image.body_part,
            "unit": unit,
            "sequence": sidecar.sequence or image.sequence,
            "contrast": image.contrast if sidecar.contrast is None else sidecar.contrast,
            "slice_thickness_mm": sidecar.slice_thickness_mm or image.slice_thickness_mm,
            "gated": image.gated if given.gated is None else given.gated,
        }
    )
    return facts, _placed(geometry, sidecar, given, oriented, warnings), tuple(warnings)


def _placed(
    geometry: Geometry, sidecar: Sidecar, given: GivenFacts, oriented: bool, warnings: list[str]
) -> Geometry:  # fmt: skip
    known = geometry.sides_known
    if sidecar.sides_known is not None:
        known = sidecar.sides_known
    if given.sides is not None:
        known = given.sides == "known"
    if known and not oriented:
        warnings.append(
            "The file does not say how it lies in the patient, so its sides stay unknown whatever was said."
        )
        known = False
    space, space_name = _space(sidecar.space, geometry)
    return geometry.model_copy(update={"sides_known": known, "space": space, "space_name": space_name})


def _space(said: str | None, geometry: Geometry) -> tuple[Space, str | None]:
    word = (said or "").strip()
    if not word:
        return geometry.space, geometry.space_name
    if word.lower() in _NATIVE:
        return "native", None
    if word.lower() == "unknown":
        return "unknown", None
    return "normalised", word
