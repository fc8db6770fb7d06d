"""Any picture's colours to sRGB: profiles, grey, palettes, printing inks, transparency."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageCms

from leukolens.finding import ImageError
from leukolens.smear.rows import bands_of
from leukolens.smear.sources import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPACES: Final = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_NAMES: Final = {"RGB": "RGB", "L": "grey", "CMYK": "CMYK"}
_LEVELS: Final = 17  # of each channel, on which a profile is compared with sRGB
_SAME: Final = 1  # levels of 255


def to_srgb(image: Image.Image, icc: bytes | None) -> tuple[NDArray[np.uint8], list[str]]:
    """Convert a decoded picture to sRGB pixels on white.

    Parameters
    ----------
    image
        Loaded; mode 1, L, LA, La, P, PA, RGB, RGBX, RGBA, RGBa or CMYK. It may be changed.
    icc
        The embedded profile. One that is sRGB to within a level is passed over; one that is damaged or for another
        kind of colour is ignored with a note.

    Returns
    -------
    pixels : NDArray[np.uint8]
        (H, W, 3), sRGB, 0 to 255, contiguous.
    notes : list of str
        What was done.

    Raises
    ------
    ImageError
        A mode that no smear has.
    """
    alpha, colour, notes = _part(image)
    colour, profile_notes = _apply_profile(colour, icc)
    notes += profile_notes
    if colour.mode == "CMYK":
        colour = colour.convert("RGB")
        notes.append("CMYK converted to RGB without a profile")
    rgb = _pixels(colour)
    if alpha is not None:
        _lay_on_white(rgb, alpha)
        notes.append("transparency laid on white")
    return rgb, notes


def _part(image: Image.Image) -> tuple[Image.Image | None, Image.Image, list[str]]:
    """Return (alpha where a pixel is not opaque, colours as L, RGB or CMYK, notes)."""
    notes = []
    if image.mode == "1":
        notes.append("1 bit read as black and white")
    elif image.mode in ("P", "PA"):
        notes.append("palette expanded")
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    elif "transparency" in image.info and image.mode in ("1", "L", "RGB"):
        image = image.convert("RGBA" if image.mode == "RGB" else "LA")
    alpha = None
    if image.mode in ("LA", "RGBA"):
        alpha = image.getchannel("A")
        lowest, _ = alpha.getextrema()
        alpha = None if lowest == 255 else alpha
    target = {"1": "L", "LA": "L", "RGBA": "RGB", "RGBX": "RGB"}.get(image.mode, image.mode)
    if target not in _NAMES:
        raise ImageError("its colours are of a kind that is not read", expected="grey, RGB or CMYK", found=image.mode)
    if target == "L":
        notes.append("grey: the same in all three channels")
    return alpha, image if image.mode == target else image.convert(target), notes


def _apply_profile(colour: Image.Image, icc: bytes | None) -> tuple[Image.Image, list[str]]:
    """Convert by the embedded profile; the image comes back as it is where there is none, or it is of no use."""
    if not icc:
        return colour, []
    space = _SPACES.get(icc[16:20])
    if space == "RGB" and colour.mode == "L":
        colour = colour.convert("RGB")
    if space != colour.mode:
        stated = _NAMES.get(space, "another kind of picture") if space else "another kind of picture"
        return colour, [f"ICC profile ignored: it is for {stated}, the picture is {_NAMES[colour.mode]}"]
    try:
        transform, name, needless = _transform(icc, colour.mode)
        if needless:
            return colour, []
        if colour.mode == "RGB":
            ImageCms.applyTransform(colour, transform, inPlace=True)
        else:
            converted = ImageCms.applyTransform(colour, transform)
            colour = converted if converted is not None else colour
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return colour, ["ICC profile ignored: it is damaged"]
    return colour, [f"ICC profile {name} converted to sRGB"]


@lru_cache(maxsize=8)
def _transform(icc: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform, str, bool]:
    """Return (perceptual transform to sRGB, the profile's name, whether it changes nothing).

    A folder's pictures share a profile, and making a transform takes longer than using it on a field of view.
    """
    profile = ImageCms.ImageCmsProfile(BytesIO(icc))
    transform = ImageCms.buildTransform(
        profile, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
    )
    name = printable(ImageCms.getProfileDescription(profile).strip()[:60])
    return transform, f"'{name}'" if name else "without a name", _changes_nothing(transform, mode)


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    if mode == "CMYK":
        return False
    if mode == "L":
        levels = np.arange(256, dtype=np.uint8)[None]
        wanted: NDArray[Any] = levels[..., None]
    else:
        steps = np.linspace(0, 255, _LEVELS).astype(np.uint8)
        levels = wanted = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    converted = ImageCms.applyTransform(Image.fromarray(levels), transform)
    return bool(np.abs(np.asarray(converted).astype(int) - wanted).max() <= _SAME)


def _pixels(colour: Image.Image) -> NDArray[np.uint8]:
    rgb = np.empty((colour.height, colour.width, 3), np.uint8)
    for rows, part in bands_of(colour):
        rgb[rows] = part if part.ndim == 3 else part[..., None]
    return rgb


def _lay_on_white(rgb: NDArray[np.uint8], alpha: Image.Image) -> None:
    """Change `rgb` to what is seen of it on white paper."""
    for rows, part in bands_of(alpha):
        opacity = part[..., None].astype(np.uint16)
        rgb[rows] = (rgb[rows] * opacity + 255 * (255 - opacity) + 127) // 255
