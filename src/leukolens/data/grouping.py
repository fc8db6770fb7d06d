"""Which images belong together and must stay on one side of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leukolens.data.catalogue import Catalogue, Item, sha256_of
from leukolens.finding import DataError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence


def join_groups(keys: Iterable[Sequence[Hashable]]) -> list[int]:
    """Give a number to each group that images form when they share any key.

    Parameters
    ----------
    keys
        For each image what it shares with others: its hash, its patient, ... Images that share a key are in one group,
        and so is whoever is joined to them by another key.

    Returns
    -------
    list of int
        For each image the number of its group: 0, 1, ... in the order in which the groups first appear.
    """
    parent: list[int] = []
    first: dict[Hashable, int] = {}
    for index, own in enumerate(keys):
        parent.append(index)
        for key in own:
            one, other = _root(parent, index), _root(parent, first.setdefault(key, index))
            parent[max(one, other)] = min(one, other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(_root(parent, index), len(numbers)) for index in range(len(parent))]


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


def check_patients(catalogue: Catalogue) -> None:
    """See that no image is filed under two patients.

    Raises
    ------
    DataError
        The same file belongs to two; which of them is right cannot be told.
    """
    first: dict[str, Item] = {}
    for item in catalogue.items:
        if item.patient is None:
            continue
        other = first.setdefault(sha256_of(item), item)
        if other.patient != item.patient:
            raise DataError(
                "The patients contradict each other: the same image is filed under two",
                expected=f"one patient for {other.path!r} and {item.path!r}, which are the same file",
                found=f"{other.patient!r} and {item.patient!r}",
                todo="correct the column of patients, or take one of the files out; 'leukolens data check' lists all",
            )


def group_images(
    catalogue: Catalogue,
    *,
    by_patient: bool,
    groups: Mapping[str, str] | None = None,
    required: bool = False,
    shared: Sequence[Sequence[Hashable]] | None = None,
) -> list[int]:
    """Group the images of a data set: exact duplicates always, patients and given groups on request.

    Parameters
    ----------
    catalogue
        Fingerprinted.
    by_patient
        Join the images of one patient; images without a patient stay for themselves unless `required`.
    groups
        Further groups: path to name of the group, for instance from an audit.
    required
        Every image must have a patient or stand in `groups`.
    shared
        For each image, what else it shares with others: its recovered groups.

    Returns
    -------
    list of int
        One number an image, as from `join_groups`.

    Raises
    ------
    DataError
        `required`, and an image has neither; or `groups` names an image that is not there.
    """
    groups = groups or {}
    unknown = set(groups) - {item.path for item in catalogue.items}
    if unknown:
        raise DataError(f"{min(unknown)!r} has a group and is not in the data set", todo="give the groups of this set")
    keys: list[list[Hashable]] = []
    for index, item in enumerate(catalogue.items):
        own: list[Hashable] = [("sha256", sha256_of(item))]
        if by_patient and item.patient is not None:
            own.append(("patient", item.patient))
        if item.path in groups:
            own.append(("group", groups[item.path]))
        if required and len(own) == 1:
            raise DataError(
                f"{item.path!r} has no patient",
                expected="a patient for every image, to split by patient",
                todo="name the column of patients (--patient-column), or choose the method 'grouped' or 'blocks'",
            )
        keys.append([*own, *(shared[index] if shared is not None else ())])
    return join_groups(keys)
