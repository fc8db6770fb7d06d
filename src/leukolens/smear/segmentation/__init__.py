"""Cutting cells out of a smear by colour: the thesis' clusters of a*, the data authors' range of hue, white cells.

`segment` follows either of the first two to the letter; `white_cells` is ours, for any stain and size.
"""

from __future__ import annotations

from leukolens.smear.segmentation.settings import SegmentHSV, SegmentKMeans
from leukolens.smear.segmentation.stages import apply_mask, segment
from leukolens.smear.segmentation.white_cells import WhiteCells, white_cell_parts, white_cells

__all__ = [
    "SegmentHSV",
    "SegmentKMeans",
    "WhiteCells",
    "apply_mask",
    "segment",
    "white_cell_parts",
    "white_cells",
]
