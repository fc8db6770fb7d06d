"""The tag directory that TIFF and EXIF share: parsed within the bytes at hand, nothing followed or expanded."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Order = Literal["<", ">"]

MAX_ENTRIES: Final = 4096
MAX_PAGES: Final = 10_000

_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS: Final = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_RATIONALS: Final = {5: "u4", 10: "i4"}


class Entry(NamedTuple):
    """One tag: its type, the number of its values, and where they lie in the file."""

    kind: int
    number: int
    start: int


@dataclass(frozen=True)
class Directory:
    """The tags of one picture.

    Parameters
    ----------
    data
        The bytes that offsets refer to.
    order
        Byte order, ``<`` or ``>``.
    entries
        Tags whose values lie within `data`; others are left out.
    following
        Offset of the next directory, 0 for none.
    """

    data: bytes
    order: Order
    entries: Mapping[int, Entry]
    following: int

    def raw(self, tag: int, most: int) -> bytes | None:
        """Return a tag's bytes as stored, or ``None`` where it is missing or longer than `most` bytes."""
        entry = self.entries.get(tag)
        if entry is None or entry.number * _SIZES[entry.kind] > most:
            return None
        return self.data[entry.start : entry.start + entry.number * _SIZES[entry.kind]]

    def integers(self, tag: int, most: int = 64) -> NDArray[np.int64]:
        """Return a tag's whole numbers, empty where it is missing.

        Raises
        ------
        ValueError
            There are more than `most`, or they are not whole numbers.
        """
        entry = self.entries.get(tag)
        if entry is None:
            return np.zeros(0, np.int64)
        if entry.kind not in _INTEGERS or entry.number > most:
            raise ValueError(f"tag {tag} holds {entry.number} values of type {entry.kind}")
        kind = np.dtype(self.order + _INTEGERS[entry.kind])
        return np.frombuffer(self.data, kind, entry.number, entry.start).astype(np.int64)

    def integer(self, tag: int, default: int) -> int:
        """Return the first of a tag's whole numbers, `default` where there is none. Raises as `integers` does."""
        values = self.integers(tag)
        return int(values[0]) if values.size else default

    def rational(self, tag: int) -> float | None:
        """Return a fraction as a number, or ``None`` where it is missing, no fraction, or divided by zero."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _RATIONALS or entry.number != 1:
            return None
        above, below = np.frombuffer(self.data, self.order + _RATIONALS[entry.kind], 2, entry.start).tolist()
        return above / below if below else None

    def text(self, tag: int, most: int) -> str:
        """Return a tag's text up to its first null character; the first `most` bytes of it at most."""
        entry = self.entries.get(tag)
        if entry is None or _SIZES[entry.kind] != 1:
            return ""
        stored = self.data[entry.start : entry.start + min(entry.number, most)].split(b"\0")[0]
        return stored.decode("utf-8", "replace")


class Head(NamedTuple):
    """The first bytes of a TIFF structure."""

    order: Order
    big: bool
    first: int


def read_head(data: bytes) -> Head | None:
    """Read the first bytes of a TIFF or EXIF structure.

    Parameters
    ----------
    data
        The structure from its first byte.

    Returns
    -------
    Head or None
        Byte order, whether offsets have 64 bits (BigTIFF), offset of the first directory; ``None`` if it is no TIFF.
    """
    order: Order = "<" if data[:2] == b"II" else ">"
    if data[:4] in (b"II*\0", b"MM\0*") and len(data) >= 8:
        return Head(order, False, struct.unpack_from(order + "I", data, 4)[0])
    if data[:8] in (b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0") and len(data) >= 16:
        return Head(order, True, struct.unpack_from(order + "Q", data, 8)[0])
    return None


def read_directory(data: bytes, head: Head) -> Directory:
    """Read the first directory of a TIFF or EXIF structure.

    Parameters
    ----------
    data
        The structure from its first byte.
    head
        As `read_head` gave it.

    Returns
    -------
    Directory
        Its tags; of a tag that occurs twice the first.

    Raises
    ------
    ValueError
        The directory does not lie within `data`, or has more than `MAX_ENTRIES` tags.
    """
    count, start, width = _extent(data, head, head.first)
    entries: dict[int, Entry] = {}
    layout, inline = (head.order + "HHQ", 8) if head.big else (head.order + "HHI", 4)
    for position in range(start, start + count * width, width):
        tag, kind, number = struct.unpack_from(layout, data, position)
        size = number * _SIZES.get(kind, 0)
        at = position + width - inline
        if size > inline:
            at = struct.unpack_from(head.order + ("Q" if head.big else "I"), data, at)[0]
        if size and at + size <= len(data):
            entries.setdefault(tag, Entry(kind, number, at))
    return Directory(data, head.order, entries, _following(data, head, start + count * width))


def count_pages(data: bytes, head: Head) -> int:
    """Count the directories of a TIFF's chain.

    Parameters
    ----------
    data
        The whole file.
    head
        As `read_head` gave it.

    Returns
    -------
    int
        Pages, at most `MAX_PAGES`; a chain that bites its tail or leaves the file is counted up to there.
    """
    seen: set[int] = set()
    offset = head.first
    while offset and offset not in seen and len(seen) < MAX_PAGES:
        try:
            count, start, width = _extent(data, head, offset)
        except ValueError:
            break
        seen.add(offset)
        offset = _following(data, head, start + count * width)
    return len(seen)


def _extent(data: bytes, head: Head, offset: int) -> tuple[int, int, int]:
    """Return a directory's number of entries, where they start, and the bytes of one."""
    field, lead, width = ("Q", 8, 20) if head.big else ("H", 2, 12)
    if offset < 8 or offset + lead > len(data):
        raise ValueError("its directory lies outside the file")
    count = struct.unpack_from(head.order + field, data, offset)[0]
    if not 0 < count <= MAX_ENTRIES or offset + lead + count * width > len(data):
        raise ValueError("its directory is damaged or cut off")
    return count, offset + lead, width


def _following(data: bytes, head: Head, end: int) -> int:
    field, width = ("Q", 8) if head.big else ("I", 4)
    return int(struct.unpack_from(head.order + field, data, end)[0]) if end + width <= len(data) else 0
