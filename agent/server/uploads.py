"""Uploads: files that come in pieces, can be gone on with after a break, and then become a study.

A client's name is never a path: pieces lie under numbers, and what a file was called is made harmless at the end.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from scanwright.agent.server.settings import ServerSettings
from scanwright.memory.blobs import NO_ROOM
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.wording import size_in_words

_ID = re.compile(r"u-[0-9a-f]{16}")
NAME_LENGTH = 120


class TooLarge(UserInputError):
    """More than the settings, or the disk, take (413)."""


class NoUpload(UserInputError):
    """There is no such upload, or no such file in it (404)."""


class WrongOffset(UserInputError):
    """A piece that does not begin where the file ends; offset is where it does (409)."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"This piece does not begin where the file ends: go on at {offset}.")
        self.offset = offset


@dataclass(frozen=True)
class Coming:
    """A file on its way: its name as the client says it, how large it will be, how much of it is here."""

    index: int
    name: str
    size: int
    offset: int


class Uploads:
    """The folder of uploads. What is acknowledged is synced, and outlives a kill."""

    def __init__(self, folder: Path, settings: ServerSettings) -> None:
        self._folder, self._settings = folder, settings
        folder.mkdir(mode=0o700, exist_ok=True)
        oldest = time.time() - settings.keep_uploads_days * 86400
        for old in folder.iterdir():
            if old.stat().st_mtime < oldest:
                shutil.rmtree(old, ignore_errors=True)

    def begin(self, files: Sequence[tuple[str, int]]) -> str:
        """Begins an upload of files (name, size) and gives its id. Raises TooLarge or UserInputError, one sentence."""
        limit = self._settings
        if not files:
            raise UserInputError("No file was named: choose at least one.")
        if len(files) > limit.max_files:
            raise TooLarge(
                f"These are {len(files)} files, and at most {limit.max_files} come at once: zip one scan only."
            )
        for name, size in files:
            if size == 0:
                raise UserInputError(f"{_said(name)} is empty (0 bytes): export it again.")
            if size > limit.max_file:
                raise TooLarge(
                    f"{_said(name)} has {size_in_words(size)}, and at most {size_in_words(limit.max_file)} are taken."
                )
        total = sum(size for _, size in files)
        said = f"These files have {size_in_words(total)}, and"
        if total > limit.max_upload:
            raise TooLarge(f"{said} at most {size_in_words(limit.max_upload)} are taken at once: upload fewer.")
        free = shutil.disk_usage(self._folder).free
        if total > free - limit.keep_free:
            raise TooLarge(
                f"{said} there is room for {size_in_words(max(0, free - limit.keep_free))} on the server's disk: "
                "free some space first."
            )
        upload = f"u-{secrets.token_hex(8)}"
        place = self._folder / upload
        place.mkdir(mode=0o700)
        self._write(place, {"files": [{"name": n, "size": s} for n, s in files], "study": None})
        return upload

    def files(self, upload: str) -> list[Coming]:
        """The files of an upload with how much of each is here. Raises NoUpload."""
        place, manifest = self._read(upload)
        return [
            Coming(i, f["name"], f["size"], f["size"] if manifest["study"] else _size(place / f"{i}.part"))
            for i, f in enumerate(manifest["files"])
        ]

    def study(self, upload: str) -> str | None:
        """The study that a finished upload became."""
        found: str | None = self._read(upload)[1]["study"]
        return found

    def open_at(self, upload: str, index: int, offset: int) -> tuple[BinaryIO, int]:
        """The file, open for the piece at offset, and how many bytes are still wanted. Raises WrongOffset, NoUpload."""
        place, manifest = self._read(upload)
        if not 0 <= index < len(manifest["files"]) or manifest["study"]:
            raise NoUpload(f"There is no file {index} on its way in this upload.")
        file = place / f"{index}.part"
        here = _size(file)
        if offset != here:
            raise WrongOffset(here)
        return file.open("ab"), manifest["files"][index]["size"] - here

    def ready(self, upload: str) -> Path:
        """What to import: the one file, or the folder of all. Raises UserInputError where pieces are missing."""
        place, manifest = self._read(upload)
        missing = [f for f in self.files(upload) if f.offset < f.size]
        if missing:
            first = missing[0]
            raise UserInputError(
                f"{_said(first.name)} is not all here ({first.offset} of {first.size} bytes): go on with it first."
            )
        folder = place / folder_name([f["name"] for f in manifest["files"]])
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        taken: set[str] = set()
        for i, f in enumerate(manifest["files"]):
            name = harmless(f["name"])
            name = f"{i:05d}_{name}" if name.lower() in taken else name
            taken.add(name.lower())
            os.link(place / f"{i}.part", folder / name)
        scans = [n for n in folder.iterdir() if n.suffix.lower() != ".json"]
        return scans[0] if len(scans) == 1 else folder

    def finish(self, upload: str, study: str) -> None:
        """Notes the study that it became and lets go of the bytes."""
        place, manifest = self._read(upload)
        self._write(place, manifest | {"study": study})
        for leftover in place.iterdir():
            if leftover.name != "upload.json":
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()

    def drop(self, upload: str) -> None:
        """Forgets an upload. Raises NoUpload."""
        place, _ = self._read(upload)
        shutil.rmtree(place)

    def forget_study(self, study: str) -> None:
        """Forgets the uploads that became a study: their file names can hold a patient's."""
        for place in self._folder.iterdir():
            if _ID.fullmatch(place.name) and self._read(place.name)[1]["study"] == study:
                shutil.rmtree(place)

    def _read(self, upload: str) -> tuple[Path, dict[str, Any]]:
        place = self._folder / upload if _ID.fullmatch(upload) else None
        if place is None or not (place / "upload.json").is_file():
            raise NoUpload(f"There is no upload {upload[:32]!r}: begin a new one.")
        manifest: dict[str, Any] = json.loads((place / "upload.json").read_text("utf-8"))
        return place, manifest

    def _write(self, place: Path, manifest: dict[str, Any]) -> None:
        draft = place / "upload.json.draft"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(manifest, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place / "upload.json")
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def no_room(error: OSError) -> bool:
    """True where the disk is full."""
    return error.errno in NO_ROOM


def harmless(name: str) -> str:
    """The last part of a file name, its ending kept, everything unusual replaced."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    clean = "".join(c if c.isalnum() or c in "._-+" else "_" for c in last).lstrip(".")
    return clean[-NAME_LENGTH:].lstrip(".") or "upload"


def folder_name(names: Sequence[str]) -> str:
    """What a folder of uploaded files is called: as the folder that they come from, where they share one."""
    tops = {n.replace("\\", "/").lstrip("/").split("/")[0] for n in names if "/" in n.replace("\\", "/").lstrip("/")}
    whole = len(tops) == 1 and all("/" in n.replace("\\", "/").lstrip("/") for n in names)
    name = harmless(next(iter(tops))) if whole else "upload"
    return name if not re.fullmatch(r"\d+\.part|upload\.json(\.draft)?", name) else "upload"


def _said(name: str) -> str:
    return harmless(name)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
