"""Reading one NIfTI file: values, geometry, and every way in which it can be bad."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.nifti import read_nifti
from scanwright.tools.phantoms import ellipsoid

AFFINE = np.array([[-1.5, 0, 0, 40], [0, 2.0, 0.3, -50], [0, -0.2, 3.0, 10], [0, 0, 0, 1.0]])


def phantom(dtype: Any = np.int16) -> NDArray[Any]:
    """11×7×5, every voxel another value."""
    return np.arange(385).reshape(11, 7, 5).astype(dtype)


def write(path: Path, voxels: NDArray[Any], affine: Any = AFFINE, **header: Any) -> Path:
    """A NIfTI as nibabel writes it, then header fields overwritten in the file's bytes."""
    image = nibabel.Nifti1Image(voxels, affine, dtype=voxels.dtype)
    plain = bytearray(image.to_bytes())
    new = nibabel.Nifti1Header(bytes(plain[:348]), check=False)
    for key, value in header.items():
        new[key] = value
    plain[:348] = new.binaryblock
    path.write_bytes(gzip.compress(bytes(plain)) if path.suffix == ".gz" else bytes(plain))
    return path


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i2", "<u2", "<i4", ">i4", "<i8", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_voxels_come_back_as_stored(tmp_path: Path, dtype: str, ending: str) -> None:
    header = nibabel.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    voxels = phantom(np.uint8).astype(dtype)
    path = tmp_path / f"scan{ending}"
    nibabel.Nifti1Image(voxels, AFFINE, header=header, dtype=dtype).to_filename(path)
    image = read_nifti(path)
    assert np.array_equal(image.voxels, voxels)
    assert image.voxels.dtype == np.dtype(dtype).newbyteorder("=")
    assert image.voxels.flags.f_contiguous
    assert np.allclose(image.geometry.matrix, AFFINE, atol=1e-5)
    assert image.name == "scan"
    assert image.identity == {}


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nibabel.Nifti2Image(phantom(), AFFINE).to_filename(tmp_path / "scan.nii.gz")
    assert np.array_equal(read_nifti(tmp_path / "scan.nii.gz").voxels, phantom())


def test_a_whole_number_intercept_keeps_integers(tmp_path: Path) -> None:
    path = write(tmp_path / "ct.nii", phantom(np.uint16), scl_slope=1, scl_inter=-1024)
    image = read_nifti(path)
    assert image.voxels.dtype == np.int16
    assert np.array_equal(image.voxels, phantom() - 1024)


def test_integers_that_outgrow_their_type_get_a_larger_one(tmp_path: Path) -> None:
    path = write(tmp_path / "ct.nii", phantom(np.int16), scl_slope=100, scl_inter=7)
    image = read_nifti(path)
    assert image.voxels.dtype == np.int32
    assert np.array_equal(image.voxels, phantom(np.int32) * 100 + 7)


def test_a_broken_slope_gives_float32(tmp_path: Path) -> None:
    path = write(tmp_path / "mr.nii.gz", phantom(), scl_slope=0.25, scl_inter=-3.5)
    image = read_nifti(path)
    assert image.voxels.dtype == np.float32
    assert np.array_equal(image.voxels, phantom() * 0.25 - 3.5)


def test_slope_zero_means_no_scaling(tmp_path: Path) -> None:
    path = write(tmp_path / "mr.nii", phantom(), scl_slope=0, scl_inter=9)
    assert np.array_equal(read_nifti(path).voxels, phantom())


