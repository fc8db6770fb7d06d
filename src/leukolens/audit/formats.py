"""What is unusual about the files, and what of it gives the label away: sizes, formats, colour modes, marks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.audit.light import Light
    from leukolens.data.manifest import Entry

RARE: Final = 0.05
"""Share of the data set below which a property of files is unusual."""
_MARKED: Final = 1e-4  # share of a picture


@dataclass(frozen=True, slots=True)
class Property:
    """One property of files, and how it is spread over the classes.

    Attributes
    ----------
    name, value
        Such as "size" and "224 x 224 px".
    counts
        Number of pictures of each class that have it, in the order of the classes.
    rare
        Whether less than 5 % of all pictures have it.
    """

    name: str
    value: str
    counts: tuple[int, ...]
    rare: bool


def find_properties(entries: Sequence[Entry], lights: Sequence[Light], classes: Sequence[str]) -> list[Property]:
    """Count sizes, formats, colour modes, shapes and marks by class.

    Parameters
    ----------
    entries, lights
        Of every readable picture.
    classes
        In order.

    Returns
    -------
    list of Property
        By name; within that the most frequent first.
    """
    kinds = {
        "size": [f"{entry.width} x {entry.height} px" for entry in entries],
        "format": [entry.format or "unknown" for entry in entries],
        "colour mode": [entry.mode or "unknown" for entry in entries],
        "shape": ["squeezed from 4:3" if light.squeeze > 1.0 else "true" for light in lights],
        "scale bar or marks": ["burned in" if light.burned_in > _MARKED else "none" for light in lights],
    }
    found = []
    for name, values in kinds.items():
        counts = Counter((value, entry.label) for value, entry in zip(values, entries, strict=True))
        for value, total in Counter(values).most_common():
            by_class = tuple(counts[value, label] for label in classes)
            found.append(Property(name, value, by_class, total < RARE * len(entries)))
    return found


def telling(properties: Sequence[Property], totals: Sequence[int]) -> list[Property]:
    """Return the properties that give a class away: all pictures of a class have it, and hardly any of the others.

    Parameters
    ----------
    properties
        From `find_properties`.
    totals
        Pictures of each class, in the same order.

    Returns
    -------
    list of Property
        Those that at least 95 % of one class and at most 5 % of all other classes together have.
    """
    found = []
    for one in properties:
        for place, total in enumerate(totals):
            others, held = sum(totals) - total, sum(one.counts) - one.counts[place]
            if total and others and one.counts[place] >= (1 - RARE) * total and held <= RARE * others:
                found.append(one)
                break
    return found
