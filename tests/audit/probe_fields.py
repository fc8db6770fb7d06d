"""Rendered fields of two classes that differ in nothing but what a test plants in them."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image

from leukolens.audit.probes import fit_looks, measure_probes, run_probes
from leukolens.smear.perturb import shift_lamp
from leukolens.smear.synth import Content, Style, render_field

COUNT = 72
GROUP = 3  # fields of one session, which share a lamp
LABELS = tuple("blast" if number % 2 else "normal" for number in range(COUNT // GROUP) for _ in range(GROUP))
GROUPS = tuple(number // GROUP for number in range(COUNT))


@lru_cache(maxsize=1)
def plain_fields():
    """72 fields in 24 sessions, each with a lamp of its own, whatever the class."""
    style, content = Style.named("violet"), Content.named("all")
    fields = []
    for number in range(COUNT):
        field = render_field(number, width=160, height=120, um_per_px=0.6, style=style, content=content)
        rng = np.random.default_rng((7, GROUPS[number]))
        fields.append(shift_lamp(field.pixels, tuple(rng.uniform(0.86, 0.94, 3)), vignette=rng.uniform(0, 0.2)))
    return tuple(fields)


def encoded(rgb, form="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, form, **options)
    return buffer.getvalue()


def probe(pictures, looks, files=None, **options):
    """Fit, measure and score as an audit does."""
    fitted = fit_looks(pictures[::6], looks)
    files = [encoded(rgb) for rgb in pictures] if files is None else files
    features = [measure_probes(rgb, data, fitted) for rgb, data in zip(pictures, files, strict=True)]
    options = {"groups": GROUPS, "permutations": 199, "seed": 88, **options}
    return run_probes(features, LABELS, looks=fitted, **options)


def found(report, name, look=None):
    return next(one for one in report.results if one.probe == name and one.look == look)
