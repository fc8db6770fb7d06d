"""One picture with what the stresses of cells, background and scale bar need: its mask, and partners to swap with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from leukolens.smear.backgrounds import on_flat_ground, remove_cells, swap_background
from leukolens.smear.marks import find_marks, paint_out
from leukolens.smear.segmentation import white_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Picture = NDArray[np.uint8]

Kind = Literal["other class", "any class", "same class"]
KINDS: tuple[Kind, ...] = ("other class", "any class", "same class")


@dataclass(frozen=True)
class Scene:
    """A picture, and the way to its partners.

    Attributes
    ----------
    rgb
        (H, W, 3) uint8 sRGB, as read.
    partners
        By kind, what reads the partner (H, W, 3) uint8; a kind without one is missing.
    seed
        Of what is drawn in filling.
    """

    rgb: Picture
    partners: Mapping[Kind, Callable[[], Picture]]
    seed: int = 0

    @cached_property
    def mask(self) -> Mask:
        """(H, W) bool, the white cells."""
        return white_cells(self.rgb)

    def partner(self, kind: Kind) -> Picture:
        """Read the partner of a kind."""
        return self.partners[kind]()


def draw_partners(labels: Sequence[str], seed: int) -> dict[Kind, list[int] | None]:
    """Draw for each image another one of the same data.

    Parameters
    ----------
    labels
        (N,) class of each image.
    seed
        The same seed gives the same partners.

    Returns
    -------
    dict
        By kind (N,) indices, never an image's own: "other class" is drawn from the classes but its own, "any class"
        from all of them, "same class" from its own. The images of a class are dealt out to the classes of their
        partners in equal numbers, as far as they go. None where an image has no such partner.
    """
    rng = np.random.default_rng(seed)
    classes = sorted(set(labels))
    members = {name: np.flatnonzero(np.array(labels) == name) for name in classes}
    return {kind: _draw(kind, members, rng) for kind in KINDS}


def _draw(kind: Kind, members: Mapping[str, NDArray[np.intp]], rng: np.random.Generator) -> list[int] | None:
    partners: dict[int, int] = {}
    for own, indices in members.items():
        wanted = [name for name in members if kind == "any class" or (name == own) == (kind == "same class")]
        if not wanted or (own in wanted and len(indices) < 2):
            return None
        order = rng.permutation(len(wanted))
        for place, index in enumerate(rng.permutation(indices)):
            others = members[wanted[order[place % len(wanted)]]]
            partners[int(index)] = int(rng.choice(others[others != index]))
    return [partners[index] for index in sorted(partners)]


def cut_out(scene: Scene) -> Picture:
    """Return the cells on flat ground."""
    return on_flat_ground(scene.rgb, scene.mask)


def without_cells(scene: Scene) -> Picture:
    """Return the background alone, the cells filled from it."""
    return remove_cells(scene.rgb, scene.mask, scene.seed)


def on_partner(scene: Scene, kind: Kind) -> Picture:
    """Return the cells on a partner's background."""
    other = scene.partner(kind)
    return swap_background(scene.rgb, scene.mask, other, white_cells(other), seed=scene.seed)


def with_bar_of(scene: Scene, kind: Kind) -> Picture:
    """Return the picture with its own marks painted out and those of a partner pasted in at their place.

    A partner of another size is brought to this one's first. A partner without marks gives none.
    """
    own = find_marks(scene.rgb)
    out = paint_out(scene.rgb, own) if own.any() else scene.rgb.copy()
    other = scene.partner(kind)
    height, width = out.shape[:2]
    if other.shape != out.shape:
        other = np.asarray(cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    theirs = find_marks(other)
    out[theirs] = other[theirs]
    return out
