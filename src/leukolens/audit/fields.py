"""Captures of one field: pictures that overlap, shifted, turned, rescaled or mirrored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukolens.audit.candidates import Candidate, find_candidates
from leukolens.audit.registration import Registration, register
from leukolens.data.grouping import join_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from leukolens.audit.field_features import FieldFeatures


@dataclass(frozen=True, slots=True)
class FieldPair:
    """Two pictures of one field, by number, the first below the second, and how they lie on each other."""

    first: int
    second: int
    registration: Registration


def find_fields(
    features: Sequence[FieldFeatures],
    *,
    suspected: Iterable[tuple[int, int]] = (),
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[FieldPair]:
    """Find all pairs of pictures that show one field, at least in part.

    Parameters
    ----------
    features
        One entry a picture, from `describe_field`.
    suspected
        Further pairs to register, for instance near-duplicates.
    seed
        Of the samples that the search is learned from.
    threads
        How many to work with.
    progress
        Called after each registration with how many are done and how many there are.

    Returns
    -------
    list of FieldPair
        In the order of the pictures. Three captures of one field need not be three pairs.
    """
    candidates = find_candidates(features, seed=seed, threads=threads)
    asked = {(one.first, one.second, one.mirror) for one in candidates}
    for one, other in suspected:
        first, second = sorted((one, other))
        candidates += [
            Candidate(first, second, 0.0, mirror) for mirror in (False, True) if (first, second, mirror) not in asked
        ]
    found: dict[tuple[int, int], Registration] = {}
    with ThreadPoolExecutor(threads) as pool:
        registered = pool.map(
            lambda one: register(features[one.first], features[one.second], mirror=one.mirror), candidates
        )
        for done, (candidate, registration) in enumerate(zip(candidates, registered, strict=True), start=1):
            if registration is not None:
                pair = (candidate.first, candidate.second)
                best = found.get(pair)
                if best is None or registration.correlation > best.correlation:
                    found[pair] = registration
            if progress is not None:
                progress(done, len(candidates))
    return [FieldPair(*pair, found[pair]) for pair in sorted(found)]


def group_fields(pictures: int, pairs: Iterable[FieldPair]) -> list[int]:
    """Return for each picture the number of its field: all that are joined by overlaps, directly or through others."""
    keys: list[list[Hashable]] = [[("picture", number)] for number in range(pictures)]
    for number, pair in enumerate(pairs):
        keys[pair.first].append(("pair", number))
        keys[pair.second].append(("pair", number))
    return join_groups(keys)
