"""The blob store."""

from __future__ import annotations

import hashlib
import os
import pickle
import random
import signal
import stat
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from scanwright.memory.blobs import BlobStore
from scanwright.tools.artifacts import BlobRef
from scanwright.tools.errors import ToolFailed, UserInputError


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "blobs"))


def _file(folder: Path, content: bytes) -> Path:
    file = folder / uuid.uuid4().hex
    file.write_bytes(content)
    return file


def _stored(root: Path) -> list[Path]:
    return sorted(file for file in root.rglob("*") if file.is_file())


def test_content_comes_back_under_its_sha256_and_the_original_stays(store: BlobStore, tmp_path: Path) -> None:
    original = _file(tmp_path, b"voxels")
    ref = store.put(original, "image/png")
    assert ref == BlobRef(sha256=hashlib.sha256(b"voxels").hexdigest(), size=6, media_type="image/png")
    assert store.path(ref).read_bytes() == original.read_bytes() == b"voxels"
    assert stat.S_IMODE(store.path(ref).stat().st_mode) == 0o444


def test_an_empty_file_is_content_too(store: BlobStore, tmp_path: Path) -> None:
    assert store.path(store.put(_file(tmp_path, b""), "text/csv")).read_bytes() == b""


def test_content_that_is_there_is_not_written_again(store: BlobStore, tmp_path: Path) -> None:
    first = store.path(store.put(_file(tmp_path, b"same"), "a/b"))
    inode = first.stat().st_ino
    again = store.path(store.put(_file(tmp_path, b"same"), "a/b"))
    assert again.stat().st_ino == inode
    assert _stored(tmp_path / "blobs") == [first]


def test_a_missing_blob_is_a_sentence_and_putting_it_again_heals(store: BlobStore, tmp_path: Path) -> None:
    ref = store.put(_file(tmp_path, b"content"), "a/b")
    store.delete(ref)
    store.delete(ref)
    with pytest.raises(ToolFailed, match="is missing"):
        store.path(ref)
    assert not store.exists(ref)
    store.put(_file(tmp_path, b"content"), "a/b")
    assert store.path(ref).read_bytes() == b"content"


def test_a_cut_blob_is_never_handed_out_and_putting_it_again_heals(store: BlobStore, tmp_path: Path) -> None:
    ref = store.put(_file(tmp_path, b"content"), "a/b")
    path = store.path(ref)
    path.chmod(0o600)
    path.write_bytes(b"con")
    with pytest.raises(ToolFailed, match="3 bytes instead of 7"):
        store.path(ref)
    store.put(_file(tmp_path, b"content"), "a/b")
    assert store.path(ref).read_bytes() == b"content"


def test_a_pickled_store_reads_and_writes_the_same_folder(store: BlobStore, tmp_path: Path) -> None:
    ref = store.put(_file(tmp_path, b"here"), "a/b")
    copy: BlobStore = pickle.loads(pickle.dumps(store))
    assert copy.path(ref) == store.path(ref)
    assert store.path(copy.put(_file(tmp_path, b"there"), "a/b")).read_bytes() == b"there"


def test_leftovers_of_a_day_ago_are_swept_and_those_of_now_are_not(tmp_path: Path) -> None:
    incoming = tmp_path / "blobs" / "incoming"
    BlobStore(str(tmp_path / "blobs"))
    old, new = incoming / "old", incoming / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    BlobStore(str(tmp_path / "blobs"))
    assert [file.name for file in incoming.iterdir()] == ["new"]


def test_without_room_nothing_half_written_stays(tmp_path: Path, python: Callable[..., Popen[str]]) -> None:
    # A limit on file size is refused by the system in the same place as a full disk.
    program = """
        import resource, sys
        from pathlib import Path
        from scanwright.memory.blobs import BlobStore
        from scanwright.tools.errors import UserInputError
        store = BlobStore(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            store.put(Path(sys.argv[2]), "a/b")
        except UserInputError as error:
            print(error)
    """
    out, err = python(program, tmp_path / "blobs", _file(tmp_path, b"x" * 3_000_000)).communicate()
    assert "There is no room left" in out, err
    assert _stored(tmp_path / "blobs") == []


def test_a_folder_that_cannot_be_made_is_told_to_the_person(tmp_path: Path) -> None:
    (tmp_path / "in_the_way").write_text("a file")
    with pytest.raises(UserInputError, match="cannot be written"):
        BlobStore(str(tmp_path / "in_the_way" / "blobs"))


def test_a_killed_put_leaves_the_whole_blob_or_none(tmp_path: Path, python: Callable[..., Popen[str]]) -> None:
    program = """
        import sys
        from pathlib import Path
        from scanwright.memory.blobs import BlobStore
        store = BlobStore(sys.argv[1])
        print("ready")
        for file in sorted(Path(sys.argv[2]).iterdir()):
            print(store.put(file, "a/b").model_dump_json())
    """
    source = tmp_path / "source"
    source.mkdir()
    for number in range(40):
        (source / f"{number:02d}").write_bytes(random.Random(number).randbytes(400_000))
    acknowledged: set[str] = set()
    for attempt in range(6):
        root = tmp_path / f"blobs{attempt}"
        process = python(program, root, source)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(attempt).uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate()
        store = BlobStore(str(root))
        for line in out.splitlines():
            ref = BlobRef.model_validate_json(line)
            assert hashlib.sha256(store.path(ref).read_bytes()).hexdigest() == ref.sha256
            acknowledged.add(ref.sha256)
        for file in _stored(root):
            if file.parent.name != "incoming":
                assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name
    assert acknowledged


def test_a_remote_store_hands_out_local_copies(tmp_path: Path) -> None:
    url = f"memory://bucket-{uuid.uuid4().hex}"
    here, elsewhere = BlobStore(url, tmp_path / "here"), BlobStore(url, tmp_path / "elsewhere")
    ref = here.put(_file(tmp_path, b"far away"), "a/b")
    assert elsewhere.exists(ref)
    assert elsewhere.path(ref).read_bytes() == b"far away"
    assert elsewhere.path(ref).is_relative_to(tmp_path / "elsewhere")
    assert stat.S_IMODE(elsewhere.path(ref).stat().st_mode) == 0o444
    here.delete(ref)
    nowhere = BlobStore(url, tmp_path / "nowhere")
    assert not nowhere.exists(ref)
    with pytest.raises(ToolFailed, match="is missing"):
        nowhere.path(ref)
