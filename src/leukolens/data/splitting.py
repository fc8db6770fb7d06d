"""Making a split: by image, by patient or recovered group, in contiguous blocks, or by laboratory."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from leukolens.data.by_block import block_folds, interleaved_classes
from leukolens.data.by_group import enough_groups, group_folds
from leukolens.data.by_laboratory import laboratories_of, laboratory_folds
from leukolens.data.catalogue import Catalogue, catalogue_sha256, fingerprint, sha256_of
from leukolens.data.grouping import check_patients, group_images
from leukolens.data.groups import all_in_sessions
from leukolens.data.methods import COLUMNS, describe_blocks, describe_grouping, describe_split
from leukolens.data.split import (
    LEAKY_METHODS,
    METHODS,
    Fold,
    GroupsRecord,
    Method,
    Split,
    SplitItem,
    Value,
    sealed,
)
from leukolens.data.verify import verify_split
from leukolens.finding import DataError, UsageError, nearest
from leukolens.finding.paths import plain

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from leukolens.data.groups import Groups

FOLDS = 5


@dataclass(frozen=True)
class _Made:
    """Folds, and what is said of them beside the method's own words."""

    folds: list[Fold]
    note: str
    leaky: bool
    parameters: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class _Wish:
    """What was asked for, checked."""

    method: Method
    folds: int
    seed: int
    part: Fraction | None
    embargo: int
    share: Fraction


def make_split(
    catalogue: Catalogue,
    *,
    method: Method,
    folds: int | None = None,
    seed: int = 88,
    validation: float | Literal["none"] = "none",
    embargo: int = 0,
    test_share: float = 0.2,
    groups: Mapping[str, str] | None = None,
    recovered: Groups | None = None,
) -> Split:
    """Split a data set into folds, before anything is augmented or segmented.

    Parameters
    ----------
    catalogue
        The data set; it is fingerprinted here where it has not been.
    method
        "random-image": stratified by class, exact duplicates together. "stratified": the same, with `recovered` also
        near-duplicates and captures of one field together. "patient": whole patients, stratified as far as they allow.
        "grouped": whole patients where every image has one, else whole recovered sessions, joined with all that shares
        a field, a duplicate or a patient. "blocks": contiguous blocks of each class' files in natural order; with
        `recovered`, a class whose files interleave their sessions is split by these. "leave-one-laboratory-out": each
        fold tests one laboratory.
    folds
        Number of folds, 5 if not given; every image is tested in exactly one. With 1, one part is held out. There
        are as many as laboratories where these are left out.
    seed
        Of the random order; for "blocks" it only places the part held out with one fold, and deals out sessions.
    validation
        Share of what is not tested that validates instead of training, by the same principle; or "none".
    embargo
        Only for "blocks": files on either side of a tested or validation block that are used for nothing.
    test_share
        With one fold, the share of images to hold out.
    groups
        Path to name of a group, for images known to belong together: they never stand on two sides. With "patient"
        a group does instead of a patient.
    recovered
        Groups of an audit, from `leukolens.data.groups.read_groups`. "random-image" does not heed them.

    Returns
    -------
    Split
        Verified against the catalogue.

    Raises
    ------
    UsageError
        A value out of its range, or one that the method does not use.
    DataError
        The data set is too small, has one class only, has no patients, sessions or laboratories where they are needed,
        or files one image under two patients.
    """
    part = _checked(method, folds, seed, validation, embargo, test_share)
    catalogue = fingerprint(catalogue)
    check_enough(catalogue)
    laboratories = laboratories_of(catalogue) if method == "leave-one-laboratory-out" else ()
    count = _folds(folds, laboratories)
    wish = _Wish(method, count, seed, part, embargo, Fraction(str(test_share)))
    by_session = interleaved_classes(catalogue, recovered) if method == "blocks" and recovered is not None else ()
    shared = _shared(catalogue, method, recovered, by_session, given=groups is not None)
    numbers = group_images(
        catalogue,
        by_patient=method not in LEAKY_METHODS,
        groups=groups,
        required=method == "patient",
        shared=shared,
    )
    made = _made(catalogue, numbers, wish, recovered, by_session, laboratories)
    split = Split(
        method=method,
        seed=seed,
        parameters=_parameters(wish, validation, test_share) | made.parameters,
        labels=catalogue.classes,
        layout=catalogue.layout,
        grouping=describe_grouping(method, recovered, by_session, given=bool(groups)),
        leaky=made.leaky,
        note=made.note,
        catalogue_sha256=catalogue_sha256(catalogue),
        items=tuple(
            SplitItem(
                path=plain(item.path),
                sha256=sha256_of(item),
                label=item.label,
                group=number,
                laboratory=item.laboratory if laboratories else None,
            )
            for item, number in zip(catalogue.items, numbers, strict=True)
        ),
        folds=tuple(made.folds),
        groups=_record(method, recovered, by_session, numbers),
    )
    return verify_split(sealed(split), catalogue)


def _checked(
    method: str, folds: int | None, seed: int, validation: float | str, embargo: int, test_share: float
) -> Fraction | None:
    if method not in METHODS:
        raise UsageError(f"There is no method {method!r} to split by", todo=nearest(method, METHODS))
    _in_range("folds", folds, folds is None or folds >= 1, "1 or more")
    _in_range("seed", seed, seed >= 0, "0 or more")
    _in_range("embargo", embargo, embargo >= 0, "0 or more")
    _in_range("embargo", embargo, embargo == 0 or method == "blocks", "0: only the method 'blocks' has an embargo")
    _in_range("test_share", test_share, 0 < test_share < 1, "above 0 and below 1")
    if validation == "none":
        return None
    _in_range("validation", validation, not isinstance(validation, str) and 0 < validation < 1, "'none', or 0 to 1")
    return Fraction(str(validation))


