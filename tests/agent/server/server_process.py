"""A server in a process of its own, killed and started again as tests want, and a client that speaks to it."""

from __future__ import annotations

import gzip
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

COARSE = (6.0, 6.6, 7.0)


class ServerProcess:
    """`scanwright serve` on a free port over one home. Stop it by stop or kill."""

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.home, self._options, self._environment = home, options, environment
        self.start()

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        command = [sys.executable, "-m", "scanwright.agent.cli.main", "serve", "--port", "0", "--home", str(self.home)]
        quiet = {"SCANWRIGHT_TOOLS__WORKERS": "1", "SCANWRIGHT_TOOLS__THREADS": "1", **self._environment}
        self.home.mkdir(exist_ok=True)
        (self.home / "server.json").unlink(missing_ok=True)
        self.log = self.home.with_suffix(".log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, *self._options], env={**os.environ, **quiet}, stderr=log)
        for _ in range(600):
            if self.process.poll() is not None:
                raise AssertionError(self.log.read_text())
            try:
                said = json.loads((self.home / "server.json").read_text())
                if said["pid"] == self.process.pid:
                    break
            except (OSError, ValueError):
                pass
            time.sleep(0.05)
        self.address, self.own_token = said["address"], said["token"]
        headers = {"X-Scanwright": "1", "Authorization": f"Bearer {self.own_token}"}
        self.client = httpx.Client(base_url=self.address, timeout=120, headers=headers)
        self.bare = httpx.Client(base_url=self.address, timeout=120, headers={"X-Scanwright": "1"})
        for _ in range(200):
            try:
                self.client.get("/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """Ends it as a person would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def upload(self, file: Path, **facts: Any) -> dict[str, Any]:
        """Uploads a file whole; the study."""
        data = file.read_bytes()
        begun = self.client.post("/api/v1/uploads", json={"files": [{"name": file.name, "size": len(data)}]}).json()
        where = f"/api/v1/uploads/{begun['upload_id']}"
        self.client.patch(f"{where}/0", content=data, headers={"Upload-Offset": "0"}).raise_for_status()
        finished = self.client.post(f"{where}/finish", json=facts)
        assert finished.status_code == 201, finished.text
        study: dict[str, Any] = finished.json()
        return study

    def session(self, *studies: str) -> str:
        """A new session about studies."""
        session: str = self.client.post("/api/v1/sessions", json={"studies": studies}).json()["session_id"]
        return session

    def ask(self, session: str, question: str, **beside: Any) -> dict[str, Any]:
        """Asks, and waits for what the turn comes to."""
        asked = self.client.post(f"/api/v1/sessions/{session}/turns", json={"question": question, **beside})
        assert asked.status_code == 202, asked.text
        return self.over(session, asked.json()["turn_id"])

    def over(self, session: str, turn: str, *, also: tuple[str, ...] = ("waiting",)) -> dict[str, Any]:
        """The turn, once it is over or waits for approval."""
        for _ in range(1200):
            turns = self.client.get(f"/api/v1/sessions/{session}").json()["turns"]
            found: dict[str, Any] = next(t for t in turns if t["turn_id"] == turn)
            if found["status"] in ("done", "failed", "stopped", *also):
                return found
            time.sleep(0.05)
        raise AssertionError(f"the turn is still {found['status']}")

    def answered(self, run: str) -> dict[str, Any]:
        """A run, once it has its answer."""
        for _ in range(1200):
            found: dict[str, Any] = self.client.get(f"/api/v1/runs/{run}").json()
            if found["answer"] is not None:
                return found
            time.sleep(0.05)
        raise AssertionError("the run has no answer")

    def events(self, session: str, until: str, after: int = 0) -> list[tuple[int | None, str, dict[str, Any]]]:
        """The session's events (id, kind, payload) up to the first of a kind."""
        found = []
        for event in self.stream(session, after):
            found.append(event)
            if event[1] == until:
                break
        return found

    def stream(self, session: str, after: int = 0) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
        """The session's events as they come."""
        headers = {"Last-Event-ID": str(after)}
        number: int | None = None
        with self.client.stream("GET", f"/api/v1/sessions/{session}/events", headers=headers) as response:
            for line in response.iter_lines():
                if line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    yield number, kind, json.loads(line[6:])
                    number = None


def nifti(voxels: NDArray[np.uint8], affine: Any) -> bytes:
    """A gzipped NIfTI-1 file of a mask, put together by hand as a page does it."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *voxels.shape, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<hh", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, *np.asarray(affine, dtype=float)[:3].ravel())
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + voxels.tobytes(order="F"), 1)


def voxels_of(data: bytes) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels (i, j, k) and affine (from the sform) of a NIfTI-1 file, read by hand."""
    plain = gzip.decompress(data)
    shape = struct.unpack_from("<8h", plain, 40)[1:4]
    kind = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2", 256: "i1"}[
        struct.unpack_from("<h", plain, 70)[0]
    ]
    affine = np.eye(4)
    affine[:3] = np.array(struct.unpack_from("<12f", plain, 280)).reshape(3, 4)
    return np.frombuffer(plain, kind, int(np.prod(shape)), 352).reshape(shape, order="F"), affine
