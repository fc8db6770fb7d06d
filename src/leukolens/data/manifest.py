"""The manifest: every file of a data set with its hashes and sizes, from reading each one."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.finding import ImageError
from leukolens.finding.output import csv_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from leukolens.data.catalogue import Catalogue, Item
    from leukolens.smear.reading import SmearImage

MANIFEST_COLUMNS: Final = ("path", "sha256", "pixel_sha256", "label", "width", "height", "bytes", "patient")
WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as it was found when it was read.

    Attributes
    ----------
    path, label, patient, bytes
        As in the catalogue.
    sha256
        Of the file's bytes; None where not even these could be read.
    pixel_sha256, width, height, format, mode
        Of the decoded picture, sides in pixels; None where it could not be decoded.
    reason
        Why it could not be decoded; None where it could.
    notes
        What was done to decode it, in words.
    """

    path: str
    label: str
    patient: str | None
    bytes: int
    sha256: str | None
    pixel_sha256: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    mode: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()


def pixel_sha256(pixels: NDArray[np.uint8]) -> str:
    """Return a hash of what is seen: two files with the same pixels have the same, however they are stored.

    Parameters
    ----------
    pixels
        (H, W, 3), sRGB.
    """
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}:".encode("ascii"))
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def read_entries(
    catalogue: Catalogue, *, workers: int = WORKERS, progress: Callable[[int], None] | None = None
) -> list[Entry]:
    """Read and decode every file of a data set.

    Parameters
    ----------
    catalogue
        The data set.
    workers
        Threads; each holds one decoded picture at a time.
    progress
        Called with the number of files done.

    Returns
    -------
    list of Entry
        In the catalogue's order. A file that cannot be read has a `reason`; the rest goes on.
    """
    entries: list[Entry] = []
    with ThreadPoolExecutor(workers) as pool:
        try:
            for entry in pool.map(lambda item: _read(catalogue.locate(item), item), catalogue.items):
                entries.append(entry)
                if progress is not None:
                    progress(len(entries))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return entries


def _read(file: Path, item: Item) -> Entry:
    return read_entry(file, item)[0]


def read_entry(file: Path, item: Item) -> tuple[Entry, SmearImage | None]:
    """Read and decode one file.

    Parameters
    ----------
    file
        Where it lies.
    item
        Its line of the catalogue.

    Returns
    -------
    entry : Entry
        With a `reason` where it cannot be decoded.
    image : SmearImage or None
        What was read; None where it cannot be decoded.
    """
    from leukolens.smear.reading import read_image

    try:
        image = read_image(file)
    except ImageError as error:
        sha256, size = _hash(file)
        return Entry(item.path, item.label, item.patient, size, sha256, reason=str(error)), None
    height, width = image.pixels.shape[:2]
    entry = Entry(
        path=item.path,
        label=item.label,
        patient=item.patient,
        bytes=item.bytes,
        sha256=image.sha256,
        pixel_sha256=pixel_sha256(image.pixels),
        width=width,
        height=height,
        format=image.format,
        mode=_mode(file),
        notes=image.notes,
    )
    return entry, image


def _hash(file: Path) -> tuple[str | None, int]:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest(), opened.tell()
    except OSError:
        return None, 0


def _mode(file: Path) -> str | None:
    """Return how the file stores its colours in Pillow's words ("RGB", "L", "CMYK"); None where Pillow has none."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as header:  # reads the header only
            return header.mode
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return None


def manifest_text(entries: Iterable[Entry]) -> str:
    """Return the manifest as CSV: one row a file, what is not known left empty."""
    rows = ([getattr(entry, name) for name in MANIFEST_COLUMNS] for entry in entries)
    return csv_text([MANIFEST_COLUMNS, *rows])


def encode_manifest(entries: Iterable[Entry]) -> tuple[bytes, str]:
    """Return the bytes of the manifest's file and their SHA-256.

    A file name that is no Unicode keeps its bytes.
    """
    content = manifest_text(entries).encode("utf-8", "surrogateescape")
    return content, hashlib.sha256(content).hexdigest()
