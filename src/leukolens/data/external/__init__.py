"""Published data sets of other laboratories: a module a layout, cited there; none of them is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.data.external import all_idb, bccd, cnmc, leukemia_attri, pbc, raabin

if TYPE_CHECKING:
    from leukolens.data.external.layout import Layout

__all__ = ["EXTERNAL"]

EXTERNAL: Final[tuple[Layout, ...]] = (
    cnmc.LAYOUT,
    *all_idb.LAYOUTS,
    bccd.LAYOUT,
    pbc.LAYOUT,
    leukemia_attri.LAYOUT,
    *raabin.LAYOUTS,
)
"""Every one of them, in the order in which they are told."""
