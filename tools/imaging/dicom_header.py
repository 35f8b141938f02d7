"""One DICOM file without its pixels: what kind of object it is, and where its pixel data lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.wording import shown

DEFLATED: Final = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.8.1"})
NATIVE_LITTLE: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})

# Who and when: these go to the sealed record and nowhere else (PS3.15 table E.1-1 names them among others).
IDENTITY: Final = (
    "PatientName", "PatientID", "OtherPatientIDs", "PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers",
    "AccessionNumber", "StudyID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPClassUID",
    "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName", "DeviceSerialNumber",
    "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "RequestingPhysician",
    "StudyDate", "StudyTime", "SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime",
    "StudyDescription", "SeriesDescription", "ProtocolName", "PatientComments", "ImageComments",
)  # fmt: skip
_OTHERS: Final = (
    "SOPInstanceUID", "Modality", "ImageType", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel",
    "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "Units", "BodyPartExamined", "ContrastBolusAgent", "SequenceName",
    "SeriesNumber", "PatientSex", "PatientAge", "Manufacturer", "ManufacturerModelName", "KVP",
    "SpecificCharacterSet", "CardiacSynchronizationTechnique", "HeartRate", "TriggerTime",
    "NominalPercentageOfCardiacPhase", "NominalInterval", "DecayCorrection", "CorrectedImage", "SUVType",
    "PatientWeight", "RadiopharmaceuticalInformationSequence",
)  # fmt: skip

# Names of kinds that are not read yet, by the first words of the SOP class; tried in this order.
_NOT_YET: Final = (
    "Segmentation", "Surface Segmentation", "RT Structure Set", "RT Dose", "RT Plan", "RT Ion Plan", "RT Image",
    "Enhanced", "Legacy Converted Enhanced", "Multi-frame", "Parametric Map", "Ultrasound", "Nuclear Medicine",
    "VL ", "Video", "Encapsulated", "Tractography",
)  # fmt: skip


@dataclass(frozen=True)
class DicomFile:
    """A file's tags (no pixels). pixels_at is where raw pixel bytes start, None where they need a decoder."""

    path: Path
    tags: Any
    syntax: str
    pixels_at: int | None
    reason: str | None
    """Why it is not a slice of a classic image ("is a segmentation, …"), None where it is one."""

    @property
    def series(self) -> str:
        """SeriesInstanceUID, or "" where the file has none."""
        return str(self.tags.get("SeriesInstanceUID") or "")


def is_dicom(path: Path) -> bool:
    """True where the file has a DICOM preamble (PS3.10 section 7.1)."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_header(path: Path) -> DicomFile:
    """Tags of one file. Raises UserInputError where it is damaged, or deflated (which can expand without bound)."""
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    name = shown(path)
    try:
        meta = read_file_meta_info(path)
        syntax = str(meta.get("TransferSyntaxUID", ""))
        if syntax in DEFLATED:
            raise UserInputError(
                f"{name} is compressed as a whole (deflated transfer syntax), which is not read because it can expand "
                "without bound: export it again as Explicit VR Little Endian."
            )
        with path.open("rb") as file:
            tags = dcmread(file, stop_before_pixels=True, specific_tags=[*IDENTITY, *_OTHERS])
            pixels_at, has_pixels = _pixel_start(file, syntax)
        kind = _kind(tags.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID"))
        if kind.endswith("Image") and not has_pixels:
            raise _cut_short(path)
        reason = _why_not(tags, kind, has_pixels)
        if reason is None and pixels_at is not None:
            _check_length(path, tags, pixels_at)
    except UserInputError:
        raise
    except RecursionError as error:
        raise UserInputError(f"{name} nests its sequences too deeply to be a real scan: leave it out.") from error
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises nearly anything on damaged files
        raise UserInputError(f"{name} is a damaged DICOM file: get it again from its source.") from error
    return DicomFile(path, tags, syntax, pixels_at, reason)


def _pixel_start(file: BinaryIO, syntax: str) -> tuple[int | None, bool]:
    """Where raw pixels start, and whether there is Pixel Data at all; file stands at its element."""
    at = file.tell()
    start = file.read(12)
    if start[:4] not in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10"):
        return None, False
    if syntax not in NATIVE_LITTLE:
        return None, True
    # Some writers name an explicit syntax and write an implicit one: the VR itself decides.
    return at + (12 if start[4:6] in (b"OW", b"OB") else 8), True


def _kind(sop_class: Any) -> str:
    """What the standard calls the object: "CT Image", "Segmentation", …"""
    from pydicom.uid import UID

    return str(UID(str(sop_class or "")).name).removesuffix(" Storage")


def _why_not(tags: Any, kind: str, has_pixels: bool) -> str | None:
    if kind.startswith(_NOT_YET):
        return f"is a DICOM {kind} object, and this kind is not read yet"
    if not has_pixels or not tags.get("Rows") or not tags.get("Columns"):
        return f"is a DICOM {kind or 'object'} without an image"
    if int(tags.get("NumberOfFrames") or 1) > 1:
        return "is a multi-frame DICOM image, and only single-frame series are read yet"
    image_type = [str(t) for t in tags.get("ImageType") or []]
    if "MOSAIC" in image_type:
        return "is a mosaic (many slices on one sheet), and mosaics are not read yet"
    if "LOCALIZER" in image_type:
        return "is a localizer (scout view), not a slice of a scan"
    if int(tags.get("SamplesPerPixel") or 1) != 1 or str(tags.get("PhotometricInterpretation", "")).startswith(
        "PALETTE"
    ):
        return "is a colour picture, and one real number a voxel is needed"
    if int(tags.get("BitsAllocated") or 0) not in (8, 16, 32):
        return f"has {tags.get('BitsAllocated')} bits a voxel, and 8, 16 or 32 are read"
    for key in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        if not tags.get(key):
            return f"does not say where it lies in the patient ({key} is missing), so it is no slice of a 3D scan"
    return None


def _check_length(path: Path, tags: Any, pixels_at: int) -> None:
    needed = int(tags.Rows) * int(tags.Columns) * int(tags.BitsAllocated) // 8
    if path.stat().st_size < pixels_at + needed:
        raise _cut_short(path)


def _cut_short(path: Path) -> UserInputError:
    return UserInputError(f"{shown(path)} ends before its last pixel (it was cut short): copy or download it again.")
