"""Compare rendered fields with real ones in figures: colours of background, red cells and nuclei; detail by scale.

Real pictures are found through LEUKOLENS_DATA (default ../shared/data); only figures are written, to standard output.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from leukolens.smear.synth import Content, Style, render_field, squeeze_to_square

ROOT = Path(os.environ.get("LEUKOLENS_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
BANDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.5)


class Pair(NamedTuple):
    """Real pictures, and what to render beside them."""

    title: str
    pattern: str
    style: str
    content: str
    size: tuple[int, int]
    um_per_px: float


PAIRS = (
    Pair("Taleqani, Early", "taleqani_native/Early_*.jpg", "violet", "all", (1024, 768), 0.105),
    Pair("Taleqani, Early, 224 px", "taleqani/Original/Early/*[05]1.jpg", "pale grey", "all", (224, 224), 0.12),
    Pair("Taleqani, Pre", "taleqani_native/Pre_*.jpg", "violet", "all", (1024, 768), 0.105),
    Pair("Taleqani, Benign", "taleqani_native/Benign_*.jpg", "overexposed", "benign", (1024, 768), 0.115),
    Pair("Taleqani, Pro (reduced to 1024 px)", "taleqani_native/Pro_*.jpg", "pink on green", "all", (1024, 768), 0.12),
    Pair("third laboratory, ALL", "other_all/fields/*.jpg", "slate", "all", (1936, 1296), 0.113),
    Pair("APML fields", "other_leukaemia/apml_fields/*", "grey green", "all", (808, 608), 0.153),
    Pair("BCCD", "bccd/images/BloodImage_000[0-4]*.jpg", "salmon", "normal blood", (640, 480), 0.07),
)


def measure(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return 24 figures: Lab mean and spread of background, red cells and nuclei; log power in six bands of detail."""
    lab = np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    smooth = cv2.GaussianBlur(rgb, (0, 0), 1.5).astype(np.float32)
    empty = np.percentile(smooth.reshape(-1, 3), 90, axis=0)
    share = smooth / np.maximum(empty, 1)
    depth = -np.log(np.clip(share, 0.02, 1))
    background = depth.max(-1) < 0.08
    purple = (depth[..., 1] > 0.45) & (depth[..., 1] - depth[..., 2] > 0.3)
    red = ~purple & (depth.max(-1) > 0.14) & (depth[..., 1] < 0.9)
    kernel = np.ones((7, 7), np.uint8)
    figures: list[float] = []
    for mask in (background, red, purple):
        inner = cv2.erode(mask.astype(np.uint8), kernel) > 0
        enough = inner.sum() > 300
        figures += list(lab[inner].mean(0)) if enough else [np.nan] * 3
        figures += list(lab[inner].std(0)) if enough else [np.nan] * 3
    return np.asarray([*figures, *power(lab[..., 0])], np.float64)


def power(lightness: NDArray[np.float32]) -> list[float]:
    """Return log10 of the mean power of L* in bands of cycles per pixel."""
    side = min(lightness.shape[0], lightness.shape[1], 640)
    part = lightness[:side, :side].astype(float)
    window = np.outer(np.hanning(side), np.hanning(side))
    spectrum = np.abs(np.fft.fft2((part - part.mean()) * window)) ** 2 / (window**2).sum()
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    return [float(np.log10(spectrum[(frequency >= low) & (frequency < high)].mean())) for low, high in pairwise(BANDS)]


def real(pair: Pair) -> list[NDArray[np.uint8]]:
    """Return the real pictures, reduced to the pair's size where they are larger."""
    pictures = []
    for path in sorted(ROOT.glob(pair.pattern)):
        picture = np.asarray(cv2.imread(str(path)), np.uint8)[..., ::-1]
        if picture.shape[1] > pair.size[0]:
            picture = np.asarray(cv2.resize(picture, pair.size, interpolation=cv2.INTER_AREA), np.uint8)
        pictures.append(np.ascontiguousarray(picture))
    return pictures


def rendered(pair: Pair, number: int = 6) -> list[NDArray[np.uint8]]:
    """Return as many rendered fields; for a square they are rendered at 1024 x 768 and squeezed."""
    style, content = Style.named(pair.style), Content.named(pair.content)
    square = pair.size[0] == pair.size[1]
    width, height = (1024, 768) if square else pair.size
    pictures = [
        render_field(seed, width=width, height=height, um_per_px=pair.um_per_px, style=style, content=content).pixels
        for seed in range(number)
    ]
    return [squeeze_to_square(picture, pair.size[0]) for picture in pictures] if square else pictures


def row(title: str, pictures: list[NDArray[np.uint8]]) -> str:
    """Return one line of the table: medians over the pictures."""
    median = np.nanmedian([measure(picture) for picture in pictures], axis=0)
    parts = ["{:.0f} {:.0f} {:.0f} (± {:.0f})".format(*median[6 * k : 6 * k + 3], median[6 * k + 3]) for k in range(3)]
    return " | ".join(["", title, *parts, " ".join(f"{v:.1f}" for v in median[18:]), ""]).strip() + "\n"


def main() -> int:
    """Write the table."""
    if not ROOT.is_dir():
        sys.stderr.write(f"no real pictures at {ROOT}: set LEUKOLENS_DATA\n")
        return 2
    sys.stdout.write(
        "| | background L* a* b* | red cells | nuclei | log10 power of L* by band |\n|---|---|---|---|---|\n"
    )
    for pair in PAIRS:
        pictures = real(pair)
        sys.stdout.write(row(f"{pair.title} ({len(pictures)})", pictures))
        sys.stdout.write(row(f"rendered, {pair.style!r}", rendered(pair)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
