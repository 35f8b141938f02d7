"""Files read back: the mask, its surface, the table."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pytest
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import diameters, shape
from scanwright.tools.families.exports import COLUMNS, mask_nifti, surface_stl, table_csv


def _bytes(bench, file) -> bytes:
    return bench.blobs.path(file.blob).read_bytes()


def _stl(data: bytes):
    count = int(np.frombuffer(data, "<u4", 1, 80)[0])
    layout = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    assert len(data) == 84 + count * layout.itemsize
    return np.frombuffer(data, layout, count, 84)


def _signed_ml(triangles) -> float:
    a, b, c = (triangles["corners"][:, n].astype(float) for n in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6000)


def test_the_nifti_has_the_stored_order_and_the_affine_of_the_source(bench, all_orders):
    import nibabel as nib

    voxels = np.random.default_rng(1).random((9, 8, 7)) > 0.6
    affine = np.array([[0.9, 0.1, 0, 3], [-0.1, 1.2, 0.2, -5], [0, 0.1, 2.0, 8], [0, 0, 0, 1]])
    for stored, turned in list(all_orders(voxels, affine))[::7]:
        file = bench.run(mask_nifti, mask=bench.mask(stored, bench.volume(stored.astype(np.int16), turned)))
        image = nib.Nifti1Image.from_bytes(gzip.decompress(_bytes(bench, file)))
        assert image.get_data_dtype() == np.uint8
        assert np.array_equal(np.asanyarray(image.dataobj), stored)
        assert np.allclose(image.affine, turned, atol=1e-5)
        assert file.filename == "lesion.nii.gz"
        assert file.type.quantity == ("mask_nifti",)


def test_the_surface_is_closed_turned_outwards_and_where_the_mask_is_in_lps(bench, ellipsoid, all_orders):
    voxels, affine = ellipsoid((12.0, 15.0, 20.0), np.diag([0.9, 1.0, 1.4]))
    centre = np.argwhere(voxels).mean(axis=0) @ affine[:3, :3].T + affine[:3, 3]
    for stored, turned in all_orders(voxels, affine):
        mask = bench.mask(stored, bench.volume(stored.astype(np.int16), turned))
        data = _bytes(bench, bench.run(surface_stl, mask=mask))
        triangles = _stl(data)
        assert not data.startswith(b"solid")
        assert b"LPS mm" in data[:80]
        assert _signed_ml(triangles) == pytest.approx(mask.voxels * mask.geometry.voxel_ml, rel=0.01)
        middle = triangles["corners"].reshape(-1, 3).mean(axis=0)
        assert middle == pytest.approx(centre * (-1, -1, 1), abs=0.3)
        outward = triangles["corners"].mean(axis=1) - centre * (-1, -1, 1)
        assert ((outward * triangles["normal"]).sum(axis=1) > 0).all()


def test_a_surface_cut_by_the_field_of_view_is_closed_by_a_face(bench):
    voxels = np.zeros((20, 22, 24), bool)
    voxels[5:15, 6:16, :9] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16)))
    corners = _stl(_bytes(bench, bench.run(surface_stl, mask=mask)))["corners"]
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    there = {(tuple(a), tuple(b)) for a, b in edges.round(3).tolist()}
    assert all((b, a) in there for a, b in there)


def test_files_say_what_is_not_known_of_the_source(bench):
    voxels = np.zeros((9, 8, 7), bool)
    voxels[3:5, 3:6, 2:5] = True
    mask = bench.mask(voxels, bench.volume(voxels.astype(np.int16), sides_known=False, space="normalised"))
    for each in (mask_nifti, surface_stl):
        flags = bench.run(each, mask=mask).flags
        assert any("which side is left" in flag for flag in flags)
        assert any("template space" in flag for flag in flags)


def test_an_empty_mask_is_not_saved(bench):
    mask = bench.mask(np.zeros((9, 8, 7), bool), bench.volume(np.zeros((9, 8, 7), np.int16)))
    for each in (mask_nifti, surface_stl):
        with pytest.raises(ToolInputError, match="nothing to save"):
            bench.run(each, mask=mask)


def test_the_table_holds_each_measurement_with_its_range_and_flags(bench):
    voxels = np.zeros((30, 28, 9), bool)
    voxels[3:9, 4:12, :4] = True
    image = bench.volume(voxels.astype(np.int16))
    brain, lesion = bench.mask(voxels, image, "brain"), bench.mask(voxels & False, image)
    volume = bench.run(shape.mask_volume, mask=brain)
    slices = bench.run(diameters.axial_diameters, mask=brain)
    missing = bench.run(shape.mask_volume, mask=lesion)
    file = bench.run(table_csv, measurements=(volume, slices, missing))
    rows = list(csv.DictReader(io.StringIO(_bytes(bench, file).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 1 + 4 + 1
    assert float(rows[0]["value"]) == volume.value
    assert float(rows[0]["low"]) == volume.uncertainty.low
    assert (rows[0]["structure"], rows[0]["unit"]) == ("brain", "mL")
    assert "lower bound" in rows[0]["flags"]
    assert [float(r["value"]) for r in rows[1:5]] == [item.value for item in slices.items]
    assert rows[5]["value"] == ""
    assert rows[5]["flags"].startswith("not found")


def test_a_name_that_looks_like_a_formula_is_text_in_the_table(bench):
    voxels = np.zeros((9, 8, 7), bool)
    voxels[3, 3, 3] = True
    volume = bench.run(shape.mask_volume, mask=bench.mask(voxels, bench.volume(voxels.astype(np.int16))))
    volume = volume.model_copy(update={"name": "=HYPERLINK(0)"})
    data = _bytes(bench, bench.run(table_csv, measurements=(volume,))).decode()
    assert "'=HYPERLINK(0)" in data


def test_an_empty_table_is_refused(bench):
    with pytest.raises(ToolInputError, match="no measurements"):
        bench.run(table_csv, measurements=())
