"""Intervals of proportions: `leukolens.statistics.intervals`, which the audit of data sets uses too."""

from __future__ import annotations

from leukolens.statistics.intervals import (
    LEVEL,
    METHODS,
    Estimate,
    critical_value,
    design_effect,
    group_count,
    group_sums,
    kish,
    proportion,
    score_limits,
    share_limits,
    shrink,
    wilson,
)

__all__ = [
    "LEVEL",
    "METHODS",
    "Estimate",
    "critical_value",
    "design_effect",
    "group_count",
    "group_sums",
    "kish",
    "proportion",
    "score_limits",
    "share_limits",
    "shrink",
    "wilson",
]
