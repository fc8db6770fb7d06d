"""Pairs of pictures that show the same, and the groups that they form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from leukolens.data.grouping import join_groups

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from leukolens.data.manifest import Entry

LinkKind = Literal["same bytes", "same pixels", "near-duplicate", "same field"]
KINDS: Final[dict[LinkKind, str]] = {
    "same bytes": "the same file",
    "same pixels": "the same pixels in another file",
    "near-duplicate": "nearly the same picture",
    "same field": "the same field, captured again",
}


@dataclass(frozen=True, slots=True)
class Link:
    """Two pictures that show the same.

    Attributes
    ----------
    first, second
        Their numbers, `first` below `second`.
    kind
        What was found, the strongest first: see `KINDS`.
    score
        Bits that differ for near-duplicates, share of overlap or the like for fields; 0 for exact copies.
    note
        In words, such as "turned by 90 degrees"; "" where there is nothing to say.
    """

    first: int
    second: int
    kind: LinkKind
    score: float = 0.0
    note: str = ""


def exact_links(entries: Sequence[Entry]) -> list[Link]:
    """Link every exact copy to the first of its kind: files with the same bytes, then other files with the same pixels.

    Parameters
    ----------
    entries
        Files as read.

    Returns
    -------
    list of Link
        In the order of the copies.
    """
    first_file: dict[str, int] = {}
    first_pixels: dict[str, int] = {}
    links = []
    for number, entry in enumerate(entries):
        known = number if entry.sha256 is None else first_file.setdefault(entry.sha256, number)
        if known != number:
            links.append(Link(known, number, "same bytes"))
            continue
        known = number if entry.pixel_sha256 is None else first_pixels.setdefault(entry.pixel_sha256, number)
        if known != number:
            links.append(Link(known, number, "same pixels"))
    return links


def linked_groups(count: int, links: Iterable[Link]) -> list[int]:
    """Give a number to each group of pictures that links join, directly or through others.

    Parameters
    ----------
    count
        How many pictures there are.
    links
        Among them.

    Returns
    -------
    list of int
        For each picture the number of its group, in the order in which the groups first appear; one that nothing links
        is a group of its own.
    """
    keys: list[list[Hashable]] = [[] for _ in range(count)]
    for link in links:
        keys[link.first].append((link.first, link.second))
        keys[link.second].append((link.first, link.second))
    return join_groups(keys)


def joined(*groupings: Sequence[int]) -> list[int]:
    """Join several groupings of the same pictures: who shares a group in any of them shares one in the result."""
    return join_groups([list(enumerate(own)) for own in zip(*groupings, strict=True)])


def several(groups: Sequence[int]) -> list[list[int]]:
    """Return the members of every group of two or more, in the order in which the groups first appear."""
    members: dict[int, list[int]] = {}
    for number, group in enumerate(groups):
        members.setdefault(group, []).append(number)
    return [own for own in members.values() if len(own) > 1]
