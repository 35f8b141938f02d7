"""A command as a client of the server that owns the home: while `serve` runs, `ask`, `show`, … ask it."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from scanwright.tools.errors import Cancelled, NeedsInput, ScanwrightError, UserInputError

if TYPE_CHECKING:
    from scanwright.agent.given import Given

CHUNK = 16 << 20
_OVER = ("answer", "turn.failed", "turn.stopped", "plan.waits")


@dataclass(frozen=True)
class Remote:
    """A server on this machine, with the token that lies in its home."""

    address: str
    token: str

    def call(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Any:
        """The JSON that an address answers. Raises the error that the server tells, as the same kind of error."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if raw is not None else "application/json"
        with self._open(method, path, data, {"Content-Type": kind, **headers}) as response:
            return json.loads(response.read() or b"null")

    def events(self, session: str, after: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
        """The session's events as they come: kind and payload, with the number of the event as seq."""
        with self._open("GET", f"/api/v1/sessions/{session}/events?after={after}", None, {}) as response:
            kind, number = "", 0
            for line in response:
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    kind = text.removeprefix("event: ")
                elif text.startswith("id: "):
                    number = int(text.removeprefix("id: "))
                elif text.startswith("data: "):
                    yield kind, {"seq": number, **json.loads(text.removeprefix("data: "))}

    def upload(self, target: Path, given: Given) -> dict[str, Any]:
        """Imports a file or folder by sending it. Raises UserInputError where it is not there."""
        files = [target] if target.is_file() else sorted(f for f in target.rglob("*") if f.is_file())
        if target.is_file():
            from scanwright.tools.imaging.sidecar import sidecar_path

            sidecar = sidecar_path(target)
            files += [sidecar] if sidecar.is_file() else []
        if not files:
            raise UserInputError(f"There is no file in {target}: check the path.")
        names = [f.name if target.is_file() else f"{target.name}/{f.relative_to(target)}" for f in files]
        asked = [{"name": n, "size": f.stat().st_size} for n, f in zip(names, files, strict=True)]
        upload = self.call("POST", "/api/v1/uploads", {"files": asked})["upload_id"]
        for i, file in enumerate(files):
            offset = 0
            with file.open("rb") as source:
                while piece := source.read(CHUNK):
                    where = f"/api/v1/uploads/{upload}/{i}"
                    offset = self.call("PATCH", where, raw=piece, **{"Upload-Offset": str(offset)})["offset"]
        facts = given.facts.model_dump(exclude_none=True)
        known = ("modality", "body_part", "sides", "stain", "pixel_size_um", "gated")
        body = {k: v for k, v in facts.items() if k in known} | ({"patient": given.patient} if given.patient else {})
        study: dict[str, Any] = self.call("POST", f"/api/v1/uploads/{upload}/finish", body)
        return study

    def study(self, target: str, given: Given) -> dict[str, Any]:
        """The study that target names: a path, which is sent, or an id, the beginning of one, or a name."""
        path = Path(target).expanduser()
        if path.exists():
            return self.upload(path, given)
        from scanwright.memory.lookup import the_one

        studies = self.call("GET", "/api/v1/studies")
        exact = [s["study_id"] for s in studies if target in (s["study_id"], s["name"])]
        fits = exact or [s["study_id"] for s in studies if s["study_id"].startswith(target)]
        names = [n for s in studies for n in (s["name"], s["study_id"])]
        found = the_one(target, "study", fits, names, "`scanwright studies` lists all.")
        view: dict[str, Any] = self.call("GET", f"/api/v1/studies/{quote(found)}")
        return view

    def mask(self, text: str, study: dict[str, Any], series: str | None) -> str:
        """Sends the mask FILE[:LABEL] for a series; its hash."""
        import tempfile

        from scanwright.agent.importing import _file_and_label
        from scanwright.tools.imaging.geometry import Geometry
        from scanwright.tools.imaging.mask_file import read_mask_file
        from scanwright.tools.imaging.orient import write_nifti

        file, label = _file_and_label(text)
        problem = UserInputError(f"{study['name']} is a flat image, and --mask takes a mask of a 3D scan.")
        for each in study["series"]:
            if each["affine"] is None or series not in (None, each["name"]):
                continue
            geometry = Geometry(shape=each["shape"], affine=each["affine"])
            try:
                voxels = read_mask_file(file, label, geometry)
            except UserInputError as error:
                problem = error
                continue
            with tempfile.TemporaryDirectory() as folder:
                write_nifti(voxels, geometry, Path(folder) / "mask.nii.gz")
                body = (Path(folder) / "mask.nii.gz").read_bytes()
            where = urlencode({"study": study["study_id"], "series": each["name"]})
            kept: str = self.call("POST", f"/api/v1/masks?{where}", raw=body)["artifact"]
            return kept
        raise problem

    def run(self, key: str) -> dict[str, Any]:
        """The run with this id, with an id that begins so, or the "last"."""
        from scanwright.memory.lookup import the_one

        known = [r["run_id"] for r in self.call("GET", "/api/v1/runs?limit=500")]
        fits = known[:1] if key == "last" else [r for r in known if r.startswith(key)] if key else []
        found = the_one(key, "run", fits, known, "`scanwright show last` shows the newest.")
        record: dict[str, Any] = self.call("GET", f"/api/v1/runs/{quote(found)}")
        return record

    def _open(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "X-Scanwright": "1", **headers}
        request = urllib.request.Request(self.address + path, data=data, method=method, headers=headers)
        # Whatever proxy is set for the network is no way to this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            return opener.open(request)
        except urllib.error.HTTPError as error:
            raise _told(error) from None
        except (urllib.error.URLError, OSError) as error:
            raise ScanwrightError(
                f"The server at {self.address} does not answer ({getattr(error, 'reason', error)})."
            ) from None


def server_of(home: Path | None) -> Remote | None:
    """The server that owns the home now, or None: then the home is opened as usual."""
    from scanwright.memory.home import default_home

    folder = (home or default_home()).expanduser()
    try:
        said = json.loads((folder / "server.json").read_text("utf-8"))
        owner = json.loads((folder / "owner.lock").read_text("utf-8"))
        os.kill(int(owner["pid"]), 0)
        return Remote(said["address"], said["token"]) if said["pid"] == owner["pid"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def turn_request(remote: Remote, studies: list[dict[str, Any]], question: str, given: Given) -> dict[str, Any]:
    """What a question is sent as, with what was given beside it."""
    body: dict[str, Any] = {"question": question}
    masks = [given.mask] if isinstance(given.mask, str) else list(given.mask or ())
    if len(masks) > 1:
        raise UserInputError("The server takes one mask a question, of the last study: give one --mask.")
    if masks:
        body["mask"] = remote.mask(masks[0], studies[-1], given.series)
    if given.at is not None:
        body["at"] = given.at.model_dump()
    if given.series is not None:
        body["series"] = given.series
    if given.points:
        body["points"] = {k: [p.model_dump() for p in v.points] for k, v in given.points.items()}
    return body


def followed(remote: Remote, session: str, turn: str, after: int = 0) -> tuple[str, dict[str, Any]]:
    """Waits for what a turn comes to: the kind of its last event and its payload; plan.waits counts as one."""
    while True:
        for kind, payload in remote.events(session, after):
            if payload.get("turn_id") == turn and kind in _OVER and "corrects" not in payload:
                return kind, payload


def raised(kind: str, payload: dict[str, Any]) -> None:
    """Raises what a turn that gave no answer says."""
    if kind == "turn.stopped":
        raise Cancelled("Stopped; what was finished is kept.")
    if kind == "turn.failed":
        if payload.get("missing"):
            raise NeedsInput(payload["error"], tuple(payload["missing"]), tuple(payload.get("offers", ())))
        raise UserInputError(payload["error"])


def _told(error: urllib.error.HTTPError) -> ScanwrightError:
    try:
        said = json.loads(error.read())
        sentence = str(said["error"])
    except (ValueError, KeyError, TypeError):
        return ScanwrightError(f"The server answered {error.code}, and not why.")
    if error.code == 409 and said.get("missing"):
        return NeedsInput(sentence, tuple(said["missing"]), tuple(said.get("offers", ())))
    return UserInputError(sentence) if error.code in (404, 409, 413, 415, 422) else ScanwrightError(sentence)
