"""The table of stresses: every family with its strengths, by name, and which of them were asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from leukolens.assess.stress_scene import Kind, Scene, cut_out, on_partner, with_bar_of, without_cells
from leukolens.assess.stress_shifts import FIXED, LABORATORY_STRENGTHS, laboratory_families
from leukolens.finding import UsageError, nearest
from leukolens.smear.perturb import mask_bar, to_grey

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

GROUPS: Final = ("colour", "stain", "lamp", "laboratory", "camera", "geometry", "bar", "cells")
"""In the order of the table."""

FLAT: Final = "cells-on-flat-ground"
RANDOM: Final = "background-random"
SWAPPED: Final = "background-swapped"
SAME: Final = "background-same-class"
REMOVED: Final = "cells-removed"

_GEOMETRY: Final = frozenset({"crop", "turn", "flip-across", "flip-down"})


@dataclass(frozen=True)
class Stress:
    """One way to change a picture, at one strength.

    Attributes
    ----------
    name
        Family, and strength where there are several.
    family, group
        What it belongs to.
    strength
        In units of `unit`; 1 where the family has one strength only.
    unit
        Of the strength; empty where it has none.
    apply
        Takes a scene and gives the changed picture (H', W', 3) uint8.
    partner
        Which partner it needs, if any.
    """

    name: str
    family: str
    group: str
    strength: float
    unit: str
    apply: Callable[[Scene], Picture]
    partner: Kind | None = None


@lru_cache(maxsize=1)
def all_stresses() -> dict[str, Stress]:
    """Return every stress by its name, in the order of the table."""
    found = [_alone("grey", "colour", lambda scene: to_grey(scene.rgb))]
    for family, make in laboratory_families():
        group = family.partition("-")[0] if family.startswith(("lamp", "laboratory")) else "stain"
        for strength in LABORATORY_STRENGTHS:
            shift = make(family, strength)
            found.append(_of_picture(family, group, strength, "x difference between laboratories", shift))
    for family, (change, strengths, unit) in FIXED.items():
        group = "geometry" if family in _GEOMETRY else "camera"
        found += [_of_picture(family, group, at, unit, partial(_at, change=change, at=at)) for at in strengths]
    found += [
        _alone("bar-masked", "bar", lambda scene: mask_bar(scene.rgb)),
        _alone("bar-swapped", "bar", partial(with_bar_of, kind="other class"), "other class"),
        _alone(FLAT, "cells", cut_out),
        _alone(f"{FLAT}-grey", "cells", lambda scene: to_grey(cut_out(scene))),
        _alone(RANDOM, "cells", partial(on_partner, kind="any class"), "any class"),
        _alone(SWAPPED, "cells", partial(on_partner, kind="other class"), "other class"),
        _alone(SAME, "cells", partial(on_partner, kind="same class"), "same class"),
        _alone(REMOVED, "cells", without_cells),
    ]
    order = sorted(found, key=lambda stress: GROUPS.index(stress.group))
    return {stress.name: stress for stress in order}


def _at(rgb: Picture, change: Callable[[Picture, float], Picture], at: float) -> Picture:
    return change(rgb, at)


def _alone(name: str, group: str, apply: Callable[[Scene], Picture], partner: Kind | None = None) -> Stress:
    return Stress(name, name, group, 1.0, "", apply, partner)


def _of_picture(family: str, group: str, strength: float, unit: str, change: Callable[[Picture], Picture]) -> Stress:
    name = f"{family}-{strength:g}" if unit else family
    return Stress(name, family, group, strength, unit, lambda scene: change(scene.rgb))


def choose(asked: str) -> dict[str, Stress]:
    """Return the stresses named in a list: "all", names of groups, families or single stresses.

    Parameters
    ----------
    asked
        Separated by commas, such as ``cells,blur,lamp-warm-2``.

    Raises
    ------
    UsageError
        An unknown name, or none at all.
    """
    known = all_stresses()
    wanted: set[str] = set()
    for part in filter(None, (word.strip() for word in asked.split(","))):
        hits = [name for name, own in known.items() if part in ("all", name, own.family, own.group)]
        if not hits:
            names = dict.fromkeys(["all", *GROUPS, *(own.family for own in known.values()), *known])
            raise UsageError(
                f"There is no stress {part!r}",
                todo=f"{nearest(part, list(names))} Groups: {', '.join(GROUPS)}. docs/stress.md lists their families",
            )
        wanted.update(hits)
    if not wanted:
        raise UsageError("No stress was named", todo=f"all, or some of: {', '.join(GROUPS)}")
    return {name: stress for name, stress in known.items() if name in wanted}
