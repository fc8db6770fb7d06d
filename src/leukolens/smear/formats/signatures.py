"""What a file is, by its first bytes and never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.finding import ImageError

if TYPE_CHECKING:
    from pathlib import PurePath

    from leukolens.smear.formats.header import FormatName

READABLE: Final = "a JPEG, PNG, TIFF, BMP or WebP picture"

_SUFFIXES: Final[dict[str, FormatName]] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    **dict.fromkeys((".png", ".apng"), "PNG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **dict.fromkeys((".bmp", ".dib"), "BMP"),
    ".webp": "WEBP",
}
_OTHERS: Final = (
    (0, b"GIF8", "a GIF picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"jP  \r\n", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (4, b"JXL \r\n", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"ftyp", "a film"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"<?xml", "an XML or SVG text"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"\0\0\1\0", "an icon"),
)
_BMP_HEADERS: Final = (12, 16, 40, 52, 56, 64, 108, 124)


def recognise(data: bytes) -> FormatName:
    """Say which of the readable formats a file has.

    Parameters
    ----------
    data
        The file's content, not empty.

    Returns
    -------
    str
        ``JPEG``, ``PNG``, ``TIFF``, ``BMP`` or ``WEBP``.

    Raises
    ------
    ImageError
        It has none of them; the message names what it is instead, where that can be told.
    """
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    raise ImageError(
        "it is not a picture in a format that can be read",
        expected=READABLE,
        found=_name_other(data),
        todo="save the picture in one of these formats",
    )


def suffix_notes(path: PurePath, found: FormatName) -> list[str]:
    """Say that a file's name promises another format than its content has.

    Parameters
    ----------
    path
        The file's name.
    found
        Its true format.

    Returns
    -------
    list of str
        One note, or none where name and content agree or the name promises nothing.
    """
    suffix = path.suffix.lower()
    if _SUFFIXES.get(suffix, found) == found:
        return []
    return [f"named {suffix}, but read as the {found} picture that it is"]


def _name_other(data: bytes) -> str:
    start = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    for offset, signature, name in _OTHERS:
        if data[offset : offset + len(signature)] == signature or (not offset and start.startswith(signature)):
            return name
    if not any(data):
        return "nothing but zero bytes: the copy probably failed"
    if all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in data[:1024]) and b"\0" not in data[:1024]:
        return "text"
    return "unknown data"
