"""KeyRing: the home's secret, and one key per subject, in files that only their owner can read."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
from datetime import date
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class KeyRing:
    """Keys are files, not rows: deleting a row leaves its bytes in logs and copies of the database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        secret = folder / "home.secret"
        if not secret.exists():
            _write(secret, secrets.token_bytes(32))
        self._secret = secret.read_bytes()

    def keyed_hash(self, text: str) -> str:
        """HMAC-SHA256 of text with the home's secret, as hex: equal texts are equal, nobody else can tell which."""
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def key_of(self, subject: str) -> bytes | None:
        """The subject's key (Fernet, base64), or None where it was never made or is destroyed."""
        kept = self._read(subject)
        return None if kept is None else kept["key"].encode()

    def make_key(self, subject: str) -> bytes:
        """The subject's key, made where there is none."""
        if (key := self.key_of(subject)) is not None:
            return key
        # Fernet's form of a key: 32 random bytes in URL-safe base64.
        made = base64.urlsafe_b64encode(secrets.token_bytes(32))
        _write(self._file(subject), json.dumps({"key": made.decode()}).encode())
        return made

    def anchor(self, subject: str, first: date) -> date:
        """The subject's day 0: the first date that was asked about."""
        self.make_key(subject)
        kept = self._read(subject)
        assert kept is not None
        if "anchor" not in kept:
            kept["anchor"] = first.isoformat()
            _write(self._file(subject), json.dumps(kept).encode())
        return date.fromisoformat(kept["anchor"])

    def destroy(self, subject: str) -> None:
        """Destroys the subject's key and anchor; nothing happens where there is none."""
        file = self._file(subject)
        with contextlib.suppress(FileNotFoundError):
            with file.open("r+b") as old:
                old.write(b"\0" * file.stat().st_size)
                old.flush()
                os.fsync(old.fileno())
            file.unlink()
            _sync(self._folder)

    def _read(self, subject: str) -> dict[str, str] | None:
        try:
            kept: dict[str, str] = json.loads(self._file(subject).read_bytes())
        except FileNotFoundError:
            return None
        return kept

    def _file(self, subject: str) -> Path:
        if not _NAME.fullmatch(subject):
            raise ValueError(f"{subject!r} is no pseudonym")
        return self._folder / f"{subject}.key"


def _write(file: Path, content: bytes) -> None:
    partial = file.with_name(f".{file.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    partial.rename(file)
    _sync(file.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
