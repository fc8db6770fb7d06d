"""Rendered fields whose class shows in the cells and in the background, and predictors that look at one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from leukolens.assess.pipeline import Answer
from leukolens.smear.segmentation import white_cell_parts
from leukolens.smear.synth import Content, Style, render_field

STYLES = {"Benign": "violet", "Pre-B": "salmon"}
CONTENT = Content({"lymphoblast": 4, "red cell": 40}, exact=True)


def render_tree(root: Path, images: int = 8) -> Path:
    """Write `images` fields of each class, 240 x 180 px, no two alike."""
    for number, (label, style) in enumerate(STYLES.items()):
        (root / label).mkdir(parents=True, exist_ok=True)
        for index in range(images):
            field = render_field(
                100 * number + index, width=240, height=180, um_per_px=0.45, style=Style.named(style), content=CONTENT
            )
            assert cv2.imwrite(str(root / label / f"{index}.png"), field.pixels[..., ::-1])
    return root


def _ground(rgb: np.ndarray) -> np.ndarray:
    return np.median(rgb[~white_cell_parts(rgb).cells], axis=0)


def _nuclei(rgb: np.ndarray) -> np.ndarray:
    return np.median(rgb[white_cell_parts(rgb).nuclei], axis=0)


@dataclass(frozen=True)
class OneSided:
    """Says the class whose ground, or whose nuclei, look most like it; the first class where no nucleus shows.

    Nuclei are pixels of nearly the colour of one class' nuclei, wherever they lie. With `tells_none` it says that it
    sees no white cells where there are none.
    """

    side: str
    looks: dict[str, np.ndarray]
    tells_none: bool = False
    workers: int = 2

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.looks)

    def predict(self, rgb: np.ndarray) -> Answer:
        if self.side == "background":
            worth = -np.array([np.linalg.norm(_ground(rgb) - own) for own in self.looks.values()])
        else:
            apart = [np.linalg.norm(rgb.astype(float) - own, axis=2) for own in self.looks.values()]
            near = np.min(apart, axis=0) < 20
            if near.sum() < 60:
                return Answer(np.array([1.0, 0.0]), no_white_cells=self.tells_none)
            worth = np.array([((own == np.min(apart, axis=0)) & near).mean() for own in apart])
        return Answer(np.eye(2)[int(np.argmax(worth))])


def learn(root: Path, side: str, **options: bool) -> OneSided:
    """Take the mean look of each class."""
    measure = _ground if side == "background" else _nuclei
    looks = {
        label: np.mean([measure(cv2.imread(str(path))[..., ::-1]) for path in (root / label).glob("*.png")], axis=0)
        for label in STYLES
    }
    return OneSided(side, looks, **options)
