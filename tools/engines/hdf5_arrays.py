"""Reads plain arrays out of an HDF5 file as Keras 1 writes them: old groups, contiguous numbers, nothing else.

Needs no library and runs nothing of the file. Source: HDF5 File Format Specification 2.0, superblock version 0,
version 1 object headers, B-trees of groups.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS, _CONTINUED, _GROUP = 0x01, 0x03, 0x08, 0x0B, 0x10, 0x11
# A file of weights has some tens of objects; more visits than this mean that it points back at itself.
VISITS_AT_MOST = 10_000
DEPTH_AT_MOST = 20


def read_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """All arrays of little-endian float32, by path inside the file ("group/name").

    Raises ToolFailed where the file is cut short or holds anything else.
    """
    try:
        return dict(_File(path.read_bytes()).arrays())
    except (struct.error, IndexError, ValueError, UnicodeDecodeError) as error:
        raise ToolFailed(f"The weights {path.name} are no HDF5 file of plain arrays: {error}.") from error


class _File:
    def __init__(self, data: bytes) -> None:
        if data[:8] != SIGNATURE or data[8] != 0 or data[13:15] != b"\x08\x08":
            raise ValueError("its signature or version is another one")
        self._data = data
        self._visits = 0

    def arrays(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Every array with its path."""
        # The root's entry follows the superblock's four addresses; its object header is the entry's second field.
        (root,) = self._numbers("<Q", 24 + 4 * 8 + 8)
        yield from self._below("", root, 0)

    def _below(self, name: str, header: int, depth: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
        self._visit(depth)
        messages = dict(self._messages(header))
        if _GROUP in messages:
            tree, heap = struct.unpack("<QQ", messages[_GROUP][:16])
            names = self._numbers("<Q", heap + 24)[0]
            for entry in self._entries(tree, 0):
                at, child = self._numbers("<QQ", entry)
                yield from self._below(f"{name}/{self._text(names + at)}".lstrip("/"), child, depth + 1)
        elif _LAYOUT in messages:
            yield name, self._array(messages)

    def _entries(self, tree: int, depth: int) -> Iterator[int]:
        """Addresses of the symbol table entries below a node of a group's B-tree."""
        self._visit(depth)
        if self._data[tree : tree + 4] == b"SNOD":
            (count,) = self._numbers("<H", tree + 6)
            yield from (tree + 8 + 40 * i for i in range(count))
            return
        if self._data[tree : tree + 4] != b"TREE":
            raise ValueError("a group has no tree")
        (count,) = self._numbers("<H", tree + 6)
        for i in range(count):
            yield from self._entries(self._numbers("<Q", tree + 24 + 8 + 16 * i)[0], depth + 1)

    def _messages(self, header: int) -> Iterator[tuple[int, bytes]]:
        version, count, size = self._numbers("<BxHxxxxI", header)
        if version != 1:
            raise ValueError(f"an object has a header of version {version}")
        blocks = [(header + 16, size)]
        while blocks and count:
            at, left = blocks.pop(0)
            while left >= 8 and count:
                self._visit()
                kind, length = self._numbers("<HH", at)
                body = self._data[at + 8 : at + 8 + length]
                if kind == _CONTINUED:
                    blocks.append(struct.unpack("<QQ", body[:16]))
                else:
                    yield kind, body
                at, left, count = at + 8 + length, left - 8 - length, count - 1

    def _array(self, messages: dict[int, bytes]) -> NDArray[np.float32]:
        if _FILTERS in messages:
            raise ValueError("an array is compressed")
        space, kind, layout = messages[_DATASPACE], messages[_DATATYPE], messages[_LAYOUT]
        if space[0] != 1 or layout[0] != 3 or layout[1] != 1:
            raise ValueError("an array does not lie in one piece")
        # Class 1 is a floating-point number; bit 0 of the flags is the byte order.
        if kind[0] & 0x0F != 1 or kind[1] & 1 or struct.unpack("<I", kind[4:8])[0] != 4:
            raise ValueError("an array is not of little-endian float32")
        shape = struct.unpack(f"<{space[1]}Q", space[8 : 8 + 8 * space[1]])
        start, length = struct.unpack("<QQ", layout[2:18])
        if length != 4 * int(np.prod(shape, dtype=np.int64)) or start + length > len(self._data):
            raise ValueError("an array is cut short")
        return np.frombuffer(self._data, "<f4", length // 4, start).reshape(shape)

    def _numbers(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(form, self._data, at)

    def _text(self, at: int) -> str:
        return self._data[at : self._data.index(b"\0", at)].decode()

    def _visit(self, depth: int = 0) -> None:
        self._visits += 1
        if self._visits > VISITS_AT_MOST or depth > DEPTH_AT_MOST:
            raise ValueError("it points back at itself")
