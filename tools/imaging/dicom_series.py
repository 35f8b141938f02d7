"""Reads classic single-frame DICOM series: slices grouped, sorted by geometry, checked, rescaled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.dicom_facts import identity, image_facts, safe_facts, text
from scanwright.tools.imaging.dicom_header import DicomFile, read_header
from scanwright.tools.imaging.dicom_pet import pet_facts
from scanwright.tools.imaging.dicom_pixels import read_pixels
from scanwright.tools.imaging.dicom_stack import stacked
from scanwright.tools.imaging.loaded import GivenFacts, LoadedImage
from scanwright.tools.imaging.wording import shown

_UNIFORM: Final = ("Rows", "Columns", "BitsAllocated", "PixelRepresentation", "Modality")


def read_dicom(
    files: Sequence[Path], given: GivenFacts | None = None, warnings: list[str] | None = None
) -> Iterator[LoadedImage]:
    """One image a series, in order of series number; voxels (i, j, k) are column, row, slice along the normal.

    What is left out (other objects, series that do not stack) is appended to warnings when something else is read.
    Raises UserInputError where nothing can be read, a file is damaged, or the files are of several patients.
    """
    headers = [read_header(path) for path in files]
    _check_one_patient(headers)
    groups: dict[str, list[DicomFile]] = {}
    left_out: list[str] = []
    for header in headers:
        if header.reason:
            left_out.append(f"{shown(header.path)} {header.reason}.")
        else:
            groups.setdefault(header.series, []).append(header)
    read = 0
    for series in sorted(groups.values(), key=_series_number):
        try:
            image = _image(series, given or GivenFacts())
        except UserInputError as error:
            left_out.append(str(error))
            continue
        read += 1
        yield image
    if not read:
        raise UserInputError(_nothing(left_out))
    if warnings is not None:
        warnings.extend(f"Left out: {sentence}" for sentence in _condensed(left_out))
        studies = {text(h.tags, "StudyInstanceUID") for group in groups.values() for h in group}
        if len(studies) > 1:
            warnings.append(f"These files come from {len(studies)} examinations of one patient.")


def _image(series: list[DicomFile], given: GivenFacts) -> LoadedImage:
    series, notes = _without_copies(series)
    _check_uniform(series)
    slices, geometry, warnings = stacked(series)
    voxels = read_pixels(slices)
    first = slices[0].tags
    facts, more = image_facts(first, given)
    if facts.modality == "PT":
        facts = facts.model_copy(update={"pet": pet_facts([s.tags for s in slices])})
    if given.sides == "unknown":
        geometry = geometry.model_copy(update={"sides_known": False})
    sealed = identity(first)
    sealed["SOPInstanceUID"] = "\\".join(text(s.tags, "SOPInstanceUID") for s in slices)
    number = text(first, "SeriesNumber")
    name = f"{facts.modality or 'image'} series {number}" if number.isdigit() else f"{facts.modality or 'image'} series"
    return LoadedImage(
        voxels, geometry, facts, name, (*notes, *warnings, *more), sealed, safe_facts(first, facts.contrast)
    )


def _without_copies(series: list[DicomFile]) -> tuple[list[DicomFile], tuple[str, ...]]:
    """The same object twice (one SOPInstanceUID) is a copy of a file, not a second slice."""
    seen: dict[str, DicomFile] = {}
    for header in series:
        seen.setdefault(text(header.tags, "SOPInstanceUID") or str(header.path), header)
    copies = len(series) - len(seen)
    notes = (f"{copies} files are copies of others in the folder and were left out.",) if copies else ()
    return list(seen.values()), notes


def _check_uniform(series: list[DicomFile]) -> None:
    first = series[0]
    for header in series[1:]:
        for key in _UNIFORM:
            if header.tags.get(key) != first.tags.get(key):
                raise UserInputError(
                    f"{shown(header.path)} and {shown(first.path)} are of one series and differ in {key} "
                    f"({header.tags.get(key)} and {first.tags.get(key)}): give the slices of one scan only."
                )


def _check_one_patient(headers: list[DicomFile]) -> None:
    patients = {text(h.tags, "PatientID") or text(h.tags, "PatientName") for h in headers} - {""}
    if len(patients) > 1:
        raise UserInputError(
            f"These files belong to {len(patients)} patients: give the scans of one patient at a time."
        )


def _series_number(series: list[DicomFile]) -> tuple[int, str]:
    number = text(series[0].tags, "SeriesNumber")
    return (int(number) if number.isdigit() else 0, series[0].series)


def _condensed(sentences: list[str], limit: int = 5) -> list[str]:
    if len(sentences) <= limit:
        return sentences
    return [*sentences[:limit], f"{len(sentences) - limit} more files or series."]


def _nothing(left_out: list[str]) -> str:
    if not left_out:
        return "There is no DICOM image here: give the folder with the slices of one scan."
    more = len(left_out) - 1
    return left_out[0].rstrip(".") + (f", and {more} more could not be used." if more else ".")
