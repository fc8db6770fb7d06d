"""Which samples train, validate and test: in the right order, and in the leaky orders that are here to be studied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leukolens.data.split import Fold
from leukolens.finding import DataError
from leukolens.train.samples import Samples

Numbers = NDArray[np.int64]
_VALIDATION, _TEST, _COPIES = 1, 2, 3  # each draw has a stream of its own


@dataclass(frozen=True)
class Division:
    """The samples of one fold, as numbers.

    A sample has the number ``(copy * views + view) * pictures + picture``: copy 0 is the picture as it is, view 0 the
    original. The original of a picture thus has the picture's own number.

    Attributes
    ----------
    pictures, views
        How many pictures the catalogue has, and how many views each.
    train, validation, test
        Sample numbers.
    loose
        The sides besides training that were drawn by sample and not by picture: none in the right order.
    """

    pictures: int
    views: int
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    loose: tuple[str, ...] = ()

    @property
    def layers(self) -> int:
        """Return by how many a number can exceed the pictures: copies times views."""
        return max((*self.train, *self.validation, *self.test), default=0) // self.pictures + 1

    def twins(self, side: str) -> int:
        """Return how many samples of a side have another sample of the same picture in training."""
        trained = set(pictures_of(self.train, self.pictures))
        return sum(picture in trained for picture in pictures_of(getattr(self, side), self.pictures))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return for each side drawn by sample how many samples it has, and how many with a twin in training."""
        return {side: {"n": len(getattr(self, side)), "with_twin": self.twins(side)} for side in self.loose}

    def shown(self, side: str, names: Sequence[str]) -> list[tuple[str, int, str]]:
        """Return for each sample of a side the name of its view, the number of its copy, and whether it has a twin."""
        trained = set(pictures_of(self.train, self.pictures))
        found = []
        for number in getattr(self, side):
            view, copy = view_and_copy(number, self.pictures, self.views)
            found.append((names[view], copy, "yes" if number % self.pictures in trained else "no"))
        return found


def pictures_of(numbers: Sequence[int], pictures: int) -> list[int]:
    """Return the picture of each sample."""
    return [number % pictures for number in numbers]


def view_and_copy(number: int, pictures: int, views: int) -> tuple[int, int]:
    """Return which view a sample shows, and of which copy."""
    layer = number // pictures
    return layer % views, layer // views


def divide(samples: Samples, fold: Fold, labels: Numbers, seed: int) -> Division:
    """Say which samples stand on which side of a fold.

    Parameters
    ----------
    samples
        The recipe's part.
    fold
        Picture numbers of each side. What it leaves out is on no side, in every order.
    labels
        (N,) class index of each picture: all draws are stratified by class.
    seed
        Of the draws.

    Returns
    -------
    Division

    Raises
    ------
    DataError
        A leaky order lacks a share to validate or to test.
    """
    build = {"before-validation": _before_validation, "before-test": _before_test, "thesis": _thesis}
    if samples.leaky:
        return build[samples.order](samples, fold, labels, seed)
    train = _viewed(_balanced(fold.train, samples, labels, seed), samples, len(labels))
    return _division(samples, labels, train, fold.validation, fold.test)


def _before_validation(samples: Samples, fold: Fold, labels: Numbers, seed: int) -> Division:
    pool = (*fold.train, *fold.validation)
    numbers = _viewed(_balanced(pool, samples, labels, seed), samples, len(labels))
    validation, train = _drawn(numbers, _validation_share(samples, fold), labels, (seed, _VALIDATION))
    return _division(samples, labels, train, validation, fold.test, "validation")


def _before_test(samples: Samples, fold: Fold, labels: Numbers, seed: int) -> Division:
    pool = (*fold.train, *fold.validation, *fold.test)
    numbers = _viewed(_balanced(pool, samples, labels, seed), samples, len(labels))
    test, rest = _drawn(numbers, _test_share(fold), labels, (seed, _TEST))
    validation, train = _drawn(rest, _validation_share(samples, fold), labels, (seed, _VALIDATION))
    return _division(samples, labels, train, validation, test, "validation", "test")


def _thesis(samples: Samples, fold: Fold, labels: Numbers, seed: int) -> Division:
    pool = (*fold.train, *fold.validation, *fold.test)
    copies = _balanced(pool, samples, labels, seed)
    test, rest = _drawn(copies, _test_share(fold), labels, (seed, _TEST))
    doubled = _viewed(rest, samples, len(labels))
    validation, train = _drawn(doubled, _validation_share(samples, fold), labels, (seed, _VALIDATION))
    return _division(samples, labels, train, validation, test, "validation", "test")


