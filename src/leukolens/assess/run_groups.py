"""Which images of runs belong together: exact duplicates always, patients and groups as far as they are at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from leukolens.data.catalogue import sha256_of
from leukolens.data.grouping import join_groups
from leukolens.data.groups import GROUP_COLUMNS
from leukolens.data.layouts import open_catalogue
from leukolens.data.split import LEAKY_METHODS, Split, content_sha256
from leukolens.finding import DataError, LeukolensError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from leukolens.assess.runs import Run
    from leukolens.data.catalogue import Catalogue
    from leukolens.data.groups import Groups


@dataclass(frozen=True)
class Grouping:
    """The group of each image, by its SHA-256, and in words what they are."""

    numbers: Mapping[str, int]
    words: str


@dataclass(frozen=True)
class Recovered:
    """What images share with others by a groups file, by their SHA-256, and in words what that is."""

    keys: Mapping[str, Sequence[Hashable]]
    words: str


def recovered_of(groups: Groups, catalogue: Catalogue) -> Recovered:
    """Return recovered groups so that images of runs can be looked up in them."""
    own = groups.keys(GROUP_COLUMNS)
    keys: dict[str, list[Hashable]] = {}
    for item, shared in zip(catalogue.items, own, strict=True):
        keys.setdefault(sha256_of(item), []).extend(shared)
    return Recovered(keys, f"recovered sessions and fields ({groups.file} {groups.sha256[:12]})")


def load_split(path: Path) -> Split:
    """Read a split file by itself, without the images that it splits.

    Raises
    ------
    DataError
        It is not there, is no split file, or was changed after it was made.
    """
    try:
        split = Split.model_validate(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        reason = "another content" if isinstance(error, ValidationError) else str(error)[:200]
        raise DataError(
            f"{str(path)!r} is no split file", expected="a file from 'leukolens data split'", found=reason
        ) from error
    if split.sha256 != content_sha256(split):
        raise DataError(f"{str(path)!r} was changed after it was made", todo="make the split again")
    return split


def split_of(run: Run, given: Sequence[Split] = ()) -> Split | None:
    """Return a run's split: one of those given, or the file that training used, where it is still there unchanged."""
    wanted = run.identity["split_sha256"]
    for split in given:
        if split.sha256 == wanted:
            return split
    try:
        split = load_split(Path(run.source["split"]))
    except (KeyError, TypeError, DataError):
        return None
    return split if split.sha256 == wanted else None


def group_images_of(runs: Sequence[Run], given: Sequence[Split] = (), recovered: Recovered | None = None) -> Grouping:
    """Group the images of runs on one data set, by what any of the runs knows.

    Parameters
    ----------
    runs
        Of one data set.
    given
        Split files, for runs whose own is no longer where it was.
    recovered
        Groups of an audit, which then count as well.
    """
    keys: dict[str, set[Hashable]] = {}
    for run in runs:
        for row in run.rows:
            keys.setdefault(row.sha256, set()).add(("sha256", row.sha256))
    splits = {split.sha256: split for split in (split_of(run, given) for run in runs) if split is not None}
    for split in splits.values():
        for item in split.items:
            if item.sha256 in keys:
                keys[item.sha256].add((split.sha256, item.group))
    for sha256, shared in (recovered.keys if recovered is not None else {}).items():
        if sha256 in keys:
            keys[sha256].update(shared)
    patients = _add_patients(keys, runs)
    numbers = join_groups([sorted(own, key=str) for own in keys.values()])
    words = _words(runs, splits, patients=patients)
    if recovered is not None:
        words = f"{recovered.words}{', patients' if patients else ''} and exact duplicates"
    return Grouping(dict(zip(keys, numbers, strict=True)), words)


def _add_patients(keys: dict[str, set[Hashable]], runs: Sequence[Run]) -> bool:
    known = False
    for run in runs:
        owners = _patients(run.source)
        for row in run.rows:
            if row.path in owners:
                keys[row.sha256].add(("patient", owners[row.path]))
                known = True
    return known


def _patients(source: Mapping[str, Any]) -> dict[str, str]:
    """Return the patient of each path, as far as the table that training used is still there."""
    if not source.get("patient_column"):
        return {}
    labels = source.get("labels")
    try:
        catalogue = open_catalogue(
            Path(source["data"]),
            labels=None if labels is None else Path(labels),
            label_column=source["label_column"],
            path_column=source["path_column"],
            patient_column=source["patient_column"],
        )
    except (LeukolensError, OSError, KeyError, TypeError):
        return {}
    return {item.path: item.patient for item in catalogue.items if item.patient is not None}


def _words(runs: Sequence[Run], splits: Mapping[str, Split], *, patients: bool) -> str:
    if patients or any(split.method == "patient" for split in splits.values()):
        return "patients and exact duplicates"
    grouped = {run.identity["split_sha256"] for run in runs if run.identity["split_method"] not in LEAKY_METHODS}
    if grouped - set(splits):
        return (
            "exact duplicates only; the split file, which knows more, is not at hand (say where with --split), so "
            "images of one patient count as independent"
        )
    if grouped:
        return "what the split keeps together, and exact duplicates"
    return "exact duplicates only; no patients are known, so images of one patient count as independent"
