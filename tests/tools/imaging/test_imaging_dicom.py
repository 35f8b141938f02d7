"""Reading classic DICOM series: geometry out of any slice order, exact values, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_writer import IDENTITY, save, slice_dataset, write_series
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.dicom_series import read_dicom
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.loaded import GivenFacts, LoadedImage
from scanwright.tools.imaging.orient import canonical
from scanwright.tools.phantoms import head_ct, reoriented

# Columns: array axes (column, row, slice) in RAS+. Axial, sagittal and coronal as scanners write them.
PLANES = {
    "axial": np.array([[-0.7, 0, 0], [0, -0.8, 0], [0, 0, 2.5]]),
    "sagittal": np.array([[0, 0, 2.5], [-0.7, 0, 0], [0, -0.8, 0]]) @ np.diag([1, 1, -1]),
    "coronal": np.array([[-0.7, 0, 0], [0, 0, 2.5], [0, -0.8, 0]]) @ np.diag([1, 1, -1]),
}


def voxels(dtype: Any = np.int16) -> NDArray[Any]:
    """13×11×7, every voxel another value."""
    return np.asfortranarray(np.arange(13 * 11 * 7).reshape(13, 11, 7).astype(dtype))


def affine(plane: str = "axial") -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = PLANES[plane]
    matrix[:3, 3] = 12.5, -31.25, 7.0
    return matrix


def read_one(folder: Path, **given: Any) -> LoadedImage:
    (image,) = read_dicom(sorted(folder.iterdir()), GivenFacts(**given))
    return image


def in_ras(array: NDArray[Any], matrix: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    turned, geometry, _ = canonical(array, Geometry.of(array.shape, matrix))
    return turned, geometry.matrix


def refusal(folder: Path) -> str:
    with pytest.raises(UserInputError) as caught:
        list(read_dicom(sorted(folder.iterdir())))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("plane", PLANES)
def test_a_series_comes_back_bit_identical_in_its_place(tmp_path: Path, plane: str, backwards: bool) -> None:
    write_series(tmp_path / "s", voxels(), affine(plane), backwards=backwards)
    image = read_one(tmp_path / "s")
    got, got_affine = in_ras(image.voxels, image.geometry.matrix)
    want, want_affine = in_ras(voxels(), affine(plane))
    assert image.voxels.dtype == np.int16
    assert image.voxels.flags.f_contiguous
    assert np.array_equal(got, want)
    assert np.allclose(got_affine, want_affine, atol=1e-6)
    assert image.geometry.sides_known
    assert image.geometry.space == "native"


@pytest.mark.parametrize("k", range(48))
def test_all_axis_orders_and_flips_are_put_in_the_same_place(tmp_path: Path, k: int) -> None:
    stored, stored_affine = reoriented(voxels(), affine(), k)
    write_series(tmp_path / "s", stored, stored_affine)
    image = read_one(tmp_path / "s")
    got, got_affine = in_ras(image.voxels, image.geometry.matrix)
    want, want_affine = in_ras(voxels(), affine())
    assert np.array_equal(got, want)
    assert np.allclose(got_affine, want_affine, atol=1e-6)


def test_an_oblique_series_keeps_its_affine(tmp_path: Path) -> None:
    a, b = 0.3, -0.2
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tip = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = affine()
    matrix[:3, :3] = turn @ tip @ matrix[:3, :3]
    write_series(tmp_path / "s", voxels(), matrix, backwards=True)
    image = read_one(tmp_path / "s")
    assert np.array_equal(image.voxels, voxels())
    assert np.allclose(image.geometry.matrix, matrix, atol=1e-6)
    assert image.warnings == ()


def test_the_larger_marker_of_the_head_lies_on_the_left(tmp_path: Path) -> None:
    array, matrix, truth = head_ct((3.0, 3.3, 4.0))
    stored, stored_affine = reoriented(array, matrix, 6 * 0 + 3)
    write_series(tmp_path / "s", stored, stored_affine, BodyPartExamined="HEAD")
    image = read_one(tmp_path / "s")
    turned, geometry, _ = canonical(image.voxels, image.geometry)
    bleeds = np.argwhere(turned == 75)
    x = (bleeds @ geometry.matrix[:3, :3].T + geometry.matrix[:3, 3])[:, 0]
    assert np.count_nonzero(x < 0) * geometry.voxel_ml == pytest.approx(truth["marker_left_ml"], rel=0.05)
    assert np.count_nonzero(x > 0) * geometry.voxel_ml == pytest.approx(truth["marker_right_ml"], rel=0.05)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_every_integer_type_is_read(tmp_path: Path, dtype: str) -> None:
    write_series(tmp_path / "s", voxels().astype(dtype), affine())
    image = read_one(tmp_path / "s")
    assert image.voxels.dtype == np.dtype(dtype)
    assert np.array_equal(image.voxels, voxels().astype(dtype))


def test_implicit_vr_is_read(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine(), syntax=ImplicitVRLittleEndian)
    assert np.array_equal(read_one(tmp_path / "s").voxels, voxels())


def test_big_endian_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    for k in range(7):
        ds = slice_dataset(voxels()[:, :, k], affine(), k, syntax=ExplicitVRBigEndian)
        ds.PixelData = voxels()[:, :, k].T.astype(">i2").tobytes()
        save(ds, folder / f"{k}.dcm")
    assert np.array_equal(read_one(folder).voxels, voxels())


def test_rle_is_decoded(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    for k in range(7):
        ds = slice_dataset(voxels()[:, :, k], affine(), k)
        ds.compress(RLELossless)
        save(ds, folder / f"{k}.dcm")
    assert np.array_equal(read_one(folder).voxels, voxels())


def test_rescale_to_hu_stays_in_integers(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(np.uint16), affine(), RescaleIntercept="-1024")
    image = read_one(tmp_path / "s")
    assert image.voxels.dtype == np.int16
    assert np.array_equal(image.voxels, voxels() - 1024)
    assert image.image.unit == "[hnsf'U]"


def test_a_rescale_of_its_own_for_each_slice_is_applied(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    slopes = [0.5 + 0.25 * k for k in range(7)]
    for k in range(7):
        save(slice_dataset(voxels()[:, :, k], affine(), k, RescaleSlope=str(slopes[k]), Modality="PT", Units="BQML"),
             folder / f"{k}.dcm")  # fmt: skip
    image = read_one(folder)
    assert image.voxels.dtype == np.float32
    assert np.array_equal(image.voxels, voxels() * np.array(slopes))
    assert image.image.unit == "Bq/mL"


def test_unused_high_bits_are_ignored_and_the_sign_extended(tmp_path: Path) -> None:
    signed = voxels() - 500
    dirty = (signed & 0x0FFF) | 0x5000
    write_series(tmp_path / "s", dirty.astype(np.int16), affine(), BitsStored=12, HighBit=11)
    assert np.array_equal(read_one(tmp_path / "s").voxels, signed)


def test_ct_that_is_not_hu_by_its_own_word_is_not_called_hu(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine(), RescaleType="US")
    image = read_one(tmp_path / "s")
    assert image.image.unit == "1"
    assert "not in HU" in image.warnings[0]


def test_facts_are_read_and_identity_is_kept_apart(tmp_path: Path) -> None:
    files = write_series(
        tmp_path / "s", voxels(), affine(), backwards=True, BodyPartExamined="CHEST", ContrastBolusAgent="Iohexol",
        SliceThickness="3", PatientSex="F", PatientAge="064Y", Manufacturer="ACME", KVP="120",
    )  # fmt: skip
    image = read_one(tmp_path / "s")
    facts = image.image
    assert (facts.modality, facts.body_part, facts.contrast, facts.slice_thickness_mm) == ("CT", "chest", True, 3.0)
    assert {k: image.identity[k] for k in IDENTITY} == IDENTITY
    assert image.identity["SOPInstanceUID"].split("\\") == [pydicom.dcmread(f).SOPInstanceUID for f in files]
    assert image.safe == {"sex": "F", "age_band": "60-69", "manufacturer": "ACME", "kvp": 120.0, "series_number": "3",
                          "contrast": "yes"}  # fmt: skip
    open_facts = repr((image.safe, image.name, facts, image.warnings))
    assert not any(value in open_facts for value in IDENTITY.values())


def test_an_age_of_ninety_or_over_is_one_band(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine(), PatientBirthDate="19300101")
    assert read_one(tmp_path / "s").safe["age_band"] == "90 or over"


def test_the_person_can_take_the_sides_away_and_correct_the_body_part(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine(), BodyPartExamined="CHEST")
    image = read_one(tmp_path / "s", sides="unknown", body_part="head")
    assert not image.geometry.sides_known
    assert image.image.body_part == "head"


def test_several_series_are_several_images(tmp_path: Path) -> None:
    write_series(tmp_path / "a", voxels(), affine(), SeriesNumber=5)
    write_series(tmp_path / "b", voxels()[:, :, :4], affine("coronal"), SeriesNumber=2, uids=("1.2.3.1", "1.2.3.9"))
    images = list(read_dicom([*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()]))
    assert [image.name for image in images] == ["CT series 2", "CT series 5"]
    assert [image.geometry.shape for image in images] == [(13, 11, 4), (13, 11, 7)]


def test_a_series_that_does_not_stack_is_left_out_and_said(tmp_path: Path) -> None:
    write_series(tmp_path / "a", voxels(), affine())
    write_series(tmp_path / "b", voxels(), affine(), SeriesNumber=9, uids=("1.2.3.1", "1.2.3.9"))[3].unlink()
    warnings: list[str] = []
    images = list(read_dicom([*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()], warnings=warnings))
    assert len(images) == 1
    assert "Left out" in warnings[0]
    assert "unevenly spaced" in warnings[0]


def test_a_missing_slice_is_refused_with_its_place(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine())[3].unlink()
    sentence = refusal(tmp_path / "s")
    assert "5.00 mm between 0003.dcm and 0005.dcm" in sentence
    assert "slices are missing" in sentence


def test_two_slices_in_one_place_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine())
    save(slice_dataset(voxels()[:, :, 2], affine(), 2), tmp_path / "s" / "again.dcm")
    assert "lie at the same place" in refusal(tmp_path / "s")


def test_a_copied_file_is_left_out_and_said(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", voxels(), affine())
    shutil.copy(files[2], tmp_path / "s" / "copy.dcm")
    image = read_one(tmp_path / "s")
    assert np.array_equal(image.voxels, voxels())
    assert "copies" in image.warnings[0]


def test_a_tilted_gantry_gives_a_sheared_grid_and_a_warning(tmp_path: Path) -> None:
    tilted = affine()
    tilted[1, 2] = 2.5 * np.tan(np.radians(18.5))
    write_series(tmp_path / "s", voxels(), tilted, backwards=True)
    image = read_one(tmp_path / "s")
    assert np.array_equal(image.voxels, voxels())
    assert np.allclose(image.geometry.matrix, tilted, atol=1e-6)
    assert image.geometry.voxel_ml == pytest.approx(0.7 * 0.8 * 2.5 / 1000)
    assert "18.5°" in image.warnings[0]


def test_slices_that_leave_their_line_are_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", voxels(), affine())
    ds = pydicom.dcmread(files[3])
    ds.ImagePositionPatient[0] = float(ds.ImagePositionPatient[0]) + 5
    save(ds, files[3])
    assert "do not lie on a line" in refusal(tmp_path / "s")


def test_slices_that_are_not_parallel_are_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", voxels(), affine())
    ds = pydicom.dcmread(files[3])
    ds.ImageOrientationPatient = [1, 0, 0, 0, 0, 1]
    save(ds, files[3])
    assert "not parallel" in refusal(tmp_path / "s")


def test_slices_of_another_size_are_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", voxels(), affine())
    save(slice_dataset(voxels()[:, :9, 3], affine(), 3), files[3])
    assert "differ in Rows" in refusal(tmp_path / "s")


def test_several_patients_in_a_folder_are_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path / "s", voxels(), affine())
    save(slice_dataset(voxels()[:, :, 3], affine(), 3, PatientID="H-0815"), files[3])
    sentence = refusal(tmp_path / "s")
    assert "2 patients" in sentence
    assert "H-0815" not in sentence


def test_a_single_slice_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels()[:, :, :1], affine())
    assert "only slice of its series" in refusal(tmp_path / "s")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "Segmentation object, and this kind is not read yet"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.3"}, "RT Structure Set object, and this kind is not read yet"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1"}, "Enhanced CT Image object, and this kind is not read yet"),
        ({"NumberOfFrames": 4}, "multi-frame"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaic"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"SamplesPerPixel": 3}, "colour"),
        ({"BitsAllocated": 1}, "1 bits a voxel"),
        ({"ImagePositionPatient": None}, "ImagePositionPatient is missing"),
    ],
)
def test_what_is_not_a_classic_slice_is_named(tmp_path: Path, tags: dict[str, Any], words: str) -> None:
    write_series(tmp_path / "s", voxels(), affine(), **tags)
    assert words in refusal(tmp_path / "s")


def test_a_structured_report_is_named(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    ds = slice_dataset(voxels()[:, :, 0], affine(), 0, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33")
    del ds.PixelData
    save(ds, tmp_path / "s" / "sr.dcm")
    assert "Comprehensive SR without an image" in refusal(tmp_path / "s")


def test_a_deflated_file_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine(), syntax=DeflatedExplicitVRLittleEndian)
    assert "deflated transfer syntax" in refusal(tmp_path / "s")


def test_a_syntax_without_decoder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    for k in range(3):
        ds = slice_dataset(voxels()[:, :, k], affine(), k)
        ds.compress(RLELossless)
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
        save(ds, folder / f"{k}.dcm")
    assert "MPEG2 Main Profile" in refusal(folder)


@pytest.mark.parametrize("share", [0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 0.99])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, share: float) -> None:
    files = write_series(tmp_path / "s", voxels(), affine())
    data = files[-1].read_bytes()
    files[-1].write_bytes(data[: int(len(data) * share)])
    sentence = refusal(tmp_path / "s")
    assert "0007.dcm" in sentence
    assert "cut short" in sentence or "damaged" in sentence


def test_a_damaged_orientation_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "s", voxels(), affine(), ImageOrientationPatient=[0, 0, 0, 0, 0, 0])
    assert "ImageOrientationPatient" in refusal(tmp_path / "s")


@pytest.mark.data
def test_the_uneven_head_ct_is_refused_with_its_gap(data_dir: Path) -> None:
    sentence = refusal(data_dir / "dicom_ct_gantry_tilt_uneven" / "GE")
    assert "1.08 mm between 14.dcm and 15.dcm" in sentence
    assert "7.00 mm" in sentence


@pytest.mark.data
def test_the_even_part_of_the_tilted_head_ct_is_sheared(data_dir: Path) -> None:
    files = [data_dir / "dicom_ct_gantry_tilt_uneven" / "GE" / f"{n:02}.dcm" for n in range(14, 0, -1)]
    (image,) = read_dicom(files)
    assert image.geometry.shape == (512, 512, 14)
    assert image.geometry.voxel_ml == pytest.approx(0.4882812**2 * 4.0019 / 1000, rel=1e-4)
    assert np.allclose(image.geometry.matrix[:3, 2], (0, 0, 4.22), atol=1e-4)
    assert "18.5°" in image.warnings[0]
    for k in (0, 13):
        assert np.array_equal(image.voxels[:, :, k].T, pydicom.dcmread(files[13 - k]).pixel_array)


@pytest.mark.data
def test_mosaics_and_enhanced_objects_are_not_read_yet(data_dir: Path) -> None:
    assert "mosaic" in refusal(data_dir / "dicom_siemens_mosaic" / "20180918Si" / "mr_0003")
    assert "not read yet" in refusal(data_dir / "dicom_enhanced_multiframe" / "Siemens" / "XA10")
