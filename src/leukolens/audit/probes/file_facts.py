"""What a file tells before a pixel is decoded: its size, its tables, its metadata. And what its name tells."""

from __future__ import annotations

import io
import math
import re
import warnings
from itertools import chain
from typing import TYPE_CHECKING, Final, get_args

import numpy as np
from PIL import Image, UnidentifiedImageError

from leukolens.finding import ImageError
from leukolens.smear.formats.header import FormatName
from leukolens.smear.formats.signatures import recognise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Row = NDArray[np.float32]

_FORMATS: Final[tuple[str, ...]] = get_args(FormatName)
_MODES: Final = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16")
_TABLES: Final = 2  # of quantisation: luma and chroma
_BANDS: Final = 8  # neighbouring coefficients of a table that are averaged
_LISTED: Final = ("exif", "icc_profile", "comment", "dpi", "jfif", "adobe", "progression", "gamma", "transparency")
_NUMBER: Final = re.compile(r"\d+")


def file_facts(data: bytes) -> Row:
    """Describe a file by its bytes, without decoding its picture.

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    ndarray
        (51,) float32: bytes (logarithm), bytes a pixel, width, height, format, mode, the presence of EXIF, profile,
        comment and others, length of EXIF and profile, chroma subsampling, JPEG's quantisation tables (logarithms of
        the means of eight coefficients each). What a format does not have is 0; so is all but the size where the header
        cannot be read.
    """
    size = [math.log(max(1, len(data)))]
    try:
        kind = recognise(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # nothing is decoded
            with Image.open(io.BytesIO(data), formats=[kind]) as header:
                facts = _header_facts(header, kind, len(data))
    except (ImageError, OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        facts = []
    row = np.zeros(1 + _HEADER, np.float32)
    row[: 1 + len(facts)] = size + facts
    return row


_HEADER: Final = 3 + len(_FORMATS) + len(_MODES) + len(_LISTED) + 2 + 6 + _TABLES * 64 // _BANDS


def _header_facts(header: Image.Image, kind: str, size: int) -> list[float]:
    width, height = header.size
    lengths = [math.log1p(len(header.info.get(name) or b"")) for name in ("exif", "icc_profile")]
    return [
        size / max(1, width * height),
        width,
        height,
        *(float(kind == name) for name in _FORMATS),
        *(float(header.mode == name) for name in _MODES),
        *(float(name in header.info) for name in _LISTED),
        *lengths,
        *_subsampling(header),
        *_tables(header),
    ]


def _subsampling(header: Image.Image) -> list[float]:
    """Return the sampling factors, across and down, of the first three components (6)."""
    factors = [float(value) for layer in getattr(header, "layer", [])[:3] for value in layer[1:3]]
    return (factors + [0.0] * 6)[:6]


def _tables(header: Image.Image) -> list[float]:
    """Return the logarithms of the mean steps of eight coefficients at a time, low frequencies first (16)."""
    tables = getattr(header, "quantization", None) or {}
    bands = []
    for number in range(_TABLES):
        steps = np.asarray(tables.get(number, [1] * 64), np.float64)
        bands.append(np.log(steps.reshape(-1, _BANDS).mean(axis=1)))
    return [float(value) for value in chain.from_iterable(bands)]


def name_facts(names: Sequence[str]) -> NDArray[np.float32]:
    """Describe the place of files in their listing.

    Parameters
    ----------
    names
        Paths with ``/``, relative to the data set, in the order of its listing.

    Returns
    -------
    ndarray
        (N, 2) float32. The last number in each file's name, as a camera counts (-1: none). The place in the listing
        from 0 to 1, where that says more than the folder: all 0 where files lie in several folders, for then it would
        repeat the folders, which mostly are the classes.
    """
    files = [name.rpartition("/") for name in names]
    numbers = [_NUMBER.findall(stem) for _, _, stem in files]
    counted = np.array([min(int(found[-1][-9:]), 10**9) if found else -1 for found in numbers], np.float64)
    one_folder = len({folder for folder, _, _ in files}) <= 1
    place = np.linspace(0.0, 1.0, len(names)) if one_folder else np.zeros(len(names))
    return np.stack([counted, place], axis=1).astype(np.float32)
