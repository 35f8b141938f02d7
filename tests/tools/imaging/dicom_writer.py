"""Writes a phantom as a classic DICOM series, so that tests know what a reader must find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

IDENTITY = {
    "PatientName": "Doe^Jane",
    "PatientID": "H-4711",
    "PatientBirthDate": "19600229",
    "AccessionNumber": "A-99",
    "InstitutionName": "St. Elsewhere",
    "StudyDate": "20240301",
}


def slice_dataset(
    pixels: NDArray[Any],
    affine: NDArray[np.float64],
    k: int,
    *,
    uids: tuple[str, str] = ("1.2.3.1", "1.2.3.2"),
    syntax: str = ExplicitVRLittleEndian,
    **tags: Any,
) -> Dataset:
    """One slice; pixels is (column, row) in stored values, affine maps (column, row, slice) to RAS+ mm."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uids
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 3, k + 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImageOrientationPatient = [f"{v:.12g}"[:16] for v in (lps[:3, :2] / spacing[:2]).T.ravel()]
    ds.ImagePositionPatient = [f"{v:.10g}"[:16] for v in (lps @ [0, 0, k, 1])[:3]]
    ds.PixelSpacing = [f"{spacing[1]:.10g}", f"{spacing[0]:.10g}"]
    ds.Columns, ds.Rows = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.RescaleSlope, ds.RescaleIntercept = "1", "0"
    for keyword, value in {**IDENTITY, **tags}.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    ds.PixelData = pixels.T.astype(pixels.dtype.newbyteorder("<")).tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def write_series(
    folder: Path, voxels: NDArray[Any], affine: NDArray[np.float64], *, backwards: bool = False, **options: Any
) -> list[Path]:
    """All slices of voxels (column, row, slice), in file order of k or backwards; returns the files by k."""
    folder.mkdir(parents=True, exist_ok=True)
    count = voxels.shape[2]
    files = []
    for k in range(count):
        file = folder / f"{count - k if backwards else k + 1:04d}.dcm"
        save(slice_dataset(voxels[:, :, k], affine, k, **options), file)
        files.append(file)
    return files


def save(ds: Dataset, file: Path) -> None:
    """Writes a dataset with its preamble."""
    ds.save_as(file, enforce_file_format=True)
