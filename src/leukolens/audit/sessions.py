"""Recovering capture sessions, which are slides or sittings, from the order of files, their look and shared fields."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from leukolens.audit.changes import partition
from leukolens.audit.streams import find_streams
from leukolens.data.grouping import join_groups

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from leukolens.audit.session_features import SessionFeatures

SHORTEST: Final = 6
"""Least number of pictures of a stretch; a shorter one cannot be told from a few odd pictures."""
LEAST_TOGETHER: Final = 0.95
"""Share of the pairs of pictures that show one field, and lie near each other in the listing, that the cuts must leave
together. Such pictures are of one slide: how often a cut parts them says how often cuts are wrong."""

_NEAR: Final = 40  # files; captures of one field further apart say that a slide was returned to
_PENALTY: Final = 4.0  # of the Bayesian information criterion's; doubled while cuts part too many captures of one field
_MOST: Final = 64.0
# Fields two stretches must share to be one session; fewer pass for stray files. Chosen on the Taleqani images after
# 1, 2, 3 and 5 were looked at: see docs/audit.md for what that leaves open.
_RETURNED: Final = 3
_FLOOR: Final = 0.15  # least noise of a feature, of its own spread


@dataclass(frozen=True)
class Listing:
    """What was found of one class' files in their order.

    Attributes
    ----------
    label
        The class.
    streams
        How many sequences its files interleave.
    stretches
        Runs of one look, before those that share fields were joined.
    sessions
        How many there are in the end.
    penalty
        Of a cut, in units of the Bayesian information criterion's.
    pairs, together
        Pairs of near captures of one field, and the share of them that the cuts left together; NaN without any.
    """

    label: str
    streams: int
    stretches: int
    sessions: int
    penalty: float
    pairs: int
    together: float


def find_sessions(
    features: Sequence[SessionFeatures],
    labels: Sequence[str],
    fields: Sequence[int],
    *,
    seed: int = 0,
) -> tuple[list[int], list[Listing]]:
    """Group pictures into sessions: one slide, or one sitting, as far as the pictures tell.

    Within each class: interleaved sequences of files are told apart by their look (`find_streams`); each is cut where
    the look changes for good (`partition`), no finer than what captures of one field allow (`LEAST_TOGETHER`);
    stretches that share three fields or more, far apart in the listing, are one session, since a slide was returned to.
    A field that lies across a cut goes to the stretch that holds most of it. So no field is ever in two sessions, of
    one class or of two.

    Parameters
    ----------
    features
        One entry a picture, in natural order of the files.
    labels
        (N,) class of each picture. A session is looked for within a class.
    fields
        (N,) number of each picture's field (`group_fields`, joined with duplicates).
    seed
        Of the clustering.

    Returns
    -------
    sessions
        (N,) number of each picture's session: 0, 1, ... in the order of their first pictures.
    listings
        What was found in each class.
    """
    looks = np.array([one.look for one in features], np.float64)
    keys: list[list[Hashable]] = [[("field", field)] for field in fields]
    listings = []
    for label in dict.fromkeys(labels):
        members = np.array([number for number, own in enumerate(labels) if own == label])
        own_fields = [fields[number] for number in members]
        sessions, listing = _of_one_class(label, looks[members], own_fields, seed)
        listings.append(listing)
        for number, session in zip(members, sessions, strict=True):
            keys[number].append((label, session))
    return join_groups(keys), listings


def _of_one_class(
    label: str, looks: NDArray[np.float64], fields: Sequence[int], seed: int
) -> tuple[list[int], Listing]:
    pairs = [(one, other) for members in _shared(fields) for one, other in combinations(members, 2)]
    near = [pair for pair in pairs if pair[1] - pair[0] <= _NEAR]
    streams = find_streams(looks, pairs, seed=seed)
    noise = _noise(looks, streams)
    penalty = _PENALTY
    while True:
        stretches = _stretches(looks / noise, streams, penalty)
        together = float(np.mean([stretches[one] == stretches[other] for one, other in near])) if near else np.nan
        if not near or together >= LEAST_TOGETHER or penalty >= _MOST:
            break
        penalty *= 2
    sessions = _whole_fields(_returned(stretches, fields), fields)
    found = Listing(label, len(set(streams)), len(set(stretches)), len(set(sessions)), penalty, len(near), together)
    return sessions, found


def _shared(fields: Sequence[int]) -> list[list[int]]:
    members: dict[int, list[int]] = {}
    for place, field in enumerate(fields):
        members.setdefault(field, []).append(place)
    return [places for places in members.values() if len(places) > 1]


def _noise(looks: NDArray[np.float64], streams: Sequence[int]) -> NDArray[np.float64]:
    """Return the standard deviation of each feature within a session, from neighbours in the same stream."""
    steps = [np.diff(looks[np.array(streams) == stream], axis=0) for stream in set(streams)]
    change = np.abs(np.concatenate(steps)) if steps else np.zeros((0, looks.shape[1]))
    # Normal noise: the median of |a - b| is 0.6745 * sqrt(2) standard deviations.
    typical = np.median(change, axis=0) / (0.6745 * np.sqrt(2)) if len(change) else np.zeros(looks.shape[1])
    return np.asarray(np.maximum(typical, _FLOOR * looks.std(axis=0)) + 1e-9, np.float64)


def _stretches(scaled: NDArray[np.float64], streams: Sequence[int], penalty: float) -> list[int]:
    count, columns = scaled.shape
    cost = penalty * (columns + 1) * np.log(max(count, 2))
    found = np.zeros(count, np.int64)
    number = 0
    for stream in dict.fromkeys(streams):
        places = np.nonzero(np.array(streams) == stream)[0]
        for stretch in partition(scaled[places], penalty=cost, shortest=SHORTEST):
            found[places[stretch.start : stretch.stop]] = number
            number += 1
    return [int(one) for one in found]


def _returned(stretches: Sequence[int], fields: Sequence[int]) -> list[int]:
    """Join stretches that share several fields far apart in the listing."""
    shared: Counter[tuple[int, int]] = Counter()
    for places in _shared(fields):
        if places[-1] - places[0] > 2 * SHORTEST:  # nearer ones say that a cut slipped by a few files
            shared.update(combinations(sorted({stretches[place] for place in places}), 2))
    links = [pair for pair, count in shared.items() if count >= _RETURNED]
    numbers = sorted(set(stretches))
    keys: list[list[Hashable]] = [[("stretch", number)] for number in numbers]
    for one, other in links:
        keys[numbers.index(one)].append(("link", one, other))
        keys[numbers.index(other)].append(("link", one, other))
    joined = dict(zip(numbers, join_groups(keys), strict=True))
    return [joined[stretch] for stretch in stretches]


def _whole_fields(sessions: Sequence[int], fields: Sequence[int]) -> list[int]:
    """Give a field that lies across a cut to the session that holds most of it, the earlier one in a tie."""
    whole = list(sessions)
    for places in _shared(fields):
        most = Counter(sessions[place] for place in places).most_common(1)[0][0]
        for place in places:
            whole[place] = most
    return whole
