"""Cutting the cells out of a smear by colour: the thesis' clusters of a*, and the data authors' threshold on hue."""

from __future__ import annotations

from leukolens.smear.segmentation.settings import SegmentHSV, SegmentKMeans
from leukolens.smear.segmentation.stages import apply_mask, segment

__all__ = ["SegmentHSV", "SegmentKMeans", "apply_mask", "segment"]
