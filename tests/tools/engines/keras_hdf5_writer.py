"""Writes HDF5 files as Keras 1 does: groups with symbol tables, arrays in one piece; and a small U-Net in them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOWHERE = 0xFFFFFFFFFFFFFFFF
# Entries in a leaf of a group's tree; small, so that trees have several leaves.
LEAF = 8
CHANNELS = (1, 4, 4, 6, 6, 8, 8, 6, 6, 4, 4, 2)


def write_hdf5(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Arrays by path ("group/name") in one file."""
    tree: dict[str, Any] = {}
    for name, values in arrays.items():
        group = tree
        *above, last = name.split("/")
        for part in above:
            group = group.setdefault(part, {})
        group[last] = values
    data = bytearray(96)
    root = _group(data, tree)
    data[:96] = (
        b"\x89HDF\r\n\x1a\n"
        + bytes([0, 0, 0, 0, 0, 8, 8, 0])
        + struct.pack("<HHIQQQQ", LEAF // 2, 16, 0, 0, NOWHERE, len(data), NOWHERE)
        + struct.pack("<QQII16x", 0, root, 0, 0)
    )
    path.write_bytes(bytes(data))


def small_unet(seed: int = 3) -> dict[str, NDArray[np.float32]]:
    """Weights with the names and the layout of the published network, with few channels."""
    random = np.random.default_rng(seed)
    taken = dict(enumerate(CHANNELS[:-1], 1)) | {7: CHANNELS[6] + CHANNELS[4], 9: CHANNELS[8] + CHANNELS[2]}
    arrays = {}
    for n in range(1, 12):
        size = 1 if n == 11 else 3
        shape = (CHANNELS[n], taken[n], size, size)
        name = f"convolution2d_{n}/convolution2d_{n}"
        arrays[f"{name}_W"] = random.normal(0, 1.5 / np.sqrt(np.prod(shape[1:])), shape).astype("<f4")
        arrays[f"{name}_b"] = random.normal(0, 0.1, shape[0]).astype("<f4")
    return arrays


def _group(data: bytearray, members: Mapping[str, Any]) -> int:
    entries = []
    for name in sorted(members):
        value = members[name]
        entries.append((name, _group(data, value) if isinstance(value, dict) else _dataset(data, value)))
    heap_data = bytearray(8)
    offsets = []
    for name, _ in entries:
        offsets.append(len(heap_data))
        heap_data += name.encode() + b"\0" * (8 - len(name) % 8)
    names = _put(data, heap_data)
    heap = _put(data, b"HEAP" + struct.pack("<B3xQQQ", 0, len(heap_data), 1, names))
    leaves = []
    for start in range(0, len(entries), LEAF):
        part = list(zip(offsets, entries, strict=True))[start : start + LEAF]
        body = b"SNOD" + struct.pack("<BxH", 1, len(part))
        body += b"".join(struct.pack("<QQII16x", offset, at, 0, 0) for offset, (_, at) in part)
        leaves.append((_put(data, body.ljust(8 + 40 * LEAF, b"\0")), part[-1][0]))
    keys = struct.pack("<Q", 0) + b"".join(struct.pack("<QQ", leaf, key) for leaf, key in leaves)
    node = b"TREE" + struct.pack("<BBHQQ", 0, 0, len(leaves), NOWHERE, NOWHERE) + keys
    tree = _put(data, node.ljust(24 + 8 * 33 * 2, b"\0"))
    return _header(data, [(0x11, struct.pack("<QQ", tree, heap))])


def _dataset(data: bytearray, values: NDArray[Any]) -> int:
    at = _put(data, values.tobytes())
    space = struct.pack("<BBB5x", 1, values.ndim, 0) + struct.pack(f"<{values.ndim}Q", *values.shape)
    flags, bits = bytes([0x20, 31 if values.itemsize == 4 else 63, 0]), 8 * values.itemsize
    kind = b"\x11" + flags + struct.pack("<IHHBBBBI", values.itemsize, 0, bits, 23, 8, 0, 23, 127)
    layout = struct.pack("<BBQQ", 3, 1, at, values.nbytes)
    return _header(data, [(0x01, space), (0x03, kind), (0x08, layout)])


def _header(data: bytearray, messages: list[tuple[int, bytes]]) -> int:
    body = b""
    for kind, message in messages:
        message = message.ljust(-(-len(message) // 8) * 8, b"\0")
        body += struct.pack("<HHB3x", kind, len(message), 0) + message
    return _put(data, struct.pack("<BxHII4x", 1, len(messages), 1, len(body)) + body)


def _put(data: bytearray, block: bytes) -> int:
    data += b"\0" * (-len(data) % 8)
    at = len(data)
    data += block
    return at
