"""Opens files that nobody vouches for in a child process with limits on memory, processor time and wall time.

A parser that crashes, hangs or asks for the machine's memory takes the child with it and nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import ImageFacts
from scanwright.tools.errors import NeedsInput, UserInputError
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.flat.reader import write_pixels
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.loaded import GivenFacts, Loaded, LoadedFlat, LoadedImage, LoadedStudy
from scanwright.tools.imaging.wording import shown
from scanwright.tools.pixels import read_volume, write_volume

_REPLY: Final = "reply.json"
# What a Python process needs to start; keys and passwords in the environment are nothing that a parser should see.
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")


class ReaderCrashed(Exception):
    """The traceback of the child, kept as the cause of what the person is told."""


def open_study_safely(
    path: Path, given: GivenFacts | None, staging: Path, *, memory_gb: float = 8, seconds: float = 300
) -> LoadedStudy:
    """open_study in a child process. Voxels come back as read-only mappings of .npy files in staging, an empty folder.

    Raises what open_study raises, and UserInputError where the child dies or exceeds a limit.
    """
    reply = _in_child("study", path, {"given": (given or GivenFacts()).model_dump()}, staging, memory_gb, seconds)
    return LoadedStudy(
        tuple(_image_from(item, staging) for item in reply["images"]), reply["source_format"], tuple(reply["warnings"])
    )


def read_mask_safely(
    path: Path, label: int | None, like: Geometry, staging: Path, *, memory_gb: float = 8, seconds: float = 120
) -> NDArray[np.bool_]:
    """read_mask_file in a child process; raises what it raises, and UserInputError where the child dies."""
    _in_child("mask", path, {"label": label, "like": like.model_dump(mode="json")}, staging, memory_gb, seconds)
    voxels: NDArray[np.bool_] = read_volume(staging / "mask.npy")
    return voxels


def _in_child(
    task: str, path: Path, request: dict[str, Any], staging: Path, memory_gb: float, seconds: float
) -> dict[str, Any]:
    request = {"task": task, "path": str(path.absolute()), "memory": int(memory_gb * 2**30), **request}
    command = [sys.executable, "-P", "-m", "scanwright.tools.imaging.sandbox", str(staging), str(int(seconds))]
    environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
    # Each thread of a linear algebra library reserves address space, which the memory limit counts.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TMPDIR": str(staging)}
    (staging / _REPLY).unlink(missing_ok=True)
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        _, errors = child.communicate(json.dumps(request).encode(), timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise UserInputError(_too_long(path, seconds)) from error
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    return _reply(path, child.returncode, errors.decode("utf-8", "replace"), staging, memory_gb, seconds)


def _reply(path: Path, code: int, errors: str, staging: Path, memory_gb: float, seconds: float) -> dict[str, Any]:
    try:
        reply: dict[str, Any] = json.loads((staging / _REPLY).read_bytes()) if code == 0 else {}
    except (OSError, ValueError) as error:
        raise UserInputError(_died(path)) from error
    match reply.get("error"):
        case "UserInputError":
            raise UserInputError(reply["message"])
        case "NeedsInput":
            raise NeedsInput(reply["message"], tuple(reply["missing"]), tuple(reply["offers"]))
        case "MemoryError":
            raise UserInputError(
                f"{shown(path)} needs more than the {memory_gb:g} GB of memory that reading may take: "
                "crop it, or it is damaged."
            )
        case str():
            raise UserInputError(_died(path)) from ReaderCrashed(reply["message"])
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        raise UserInputError(_too_long(path, seconds))
    if code != 0:
        raise UserInputError(_died(path)) from ReaderCrashed(f"exit code {code}: {errors[-2000:]}")
    return reply


def _too_long(path: Path, seconds: float) -> str:
    return f"{shown(path)} was still being read after {seconds:g} s, so it was given up: it may be damaged."


def _died(path: Path) -> str:
    return f"{shown(path)} made its reader stop, so it is damaged or not what it seems: get it again from its source."


def _image_from(item: dict[str, Any], staging: Path) -> Loaded:
    pixels = None if item["file"] is None else read_volume(staging / item["file"])
    known = {name: item[name] for name in ("name", "identity", "safe")} | {"warnings": tuple(item["warnings"])}
    image = ImageFacts.model_validate(item["image"])
    if item["geometry"] is not None:
        assert pixels is not None
        return LoadedImage(pixels, Geometry.model_validate(item["geometry"]), image, **known)
    files = tuple(Path(f) for f in item["files"])
    frame = Frame.model_validate(item["frame"])
    return LoadedFlat(frame, image, pixels=pixels, files=files, stored=item["stored"], **known)


def main() -> None:
    """The child: reads a request on stdin, limits itself, reads the file, writes its reply into the staging folder."""
    staging, seconds = Path(sys.argv[1]), int(sys.argv[2])
    request = json.loads(sys.stdin.buffer.read())
    limit = request["memory"]
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (max(seconds, 1), max(seconds, 1) + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tasks: dict[str, Callable[[dict[str, Any], Path], dict[str, Any]]] = {"study": _study, "mask": _mask}
    try:
        reply = tasks[request["task"]](request, staging)
    except NeedsInput as error:
        reply = {"error": "NeedsInput", "message": str(error), "missing": error.missing, "offers": error.offers}
    except UserInputError as error:
        reply = {"error": "UserInputError", "message": str(error)}
    except MemoryError:
        reply = {"error": "MemoryError", "message": ""}
    except Exception:
        reply = {"error": "crash", "message": traceback.format_exc()}
    # The reply is what says that all else is whole, so it appears at once and last.
    draft = staging / f"{_REPLY}.part"
    draft.write_text(json.dumps(reply))
    draft.replace(staging / _REPLY)


def _study(request: dict[str, Any], staging: Path) -> dict[str, Any]:
    from scanwright.tools.imaging.open import open_study

    images: list[dict[str, Any]] = []

    def keep(image: Loaded) -> Loaded:
        file = f"image{len(images)}.npy"
        known = {name: getattr(image, name) for name in ("name", "warnings", "identity", "safe")}
        known |= {"image": image.image.model_dump(mode="json"), "file": file, "geometry": None}
        images.append(known)
        if isinstance(image, LoadedImage):
            _store(image.voxels, staging / file)
            known["geometry"] = image.geometry.model_dump(mode="json")
            # A copy of nothing: a view would keep the whole array alive.
            return replace(image, voxels=image.voxels[:0].copy())
        known |= {"frame": image.frame.model_dump(mode="json"), "stored": image.stored}
        known["files"] = [str(f) for f in image.files]
        if image.pixels is None:
            known["file"] = None
        else:
            _store(image.pixels, staging / file, write=write_pixels)
        return replace(image, pixels=None)

    given = GivenFacts.model_validate(request["given"])
    study = open_study(Path(request["path"]), given, keep=keep, scratch=staging)
    return {"images": images, "source_format": study.source_format, "warnings": study.warnings}


def _mask(request: dict[str, Any], staging: Path) -> dict[str, Any]:
    from scanwright.tools.imaging.mask_file import read_mask_file

    like = Geometry.model_validate(request["like"])
    _store(read_mask_file(Path(request["path"]), request["label"], like), staging / "mask.npy")
    return {}


def _store(voxels: NDArray[Any], file: Path, write: Callable[[NDArray[Any], Path], None] = write_volume) -> None:
    try:
        write(voxels, file)
    except OSError as error:
        # Makes room for the reply that says so.
        file.unlink(missing_ok=True)
        # numpy counts the bytes that did not fit and gives no error number.
        why = error.strerror or "there is no room left"
        raise UserInputError(
            f"The scan cannot be stored in {file.parent.parent} ({why}): free some space, or choose another folder."
        ) from error


if __name__ == "__main__":
    main()
