"""Listening: the socket, where the server says that it is for the home's other commands, and its log."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanwright.agent.server.logs import JsonLines
from scanwright.tools.errors import UserInputError

ADDRESS_FILE = "server.json"


def listener(host: str, port: int) -> tuple[socket.socket, str]:
    """A socket that listens, and its address. Raises UserInputError where the address cannot be taken."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(where)
            sock.listen(128)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        raise UserInputError(
            f"The address {host}:{port} cannot be taken ({error.strerror}): choose another with --host or --port."
        ) from None
    name = f"[{host}]" if ":" in host else host
    return sock, f"http://{name}:{sock.getsockname()[1]}"


@contextmanager
def announced(home: Path, address: str, token: str) -> Iterator[None]:
    """While the block runs, a private file in the home says where its owner answers, for commands on this machine."""
    local = address.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]")
    file, draft = home / ADDRESS_FILE, home / f"{ADDRESS_FILE}.draft"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump({"pid": os.getpid(), "address": local, "token": token}, out)
    draft.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def log_as_json() -> None:
    """Logs go to stderr, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in (("scanwright.server", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
