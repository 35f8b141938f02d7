"""Exams of one patient on different days as DICOM, with a bright block whose size each exam has for itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

VOXEL_ML = 2.0 * 2.5 * 3.0 / 1000


def write_exam(
    folder: Path,
    day: str,
    length: int,
    *,
    patient: str = "ID-7",
    series: str = "Thorax",
    number: int = 1,
    modality: str = "CT",
    study_uid: str | None = None,
) -> Path:
    """A series of 9 slices, day as YYYYMMDD: a block of length × 4 × 3 voxels of 300 HU in air of −1000 HU.

    The block lies off the middle in every axis. Several series go into one folder with one study_uid.
    """
    folder.mkdir(parents=True, exist_ok=True)
    voxels = np.full((9, 16, 24), -1000, np.int16)
    voxels[2:5, 3:7, 4 : 4 + length] = 300
    study, series_uid, frame = study_uid or generate_uid(), generate_uid(), generate_uid()
    kind = CTImageStorage if modality == "CT" else MRImageStorage
    for k, plane in enumerate(voxels):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        file.SOPClassUID, file.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
        file.PatientID, file.PatientName, file.StudyDate, file.Modality = patient, "Secret^Name", day, modality
        file.StudyInstanceUID, file.SeriesInstanceUID, file.FrameOfReferenceUID = study, series_uid, frame
        file.SeriesDescription, file.SeriesNumber, file.InstanceNumber = series, number, k + 1
        file.BodyPartExamined = "CHEST"
        file.Rows, file.Columns, file.SamplesPerPixel = 16, 24, 1
        file.PhotometricInterpretation, file.PixelRepresentation = "MONOCHROME2", 1
        file.BitsAllocated = file.BitsStored = 16
        file.HighBit = 15
        file.PixelSpacing, file.SliceThickness = [2.5, 2.0], 3.0
        file.ImageOrientationPatient, file.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-20.0, -15.0, 3.0 * k]
        if modality == "CT":
            file.RescaleSlope, file.RescaleIntercept, file.RescaleType = 1, 0, "HU"
        file.PixelData = plane.tobytes()
        file.save_as(folder / f"{series.replace(' ', '_')}-{number}-{k}.dcm", enforce_file_format=True)
    return folder


def block_ml(length: int) -> float:
    """The volume of the block."""
    return length * 4 * 3 * VOXEL_ML
