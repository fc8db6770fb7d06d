"""What intervals promise, by simulation with clustered images: how often each holds the true figure.

    python benchmarks/coverage.py

Draws data sets of patients (clusters of images of one class that are right or wrong together) whose true figures are known, asks
`evaluate`'s own functions for every figure with its 95 % interval, and counts how often it holds the truth. Beside it
stands the plain percentile bootstrap over groups. Writes ``docs/results/coverage.json`` and ``coverage.md``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from coverage_samples import Setting, draw
from coverage_table import to_markdown

from leukolens.assess.group_bootstrap import bootstrap_limits, weighted_figures
from leukolens.assess.patients import patient_level
from leukolens.assess.scores import THRESHOLD, answer_orders, leukaemia_scores, score
from leukolens.data.run_manifest import run_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.assess.predictions import Predictions
    from leukolens.statistics.intervals import Estimate

SETTINGS: Final = (
    Setting(40, (5, 40), 0.9, 0.2),
    Setting(40, (20, 20), 0.95, 0.2),
    Setting(40, (5, 15), 0.8, 0.5),
    Setting(40, (20, 40), 0.98, 0.2),
    Setting(80, (5, 40), 0.8, 0.05),
    Setting(80, (5, 40), 0.95, 0.5),
    Setting(80, (10, 10), 0.98, 0.2),
    Setting(80, (5, 40), 0.99, 0.2),
    Setting(120, (5, 20), 0.9, 0.5),
    Setting(120, (5, 40), 0.95, 0.2),
    Setting(120, (40, 40), 0.98, 0.05),
    Setting(120, (5, 40), 0.99, 0.5),
)
NEGATIVE: Final = ("Benign",)
PREVALENCES: Final = (0.05, 0.2)
TRUTH_CLUSTERS: Final = 16_000
BAND: Final = (0.93, 0.97)
FIRST_SEED: Final = 10_000
"""The methods were chosen among others on the samples of seeds 0 to 399; these they have not seen."""

Held = dict[str, list[tuple[bool, bool]]]


def main() -> None:
    """Simulate, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300, help="data sets of each setting")
    parser.add_argument("--bootstrap-runs", type=int, default=40, help="of these, how many meet the bootstrap too")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "results")
    arguments = parser.parse_args()
    start = time.time()
    with ProcessPoolExecutor(arguments.processes) as pool:
        jobs = [(setting, arguments.runs, arguments.bootstrap_runs) for setting in SETTINGS]
        found = list(pool.map(_simulate, *zip(*jobs, strict=True)))
    configuration = {"runs": arguments.runs, "bootstrap_runs": arguments.bootstrap_runs, "settings": len(SETTINGS)}
    result = {
        "manifest": run_manifest("benchmarks/coverage.py", configuration, None, 0),
        "seconds": round(time.time() - start),
        "band": BAND,
        "settings": [setting.name for setting in SETTINGS],
        "figures": collect([one[0] for one in found], [one[1] for one in found]),
    }
    (arguments.out / "coverage.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (arguments.out / "coverage.md").write_text(to_markdown(result), "utf-8")


def pooled(name: str) -> str:
    """Return the name of a figure without its class: all classes are alike here."""
    kind, point, _ = name.partition(".")
    return name if not point or kind in {"leukaemia", "selective", "patient"} else f"{kind} of a class"


def truth(setting: Setting) -> dict[str, float]:
    """Return every figure of a very large data set of this kind."""
    sample = draw(setting, 10**6, TRUTH_CLUSTERS)
    found = weighted_figures(
        sample,
        np.ones((1, len(sample))),
        leukaemia_scores(sample, NEGATIVE),
        prevalences=PREVALENCES,
        sureness=answer_orders(sample, None),
    )
    values = {name: float(own[0]) for name, own in found.items()}
    return values | {name: float(own.value or 0.0) for name, own in _patients(sample).items()}


def _patients(sample: Predictions) -> dict[str, Estimate]:
    assert sample.groups is not None
    found = patient_level([str(one) for one in sample.groups], *leukaemia_scores(sample, NEGATIVE), threshold=THRESHOLD)
    assert found is not None
    return {f"patient.{name}": own for name, own in found.figures.items()}


def estimates(sample: Predictions, replicates: int = 300) -> dict[str, Estimate]:
    """Return every figure of one data set with its interval."""
    scores = score(sample, NEGATIVE, prevalences=PREVALENCES, replicates=replicates)
    return scores.flat() | _patients(sample)


def simulate(setting: Setting, runs: int, bootstrap_runs: int = 0) -> tuple[Held, Held]:
    """Draw data sets of one setting and see which intervals hold the truth.

    Parameters
    ----------
    setting
        What kind of data sets.
    runs, bootstrap_runs
        How many, and how many of them meet the bootstrap too.

    Returns
    -------
    tuple of dict
        By the pooled name of a figure, for each interval whether it held the truth, and whether it lay below it: of the
        intervals that are told, and of the plain percentile bootstrap over groups.
    """
    true = truth(setting)
    held: Held = defaultdict(list)
    plain: Held = defaultdict(list)
    for seed in range(runs):
        sample = draw(setting, FIRST_SEED + seed)
        for name, told in estimates(sample).items():
            held[pooled(name)].append((told.low <= true[name] <= told.high, told.high < true[name]))
        if seed < bootstrap_runs:
            for name, (low, high) in _plain_bootstrap(sample).items():
                plain[pooled(name)].append((low <= true[name] <= high, high < true[name]))
    return dict(held), dict(plain)


def _simulate(setting: Setting, runs: int, bootstrap_runs: int) -> tuple[Held, Held]:
    return simulate(setting, runs, bootstrap_runs)


def _plain_bootstrap(sample: Predictions) -> dict[str, tuple[float, float]]:
    return bootstrap_limits(
        sample,
        leukaemia_scores(sample, NEGATIVE),
        prevalences=PREVALENCES,
        sureness=answer_orders(sample, None),
        replicates=200,
    )


def collect(held: Sequence[Held], plain: Sequence[Held]) -> dict[str, dict[str, Any]]:
    """Return for each figure its coverage: mean over the settings, of each setting, and where the misses lie."""
    figures = {}
    for name in held[0]:
        shares = np.array([np.mean(one[name], axis=0) for one in held])
        other = [float(np.mean([hit for hit, _ in one[name]])) for one in plain if name in one]
        figures[name] = {
            "coverage": round(float(shares[:, 0].mean()), 4),
            "below": round(float(shares[:, 1].mean()), 4),
            "above": round(float(1 - shares.sum(axis=1).mean()), 4),
            "settings": [round(float(share), 4) for share in shares[:, 0]],
            "intervals": sum(len(one[name]) for one in held),
            "bootstrap": round(float(np.mean(other)), 4) if other else None,
        }
    return figures


if __name__ == "__main__":
    main()
