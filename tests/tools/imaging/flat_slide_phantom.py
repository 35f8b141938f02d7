"""Slides for tests: the letter F with a red and a blue corner, as OME-TIFF, as an Aperio scanner writes, as DICOM."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, TILE = 1203, 906, 256


def letter(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """RGB (rows, columns, 3): a black F on a pale ground that shades to the right and down; no symmetry left."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([200 + 50 * x / width, 200 + 50 * y / height, np.full(x.shape, 230.0)], axis=2)
    u, v = width / 12, height / 9
    stem = (x >= 2 * u) & (x < 3 * u) & (y >= v) & (y < 8 * v)
    arms = (x >= 2 * u) & (((x < 8 * u) & (y >= v) & (y < 2 * v)) | ((x < 6 * u) & (y >= 4 * v) & (y < 5 * v)))
    image[stem | arms] = 20
    image[int(8.2 * v) :, int(10 * u) :] = (220, 30, 30)
    return image.astype(np.uint8)


def smaller(image: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Means of blocks, the last ones cut off where they are not whole, as scanners do."""
    rows, columns = image.shape[0] // times, image.shape[1] // times
    blocks = image[: rows * times, : columns * times].reshape(rows, times, columns, times, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def write_ome(file: Path, image: NDArray[np.uint8], um: float = 0.25, downsamples: tuple[int, ...] = (2, 4, 8),
              compression: str = "zlib") -> Path:  # fmt: skip
    """A tiled OME-TIFF with its smaller sizes as SubIFDs."""
    import tifffile

    with tifffile.TiffWriter(file, ome=True) as out:
        said = {"axes": "YXS", "PhysicalSizeX": um, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": um,
                "PhysicalSizeYUnit": "µm"}  # fmt: skip
        how = {"photometric": "rgb", "tile": (TILE, TILE), "compression": compression}
        out.write(image, subifds=len(downsamples), metadata=said, **how)
        for d in downsamples:
            out.write(smaller(image, d), subfiletype=1, **how)
    return file


def write_aperio(file: Path, image: NDArray[np.uint8], label: NDArray[np.uint8]) -> Path:
    """As an Aperio scanner writes: the slide, a thumbnail, the slide four times smaller, then the glass's label."""
    import tifffile

    head = "Aperio Image Library v12.0.15"
    size = f"{image.shape[1]}x{image.shape[0]}"
    said = f"{head}\r\n{size} [0,0 {size}] (256x256) JPEG/RGB Q=90|AppMag = 20|MPP = 0.5010|Filename = phantom"
    with tifffile.TiffWriter(file) as out:
        tiled = {"photometric": "rgb", "tile": (TILE, TILE), "compression": "jpeg", "metadata": None,
                 "compressionargs": {"level": 98}}  # fmt: skip
        out.write(image, description=said, **tiled)
        out.write(smaller(image, 16), photometric="rgb", description=f"{head}\r\n{size} -> thumbnail", metadata=None)
        out.write(smaller(image, 4), description=said, **tiled)
        out.write(label, photometric="rgb", subfiletype=1, description=f"{head}\r\nlabel 60x80", metadata=None)
        out.write(label, photometric="rgb", subfiletype=9, description=f"{head}\r\nmacro 60x80", metadata=None)
    return file


def write_dicom(folder: Path, image: NDArray[np.uint8], label: NDArray[np.uint8]) -> Path:
    """Three levels and a label as VL Whole Slide Microscopy images, tiled fully, JPEG."""
    from pydicom.uid import generate_uid

    series, frame_of_reference = generate_uid(), generate_uid()
    for number, times in enumerate((1, 2, 4)):
        level = image if times == 1 else smaller(image, times)
        kind = ["ORIGINAL" if times == 1 else "DERIVED", "PRIMARY", "VOLUME", "NONE" if times == 1 else "RESAMPLED"]
        _write_level(folder / f"{9 - number}.dcm", level, kind, series, frame_of_reference, number, 0.0005 * times)
    _write_level(
        folder / "label.dcm", label, ["ORIGINAL", "PRIMARY", "LABEL", "NONE"], series, frame_of_reference, 9, 0.01
    )
    return folder


def _write_level(file: Path, image: NDArray[np.uint8], kind: list[str], series: str, space: str, number: int,
                 spacing_mm: float) -> None:  # fmt: skip
    from PIL import Image
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit, generate_uid

    rows, columns = image.shape[:2]
    tiles = []
    for top in range(0, rows, TILE):
        for left in range(0, columns, TILE):
            tile = np.full((TILE, TILE, 3), 255, np.uint8)
            part = image[top : top + TILE, left : left + TILE]
            tile[: part.shape[0], : part.shape[1]] = part
            data = io.BytesIO()
            Image.fromarray(tile).save(data, "JPEG", quality=97, subsampling=0)
            tiles.append(data.getvalue())
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = series[:50] + ".1", series, space
    ds.Modality, ds.ImageType, ds.InstanceNumber, ds.SeriesNumber = "SM", kind, number + 1, 1
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "", "P-test", "", "O"
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "1", "", ""
    ds.StudyDate = ds.ContentDate = "20240102"
    ds.StudyTime = ds.ContentTime = "120000"
    ds.AcquisitionDateTime = "20240102120000"
    ds.Manufacturer = ds.ManufacturerModelName = ds.DeviceSerialNumber = ds.SoftwareVersions = "phantom"
    ds.Rows = ds.Columns = TILE
    ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows, ds.TotalPixelMatrixFocalPlanes = columns, rows, 1
    ds.NumberOfFrames, ds.SamplesPerPixel, ds.PlanarConfiguration = len(tiles), 3, 0
    ds.PhotometricInterpretation, ds.PixelRepresentation = "YBR_FULL_422", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.LossyImageCompression, ds.LossyImageCompressionRatio = 7, "01", 10
    ds.LossyImageCompressionMethod = "ISO_10918_1"
    ds.BurnedInAnnotation = "YES" if "LABEL" in kind else "NO"
    ds.SpecimenLabelInImage = "YES" if "LABEL" in kind else "NO"
    ds.VolumetricProperties, ds.FocusMethod, ds.ExtendedDepthOfField = "VOLUME", "AUTO", "NO"
    ds.ImagedVolumeWidth, ds.ImagedVolumeHeight, ds.ImagedVolumeDepth = columns * spacing_mm, rows * spacing_mm, 1.0
    ds.ImageOrientationSlide, ds.DimensionOrganizationType = [0, -1, 0, -1, 0, 0], "TILED_FULL"
    ds.PositionReferenceIndicator, ds.ContainerIdentifier = "SLIDE_CORNER", "glass"
    ds.IssuerOfTheContainerIdentifierSequence, ds.AcquisitionContextSequence = [], []
    ds.ContainerTypeCodeSequence = [_code("433466003", "SCT", "Microscope slide")]
    ds.TotalPixelMatrixOriginSequence = [_of(XOffsetInSlideCoordinateSystem=40.0, YOffsetInSlideCoordinateSystem=20.0)]
    ds.SpecimenDescriptionSequence = [_specimen()]
    ds.OpticalPathSequence = [_optical_path()]
    measures = _of(PixelSpacing=[spacing_mm, spacing_mm], SliceThickness=0.001, SpacingBetweenSlices=0.001)
    ds.SharedFunctionalGroupsSequence = [
        _of(
            PixelMeasuresSequence=[measures],
            WholeSlideMicroscopyImageFrameTypeSequence=[_of(FrameType=kind)],
            OpticalPathIdentificationSequence=[_of(OpticalPathIdentifier="0")],
        )
    ]
    ds.NumberOfOpticalPaths = 1
    ds.PixelData = encapsulate(tiles)
    ds["PixelData"].is_undefined_length = True
    ds.save_as(file, enforce_file_format=True)


def _specimen() -> Any:
    def using(value: str, meaning: str) -> Any:
        return _of(
            ValueType="CODE",
            ConceptNameCodeSequence=[_code("424361007", "SCT", "Using substance")],
            ConceptCodeSequence=[_code(value, "SCT", meaning)],
        )

    step = _of(
        SpecimenPreparationStepContentItemSequence=[
            using("12710003", "hematoxylin stain"),
            using("36879007", "water soluble eosin stain"),
        ]
    )
    return _of(
        SpecimenIdentifier="s",
        SpecimenUID="1.2.3.4",
        IssuerOfTheSpecimenIdentifierSequence=[],
        SpecimenPreparationSequence=[step],
    )


def _optical_path() -> Any:
    return _of(
        OpticalPathIdentifier="0",
        OpticalPathDescription="brightfield",
        IlluminationTypeCodeSequence=[_code("111744", "DCM", "Brightfield illumination")],
        IlluminationColorCodeSequence=[_code("414298005", "SCT", "Full Spectrum")],
    )


def _code(value: str, scheme: str, meaning: str) -> Any:
    return _of(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _of(**values: Any) -> Any:
    from pydicom.dataset import Dataset

    ds = Dataset()
    for name, value in values.items():
        setattr(ds, name, value)
    return ds
