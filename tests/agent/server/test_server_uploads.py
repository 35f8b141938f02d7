"""Uploads: in pieces, gone on with after a break, and bad input in one sentence each."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from server_process import ServerProcess

BAD = [
    ([], 422, "No file"),
    ([{"name": "a.nii.gz", "size": 0}], 422, "empty"),
    ([{"name": "a.nii.gz", "size": 30 * 2**30}], 413, "at most"),
    ([{"name": f"{i}.dcm", "size": 2**32} for i in range(5)], 413, "at once"),
    ([{"name": f"{i}.dcm", "size": 1} for i in range(20_001)], 413, "at most 20000"),
]


@pytest.mark.parametrize(("files", "code", "words"), BAD, ids=["none", "0 bytes", "30 GB", "together", "many"])
def test_what_is_no_upload_is_refused_before_a_byte_is_sent(
    server: ServerProcess, files: list[dict[str, object]], code: int, words: str
) -> None:
    answer = server.client.post("/api/v1/uploads", json={"files": files})
    assert answer.status_code == code
    assert words in answer.json()["error"]
    assert answer.json()["error"].count(". ") == 0


def test_a_name_that_leads_out_of_the_folder_stays_in_it(server: ServerProcess, head_file: Path) -> None:
    data = head_file.read_bytes()
    name = "../../../../tmp/..\\evil/../head of /etc/passwd.nii.gz"
    begun = server.client.post("/api/v1/uploads", json={"files": [{"name": name, "size": len(data)}]}).json()
    where = f"/api/v1/uploads/{begun['upload_id']}"
    assert server.client.patch(f"{where}/0", content=data, headers={"Upload-Offset": "0"}).status_code == 200
    study = server.client.post(f"{where}/finish", json={"modality": "CT", "body_part": "head"}).json()
    assert study["series"][0]["modality"] == "CT"
    folders = {p.name for p in server.home.parent.iterdir()} | {p.name for p in server.home.iterdir()}
    assert not {"evil", "passwd.nii.gz", "tmp"} & folders


def test_a_file_of_a_wrong_kind_is_told_in_one_sentence(server: ServerProcess, tmp_path: Path) -> None:
    file = tmp_path / "notes.nii.gz"
    file.write_text("dear colleague")
    begun = server.client.post("/api/v1/uploads", json={"files": [{"name": file.name, "size": 14}]}).json()
    where = f"/api/v1/uploads/{begun['upload_id']}"
    server.client.patch(f"{where}/0", content=file.read_bytes(), headers={"Upload-Offset": "0"})
    answer = server.client.post(f"{where}/finish", json={})
    assert answer.status_code == 422
    assert "notes.nii.gz" in answer.json()["error"]


def test_a_zip_bomb_is_refused(server: ServerProcess) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"{i}.dcm", bytes(100 * 2**20))
    begun = server.client.post("/api/v1/uploads", json={"files": [{"name": "b.zip", "size": len(bomb.getvalue())}]})
    where = f"/api/v1/uploads/{begun.json()['upload_id']}"
    server.client.patch(f"{where}/0", content=bomb.getvalue(), headers={"Upload-Offset": "0"})
    answer = server.client.post(f"{where}/finish", json={})
    assert answer.status_code == 422
    assert "as no scan does" in answer.json()["error"]


def test_a_piece_in_the_wrong_place_is_told_where_to_go_on(server: ServerProcess) -> None:
    begun = server.client.post("/api/v1/uploads", json={"files": [{"name": "a.nii", "size": 10}]}).json()
    where = f"/api/v1/uploads/{begun['upload_id']}"
    assert server.client.patch(f"{where}/0", content=b"1234", headers={"Upload-Offset": "0"}).json() == {"offset": 4}
    again = server.client.patch(f"{where}/0", content=b"1234", headers={"Upload-Offset": "0"})
    assert (again.status_code, again.json()["offset"]) == (409, 4)
    longer = server.client.patch(f"{where}/0", content=b"1234567", headers={"Upload-Offset": "4"})
    assert longer.status_code == 413
    assert server.client.get(where).json()["files"] == [{"index": 0, "offset": 4, "size": 10}]
    early = server.client.post(f"{where}/finish", json={})
    assert early.status_code == 422
    assert "4 of 10 bytes" in early.json()["error"]
    assert server.client.delete(where).status_code == 204
    assert server.client.get(where).status_code == 404


@pytest.mark.parametrize("upload", ["..", "%2e%2e", "u-..", "u-0000000000000000", "u-0000000000000000%2f..%2f.."])
def test_an_upload_is_found_by_its_id_alone(server: ServerProcess, upload: str) -> None:
    assert server.client.get(f"/api/v1/uploads/{upload}").status_code in (404, 405)


def test_an_upload_goes_on_where_it_was_after_a_kill(tmp_path: Path, head_file: Path) -> None:
    server = ServerProcess(tmp_path / "home")
    data = head_file.read_bytes()
    half = len(data) // 2
    begun = server.client.post("/api/v1/uploads", json={"files": [{"name": "head.nii.gz", "size": len(data)}]}).json()
    where = f"/api/v1/uploads/{begun['upload_id']}"
    sent = server.client.patch(f"{where}/0", content=data[:half], headers={"Upload-Offset": "0"})
    assert sent.json() == {"offset": half}
    server.kill()
    server.start()
    try:
        assert server.client.get(where).json()["files"][0]["offset"] == half
        rest = server.client.patch(f"{where}/0", content=data[half:], headers={"Upload-Offset": str(half)})
        assert rest.json() == {"offset": len(data)}
        facts = {"modality": "CT", "body_part": "head"}
        study = server.client.post(f"{where}/finish", json=facts).json()
        again = server.client.post(f"{where}/finish", json=facts).json()
        assert study["study_id"] == again["study_id"]
        assert [s["study_id"] for s in server.client.get("/api/v1/studies").json()] == [study["study_id"]]
    finally:
        server.stop()


def test_a_full_disk_is_told_and_the_offset_is_what_was_acknowledged(tmp_path: Path) -> None:
    import resource

    # A limit on the size of a file reads to a program as a disk that is full.
    command = resource.getrlimit(resource.RLIMIT_FSIZE)
    server = ServerProcess(tmp_path / "home")
    try:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (3 * 2**20, command[1]))
        begun = server.client.post("/api/v1/uploads", json={"files": [{"name": "a.nii", "size": 8 * 2**20}]}).json()
        where = f"/api/v1/uploads/{begun['upload_id']}"
        piece = bytes(2 * 2**20)
        assert server.client.patch(f"{where}/0", content=piece, headers={"Upload-Offset": "0"}).status_code == 200
        full = server.client.patch(f"{where}/0", content=piece, headers={"Upload-Offset": str(len(piece))})
        assert (full.status_code, full.json()["offset"]) == (507, len(piece))
        assert "no room" in full.json()["error"]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, command)
        assert server.client.get(where).json()["files"][0]["offset"] == len(piece)
        on = server.client.patch(f"{where}/0", content=piece, headers={"Upload-Offset": str(len(piece))})
        assert on.json() == {"offset": 2 * len(piece)}
    finally:
        server.stop()
