"""Whole slides as DICOM (VL Whole Slide Microscopy, PS3.3 A.32.8): which files are the slide, and reading them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed, UserInputError
from scanwright.tools.imaging.flat.frame import Box, Frame
from scanwright.tools.imaging.flat.pyramid import MISSING, LevelReader, levels_of

WSI: Final = "1.2.840.10008.5.1.4.1.1.77.1.6"
HEAD: Final = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "ImageType", "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows", "Rows", "Columns", "SharedFunctionalGroupsSequence", "SpecimenDescriptionSequence",
    "SamplesPerPixel", "BitsAllocated", "ImagedVolumeWidth", "ImagedVolumeHeight", "TotalPixelMatrixFocalPlanes",
)  # fmt: skip
MAX_FILES: Final = 200
MAX_TILE: Final = 8192


def wsi_levels(files: Iterable[Path]) -> list[tuple[Path, Any]]:
    """The files that hold the slide itself with their headers, the finest first; nothing where none does.

    Labels, overviews and thumbnails are left out: the first two show what is written on the glass.
    Raises UserInputError where the files are of several slides.
    """
    import pydicom

    found: list[tuple[Path, Any]] = []
    for file in files:
        with file.open("rb") as start:
            if start.read(132)[128:] != b"DICM":
                continue
        head = pydicom.dcmread(file, specific_tags=list(HEAD), stop_before_pixels=True)
        kinds = [str(k) for k in head.get("ImageType", ())]
        if str(head.get("SOPClassUID", "")) != WSI or not {"VOLUME"} & set(kinds):
            continue
        found.append((file, head))
        if len(found) > MAX_FILES:
            raise UserInputError(f"More than {MAX_FILES} files of whole slides: give the folder of one slide.")
    if len({str(head.get("SeriesInstanceUID", "")) for _, head in found}) > 1:
        raise UserInputError("The files are of several slides: give the folder of one slide.")
    return sorted(found, key=lambda f: -int(f[1].TotalPixelMatrixColumns))


def wsi_frame(head: Any) -> Frame:
    """Size and pixel size of the finest level. Raises UserInputError where it is not RGB or its tiles are too large."""
    if int(head.get("SamplesPerPixel", 0)) != 3 or int(head.get("BitsAllocated", 0)) != 8:
        raise UserInputError("The DICOM slide is not in colour of 8 bits: only such slides are read.")
    if int(head.Rows) * int(head.Columns) > MAX_TILE**2:
        raise UserInputError("The DICOM slide has tiles of more than 8192×8192 pixels: write it with smaller ones.")
    width, height = int(head.TotalPixelMatrixColumns), int(head.TotalPixelMatrixRows)
    um = None
    shared = head.get("SharedFunctionalGroupsSequence")
    measures = shared[0].get("PixelMeasuresSequence") if shared else None
    if measures and measures[0].get("PixelSpacing"):
        # PixelSpacing is the distance between rows, then between columns (PS3.3 10.7.1.3), in mm.
        row, column = (float(v) for v in measures[0].PixelSpacing)
        um = (column * 1000, row * 1000)
    elif head.get("ImagedVolumeWidth") and head.get("ImagedVolumeHeight"):
        um = (float(head.ImagedVolumeWidth) * 1000 / width, float(head.ImagedVolumeHeight) * 1000 / height)
    return Frame(width=width, height=height, um_per_pixel=um)


def wsi_stain(head: Any) -> str | None:
    """The stain that the specimen's description names (PS3.3 C.7.6.22); None where it names none that is known."""
    words: list[str] = []
    for specimen in head.get("SpecimenDescriptionSequence") or ():
        for step in specimen.get("SpecimenPreparationSequence") or ():
            for item in step.get("SpecimenPreparationStepContentItemSequence") or ():
                words += [str(c.get("CodeMeaning", "")).lower() for c in item.get("ConceptCodeSequence") or ()]
    text = " ".join(words)
    if "diaminobenzidine" in text or "immunohisto" in text:
        return "IHC DAB"
    return "H&E" if "hematoxylin" in text.replace("haem", "hem") and "eosin" in text else None


class _WsiDicomLevels:
    """Levels of a DICOM slide through wsidicom."""

    def __init__(self, files: Sequence[Path]) -> None:
        try:
            from wsidicom import WsiDicom
            from wsidicom.errors import WsiDicomError
        except ImportError as error:
            raise UserInputError(MISSING) from error
        self._failures = (WsiDicomError, OSError, ValueError, KeyError)
        try:
            self._slide = WsiDicom.open(list(files))
            found = sorted(self._slide.pyramids[0], key=lambda level: -level.size.width)
        except self._failures as error:
            raise ToolFailed("The DICOM slide cannot be opened: import it again.") from error
        self._numbers = [level.level for level in found]
        self.levels = levels_of([(level.size.width, level.size.height) for level in found])

    def part(self, level: int, box: Box) -> NDArray[np.uint8]:
        """See Stored."""
        x, y, width, height = box
        try:
            part = self._slide.read_region((x, y), self._numbers[level], (width, height))
        except self._failures as error:
            raise ToolFailed("A part of the DICOM slide is damaged: get the files again.") from error
        return np.asarray(part.convert("RGB"))


def open_dicom(files: Sequence[Path]) -> LevelReader:
    """The reader of a DICOM slide, whose levels are the files. Raises ToolFailed where it cannot be opened."""
    return LevelReader(_WsiDicomLevels(files))