def test_sform_wins_over_qform(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(phantom(), None)
    image.set_sform(AFFINE, code=1)
    image.set_qform(np.diag([-9.0, 9.0, 9.0, 1.0]), code=1)
    image.to_filename(tmp_path / "scan.nii")
    assert np.allclose(read_nifti(tmp_path / "scan.nii").geometry.matrix, AFFINE, atol=1e-5)


def test_qform_counts_where_there_is_no_sform(tmp_path: Path) -> None:
    turned = np.array([[0, -2.0, 0, 5], [3.0, 0, 0, -7], [0, 0, 4.0, 11], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image(phantom(), None)
    image.set_sform(None, code=0)
    image.set_qform(turned, code=1)
    image.to_filename(tmp_path / "scan.nii")
    geometry = read_nifti(tmp_path / "scan.nii").geometry
    assert np.allclose(geometry.matrix, turned, atol=1e-5)
    assert geometry.space == "native"
    assert geometry.sides_known


def test_without_any_form_space_and_sides_are_unknown_and_it_warns(tmp_path: Path) -> None:
    image = read_nifti(write(tmp_path / "scan.nii", phantom(), sform_code=0, qform_code=0))
    assert image.geometry.space == "unknown"
    assert not image.geometry.sides_known
    assert np.allclose(image.geometry.spacing_mm, np.linalg.norm(AFFINE[:3, :3], axis=0), atol=1e-5)
    assert "neither qform nor sform" in image.warnings[0]


@pytest.mark.parametrize(("code", "name"), [(3, "Talairach"), (4, "MNI"), (5, "template")])
def test_a_template_code_means_normalised(tmp_path: Path, code: int, name: str) -> None:
    geometry = read_nifti(write(tmp_path / "scan.nii", phantom(), sform_code=code)).geometry
    assert (geometry.space, geometry.space_name) == ("normalised", name)


def test_forms_that_mirror_each_other_make_sides_unknown(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(phantom(), None)
    image.set_sform(np.diag([2.0, 2, 2, 1]), code=1)
    image.set_qform(np.diag([-2.0, 2, 2, 1]), code=1)
    image.to_filename(tmp_path / "scan.nii")
    read = read_nifti(tmp_path / "scan.nii")
    assert not read.geometry.sides_known
    assert "mirror" in read.warnings[0]


def test_micrometres_become_millimetres(tmp_path: Path) -> None:
    image = read_nifti(write(tmp_path / "scan.nii", phantom(), np.diag([500.0, 400, 300, 1]), xyzt_units=3))
    assert np.allclose(image.geometry.spacing_mm, (0.5, 0.4, 0.3))
    assert "micrometres" in image.warnings[0]


def test_one_volume_in_four_dimensions_is_a_volume(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    nibabel.Nifti1Image(phantom()[..., None], AFFINE).to_filename(path)
    assert read_nifti(path).geometry.shape == (11, 7, 5)


def refusal(path: Path) -> str:
    """The sentence that the person gets; it must name the file."""
    with pytest.raises(UserInputError) as caught:
        read_nifti(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_several_volumes_are_refused_with_their_number(tmp_path: Path) -> None:
    nibabel.Nifti1Image(np.stack([phantom()] * 6, axis=3), AFFINE).to_filename(tmp_path / "fmri.nii")
    assert "6 volumes" in refusal(tmp_path / "fmri.nii")


@pytest.mark.parametrize("shape", [(11, 7), (11, 7, 1), (1, 11, 7)])
def test_a_single_slice_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    nibabel.Nifti1Image(np.ones(shape, np.int16), AFFINE).to_filename(tmp_path / "flat.nii")
    assert "3D scan is needed" in refusal(tmp_path / "flat.nii")


def test_a_71_byte_file_that_claims_terabytes_is_refused_before_reading(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header["dim"][:4] = 3, 9500, 9500, 9500
    header["magic"], header["vox_offset"] = b"n+1", 352
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4), 9))
    assert path.stat().st_size < 100
    assert "claims 1.71 TB" in refusal(path)


def test_a_claim_above_the_cap_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nii", phantom())
    with pytest.raises(UserInputError, match="at most 500 bytes are read"):
        read_nifti(path, max_bytes=500)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_truncated_gz_is_refused(tmp_path: Path, share: float) -> None:
    path = write(tmp_path / "scan.nii.gz", np.random.default_rng(1).integers(0, 999, (40, 30, 20)).astype(np.int16))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "cut short" in refusal(path)


def test_a_truncated_nii_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nii", phantom())
    path.write_bytes(path.read_bytes()[:-1])
    assert "cut short" in refusal(path)


def test_a_changed_byte_in_the_compressed_voxels_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nii.gz", phantom())
    data = bytearray(path.read_bytes())
    data[-6] ^= 0x55  # the checksum itself
    path.write_bytes(bytes(data))
    assert "damaged" in refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_affine_that_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    assert "affine that is no number" in refusal(write(tmp_path / "s.nii", phantom(), srow_x=[value, 0, 0, 0]))


def test_a_zero_affine_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "s.nii", phantom(), srow_x=[0] * 4, srow_y=[0] * 4, srow_z=[0] * 4)
    assert "zero or flat affine" in refusal(path)


def test_a_flat_affine_is_refused(tmp_path: Path) -> None:
    assert "zero or flat affine" in refusal(
        write(tmp_path / "s.nii", phantom(), srow_x=[0, 2, 0, 0], srow_y=[0, 2, 0, 0])
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_number_are_counted_and_refused(tmp_path: Path, value: float) -> None:
    voxels = phantom(np.float32)
    voxels[3, 2, 1] = voxels[10, 6, 4] = value
    assert "2 of 385 voxels" in refusal(write(tmp_path / "s.nii.gz", voxels))


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    assert "complex64" in refusal(write(tmp_path / "s.nii", phantom(np.complex64)))


def test_colour_voxels_are_refused(tmp_path: Path) -> None:
    rgb = np.zeros((11, 7, 5), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.Nifti1Image(rgb, AFFINE).to_filename(tmp_path / "s.nii")
    assert "RGB" in refusal(tmp_path / "s.nii")


def test_half_of_a_pair_is_refused(tmp_path: Path) -> None:
    assert ".hdr/.img pair" in refusal(write(tmp_path / "s.nii", phantom(), magic=b"ni1"))


@pytest.mark.parametrize("dims", [[0] * 8, [9] * 8, [3, -5, 7, 5, 1, 1, 1, 1], [3, 0, 7, 5, 1, 1, 1, 1]])
def test_impossible_dimensions_are_refused(tmp_path: Path, dims: list[int]) -> None:
    assert "damaged header" in refusal(write(tmp_path / "s.nii", phantom(), dim=dims))


@pytest.mark.parametrize("offset", [np.nan, -5.0, 100.0, 1e12])
def test_an_impossible_voxel_offset_is_refused(tmp_path: Path, offset: float) -> None:
    refusal(write(tmp_path / "s.nii.gz", phantom(), vox_offset=offset))


@pytest.mark.data
def test_the_head_ct_has_its_published_geometry(data_dir: Path) -> None:
    image = read_nifti(data_dir / "head_ct.nii.gz")
    assert image.geometry.shape == (256, 256, 108)
    assert np.allclose(image.geometry.spacing_mm, (0.957, 0.957, 1.5), atol=1e-3)
    assert not image.geometry.sides_known
    assert (image.image.modality, image.image.body_part, image.image.unit) == ("CT", "head", "[hnsf'U]")
    assert image.voxels.dtype == np.int16
    assert (int(image.voxels.min()), int(image.voxels.max())) == (-1024, 2986)
    assert image.warnings == ()


@pytest.mark.data
def test_the_brain_t1_lies_in_a_template(data_dir: Path) -> None:
    image = read_nifti(data_dir / "brain_t1.nii.gz")
    assert image.geometry.shape == (181, 217, 181)
    assert image.geometry.spacing_mm == (1.0, 1.0, 1.0)
    assert (image.geometry.space, image.geometry.space_name) == ("normalised", "MNI")
    assert image.geometry.sides_known
    assert (image.image.modality, image.image.sequence, image.image.unit) == ("MR", "T1w", "1")
    assert np.array_equal(image.voxels, np.asarray(nibabel.load(data_dir / "brain_t1.nii.gz").dataobj))


def test_a_phantom_keeps_its_volume(tmp_path: Path) -> None:
    voxels, affine, truth = ellipsoid()
    image = read_nifti(write(tmp_path / "ball.nii.gz", voxels, affine))
    assert np.count_nonzero(image.voxels) * image.geometry.voxel_ml == pytest.approx(truth["volume_ml"], rel=0.01)
