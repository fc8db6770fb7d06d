"""Figures that an evaluation must reach: ``accuracy=0.99``, ``recall.Pre-B.low=0.97``, ``log_loss=0.05``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leukolens.assess.scores import SMALLER_IS_BETTER
from leukolens.finding import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from leukolens.statistics.intervals import Estimate

Part = Literal["value", "low", "high"]


@dataclass(frozen=True)
class Requirement:
    """One figure that must be reached: at least `bound`, or at most where small is good.

    Attributes
    ----------
    text
        As given.
    name
        A name of `Scores.flat`, or ``loss.STRESS.accuracy``.
    part
        The figure itself, or an end of its interval.
    bound
        What it must reach.
    """

    text: str
    name: str
    part: Part
    bound: float

    @property
    def at_most(self) -> bool:
        """Whether small is good."""
        return self.name in SMALLER_IS_BETTER or self.name.startswith(("loss.", "selective."))


@dataclass(frozen=True)
class Checked:
    """A requirement, what was found (None: not defined), and whether that is enough."""

    requirement: Requirement
    found: float | None
    met: bool


def parse_requirements(texts: Sequence[str], names: Collection[str]) -> list[Requirement]:
    """Read requirements, before anything is computed.

    Parameters
    ----------
    texts
        ``NAME=NUMBER``, ``NAME.low=NUMBER`` or ``NAME.high=NUMBER``.
    names
        The figures that there will be.

    Returns
    -------
    list of Requirement

    Raises
    ------
    UsageError
        Not of that form, an unknown name, or no number.
    """
    return [_parse(text, names) for text in texts]


def _parse(text: str, names: Collection[str]) -> Requirement:
    name, equals, number = text.rpartition("=")
    name = name.strip()
    try:
        bound = float(number) if equals else math.nan
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise UsageError(f"--require {text!r} is no requirement", expected="NAME=NUMBER, such as accuracy=0.99")
    ends: tuple[Part, ...] = ("low", "high")
    for part in ends:
        if name not in names and name.removesuffix(f".{part}") in names:
            return Requirement(text, name.removesuffix(f".{part}"), part, bound)
    if name not in names:
        raise UsageError(f"--require names no figure {name!r}", todo=nearest(name, names))
    return Requirement(text, name, "value", bound)


def check_requirements(requirements: Sequence[Requirement], figures: Mapping[str, Estimate]) -> list[Checked]:
    """Compare figures with what they must reach. One that is not defined, or cannot be told here, is not met."""
    return [_check(requirement, figures.get(requirement.name)) for requirement in requirements]


def _check(requirement: Requirement, figure: Estimate | None) -> Checked:
    if figure is None or figure.value is None:
        return Checked(requirement, None, met=False)
    found = {"value": figure.value, "low": figure.low, "high": figure.high}[requirement.part]
    met = found <= requirement.bound if requirement.at_most else found >= requirement.bound
    return Checked(requirement, found, met)
