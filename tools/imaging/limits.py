"""How much a file may claim before any of its voxels is read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.wording import shown, size_in_words

MAX_BYTES: Final = 8 * 2**30
# Deflate cannot expand more than 1032 times (RFC 1951: a 258-byte match costs at least two bits); headers get the rest.
DEFLATE_RATIO: Final = 1100


def check_claim(path: Path, claimed: int, *, compressed: bool, max_bytes: int = MAX_BYTES) -> None:
    """Compares the bytes that a header promises with the bytes that the file can hold.

    Raises UserInputError where the file is too small for its claim, or the claim is above max_bytes.
    """
    size = path.stat().st_size
    if claimed > size * (DEFLATE_RATIO if compressed else 1):
        raise UserInputError(
            f"{shown(path)} claims {size_in_words(claimed)} of voxels and has only {size_in_words(size)}: "
            "it was cut short or is damaged, so get it again from its source."
        )
    if claimed > max_bytes:
        raise UserInputError(
            f"{shown(path)} claims {size_in_words(claimed)} of voxels, and at most {size_in_words(max_bytes)} are "
            "read: crop or resample it first."
        )
