"""Contiguous blocks of files with an embargo around them.

Where file numbers follow the order of capture, neighbours show the same field or the same slide. Each class is cut into
contiguous blocks; around the tested block, and around the validation block, a number of files is used for nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from leukolens.data.dealing import Seed


@dataclass(frozen=True)
class BlockFold:
    """Positions of one class in one fold; together they are all positions."""

    train: list[int]
    validation: list[int]
    test: list[int]
    left_out: list[int]


def cut_blocks(hashes: Sequence[str], folds: int) -> list[range]:
    """Cut a sequence of files into contiguous blocks of nearly equal size.

    Parameters
    ----------
    hashes
        SHA-256 of the files of one class, in natural order. A cut moves on while it would part neighbours that are
        exact duplicates.
    folds
        How many blocks.

    Returns
    -------
    list of range
        The positions of each block; a block can be empty where there are few files.
    """
    cuts = [_whole(hashes, len(hashes) * fold // folds) for fold in range(folds + 1)]
    return [range(start, stop) for start, stop in itertools.pairwise(cuts)]


def held_out_block(hashes: Sequence[str], share: Fraction, seed: Seed) -> range:
    """Return one contiguous block with about `share` of the files, at a place drawn by `seed`."""
    size = max(1, round(len(hashes) * share))
    start = int(np.random.PCG64(seed).random_raw()) % (len(hashes) - size + 1)
    return range(_whole(hashes, start), _whole(hashes, start + size))


def arrange(hashes: Sequence[str], test: range, *, embargo: int, validation: Fraction | None, label: str) -> BlockFold:
    """Place the validation block and the embargoes around a tested block.

    The validation block lies behind the tested one, an embargo between them, or before it where the rest behind is too
    short: so only one further embargo is lost.

    Parameters
    ----------
    hashes
        SHA-256 of the files of one class, in natural order.
    test
        Positions of the tested block.
    embargo
        How many files on either side of a tested or validation block are left out of everything else.
    validation
        Share of what is left for training, or None for no validation.
    label
        The class, for messages.

    Returns
    -------
    BlockFold
        Every position on exactly one side.

    Raises
    ------
    DataError
        Nothing is left to train or to validate with.
    """
    n = len(hashes)
    free = [i for i in range(n) if not test.start - embargo <= i < test.stop + embargo]
    block = range(0)
    if validation is not None:
        size = max(1, round(len(free) * validation))
        block = _beside(hashes, test, embargo, size)
    near = range(block.start - embargo, block.stop + embargo) if block else range(0)
    train = [i for i in free if i not in near]
    kept = [i for i in block if i in set(free)]
    if not test or not train or (validation is not None and not kept):
        raise DataError(
            f"The class {label!r} is too small for these blocks",
            expected="images left to train, validate and test with in every fold",
            found=f"{n} images, a tested block of {len(test)} and an embargo of {embargo}",
            todo="choose a smaller embargo or a smaller validation part, or fewer folds",
        )
    used = {*train, *kept, *test}
    return BlockFold(train, kept, list(test), [i for i in range(n) if i not in used])


def _beside(hashes: Sequence[str], test: range, embargo: int, size: int) -> range:
    n = len(hashes)
    behind = _whole(hashes, test.stop + embargo)
    if n - behind >= size:
        return range(behind, _whole(hashes, behind + size))
    before = _whole(hashes, max(0, test.start - embargo - size))
    return range(before, max(before, test.start - embargo))


def _whole(hashes: Sequence[str], cut: int) -> int:
    # Moves a cut on until it parts no exact duplicates that are neighbours.
    cut = min(cut, len(hashes))
    while 0 < cut < len(hashes) and hashes[cut - 1] == hashes[cut]:
        cut += 1
    return cut
