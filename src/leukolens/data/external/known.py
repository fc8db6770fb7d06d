"""Which published data sets a text speaks of."""

from __future__ import annotations

from typing import Final

from leukolens.data.class_folders import TALEQANI_SITE
from leukolens.data.external import all_idb, bccd, cnmc, leukemia_attri, pbc, raabin

KNOWN_SETS: Final[dict[str, tuple[str, ...]]] = {
    "Taleqani": TALEQANI_SITE.names,
    "C-NMC 2019": cnmc.SITE.names,
    "ALL-IDB": all_idb.NAMES,
    "BCCD": bccd.SITE.names,
    "PBC": pbc.SITE.names,
    "LeukemiaAttri": leukemia_attri.NAMES,
    "Raabin": raabin.NAMES,
}
"""Published data sets, and the words by which a text that speaks of one names it."""


def sets_named(text: str) -> tuple[str, ...]:
    """Return the keys of `KNOWN_SETS` that a text names, without regard to case."""
    folded = text.casefold()
    return tuple(name for name, words in KNOWN_SETS.items() if any(word.casefold() in folded for word in words))
