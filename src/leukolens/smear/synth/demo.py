"""Rendered pictures on disk, for a demonstration and for trying a model without real images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from leukolens.smear.synth.content import Content
from leukolens.smear.synth.field import render_field
from leukolens.smear.synth.style import Style

if TYPE_CHECKING:
    from numpy.typing import NDArray

JPEG_QUALITY: Final = 92


class DemoField(NamedTuple):
    """One picture of the demonstration."""

    name: str
    style: str
    content: str
    width: int = 1024
    height: int = 768
    um_per_px: float = 0.11
    scale_bar: str | None = None
    square: int | None = None


DEMO_FIELDS: Final = (
    DemoField("01-lymphoblasts.jpg", "violet", "all", scale_bar="100 pixel"),
    DemoField("02-lymphoblasts-crowded.jpg", "violet", "crowded", scale_bar="red 100 pixel"),
    DemoField("03-lymphoblasts-dark-stain.png", "slate", "all"),
    DemoField("04-marrow-benign.jpg", "overexposed", "benign", scale_bar="100 pixel"),
    DemoField("05-marrow-benign-buff.png", "buff", "benign", um_per_px=0.13),
    DemoField("06-normal-blood.jpg", "salmon", "normal blood", 640, 480, 0.12),
    DemoField("07-no-white-cells.png", "yellow lamp", "no white cells", 640, 480, 0.15),
    DemoField("08-lymphoblasts-squeezed.jpg", "violet", "all", scale_bar="red 200 pixel", square=224),
)


def squeeze_to_square(pixels: NDArray[np.uint8], size: int = 224) -> NDArray[np.uint8]:
    """Return the picture squeezed to a square, as the Taleqani set holds its 4:3 fields.

    Parameters
    ----------
    pixels
        (H, W, 3) uint8.
    size
        Side of the square, px.

    Raises
    ------
    ValueError
        If the array is not (H, W, 3) uint8, or `size` is not positive.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels: expected (H, W, 3) uint8, found {pixels.shape} {pixels.dtype}")
    if size < 1:
        raise ValueError(f"size: expected 1 pixel or more, found {size!r}")
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def write_demo_fields(folder: Path, seed: int = 88) -> list[Path]:
    """Write the eight pictures of `DEMO_FIELDS` and return their paths.

    The folder is made where it is missing; files of the same names are written over.

    Parameters
    ----------
    folder
        Where to.
    seed
        Of the first picture; the others follow.

    Raises
    ------
    OSError
        If the folder or a file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, demo in enumerate(DEMO_FIELDS):
        path = folder / demo.name
        path.write_bytes(encode(demo_pixels(demo, seed + index), path.suffix))
        paths.append(path)
    return paths


def demo_pixels(demo: DemoField, seed: int) -> NDArray[np.uint8]:
    """Return the pixels of one picture of the demonstration, (H, W, 3) uint8 RGB."""
    field = render_field(
        seed,
        width=demo.width,
        height=demo.height,
        um_per_px=demo.um_per_px,
        style=Style.named(demo.style),
        content=Content.named(demo.content),
        scale_bar=demo.scale_bar,
    )
    return field.pixels if demo.square is None else squeeze_to_square(field.pixels, demo.square)


def encode(pixels: NDArray[np.uint8], suffix: str) -> bytes:
    """Return the picture (H, W, 3) uint8 RGB as a file's bytes, by suffix: ".jpg" (quality 92) or ".png".

    Raises
    ------
    ValueError
        If the suffix is another.
    """
    if suffix not in {".jpg", ".png"}:
        raise ValueError(f"suffix: expected '.jpg' or '.png', found {suffix!r}")
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    _, data = cv2.imencode(suffix, np.ascontiguousarray(pixels[..., ::-1]), options)
    return data.tobytes()
