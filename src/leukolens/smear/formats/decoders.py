"""Pillow's decoders, called so that nothing slips through: whole pictures only, of the size that the header stated."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from threading import Lock
from typing import Final

from PIL import Image, ImageFile

from leukolens.finding import ImageError

MAX_SCANS: Final = 200
"""Scans in one JPEG stream. Encoders write 1 to 12; each costs a pass over the whole picture, however few its bytes."""

Opener = Callable[[BytesIO], ImageFile.ImageFile]

_lock = Lock()


def load(opener: Opener, data: bytes, size: tuple[int, int], rawmode: str | None = None) -> Image.Image:
    """Decode a file of one known format.

    The class of the format is called directly: ``Image.open`` would try others, and would warn and judge sizes by a
    limit that is not this call's. What it gets holds no metadata but what decoding needs.

    Parameters
    ----------
    opener
        Pillow's class for the format, such as ``PngImageFile``.
    data
        A whole file of that format.
    size
        (width, height) by the header that was checked against the limits.
    rawmode
        Unpack samples by this mode of Pillow's instead of the one that it chose.

    Returns
    -------
    PIL.Image.Image
        The first frame, decoded to the end.

    Raises
    ------
    ImageError
        The decoder sees another size than the header, or more than `MAX_SCANS` passes would be needed.
    Exception
        Whatever Pillow raises for damaged data.
    """
    _allow(size[0] * size[1])
    image = opener(BytesIO(data))
    if image.size != size:
        raise ImageError("its headers contradict each other", found=f"sizes {size} and {image.size}")
    if rawmode is not None:
        tile = image.tile[0]
        image.tile = [tile._replace(args=rawmode)]
    image.load()
    return image


def check_scans(data: bytes, start: int, end: int) -> None:
    """Refuse a JPEG stream that asks for an absurd number of passes over the picture.

    Parameters
    ----------
    data
        The file.
    start, end
        Where its entropy-coded data lie; in them the byte FF is followed by 00 or a marker, so counting is exact.

    Raises
    ------
    ImageError
        More than `MAX_SCANS` scans.
    """
    scans = data.count(b"\xff\xda", start, end)
    if scans > MAX_SCANS:
        raise ImageError("it is built to keep a decoder busy", expected=f"at most {MAX_SCANS} scans", found=str(scans))


def _allow(pixels: int) -> None:
    """Set Pillow's two switches for the process; each only ever moves one way, so threads cannot undo each other.

    Half a picture must never be judged. Pillow's own limit on pixels is raised just as far as a picture needs that the
    caller's limits have let through: left lower, it would warn or refuse.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    ceiling = Image.MAX_IMAGE_PIXELS
    if ceiling is not None and pixels > ceiling:
        with _lock:
            Image.MAX_IMAGE_PIXELS = max(pixels, Image.MAX_IMAGE_PIXELS or 0)
