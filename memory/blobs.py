"""BlobStore: files named by the SHA-256 of their bytes, whole on disk before they can be read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from scanwright.tools.artifacts import BlobRef
from scanwright.tools.errors import ToolFailed, UserInputError

PIECE = 1 << 20
LEFTOVER_S = 24 * 3600
# EFBIG is a limit on file size: for the person it is the same, the file has no room.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class BlobStore:
    """Content-addressed files in a folder, or anywhere that fsspec reaches ("s3://bucket/folder").

    Implements scanwright.tools.contract.context.Blobs. It can be pickled, and several processes may use one
    folder at once. Of a remote store, local copies are kept in cache_dir (default: the temporary folder).
    Raises UserInputError where the folder cannot be made.
    """

    def __init__(self, root_url: str, cache_dir: Path | None = None) -> None:
        self.root_url = root_url
        remote = "://" in root_url and not root_url.startswith("file://")
        cache = cache_dir or Path(tempfile.gettempdir()) / f"scanwright-blobs-{os.getuid()}"
        self._root = cache if remote else Path(root_url.removeprefix("file://")).absolute()
        self._remote = root_url.rstrip("/") if remote else None
        with _no_room(self._root):
            _prepare(self._root)

    def put(self, file: Path, media_type: str) -> BlobRef:
        """Copies the file in and returns once it is on disk; content that is there already is not written again.

        Raises UserInputError where there is no room; then nothing of it stays.
        """
        partial = self._root / "incoming" / uuid.uuid4().hex
        with file.open("rb") as source, _no_room(self._root):
            try:
                with partial.open("xb") as target:
                    digest, size = _copy(source, target)
                    final = self._file(digest)
                    if _size(final) != size:
                        target.flush()
                        os.fchmod(target.fileno(), 0o444)
                        os.fsync(target.fileno())
                        partial.rename(final)
                # Also where another process renamed it a moment ago and has not come to sync its folder yet.
                _sync_folder(final.parent)
            finally:
                partial.unlink(missing_ok=True)
            ref = BlobRef(sha256=digest, size=size, media_type=media_type)
            if self._remote:
                self._upload(final, ref)
        return ref

    def path(self, ref: BlobRef) -> Path:
        """A local, read-only file with the content. Raises ToolFailed where it is missing or has another size."""
        final = self._file(ref.sha256)
        size = _size(final)
        if size == ref.size:
            return final
        if self._remote and self._download(ref, final):
            return final
        if size is None:
            raise ToolFailed(
                f"The stored file {ref.sha256[:12]} ({ref.media_type}) is missing from {self.root_url}: "
                "import the study again, or run the step again."
            )
        raise ToolFailed(
            f"The stored file {ref.sha256[:12]} ({ref.media_type}) is damaged: it has {size} bytes instead of "
            f"{ref.size}; import the study again, or run the step again."
        )

    def exists(self, ref: BlobRef) -> bool:
        """True where the content is there with its full size."""
        if _size(self._file(ref.sha256)) == ref.size:
            return True
        if not self._remote:
            return False
        fs, name = self._far(ref.sha256)
        return bool(fs.exists(name)) and int(fs.size(name)) == ref.size

    def delete(self, ref: BlobRef) -> None:
        """Removes the content; nothing happens where it is not there."""
        self.delete_content(ref.sha256)

    def delete_content(self, sha256: str) -> None:
        """Removes the content of that hash; nothing happens where it is not there."""
        final = self._file(sha256)
        final.unlink(missing_ok=True)
        _sync_folder(final.parent)
        if self._remote:
            fs, name = self._far(sha256)
            if fs.exists(name):
                fs.rm_file(name)

    def _file(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256

    def _far(self, sha256: str) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        fs, root = url_to_fs(self._remote)
        return fs, f"{root}/{sha256[:2]}/{sha256}"

    def _upload(self, file: Path, ref: BlobRef) -> None:
        fs, name = self._far(ref.sha256)
        if fs.exists(name) and int(fs.size(name)) == ref.size:
            return
        partial = f"{name}.{uuid.uuid4().hex}.partial"
        fs.makedirs(name.rsplit("/", 1)[0], exist_ok=True)
        fs.put_file(str(file), partial)
        fs.mv(partial, name)

    def _download(self, ref: BlobRef, final: Path) -> bool:
        fs, name = self._far(ref.sha256)
        if not fs.exists(name):
            return False
        partial = self._root / "incoming" / uuid.uuid4().hex
        with _no_room(self._root):
            try:
                with fs.open(name, "rb") as source, partial.open("xb") as target:
                    digest, size = _copy(source, target)
                    os.fchmod(target.fileno(), 0o444)
                if (digest, size) != (ref.sha256, ref.size):
                    return False
                partial.rename(final)
            finally:
                partial.unlink(missing_ok=True)
        return True


def _prepare(root: Path) -> None:
    incoming = root / "incoming"
    if not incoming.is_dir():
        # All folders now and synced once, so that a put need not ask whether its folder is safely on disk.
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for first in range(256):
            (root / f"{first:02x}").mkdir(exist_ok=True)
        _sync_folder(root)
        incoming.mkdir(exist_ok=True)
    old = time.time() - LEFTOVER_S
    for leftover in incoming.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if leftover.stat().st_mtime < old:
                leftover.unlink()


def _copy(source: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        digest.update(piece)
        target.write(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _no_room(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise UserInputError(
                f"There is no room left in {root}: free some space and ask again; nothing half-written was kept."
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR) and error.filename2 is None:
            raise UserInputError(
                f"The folder {root} cannot be written ({error.strerror}): choose another with --home."
            ) from error
        raise
