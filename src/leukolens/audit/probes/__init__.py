"""Shortcut probes: is the class given away by what is no cell, by lamp, stain, scale bar, or by the file itself."""

from __future__ import annotations

from leukolens.audit.probes.looks import LOOKS, Look, fit_looks, sample_places
from leukolens.audit.probes.measure import ProbeFeatures, measure_probes
from leukolens.audit.probes.report import ProbeReport, ProbeResult, SchemeScore
from leukolens.audit.probes.rows import HEADINGS, ProbeRow, probe_rows, probe_sentences
from leukolens.audit.probes.run import run_probes

__all__ = [
    "HEADINGS",
    "LOOKS",
    "Look",
    "ProbeFeatures",
    "ProbeReport",
    "ProbeResult",
    "ProbeRow",
    "SchemeScore",
    "fit_looks",
    "measure_probes",
    "probe_rows",
    "probe_sentences",
    "run_probes",
    "sample_places",
]
