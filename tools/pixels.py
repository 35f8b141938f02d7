"""How arrays lie in the blob store: volumes as plain .npy (mapped, not read), masks and labels as .npy under zstd.

All in Fortran order, the stored order of NIfTI, so that a re-opened volume is a mapping of the file.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

VOLUME_TYPE = "application/vnd.scanwright.volume+npy"
LABELS_TYPE = "application/vnd.scanwright.labels+npy+zstd"
MASK_TYPE = "application/vnd.scanwright.mask+npy+zstd"


def write_volume(voxels: NDArray[Any], file: Path) -> None:
    """Writes an array (i, j, k) as .npy in Fortran order, little-endian."""
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    with file.open("wb") as out:
        np.lib.format.write_array(out, np.asfortranarray(little), allow_pickle=False)


def read_volume(file: Path) -> NDArray[Any]:
    """Maps a volume read-only. Raises ValueError where the file is not one of ours or is cut short."""
    return np.lib.format.open_memmap(file, mode="r")


def write_mask(voxels: NDArray[np.bool_], file: Path) -> None:
    """Writes a mask (i, j, k) as zstd level 1."""
    write_labels(voxels.view(np.uint8), file)


def read_mask(file: Path) -> NDArray[np.bool_]:
    """Reads a mask as a read-only bool array (i, j, k). Raises ValueError where the file is damaged."""
    return read_labels(file).view(np.bool_)


def write_labels(voxels: NDArray[np.uint8], file: Path) -> None:
    """Writes labels (i, j, k) as zstd level 1."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asfortranarray(voxels, dtype=np.uint8), allow_pickle=False)
    file.write_bytes(zstandard.ZstdCompressor(level=1).compress(buffer.getbuffer()))


def read_labels(file: Path) -> NDArray[np.uint8]:
    """Reads labels as a read-only uint8 array (i, j, k). Raises ValueError where the file is damaged."""
    try:
        plain = zstandard.ZstdDecompressor().decompress(file.read_bytes())
    except zstandard.ZstdError as error:
        raise ValueError(f"{file.name} is no mask: {error}") from error
    voxels: NDArray[np.uint8] = np.lib.format.read_array(io.BytesIO(plain), allow_pickle=False)
    voxels.flags.writeable = False
    return voxels
