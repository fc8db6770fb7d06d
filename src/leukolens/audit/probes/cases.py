"""Every probe under every look, scored under both schemes of folds in a few threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from leukolens.audit.probes.discriminant import embed
from leukolens.audit.probes.file_facts import name_facts
from leukolens.audit.probes.measure import CORNERS, PARTS
from leukolens.audit.probes.scoring import Score, score, worst_of
from leukolens.audit.probes.table import FILE, ORDER, PROBES, WORST_CORNER, Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from leukolens.audit.probes.looks import Look
    from leukolens.audit.probes.measure import ProbeFeatures
    from leukolens.audit.probes.scoring import Scheme

    Table = NDArray[np.float32]


class Case(NamedTuple):
    """One probe under one look, by the look's place; None for what no normalisation touches."""

    probe: Probe
    look: int | None


class Scores(NamedTuple):
    """What a case reaches under the two schemes; None: not measured."""

    random: Score | None
    grouped: Score | None


def list_cases(looks: Sequence[Look]) -> list[Case]:
    """Return every case, probe by probe and in each one look by look."""
    return [Case(probe, look) for probe in PROBES for look in (range(len(looks)) if probe.pixels else (None,))]


def make_tables(
    features: Sequence[ProbeFeatures], names: Sequence[str] | None, kept: NDArray[np.intp], looks: Sequence[Look]
) -> dict[Case, Table]:
    """Return the numbers (N, D) of each case that can be measured, but for the worst corner.

    Parameters
    ----------
    features, names
        Of all images, in the order of the listing.
    kept
        (N,) places of those that are scored.
    looks
        Those of `features`.
    """
    rows = np.stack([features[place].looks for place in kept])
    tables = {}
    for case in list_cases(looks):
        name = case.probe.name
        if case.look is not None and name in PARTS and looks[case.look].failed is None:
            tables[case] = _filled(rows[:, case.look, PARTS[name]])
        elif name == FILE:
            tables[case] = np.stack([features[place].file for place in kept])
        elif name == ORDER and names is not None:
            tables[case] = name_facts(names)[kept]
    return tables


def _filled(table: Table) -> Table:
    """Return a table (N, D) with the median of its column wherever a picture has no number, 0 where none has."""
    known = np.isfinite(table)
    medians = [np.median(column[there]) if there.any() else 0.0 for column, there in zip(table.T, known.T, strict=True)]
    return np.where(known, table, np.array(medians, np.float32))


def score_cases(
    cases: Sequence[Case],
    tables: Mapping[Case, Table],
    schemes: Mapping[str, Scheme],
    seed: int,
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Case, Scores]:
    """Score every case that has a table, and the worst of the corners of each look.

    Parameters
    ----------
    cases
        From `list_cases`.
    tables
        From `make_tables`.
    schemes
        "random" and, where it can be used, "grouped".
    seed
        Of the landmarks.
    jobs
        Threads. The result does not depend on them: each uses one thread for its products of matrices.
    progress
        Called with the number of tables done and of all.
    """
    from threadpoolctl import threadpool_limits

    def one(case: Case) -> Scores:
        basis = embed(tables[case], seed)
        reached = {name: score(basis, scheme) for name, scheme in schemes.items()}
        return Scores(reached["random"], reached.get("grouped"))

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(max(1, jobs)) as pool:
        scored = {}
        for case, found in zip(tables, pool.map(one, tables), strict=True):
            scored[case] = found
            if progress is not None:
                progress(len(scored), len(tables))
    for case in cases:
        corners = [
            found for corner, found in scored.items() if corner.look == case.look and corner.probe.name in CORNERS
        ]
        if case.probe.name == WORST_CORNER and corners:
            scored[case] = Scores(
                *(
                    worst_of([one for found in corners if (one := getattr(found, name)) is not None], schemes[name])
                    if name in schemes
                    else None
                    for name in ("random", "grouped")
                )
            )
    return scored
