from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from data_sets import catalogue_of, group_rows, plain_set, write_rows

from leukolens.data import Catalogue, make_split, read_groups
from leukolens.data.leaks import add_shared, check_against, shared_with_training
from leukolens.data.stamp import join_stamps, kind_of_split, read_stamp, stamp_split
from leukolens.finding import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.data import Groups

CATALOGUE = plain_set(a=70, b=100)


def recovered(folder: Path, catalogue: Catalogue = CATALOGUE, session: Any = None, field: Any = None) -> Groups:
    rows = group_rows(catalogue, session or (lambda label, at: f"{label} {at // 10}"), field)
    return read_groups(write_rows(folder / "groups.csv", rows), catalogue)


def alternating(label: str, at: int) -> str:
    return f"a {at * 3 % 7}" if label == "a" else f"{label} {at // 10}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "random-image"}, "LEAKY random split by image"),
        ({"method": "stratified"}, "LEAKY stratified random split by image"),
        ({"method": "blocks"}, "LEAKY split in blocks, no embargo"),
        ({"method": "blocks", "embargo": 3}, "Split in blocks, embargo of 3 files"),
    ],
)
def test_the_kind_of_split_says_what_it_is(options: dict[str, Any], words: str) -> None:
    assert stamp_split(make_split(CATALOGUE, **options)).kind == words


def test_the_kind_names_groups_and_what_is_split_by_session(tmp_path: Path) -> None:
    groups = recovered(tmp_path, session=alternating)
    stamp = stamp_split(make_split(CATALOGUE, method="blocks", embargo=3, recovered=groups))
    end = f"groups {groups.sha256[:12]}"
    assert stamp.kind == f"Split in blocks, embargo of 3 files, a by recovered session, {end}"
    grouped = stamp_split(make_split(CATALOGUE, method="grouped", recovered=groups))
    assert grouped.kind == f"Split by recovered session, {end}"
    patients = catalogue_of([(label, f"{label}{n}", f"{label}{n // 6}") for label in "ab" for n in range(60)])
    assert stamp_split(make_split(patients, method="grouped")).kind == "Split by patient"
    assert kind_of_split("grouped", leaky=False) == "Split by group"
    assert kind_of_split("what is to come", leaky=True) == "LEAKY what is to come"


def test_a_stamp_comes_back_from_a_run(tmp_path: Path) -> None:
    groups = recovered(tmp_path, session=alternating)
    split = make_split(CATALOGUE, method="random-image", recovered=groups)
    stamp = stamp_split(split, shared_with_training(split.folds[0], groups))
    identity = {"split_method": split.method, "split_leaky": True, "split_sha256": split.sha256, "split_grouping": "x"}
    content = json.loads(json.dumps(stamp.content()))
    back = read_stamp(content, identity | {"split_grouping": split.grouping})
    assert back == stamp
    # An old run says less, and a file that was tampered with says no more than an old run.
    assert read_stamp(None, identity).kind == "LEAKY random split by image"
    assert read_stamp(content | {"leaky": False, "method": "patient"}, identity).kind.startswith("LEAKY random")
    assert read_stamp(content | {"shared": {"fields": 0}}, identity).shared is None


def test_what_is_shared_with_training_is_counted(tmp_path: Path) -> None:
    groups = recovered(tmp_path, field=lambda label, at: f"{label} {at // 2}")
    split = make_split(CATALOGUE, method="random-image", folds=2, recovered=groups)
    parts = []
    for fold in split.folds:
        trained = {("a" if i < 70 else "b", (i if i < 70 else i - 70) // 2) for i in fold.train}
        sessions = {(label, at // 5) for label, at in trained}
        own = [("a" if i < 70 else "b", (i if i < 70 else i - 70) // 2) for i in fold.test]
        shared = shared_with_training(fold, groups)
        assert (shared.images, shared.fields) == (len(fold.test), sum(one in trained for one in own))
        assert shared.sessions == sum((label, at // 5) in sessions for label, at in own)
        assert 0 < shared.fields < shared.images
        parts.append(shared)
    both = add_shared(parts)
    assert both is not None
    assert (both.images, both.fields) == (170, sum(one.fields for one in parts))
    assert f"Of 170 test images, {both.fields} have a capture of the same field in training" in both.sentence()
    assert add_shared([]) is None
    stamps = [stamp_split(split, one) for one in parts]
    assert join_stamps(stamps).shared == both
    assert join_stamps([stamps[0], stamp_split(split)]).shared is None


@pytest.mark.parametrize("method", ["blocks", "patient"])
def test_an_honest_split_that_parts_a_field_is_refused(tmp_path: Path, method: Any) -> None:
    catalogue = catalogue_of([(label, f"{label}{n}", f"{label}{n // 10}") for label in "ab" for n in range(50)])
    split = make_split(catalogue, method=method, embargo=2 if method == "blocks" else 0)
    check_against(split, recovered(tmp_path, catalogue))
    groups = recovered(
        tmp_path, catalogue, field=lambda label, at: "far" if f"{label}{at}" in {"a2", "a47"} else f"{label}{at}"
    )
    with pytest.raises(DataError, match="show one field") as error:
        check_against(split, groups)
    for name in ("'a/00003.png'", "'a/00048.png'", "'far'"):
        assert name in str(error.value)
    parting = [number for number in range(len(split.folds)) if _parts(split, groups, number)]
    assert 0 < len(parting) < len(split.folds), "only the folds that test one of the two part them"
    check_against(
        make_split(catalogue, method=method, embargo=2 if method == "blocks" else 0, recovered=groups), groups
    )
    check_against(make_split(catalogue, method="random-image"), groups)


def _parts(split: Any, groups: Any, fold: int) -> bool:
    try:
        check_against(split, groups, fold)
    except DataError as error:
        return f"Fold {fold} " in str(error)
    return False


def test_sessions_are_kept_apart_where_the_method_says_so(tmp_path: Path) -> None:
    groups = recovered(tmp_path, session=alternating)
    split = make_split(CATALOGUE, method="grouped", recovered=groups)
    check_against(split, groups)
    other = recovered(tmp_path, session=lambda label, at: f"{label} {at // 9}")
    with pytest.raises(DataError, match="are of one session"):
        check_against(split, other)
    blocks = make_split(CATALOGUE, method="blocks", embargo=3, recovered=groups)
    check_against(blocks, groups)
    with pytest.raises(DataError, match=r"'a/0.* are|are of one session"):
        check_against(blocks, recovered(tmp_path, session=lambda label, at: f"{label} {at * 3 % 5}"))
