"""Unpacks a zip of scans into a folder that is thrown away, refusing what a scan's zip never holds."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.limits import MAX_BYTES
from scanwright.tools.imaging.wording import shown, size_in_words

_MAX_FILES: Final = 50_000
_MAX_DEPTH: Final = 32
# Scans shrink to a half or a quarter, masks further; below the floor a high ratio does no harm.
_MAX_RATIO: Final = 200
_RATIO_FLOOR_BYTES: Final = 256 * 2**20
_PIECE: Final = 1 << 20


@contextmanager
def unpacked(path: Path, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> Iterator[Path]:
    """A temporary folder (in folder, or the system's) with the zip's files, removed afterwards.

    Zips inside the zip are not opened. Raises UserInputError for names that lead out of the folder, links, encrypted
    or damaged members, and for more files, bytes or expansion than a scan needs.
    """
    with tempfile.TemporaryDirectory(prefix="scanwright-zip-", dir=folder) as target:
        try:
            with zipfile.ZipFile(path) as archive:
                members = _judged(archive, path, max_bytes)
                left = max_bytes
                for member, inside in members:
                    left -= _extract(archive, member, Path(target, *inside.parts), path, left)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise UserInputError(f"{shown(path)} is a damaged zip ({error}): make or download it again.") from error
        except OSError as error:
            raise UserInputError(f"{shown(path)} cannot be unpacked: {error.strerror or error}.") from error
        yield Path(target)


def _judged(
    archive: zipfile.ZipFile, path: Path, max_bytes: int
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:  # fmt: skip
    name = shown(path)
    members = archive.infolist()
    if len(members) > _MAX_FILES:
        raise UserInputError(
            f"{name} holds {len(members)} files, and at most {_MAX_FILES} are read: zip one scan only."
        )
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        raise UserInputError(
            f"{name} claims {size_in_words(total)} unpacked, and at most {size_in_words(max_bytes)} are read: "
            "zip one scan only."
        )
    if total > _RATIO_FLOOR_BYTES and total > _MAX_RATIO * path.stat().st_size:
        raise UserInputError(
            f"{name} would grow from {size_in_words(path.stat().st_size)} to {size_in_words(total)}, as no scan does: "
            "unpack it yourself if you trust it."
        )
    return [(m, inside) for m in members if (inside := _inside(m, name)) is not None]


def _inside(member: zipfile.ZipInfo, name: str) -> PurePosixPath | None:
    """The member's place under the folder, None for folders and what systems add. Raises for a way out."""
    inside = PurePosixPath(member.filename.replace("\\", "/"))
    drive = bool(inside.parts) and inside.parts[0].endswith(":")
    if inside.is_absolute() or drive or ".." in inside.parts or "\0" in member.orig_filename:
        raise UserInputError(
            f"{name} holds a file whose name leads out of the folder ({shown(inside.name)}), so nothing was unpacked: "
            "make the zip again."
        )
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UserInputError(f"{name} holds a link or device ({shown(inside.name)}): zip the files themselves.")
    if member.flag_bits & 1:
        raise UserInputError(f"{name} is encrypted: unpack it with its password and give the folder.")
    if len(inside.parts) > _MAX_DEPTH:
        raise UserInputError(f"{name} nests its folders more than {_MAX_DEPTH} deep: zip one scan only.")
    if member.is_dir() or not inside.parts or inside.parts[0] == "__MACOSX" or inside.name.startswith("."):
        return None
    return inside


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, path: Path, left: int) -> int:
    """Writes one member and returns its bytes: counted as they come, because a header can lie."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    with archive.open(member) as source, target.open("xb") as out:
        while piece := source.read(_PIECE):
            done += len(piece)
            if done > min(left, member.file_size):
                raise UserInputError(f"{shown(path)} unpacks to more than it claims: make or download it again.")
            out.write(piece)
    return done
