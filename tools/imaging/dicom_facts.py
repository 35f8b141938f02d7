"""Facts out of DICOM tags: what the image is, what identifies the patient (sealed), and what does not."""

from __future__ import annotations

import re
from typing import Any, Final

from scanwright.tools.artifacts import ImageFacts
from scanwright.tools.imaging.dicom_header import IDENTITY
from scanwright.tools.imaging.dicom_pet import pet_unit
from scanwright.tools.imaging.loaded import GivenFacts, as_body_part, as_modality

_IN_YEARS: Final = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def image_facts(tags: Any, given: GivenFacts) -> tuple[ImageFacts, tuple[str, ...]]:
    """What is known of the image, the person's word first, and warnings.

    CT is HU where it has a rescale and RescaleType is HU or absent (PS3.3 C.11.1.1.2).
    """
    warnings: list[str] = []
    modality = as_modality(text(tags, "Modality"))
    if given.modality and modality and given.modality != modality:
        warnings.append(f"You said {given.modality}; the file says {modality}: your word was taken.")
    modality = given.modality or modality
    unit = "1"
    if modality == "CT":
        kind = text(tags, "RescaleType").upper()
        if tags.get("RescaleSlope") is None or tags.get("RescaleIntercept") is None:
            warnings.append("This CT has no rescale to HU: its voxels count as arbitrary units.")
        elif kind not in ("", "HU"):
            warnings.append(
                "This CT's voxels are not in HU by its own word (RescaleType): they count as arbitrary units."
            )
        else:
            unit = "[hnsf'U]"
    elif modality == "PT":
        unit = pet_unit(tags)
    facts = ImageFacts(
        modality=modality,
        body_part=given.body_part or as_body_part(text(tags, "BodyPartExamined")),
        unit=unit,
        sequence=text(tags, "SequenceName") or None,
        contrast=_contrast(tags),
        slice_thickness_mm=_positive(tags.get("SliceThickness")),
        source_format="DICOM",
        gated=_gated(tags) if given.gated is None else given.gated,
    )
    return facts, tuple(warnings)


def identity(tags: Any) -> dict[str, str]:
    """The identifying tags that the file fills, by keyword."""
    return {key: value for key in IDENTITY if (value := text(tags, key))}


def safe_facts(tags: Any, contrast: bool | None) -> dict[str, str | float]:
    """Facts that identify nobody; keys are there only where the file has them."""
    facts: dict[str, str | float] = {}
    for key, keyword in (("sex", "PatientSex"), ("manufacturer", "Manufacturer"), ("model", "ManufacturerModelName")):
        if value := text(tags, keyword):
            facts[key] = value
    if band := _age_band(tags):
        facts["age_band"] = band
    if kvp := _positive(tags.get("KVP")):
        facts["kvp"] = kvp
    if (number := text(tags, "SeriesNumber")).isdigit():
        facts["series_number"] = number
    if contrast is not None:
        facts["contrast"] = "yes" if contrast else "no"
    return facts


def text(tags: Any, keyword: str) -> str:
    """A tag as one printable line, several values parted by backslashes as DICOM writes them; "" where it is absent."""
    value = tags.get(keyword)
    if value is None:
        return ""
    several = value if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]
    joined = "\\".join(str(v) for v in several)
    return "".join(c for c in joined if c.isprintable()).strip()


def _contrast(tags: Any) -> bool | None:
    """An agent that is named was given; a tag that is absent or empty says nothing (it is type 2 and often empty)."""
    agent = text(tags, "ContrastBolusAgent").lower()
    if not agent:
        return None
    return agent not in ("no", "none", "n", "without", "no contrast")


def _gated(tags: Any) -> bool | None:
    """The technique that is named (PS3.3 C.7.6.18.1), or a heart rate or trigger time that a scanner wrote; else None.

    A trigger time of 0 is written by scanners that triggered nothing.
    """
    technique = text(tags, "CardiacSynchronizationTechnique").upper()
    if technique:
        return technique != "NONE"
    marks = ("HeartRate", "TriggerTime", "NominalPercentageOfCardiacPhase", "NominalInterval")
    return True if any(_positive(tags.get(mark)) for mark in marks) else None


def _age_band(tags: Any) -> str | None:
    """Ten years wide; 90 and over is one band, as rare ages identify."""
    match = re.fullmatch(r"(\d{1,3})([DWMY])", text(tags, "PatientAge").upper())
    if match:
        years = int(match[1]) * _IN_YEARS[match[2]]
    else:
        born, seen = text(tags, "PatientBirthDate"), text(tags, "StudyDate")
        if not (re.fullmatch(r"\d{8}", born) and re.fullmatch(r"\d{8}", seen)):
            return None
        years = (int(seen) - int(born)) / 10_000
    if not 0 <= years < 130:
        return None
    low = int(years // 10) * 10
    return "90 or over" if years >= 90 else f"{low}-{low + 9}"


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < 1e6 else None
