"""Geometry over the wire: a voxel that a client sets is that voxel on the server, in whatever way a scan is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from server_process import ServerProcess, nifti, voxels_of

SHAPE, SPACING = (9, 11, 13), (2.0, 3.0, 4.0)
# Landmarks on no axis of symmetry: value by place in RAS+ mm.
LANDMARKS = {101: (2.0, 6.0, 8.0), 102: (14.0, 3.0, 40.0), 103: (4.0, 27.0, 44.0)}


def _scan() -> tuple[np.ndarray, np.ndarray]:
    voxels = np.zeros(SHAPE, np.int16, order="F")
    affine = np.diag([*SPACING, 1.0])
    for value, place in LANDMARKS.items():
        voxels[tuple(round(p / s) for p, s in zip(place, SPACING, strict=True))] = value
    return voxels, affine


@pytest.mark.parametrize("k", [0, 7, 13, 22, 30, 47])
def test_a_voxel_that_is_painted_lands_on_that_voxel(server: ServerProcess, tmp_path: Path, k: int) -> None:
    from agent_examples import write_scan
    from scanwright.tools import phantoms

    voxels, affine = phantoms.reoriented(*_scan(), k)
    study = server.upload(write_scan(tmp_path, f"way{k}", voxels, affine, None), modality="CT", body_part="chest")
    series = study["series"][0]
    got, its_affine = voxels_of(server.client.get(_volume(study["study_id"], series["name"])).content)
    assert list(got.shape) == series["shape"]
    assert np.allclose(its_affine, series["affine"])
    for value, place in LANDMARKS.items():
        index = tuple(np.rint(np.linalg.solve(its_affine, [*place, 1.0])[:3]).astype(int))
        assert got[index] == value
        drawn = np.zeros(got.shape, np.uint8, order="F")
        drawn[index] = 1
        kept = server.client.post(
            "/api/v1/masks",
            params={"study": study["study_id"], "series": series["name"]},
            content=nifti(drawn, its_affine),
        )
        assert kept.json()["voxels"] == 1
        back, _ = voxels_of(server.client.get(f"/api/v1/artifacts/{kept.json()['artifact']}/mask.nii.gz").content)
        assert [tuple(i) for i in np.argwhere(back)] == [index]


def test_a_person_measures_what_they_painted(server: ServerProcess, tmp_path: Path) -> None:
    from agent_examples import write_scan
    from scanwright.tools import phantoms

    voxels, affine = phantoms.reoriented(*_scan(), 22)
    study = server.upload(write_scan(tmp_path, "painted", voxels, affine, None), modality="CT", body_part="chest")
    series = study["series"][0]
    index = tuple(np.rint(np.linalg.solve(np.array(series["affine"]), [*LANDMARKS[102], 1.0])[:3]).astype(int))
    drawn = np.zeros(series["shape"], np.uint8, order="F")
    drawn[index] = 1
    mask = server.client.post(
        "/api/v1/masks", params={"study": study["study_id"]}, content=nifti(drawn, series["affine"])
    ).json()["artifact"]
    turn = server.ask(server.session(study["study_id"]), "What is the mean HU of the given region?", mask=mask)
    assert [e["value"] for e in turn["answer"]["evidence"] if e["quantity"] == "mean_intensity"] == [102.0]


def test_a_volume_is_sent_once_and_in_parts(server: ServerProcess, head: dict[str, object]) -> None:
    where = _volume(str(head["study_id"]), "head")
    whole = server.client.get(where)
    tag = whole.headers["etag"]
    assert server.client.get(where, headers={"If-None-Match": tag}).status_code == 304
    part = server.client.get(where, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert "content-encoding" not in whole.headers


def test_what_lies_at_a_click_is_outlined(server: ServerProcess, head: dict[str, object]) -> None:
    centre = [0.0, 0.0, 0.0]
    series = server.client.get(f"/api/v1/studies/{head['study_id']}").json()["series"][0]
    centre = (np.array(series["affine"]) @ [*(n / 2 for n in series["shape"]), 1.0])[:3].tolist()
    at = dict(zip("xyz", centre, strict=True))
    made = server.client.post("/api/v1/clicks", json={"study": head["study_id"], "at": at})
    assert made.status_code == 201, made.text
    voxels, affine = voxels_of(server.client.get(f"/api/v1/artifacts/{made.json()['artifact']}/mask.nii.gz").content)
    assert voxels[tuple(np.rint(np.linalg.solve(affine, [*centre, 1.0])[:3]).astype(int))] == 1
    outside = server.client.post("/api/v1/clicks", json={"study": head["study_id"], "at": {"x": 9e3, "y": 0, "z": 0}})
    assert outside.status_code == 422


def _volume(study: str, series: str) -> str:
    return f"/api/v1/studies/{study}/series/{series}/volume.nii.gz"


def test_a_series_may_have_any_name(server: ServerProcess, head: dict[str, object]) -> None:
    for path in ("volume.nii.gz", "image.png", "dzi", "dzi_files/1/0_0.jpeg"):
        answer = server.client.get(f"/api/v1/studies/{head['study_id']}/series/AX%20T1%2FT2/{path}")
        assert answer.status_code == 404
        assert "AX T1/T2" in answer.json()["error"]
