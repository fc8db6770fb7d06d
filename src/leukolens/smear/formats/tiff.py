"""TIFF 6.0 and BigTIFF: the first page, with the scale that OME, ImageJ and microscopes write."""

from __future__ import annotations

from functools import partial
from typing import Final

from PIL import Image

from leukolens.finding import ImageError
from leukolens.smear.depth import reduce_to_8_bit
from leukolens.smear.formats.directory import Directory, count_pages, read_directory, read_head
from leukolens.smear.formats.header import MAX_ICC_BYTES, Decoded, Header
from leukolens.smear.formats.tiff_layout import Layout, read_layout, read_size
from leukolens.smear.formats.tiff_pixels import decode_16_bit, decode_up_to_8_bit
from leukolens.smear.orientation import stated_orientation
from leukolens.smear.pixel_size import stated_pixel_size

_NEW_SUBFILE, _SUB_DIRECTORIES, _ICC = 254, 330, 34675
_REDUCED: Final = 1
_UNSTATED, _PREMULTIPLIED, _ALPHA = 0, 1, 2


def inspect(data: bytes) -> Header:
    """Read the first directory of a TIFF.

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    Header
        Its facts. The layout of strips and tiles is verified by ``decode``, before anything is unpacked.

    Raises
    ------
    ImageError
        The directory is damaged, or belongs to a camera's raw file.
    ValueError
        A tag that decoding needs holds something else than its numbers.
    """
    head = read_head(data)
    if head is None:
        raise ImageError("it is cut off", expected="a TIFF header", found=f"{len(data)} bytes")
    directory = read_directory(data, head)
    if directory.integer(_NEW_SUBFILE, 0) & _REDUCED and _SUB_DIRECTORIES in directory.entries:
        raise ImageError(
            "its first page is only a preview, as in a camera's raw files", todo="export the picture as TIFF or PNG"
        )
    width, height = read_size(directory)
    orientation, notes = stated_orientation(directory)
    pages = count_pages(data, head)
    if pages > 1:
        notes.append(f"the first of {pages} pages was read")
    um_per_px, scale_notes = stated_pixel_size(directory)
    icc = directory.raw(_ICC, MAX_ICC_BYTES)
    return Header(
        "TIFF",
        width,
        height,
        partial(_decode, directory),
        orientation=orientation,
        icc=icc,
        um_per_px=um_per_px,
        notes=(*notes, *scale_notes),
    )


def _decode(directory: Directory) -> Decoded:
    layout = read_layout(directory)
    unstated = layout.extra.count(_UNSTATED)
    notes = (f"{unstated} channel(s) of unstated meaning left out",) if unstated else ()
    if layout.bits < 16:
        return Decoded(decode_up_to_8_bit(directory, layout), notes)
    reduced, depth_notes = reduce_to_8_bit(decode_16_bit(directory, layout), layout.colours)
    mode, channels = _mode(layout)
    if len(channels) < layout.samples:
        reduced = reduced[..., channels]
    image = Image.frombytes(mode, (layout.width, layout.height), reduced.tobytes())
    return Decoded(image, (*notes, *depth_notes))


def _mode(layout: Layout) -> tuple[str, list[int]]:
    """Return Pillow's mode for a picture's channels, and the channels that it takes."""
    colour, channels = {1: "L", 3: "RGB", 4: "CMYK"}[layout.colours], list(range(layout.colours))
    for number, kind in enumerate(layout.extra, layout.colours):
        if kind in (_PREMULTIPLIED, _ALPHA) and colour != "CMYK":
            return colour + ("a" if kind == _PREMULTIPLIED else "A"), [*channels, number]
    return colour, channels
