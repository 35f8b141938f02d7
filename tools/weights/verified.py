"""Which files have been found to have their pinned hash: remembered in the process and, where asked, on disk.

A file is known by path, size and time of its last change: one of these differs, and it is hashed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from scanwright.tools.errors import ToolFailed
from scanwright.tools.hashing import sha256_file

RECORD_NAME = "verified-weights.json"
Identity = tuple[str, int, int]
_verified: dict[Identity, str] = {}


def verify(path: Path, sha256: str, cache: Path | None = None) -> bool:
    """True where the file has this SHA-256; hashes it only if it was not verified as it now is.

    cache is a folder for the record that outlives the process. Raises FileNotFoundError.
    """
    identity = _identity(path)
    if _verified.get(identity) == sha256:
        return True
    if cache is not None and _read_record(cache).get(_key(identity)) == sha256:
        _verified[identity] = sha256
        return True
    if sha256_file(path) != sha256 or _identity(path) != identity:
        return False
    _verified[identity] = sha256
    if cache is not None:
        _write_record(cache, _key(identity), sha256)
    return True


def digest(path: Path, cache: Path | None = None) -> str:
    """The SHA-256 of a file that has no pinned one, from now on known to this process and, where asked, on disk.

    Raises FileNotFoundError.
    """
    identity = _identity(path)
    known = _verified.get(identity) or (_read_record(cache).get(_key(identity)) if cache is not None else None)
    if known is None:
        known = sha256_file(path)
    verify(path, known, cache)
    return known


def require_verified(path: Path) -> None:
    """Raises ToolFailed where no store of this process has verified the file as it now is."""
    try:
        known = _identity(path) in _verified
    except FileNotFoundError:
        raise ToolFailed(f"The weights {path} do not exist: ask WeightsStore.resolve() for the path.") from None
    if not known:
        raise ToolFailed(
            f"The weights {path.name} have not been checked against a known hash, so they are not loaded: "
            "add them to the catalogue and ask WeightsStore.resolve() for the path."
        )


def _identity(path: Path) -> Identity:
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns


def _key(identity: Identity) -> str:
    return "|".join(str(part) for part in identity)


def _read_record(cache: Path) -> dict[str, str]:
    try:
        record = json.loads((cache / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(cache: Path, key: str, sha256: str) -> None:
    """Adds one line. Losing it costs a second hash and nothing else, so a full disk is no error."""
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        record = {**_read_record(cache), key: sha256}
        handle, name = tempfile.mkstemp(prefix=RECORD_NAME, dir=cache)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(record, file, indent=1)
            os.replace(name, cache / RECORD_NAME)
        except OSError:
            Path(name).unlink(missing_ok=True)
