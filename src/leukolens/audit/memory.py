"""The most memory that an audit held, as the system counts it."""

from __future__ import annotations

import sys


def own_peak_mib() -> float | None:
    """Return the most memory that this process ever held, in MiB; None where the system does not say."""
    return _peak("RUSAGE_SELF")


def with_workers_mib(jobs: int) -> float | None:
    """Return what this process and its workers held at the most, in MiB, taken when the workers have just ended.

    Later it would be wrong: a process that is started from this one counts the memory of this one as its own.

    Parameters
    ----------
    jobs
        How many workers there were: the largest counts as often. With 1 there were none.
    """
    own, largest = _peak("RUSAGE_SELF"), _peak("RUSAGE_CHILDREN")
    if own is None or largest is None:
        return None
    return own + (jobs * largest if jobs > 1 else 0.0)


def _peak(who: str) -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return float(resource.getrusage(getattr(resource, who)).ru_maxrss) / unit
