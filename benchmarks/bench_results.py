"""From measured values to what is written: estimates, ratios, and targets met or missed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from bench_estimates import Estimate, estimate, ratio
from bench_rounds import COLD, END_TO_END, FOLDER, NETWORK, ManyRun, Series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AGAINST_RESNET: Final = 12.0
"""Times the pictures per second of ResNet152V2 in eager PyTorch, end to end."""
NETWORK_AGAINST_RESNET: Final = 15.0
"""The same, network only."""
COLD_SECONDS: Final = 1.5
PEAK_MB: Final = 600.0
"""Million bytes for a folder of 3,000 pictures."""
BUSY: Final = 0.25
"""Load a core before the start above which figures are worth nothing."""

_RIVAL_TASK: Final = {END_TO_END: END_TO_END, FOLDER: END_TO_END, NETWORK: NETWORK}


@dataclass(frozen=True)
class Target:
    """What was promised, and what came of it.

    Attributes
    ----------
    what
        In words.
    limit, unit, at_least
        The promise: at least, or at most, so much.
    measured, low, high
        Median and 95 % interval; None where it was measured once.
    met
        By the median.
    """

    what: str
    limit: float
    unit: str
    at_least: bool
    measured: float
    low: float | None
    high: float | None
    met: bool


def collect(
    series: Sequence[Series], many: Mapping[str, ManyRun], ours: Sequence[str], resnet: str, same: str
) -> dict[str, Any]:
    """Return the measured part of the results, JSON-like.

    Parameters
    ----------
    series
        With their values, all of the same rounds.
    many
        Runs over many pictures by contestant.
    ours
        Contestants that are leukolens; the first runs the engine that it takes by itself.
    resnet, same
        Contestants that are ResNet152V2 and the same network in eager PyTorch.
    """
    values = {(one.contestant, one.task): one.values for one in series}
    ratios = {
        (task, name, rival): ratio(values[name, task], values[rival, _RIVAL_TASK[task]])
        for task in _RIVAL_TASK
        for name in ours
        for rival in (resnet, same)
    }
    default = ours[0]
    return {
        "measured": [_row(one) | asdict(estimate(one.values)) for one in series],
        "many": [_many_row(name, run) for name, run in many.items()],
        "ratios": [
            {"task": task, "contestant": name, "rival": rival, **asdict(found)}
            for (task, name, rival), found in ratios.items()
        ],
        "targets": [
            asdict(target)
            for target in (
                at_least(
                    "streaming, end to end, against ResNet152V2", AGAINST_RESNET, ratios[END_TO_END, default, resnet]
                ),
                at_least(
                    "whole command on a folder, start and writing included, against ResNet152V2 without its start",
                    AGAINST_RESNET,
                    ratios[FOLDER, default, resnet],
                ),
                at_least("network only, against ResNet152V2", NETWORK_AGAINST_RESNET, ratios[NETWORK, default, resnet]),
                at_most("cold start of one picture", COLD_SECONDS, "s", estimate(values[default, COLD])),
                peak_target(many[default]),
            )
        ],
    }


def at_least(what: str, limit: float, found: Estimate) -> Target:
    """Judge a ratio that must be so high."""
    return Target(what, limit, "times", True, found.median, found.low, found.high, found.median >= limit)


def at_most(what: str, limit: float, unit: str, found: Estimate) -> Target:
    """Judge a value that must be so low."""
    return Target(what, limit, unit, False, found.median, found.low, found.high, found.median <= limit)


def peak_target(run: ManyRun) -> Target:
    """Judge the peak memory of a folder of many pictures."""
    peak = run.peak_bytes / 1e6
    what = f"peak memory, folder of {run.pictures:,} pictures with report"
    return Target(what, PEAK_MB, "MB", False, peak, None, None, peak <= PEAK_MB)


def is_busy(load: float | None, cores: int) -> bool:
    """Return whether other work ran beside the measurement, by the mean load of the minute before it."""
    return load is not None and load > BUSY * cores


def _row(one: Series) -> dict[str, Any]:
    return {"contestant": one.contestant, "task": one.task, "unit": one.unit, "pictures": one.pictures}


def _many_row(name: str, run: ManyRun) -> dict[str, Any]:
    return {
        "contestant": name,
        "pictures": run.pictures,
        "seconds": run.seconds,
        "pictures_per_s": run.pictures / run.seconds,
        "peak_mb": run.peak_bytes / 1e6,
    }