def _in_range(name: str, value: object, right: bool, expected: str) -> None:
    if not right:
        raise UsageError(f"The value of {name} does not fit", expected=expected, found=repr(value))


def _folds(folds: int | None, laboratories: Sequence[str]) -> int:
    if not laboratories:
        return FOLDS if folds is None else folds
    _in_range("folds", folds, folds in (None, len(laboratories)), f"{len(laboratories)}: one for each laboratory")
    return len(laboratories)


def _parameters(wish: _Wish, validation: float | str, test_share: float) -> dict[str, Value]:
    values: dict[str, Value] = {"folds": wish.folds, "validation": validation}
    if wish.folds == 1:
        values["test_share"] = test_share
    if wish.method == "blocks":
        values["embargo"] = wish.embargo
    return values


def check_enough(catalogue: Catalogue) -> None:
    """See that there are two classes with images, without which nothing can be learned or told apart.

    Raises
    ------
    DataError
        There are not.
    """
    empty = [name for name, n in catalogue.counts().items() if n == 0]
    if len(catalogue.classes) < 2 or empty:
        raise DataError(
            "This data set cannot be split",
            expected="images of at least two classes",
            found=f"no image of {empty[0]!r}" if empty else f"only the class {catalogue.classes[0]!r}",
            todo="add images of the other class, in a folder of its own or by a column of labels",
        )


def _by_patient(catalogue: Catalogue) -> bool:
    return all(item.patient is not None for item in catalogue.items)


def _shared(
    catalogue: Catalogue, method: Method, recovered: Groups | None, by_session: Sequence[str], *, given: bool
) -> list[list[Hashable]] | None:
    """Return what the recovered groups join, once they suffice for the method."""
    if method in ("patient", "grouped"):
        check_patients(catalogue)
    whole = _by_patient(catalogue)
    if method == "grouped" and recovered is None and not whole and not given:
        raise DataError(
            "Without patients, a grouped split needs recovered groups",
            expected="a patient for every image, or the groups file of an audit",
            found="neither",
            todo="name the column of patients (--patient-column), or run 'leukolens audit DATA --out DIR' and give its "
            "groups.csv with --groups",
        )
    if recovered is None:
        return None
    paths = [item.path for item in catalogue.items]
    # Whoever has a patient needs no session: a slide never holds two.
    columns = [name for name in COLUMNS[method] if name != "session_group" or not whole]
    if "session_group" in columns:
        lacking = [index for index, item in enumerate(catalogue.items) if item.patient is None]
        all_in_sessions(recovered, paths, lacking, "it says who stays together where no patient is known")
    keys = recovered.keys(columns)
    sessions = recovered.names["session_group"]
    in_question = [index for index, item in enumerate(catalogue.items) if item.label in by_session]
    all_in_sessions(recovered, paths, in_question, "the class is split by its sessions")
    for index in in_question:
        keys[index].append(("session_group", sessions[index]))
    return keys


def _made(
    catalogue: Catalogue,
    numbers: Sequence[int],
    wish: _Wish,
    recovered: Groups | None,
    by_session: Sequence[str],
    laboratories: Sequence[str],
) -> _Made:
    if wish.method == "blocks":
        folds = block_folds(catalogue, numbers, wish.folds, wish.seed, wish.part, wish.embargo, wish.share, by_session)
        every = set(by_session) == set(catalogue.classes)
        note = describe_blocks(by_session, wish.embargo, grouped=recovered is not None, all_by_session=every)
        told: dict[str, Value] = {"by_session": tuple(by_session)} if recovered is not None else {}
        return _Made(folds, note, wish.embargo == 0 and not every, told)
    if wish.method == "leave-one-laboratory-out":
        folds, whole = laboratory_folds(catalogue, numbers, laboratories, wish.seed, wish.part)
        told = {"laboratories": tuple(laboratories)}
        note = describe_split(wish.method)
        if wish.part is not None:
            told["validation_by"] = "laboratory" if whole else "group"
            note += f" The validation sides are {'whole laboratories' if whole else 'drawn from the training ones'}."
        return _Made(folds, note, False, told)
    if wish.method == "grouped" and wish.folds > 1:
        enough_groups(catalogue, numbers, wish.folds, f" for {wish.folds} folds")
    folds = group_folds(catalogue, numbers, wish.folds, wish.seed, wish.part, wish.share)
    by = "patient" if _by_patient(catalogue) else "session" if recovered is not None else "given group"
    told = {"by": by} if wish.method == "grouped" else {}
    note = describe_split(wish.method, by.replace("session", "recovered session"))
    return _Made(folds, note, wish.method in LEAKY_METHODS, told)


def _record(
    method: Method, recovered: Groups | None, by_session: Sequence[str], numbers: Sequence[int]
) -> GroupsRecord | None:
    if recovered is None:
        return None
    columns = (*COLUMNS[method], *(("session_group",) if by_session else ()))
    return GroupsRecord(file=recovered.file, sha256=recovered.sha256, columns=columns, number=len(set(numbers)))
