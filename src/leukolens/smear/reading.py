"""From a file to sRGB pixels: the one way in which a picture enters, whatever its format, and however it is broken."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from leukolens.finding import ImageError
from leukolens.smear.formats import bmp, jpeg, png, tiff, webp
from leukolens.smear.formats.signatures import recognise, suffix_notes
from leukolens.smear.limits import Limits, check_size
from leukolens.smear.orientation import swaps_sides, turn_upright
from leukolens.smear.sources import check_given, printable, read_bytes
from leukolens.smear.srgb import to_srgb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from leukolens.smear.formats.header import FormatName, Header

__all__ = ["Limits", "SmearImage", "printable", "read_bytes", "read_image"]

_INSPECT: Final[Mapping[FormatName, Callable[[bytes], Header]]] = MappingProxyType(
    {"JPEG": jpeg.inspect, "PNG": png.inspect, "TIFF": tiff.inspect, "BMP": bmp.inspect, "WEBP": webp.inspect}
)
_DEFAULT: Final = Limits()


@dataclass(frozen=True, eq=False)
class SmearImage:
    """A picture as it is meant to be seen, and what it was read from.

    Parameters
    ----------
    pixels
        (H, W, 3) uint8, sRGB, upright, on white; contiguous.
    sha256
        Of the file's bytes, 64 hexadecimal digits.
    format
        ``JPEG``, ``PNG``, ``TIFF``, ``BMP`` or ``WEBP``, by content.
    um_per_px
        (x, y) micrometres a pixel of `pixels`, only where the file plainly states a microscope's scale.
    notes
        What was done to read it, in words, such as ``EXIF orientation 6 applied``.
    """

    pixels: NDArray[np.uint8]
    sha256: str
    format: str
    um_per_px: tuple[float, float] | None
    notes: tuple[str, ...]


def read_image(
    source: Path | bytes, limits: Limits = _DEFAULT, *, admit: Callable[[int], None] | None = None
) -> SmearImage:
    """Read a picture of a smear.

    The file is read once, at most ``limits.max_bytes`` of it, and hashed and decoded from memory. Its format is told
    by content. Its size is checked by its header before a pixel is decoded, and a picture is given back whole or not
    at all. Safe to call from several threads. Pillow's switches for cut-off files (off) and for its own limit on
    pixels (raised, where `limits` allow more) are set for the process.

    Parameters
    ----------
    source
        A file, or the bytes of one.
    limits
        The largest input that is read.
    admit
        Called with the number of pixels once the header has passed, before one is decoded. It may wait, so that
        threads do not all decode large pictures at once; what it raises is raised.

    Returns
    -------
    SmearImage
        The first picture of the file.

    Raises
    ------
    ImageTooLargeError
        More bytes or pixels than `limits` allow.
    ImageError
        Everything else that keeps it from being read: missing, no ordinary file, empty, cut off, damaged, of another
        format, smaller than 16 px. ``__cause__`` is what a decoder raised.
    """
    name = "the picture given as bytes" if isinstance(source, bytes) else printable(source)
    try:
        data = check_given(source, limits) if isinstance(source, bytes) else read_bytes(Path(source), limits)
        kind = recognise(data)
        notes = [] if isinstance(source, bytes) else suffix_notes(Path(source), kind)
        return _decode(data, kind, limits, notes, admit)
    except ImageError as error:
        raise _name(error, name) from error.__cause__


def _decode(
    data: bytes, kind: FormatName, limits: Limits, notes: list[str], admit: Callable[[int], None] | None
) -> SmearImage:
    with _errors_as_image_errors():
        header = _INSPECT[kind](data)
        check_size(header.width, header.height, limits)
    if admit is not None:
        admit(header.width * header.height)
    with _errors_as_image_errors():
        decoded = header.decode()
        rgb, colour_notes = to_srgb(decoded.image, header.icc)
        rgb = turn_upright(rgb, header.orientation)
    notes = [*notes, *header.notes, *decoded.notes, *colour_notes]
    um_per_px = header.um_per_px
    if header.orientation > 1:
        notes.append(f"{'TIFF' if kind == 'TIFF' else 'EXIF'} orientation {header.orientation} applied")
        if um_per_px is not None and swaps_sides(header.orientation):
            um_per_px = um_per_px[::-1]
    return SmearImage(rgb, hashlib.sha256(data).hexdigest(), kind, um_per_px, tuple(notes))


@contextmanager
def _errors_as_image_errors() -> Iterator[None]:
    """Turn whatever a decoder raises into an ImageError: it may be of any class."""
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(
            "memory ran out", found="MemoryError", todo="close other programs, or lower max_pixels"
        ) from error
    except Exception as error:
        raise ImageError(
            "its data are damaged or cut off",
            found=printable(f"{type(error).__name__}: {error}")[:300].rstrip("."),
            todo="copy the file again from where it was taken",
        ) from error


def _name(error: ImageError, name: str) -> ImageError:
    """Return the error with the name of the picture before it."""
    return type(error)(
        f"{name} cannot be read: {error.message}", expected=error.expected, found=error.found, todo=error.todo
    )
