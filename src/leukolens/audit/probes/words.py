"""The verdict on a probe, and what to say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leukolens.audit.probes.report import (
    GIVES,
    NEIGHBOURS,
    NOT_MEASURABLE,
    NOT_SHOWN,
    SIGNIFICANT,
    SIGNS,
    SchemeScore,
)

if TYPE_CHECKING:
    from leukolens.audit.probes.report import Verdict
    from leukolens.audit.probes.scoring import Score
    from leukolens.audit.probes.table import Probe

_SIZES: Final = (
    (0.9, "nearly always"),
    (0.6, "mostly"),
    (0.3, "often"),
    (0.1, "somewhat more often than by chance"),
    (0.0, "hardly more often than by chance"),
)
"""Least share of the way from chance to always right, and its name."""


def told(score: Score | None) -> SchemeScore | None:
    """Return what the report keeps of a score."""
    if score is None:
        return None
    return SchemeScore(
        balanced_accuracy=score.value,
        low=score.low,
        high=score.high,
        chance=float(score.null.mean()),
        chance_high=score.null_high,
        p=score.p,
        gives_away=score.gives_away,
        memory=score.memory,
    )


def verdict_of(random: SchemeScore | None, grouped: SchemeScore | None) -> Verdict:
    """Return the verdict: by groups where these could be measured, otherwise by random folds."""
    deciding = grouped if grouped is not None else random
    if deciding is None:
        return NOT_MEASURABLE
    if deciding.gives_away:
        return GIVES
    if deciding.p <= SIGNIFICANT:
        return SIGNS
    return NEIGHBOURS if random is not None and random.gives_away else NOT_SHOWN


def effect_of(
    probe: Probe, look: str | None, random: SchemeScore | None, grouped: SchemeScore | None, why_not: str
) -> str:
    """Return the verdict with its size, in a sentence or two.

    Parameters
    ----------
    probe, look
        What was measured.
    random, grouped
        What came out.
    why_not
        Said where nothing was measured.
    """
    verdict = verdict_of(random, grouped)
    deciding = grouped if grouped is not None else random
    if deciding is None:
        return f"Not measurable: {why_not}."
    where = f" ({look})" if look is not None else ""
    seen = f"From {probe.sees}{where},"
    if verdict == GIVES:
        return f"{seen} the class is told {size_of(deciding)}: {_figures(deciding)}."
    if verdict == SIGNS:
        return (
            f"{seen} there are signs that the class is told {size_of(deciding)}: {_figures(deciding)}, "
            f"p {deciding.p:.3f}; more images or groups would settle it."
        )
    if verdict == NEIGHBOURS and random is not None:
        return (
            f"{seen} the class is told {size_of(random)} in random folds, {_figures(random)}, but not shown to be told "
            f"where groups are kept together, {_figures(deciding)}: what it tells is the session, and a random split "
            "rewards it."
        )
    return f"{seen} the class is not shown to be told: {_figures(deciding)}. This is no proof that it is not."


def size_of(score: SchemeScore) -> str:
    """Say how far a score lies from chance towards always right."""
    skill = (score.balanced_accuracy - score.chance) / max(1.0 - score.chance, 1e-9)
    return next((word for least, word in _SIZES if skill >= least), _SIZES[-1][1])


def _figures(score: SchemeScore) -> str:
    return (
        f"{100 * score.balanced_accuracy:.1f} % ({100 * score.low:.1f} to {100 * score.high:.1f}; "
        f"labels dealt anew {100 * score.chance:.1f}, at most {100 * score.chance_high:.1f})"
    )
