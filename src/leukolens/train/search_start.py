"""Whether the networks of a search can begin: a start that cannot be had would fail each trial, after its retries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from leukolens.networks.field import FieldNetwork
from leukolens.train.plan import Plan, check_unseen
from leukolens.train.recipe import Recipe, with_values
from leukolens.train.space import Choice, Space

_DECIDES: Final = ("network.name", "network.weights", "network.scaling")
"""The fields by which start weights differ, or fit or not."""
_PARTS: Final = ("network.", "preparation.")


def check_starts(plan: Plan, space: Space) -> None:
    """Build each network that trials may begin with, start weights included; what timm fetches is in its cache then.

    Parameters
    ----------
    plan
        What the search trains, with the recipe that it starts from.
    space
        The fields that vary. Of those that do not decide on the start the first value is taken, as the low end of a
        range.

    Raises
    ------
    DataError
        Start weights have learned from what is held out, see `leukolens.train.start.check_start`.
    UsageError
        As in training: start weights cannot be had or do not fit, or a network cannot take the pictures.
    """
    for start in _starts(plan.recipe, space):
        check_unseen(replace(plan, recipe=start))
        size = start.preparation.height, start.preparation.width
        FieldNetwork(start.network, classes=len(plan.catalogue.classes), size=size)


def _starts(recipe: Recipe, space: Space) -> Iterator[Recipe]:
    first = {place: given.ends()[0] for place, given in space.items() if place.startswith(_PARTS)}
    varied = {place: given.of for place, given in space.items() if place in _DECIDES and isinstance(given, Choice)}
    for values in itertools.product(*varied.values()):
        yield with_values(recipe, first | dict(zip(varied, values, strict=True)), "the search's start")