def _division(
    samples: Samples,
    labels: Numbers,
    train: Sequence[int],
    validation: Sequence[int],
    test: Sequence[int],
    *loose: str,
) -> Division:
    return Division(len(labels), len(samples.views), tuple(train), tuple(validation), tuple(test), loose)


def _validation_share(samples: Samples, fold: Fold) -> float:
    if samples.validation is None and not fold.validation:
        raise DataError(
            f"the order {samples.order!r} draws a validation side, and nothing says how large",
            expected="a split with a validation side, or samples.validation",
            todo="split with --validation, or set samples.validation=0.2",
        )
    if samples.validation is not None:
        return samples.validation
    return len(fold.validation) / (len(fold.train) + len(fold.validation))


def _test_share(fold: Fold) -> float:
    if not fold.test:
        raise DataError("a leaky order that draws a test side needs a split with one", todo="split with --test-share")
    return len(fold.test) / (len(fold.train) + len(fold.validation) + len(fold.test))


def _balanced(pictures: Sequence[int], samples: Samples, labels: Numbers, seed: int) -> list[int]:
    """Return the first view of the pictures and of as many copies as `per_class` asks for."""
    if samples.per_class is None:
        return list(pictures)
    numbers: list[int] = []
    for own in _by_class(pictures, labels):
        order = np.random.default_rng((seed, _COPIES, int(labels[own[0]]))).permutation(own)
        layer = len(samples.views) * len(labels)
        numbers += [int(order[k % len(own)]) + k // len(own) * layer for k in range(samples.per_class)]
    return sorted(numbers)


def _viewed(numbers: Sequence[int], samples: Samples, pictures: int) -> list[int]:
    """Return every view of samples that are given by their first."""
    return [number + view * pictures for view in range(len(samples.views)) for number in numbers]


def _drawn(
    numbers: Sequence[int], share: float, labels: Numbers, stream: tuple[int, int]
) -> tuple[list[int], list[int]]:
    """Draw a share of the samples of each class at random; return these and the rest, both sorted."""
    drawn: list[int] = []
    for own in _by_class(numbers, labels):
        order = np.random.default_rng((*stream, int(labels[own[0] % len(labels)]))).permutation(own)
        # One of each class stays to be learned, and one is drawn, wherever there are two.
        count = min(max(1, round(share * len(own))), len(own) - 1)
        drawn += order[:count].tolist()
    held = set(drawn)
    return sorted(drawn), sorted(number for number in numbers if number not in held)


def _by_class(numbers: Sequence[int], labels: Numbers) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for number in numbers:
        found.setdefault(int(labels[number % len(labels)]), []).append(number)
    return [found[key] for key in sorted(found)]


_DONE: Final = {
    "before-validation": "the {pictures} pictures of training and validation were made into samples ({made}) and only "
    "then divided, at random, by sample. The test side is untouched pictures",
    "before-test": "all {pictures} pictures of training, validation and test were made into samples ({made}) and only "
    "then divided, at random, by sample",
    "thesis": "of all {pictures} pictures{filled} the test side was drawn; the rest was then made into samples "
    "({views}), and the validation side drawn from those",
}


def describe_order(samples: Samples, division: Division) -> list[str]:
    """Say in plain words what a leaky order does, with its counts; nothing of the right order.

    Parameters
    ----------
    samples
        The recipe's part.
    division
        What `divide` made of it.

    Returns
    -------
    list of str
        Sentences: what was done, then for each side that was drawn by sample how many of it have a twin in training.
    """
    if not samples.leaky:
        return []
    sides = [*division.train, *division.validation, *(division.test if "test" in division.loose else ())]
    views = " and ".join(samples.views)
    copies = "" if samples.per_class is None else f"{samples.per_class:,} of each class by flipped and turned copies"
    done = _DONE[samples.order].format(
        pictures=f"{len(set(pictures_of(sides, division.pictures))):,}",
        views=views,
        made=f"{views}, {copies}" if copies else views,
        filled=f", made {copies}," if copies else "",
    )
    twins = [
        f"{count['with_twin']:,} of {count['n']:,} {side} samples have a twin of the same picture in training"
        for side, count in division.counts().items()
    ]
    told = f"These figures tell how well the network remembers: {' and '.join(division.loose)}."
    return [f"LEAKY ORDER {samples.order!r}, for study only: {done}.", *(f"{line}." for line in twins), told]
