"""Whether a split file fits a data set and keeps its promise."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from leukolens.data.catalogue import Catalogue, catalogue_sha256, fingerprint, images_per_label, portable_path
from leukolens.data.claims import check_claims
from leukolens.data.split import LEAKY_METHODS, Fold, Split, content_sha256
from leukolens.finding import DataError
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable


def read_split(path: Path, catalogue: Catalogue) -> Split:
    """Read a split file and verify that it belongs to a data set and parts what must be parted.

    Parameters
    ----------
    path
        A file written by `write_split`.
    catalogue
        The data set to be used with it; fingerprinted here where it has not been.

    Returns
    -------
    Split
        Its items in the order of the catalogue's and with the catalogue's paths.

    Raises
    ------
    DataError
        The file is no split, was changed, belongs to other images, or puts images that belong together on two sides.
    """
    path = Path(path)
    try:
        split = Split.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DataError(
            f"No split file can be read at {str(path)!r}",
            expected="a file written by 'leukolens data split'",
            found=error.strerror or type(error).__name__,
            todo="check the path",
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path.name} is no split file",
            expected="JSON written by 'leukolens data split'",
            found=_first(error),
            todo="make the split again",
        ) from error
    return verify_split(split, catalogue)


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    return str(error)


def verify_split(split: Split, catalogue: Catalogue) -> Split:
    """Check a split against a data set, as `read_split` does.

    Returns
    -------
    Split
        With the catalogue's paths.

    Raises
    ------
    DataError
        See `read_split`.
    """
    catalogue = fingerprint(catalogue)
    if split.sha256 != content_sha256(split):
        raise DataError(
            "The split was changed after it was made",
            expected=f"content with the SHA-256 {split.sha256[:12] or '(none)'}",
            found=content_sha256(split)[:12],
            todo="make the split again",
        )
    _same_images(split, catalogue)
    if sorted(split.labels) != sorted({entry.label for entry in split.items}):
        raise DataError("The split's list of labels does not match its images", todo="make the split again")
    keys = _keys(split, catalogue)
    for number, fold in enumerate(split.folds):
        _partition(fold, number, len(split.items))
        _learnable(split, fold, number)
        _apart(split, fold, number, keys)
    _tested_once(split)
    _embargo_kept(split)
    check_claims(split)
    pairs = zip(split.items, catalogue.items, strict=True)
    items = tuple(entry.model_copy(update={"path": plain(item.path)}) for entry, item in pairs)
    return split.model_copy(update={"items": items})


def _same_images(split: Split, catalogue: Catalogue) -> None:
    wanted = [portable_path(entry.path, split.layout) for entry in split.items]
    found = [portable_path(item.path, catalogue.layout) for item in catalogue.items]
    gone, new = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if gone or new:
        raise DataError(
            "The split belongs to another data set",
            expected=f"{len(wanted)} images" + (f", {gone[0]!r} among them" if gone else ""),
            found=f"{len(found)}" + (f", {new[0]!r} among them" if new else ""),
            todo="give the data set that the split was made from, or make a split of this one",
        )
    if wanted != found:
        raise DataError("The images of the split are not in natural order", todo="make the split again")
    for entry, item in zip(split.items, catalogue.items, strict=True):
        if entry.sha256 != item.sha256:
            raise DataError(
                f"{item.path!r} is another file than when the split was made",
                expected=f"SHA-256 {entry.sha256[:12]}...",
                found=f"{(item.sha256 or '')[:12]}...",
                todo="bring the file back, or make the split again",
            )
        if entry.label != item.label:
            raise DataError(
                f"{item.path!r} has another label than when the split was made",
                expected=repr(entry.label),
                found=repr(item.label),
                todo="use the same labels, or make the split again",
            )
        if item.laboratory is not None and entry.laboratory not in (None, item.laboratory):
            raise DataError(
                f"{item.path!r} is of another laboratory than when the split was made",
                expected=repr(entry.laboratory),
                found=repr(item.laboratory),
                todo="name the same column of laboratories, or make the split again",
            )
    if split.catalogue_sha256 != catalogue_sha256(catalogue):
        raise DataError("The split's hash of the data set does not match", todo="make the split again")


def _partition(fold: Fold, number: int, size: int) -> None:
    used = sorted(chain(fold.train, fold.validation, fold.test, fold.left_out))
    if used != list(range(size)):
        raise DataError(
            f"Fold {number} does not hold every image exactly once",
            expected=f"{size} different images in train, validation, test and left_out together",
            found=f"{len(used)} entries, {len(set(used))} different",
            todo="make the split again",
        )


def _learnable(split: Split, fold: Fold, number: int) -> None:
    missing = set(split.labels) - {split.items[index].label for index in fold.train}
    if missing or not fold.test:
        raise DataError(
            f"Fold {number} cannot be trained or tested",
            expected="training images of every class, and images to test",
            found=f"no training image of {min(missing)!r}" if missing else "no image to test",
            todo="use fewer folds, a smaller validation part or embargo, or add images",
        )


def _keys(split: Split, catalogue: Catalogue) -> list[list[Hashable]]:
    # A split by image says of itself that patients stand on both sides; every other method must keep them apart.
    by_patient = split.method not in LEAKY_METHODS
    keys: list[list[Hashable]] = []
    for entry, item in zip(split.items, catalogue.items, strict=True):
        keys.append([("group", entry.group), ("sha256", entry.sha256)])
        if by_patient and item.patient is not None:
            keys[-1].append(("patient", item.patient))
    return keys


def _apart(split: Split, fold: Fold, number: int, keys: list[list[Hashable]]) -> None:
    side: dict[Hashable, tuple[str, int]] = {}
    for name, indices in (("train", fold.train), ("validation", fold.validation), ("test", fold.test)):
        for index in indices:
            for key in keys[index]:
                other, first = side.setdefault(key, (name, index))
                if other != name:
                    raise DataError(
                        f"Fold {number} puts images that belong together on two sides",
                        expected=f"{split.items[first].path!r} and {split.items[index].path!r} on one side",
                        found=f"one in {other}, the other in {name}",
                        todo="make the split again, with the same column of patients",
                    )


def _tested_once(split: Split) -> None:
    if len(split.folds) == 1:
        return
    tested = sorted(chain.from_iterable(fold.test for fold in split.folds))
    if tested != list(range(len(split.items))):
        raise DataError(
            "The folds do not test every image exactly once",
            expected=f"{len(split.items)} images tested once",
            found=f"{len(tested)} tests of {len(set(tested))} images",
            todo="make the split again",
        )


def _embargo_kept(split: Split) -> None:
    embargo = split.embargo
    if not embargo:
        return
    for name, indices in images_per_label([entry.label for entry in split.items], split.labels).items():
        if name in split.by_session:
            continue
        position = {index: place for place, index in enumerate(indices)}
        for number, fold in enumerate(split.folds):
            sides = [[position[i] for i in side if i in position] for side in (fold.test, fold.validation, fold.train)]
            for held, others in ((sides[0], sides[1] + sides[2]), (sides[1], sides[2])):
                if _too_near(held, others, embargo):
                    raise DataError(
                        f"Fold {number} does not keep its embargo of {embargo} files",
                        todo="make the split again",
                    )


def _too_near(held: Iterable[int], others: Iterable[int], embargo: int) -> bool:
    near = {place + step for place in held for step in range(-embargo, embargo + 1)}
    return not near.isdisjoint(others)
