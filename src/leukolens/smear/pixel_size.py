"""How many micrometres a pixel is, where a TIFF plainly states a microscope's scale; a printer's dpi is none."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leukolens.smear.formats.directory import Directory

PixelSize = tuple[float, float]

_DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 270, 282, 283, 296
_CENTIMETRE: Final = 3
_MOST_TEXT: Final = 2**20
_UM: Final = {
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("um", "µm", "μm", "\\u00B5m", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
}
_POSSIBLE: Final = (0.001, 100.0)
"""Micrometres a pixel that a program which states them for a microscope can mean."""
_PLAUSIBLE: Final = (0.01, 2.0)
"""Micrometres a pixel that cannot be a print resolution: 12,700 dots an inch or more."""


def stated_pixel_size(directory: Directory) -> tuple[PixelSize | None, list[str]]:
    """Read the size of a pixel from a TIFF's tags.

    OME-TIFF states ``PhysicalSizeX`` and ``PhysicalSizeY``; ImageJ names the unit of the resolution in the
    description; microscopes write dots a centimetre, which are taken where they give 0.01 to 2 micrometres a pixel.

    Parameters
    ----------
    directory
        Tags of the first page.

    Returns
    -------
    um_per_px : tuple of float or None
        (x, y) in micrometres a pixel, as the pixels are stored; ``None`` where no microscope's scale is stated.
    notes : list of str
        Where the figures come from.
    """
    text = directory.text(_DESCRIPTION, _MOST_TEXT)
    if "<OME" in text:
        size, source = _from_ome(text), "OME"
    elif text.startswith("ImageJ="):
        size, source = _from_imagej(directory, text), "ImageJ"
    else:
        size, source = _from_centimetres(directory), "TIFF resolution in cm"
    if size is None:
        return None, []
    return size, [f"{size[0]:.4g} x {size[1]:.4g} µm per px by its {source}"]


def _from_ome(text: str) -> PixelSize | None:
    """Read the first ``Pixels`` element (OME schema 2016-06: the unit is micrometre unless stated)."""
    element = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", text)
    if element is None:
        return None
    sizes = []
    for axis in "XY":
        number = re.search(rf'\bPhysicalSize{axis}\s*=\s*"([^"]*)"', element[0])
        unit = re.search(rf'\bPhysicalSize{axis}Unit\s*=\s*"([^"]*)"', element[0])
        sizes.append(_micrometres(number[1] if number else "", html.unescape(unit[1]) if unit else "µm"))
    return _within(sizes[0], sizes[1], _POSSIBLE)


def _from_imagej(directory: Directory, text: str) -> PixelSize | None:
    """Read pixels per unit from the resolution, the unit from the description."""
    unit = re.search(r"^unit=(.*)$", text, re.MULTILINE)
    factor = _UM.get(unit[1].strip()) if unit else None
    return _per_unit(directory, factor, _POSSIBLE) if factor else None


def _from_centimetres(directory: Directory) -> PixelSize | None:
    try:
        unit = directory.integer(_RESOLUTION_UNIT, 0)
    except ValueError:
        return None
    return _per_unit(directory, _UM["cm"], _PLAUSIBLE) if unit == _CENTIMETRE else None


def _per_unit(directory: Directory, factor: float, bounds: tuple[float, float]) -> PixelSize | None:
    across, down = directory.rational(_X_RESOLUTION), directory.rational(_Y_RESOLUTION)
    return _within(factor / across, factor / down, bounds) if across and down else None


def _micrometres(number: str, unit: str) -> float:
    try:
        return float(number) * _UM.get(unit.strip(), 0.0)
    except ValueError:
        return 0.0


def _within(across: float, down: float, bounds: tuple[float, float]) -> PixelSize | None:
    low, high = bounds
    return (across, down) if low <= across <= high and low <= down <= high else None
