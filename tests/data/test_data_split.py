from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from data_sets import catalogue_of, plain_set
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from leukolens.data import (
    Catalogue,
    Split,
    make_split,
    verify_split,
)
from leukolens.data.dealing import deal_folds, draw_part
from leukolens.data.grouping import join_groups
from leukolens.data.split import sealed
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable

quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def data_sets(draw: st.DrawFn, patients: bool = False) -> Catalogue:
    """Draw two to four classes; contents repeat, also across classes, so that there are duplicates and conflicts."""
    rows = []
    owners: dict[str, str] = {}
    for label in "abcd"[: draw(st.integers(2, 4))]:
        for number in range(draw(st.integers(12, 60))):
            content = draw(st.sampled_from([f"{label}{number}"] * 30 + [f"{label}{number - 1}"] * 4 + ["shared"]))
            # One image has one patient: anything else is refused.
            patient = owners.setdefault(content, f"{label}-{draw(st.integers(0, 9))}") if patients else None
            rows.append((label, content, patient))
    return catalogue_of(rows)


def sides(split: Split, fold: int) -> dict[str, tuple[int, ...]]:
    one = split.folds[fold]
    return {"train": one.train, "validation": one.validation, "test": one.test, "left out": one.left_out}


def check_promises(split: Split, catalogue: Catalogue, keys: list[list[Hashable]]) -> None:
    """Check, apart from the code under test, what every split promises."""
    n = len(catalogue)
    for fold in range(len(split.folds)):
        by_side = sides(split, fold)
        assert sorted(i for side in by_side.values() for i in side) == list(range(n))
        where: dict[Hashable, set[str]] = {}
        for side in ("train", "validation", "test"):
            assert list(by_side[side]) == sorted(by_side[side])
            for index in by_side[side]:
                for key in keys[index]:
                    where.setdefault(key, set()).add(side)
        assert all(len(found) == 1 for found in where.values())
        assert {catalogue.items[i].label for i in by_side["train"]} == set(catalogue.classes)
        assert by_side["test"]
    if len(split.folds) > 1:
        assert Counter(i for fold in split.folds for i in fold.test) == Counter(range(n))


def hash_keys(catalogue: Catalogue) -> list[list[Hashable]]:
    return [[item.sha256] for item in catalogue.items]


def attempt(catalogue: Catalogue, **options: Any) -> Split:
    """Make a split; a drawn data set that is honestly refused does not count (hypothesis fails if most do not)."""
    try:
        return make_split(catalogue, **options)
    except DataError:
        assume(False)
        raise


# properties ---------------------------------------------------------------------------------------------------------


@quick
@given(data_sets(), st.integers(1, 6), st.integers(0, 2**32), st.sampled_from(["none", 0.1, 0.25]))
def test_random_image_keeps_its_promises(catalogue: Catalogue, folds: int, seed: int, validation: Any) -> None:
    split = make_split(catalogue, method="random-image", folds=folds, seed=seed, validation=validation)
    check_promises(split, catalogue, hash_keys(catalogue))
    assert split.leaky
    assert all(not fold.left_out for fold in split.folds)
    if validation != "none":
        assert all(fold.validation for fold in split.folds)


@quick
@given(data_sets(patients=True), st.integers(1, 4), st.integers(0, 1000), st.sampled_from(["none", 0.2]))
def test_patient_keeps_its_promises(catalogue: Catalogue, folds: int, seed: int, validation: Any) -> None:
    split = attempt(catalogue, method="patient", folds=folds, seed=seed, validation=validation)
    check_promises(split, catalogue, [[item.sha256, ("who", item.patient)] for item in catalogue.items])
    assert not split.leaky


@quick
@given(data_sets(), st.integers(1, 4), st.integers(0, 4), st.integers(0, 1000), st.sampled_from(["none", 0.2]))
def test_blocks_keep_their_promises(catalogue: Catalogue, folds: int, embargo: int, seed: int, validation: Any) -> None:
    split = attempt(catalogue, method="blocks", folds=folds, embargo=embargo, seed=seed, validation=validation)
    check_promises(split, catalogue, hash_keys(catalogue))
    assert split.leaky == (embargo == 0)
    for label in catalogue.classes:
        order = [i for i, item in enumerate(catalogue.items) if item.label == label]
        for fold in range(len(split.folds)):
            place = {side: {order.index(i) for i in ids if i in order} for side, ids in sides(split, fold).items()}
            assert place["test"] == set(range(min(place["test"]), max(place["test"]) + 1))
            for held, others in (("test", place["train"] | place["validation"]), ("validation", place["train"])):
                assert all(abs(one - other) > embargo for one in place[held] for other in others)


@quick
@given(st.lists(st.integers(20, 90), min_size=2, max_size=4), st.integers(2, 7), st.integers(0, 99))
def test_without_duplicates_class_counts_of_folds_differ_by_one_at_most(
    counts: list[int], folds: int, seed: int
) -> None:
    catalogue = plain_set(**dict(zip("abcd", counts, strict=False)))
    split = make_split(catalogue, method="random-image", folds=folds, seed=seed, validation=0.2)
    for label, total in catalogue.counts().items():
        tested = [sum(catalogue.items[i].label == label for i in fold.test) for fold in split.folds]
        assert max(tested) - min(tested) <= 1
        for fold, n in zip(split.folds, tested, strict=True):
            validated = sum(catalogue.items[i].label == label for i in fold.validation)
            assert abs(validated - 0.2 * (total - n)) <= 0.5
    sizes = [len(fold.test) for fold in split.folds]
    assert max(sizes) - min(sizes) <= len(counts)


@quick
@given(data_sets(patients=True), st.integers(2, 5), st.integers(0, 99))
def test_whole_groups_are_dealt_as_evenly_as_they_allow(catalogue: Catalogue, folds: int, seed: int) -> None:
    # Groups of one class: the fullest fold leads the emptiest by one group at most, as in any greedy dealing.
    labels = [item.label for item in catalogue.items]
    groups: dict[tuple[str, str | None], list[int]] = {}
    for index, item in enumerate(catalogue.items):
        groups.setdefault((item.label, item.patient), []).append(index)
    dealt = deal_folds(list(groups.values()), labels, folds, seed)
    for label in catalogue.classes:
        counts = [sum(labels[i] == label for i in fold) for fold in dealt]
        largest = max(len(group) for key, group in groups.items() if key[0] == label)
        assert max(counts) - min(counts) <= largest


@quick
@given(data_sets(patients=True), st.integers(0, 99), st.sampled_from([0.1, 0.3, 0.5]))
def test_a_drawn_part_leaves_a_group_of_every_class(catalogue: Catalogue, seed: int, share: float) -> None:
    labels = [item.label for item in catalogue.items]
    groups: dict[str, list[int]] = {}
    for index, item in enumerate(catalogue.items):
        groups.setdefault(item.patient or "", []).append(index)
    drawn = set(draw_part(list(groups.values()), labels, Fraction(str(share)), seed))
    assert all(drawn.issuperset(group) or drawn.isdisjoint(group) for group in groups.values())
    assert {labels[i] for i in range(len(labels)) if i not in drawn} == set(catalogue.classes)


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), max_size=40))
def test_groups_are_the_connected_components(keys: list[list[int]]) -> None:
    groups = join_groups(keys)
    assert sorted(set(groups)) == list(range(len(set(groups))))
    # Independent: spread labels until nothing changes.
    want = list(range(len(keys)))
    for _ in keys:
        for i, one in enumerate(keys):
            for j, other in enumerate(keys):
                if set(one) & set(other):
                    want[i] = want[j] = min(want[i], want[j])
    assert [groups.index(group) for group in groups] == want


# examples -----------------------------------------------------------------------------------------------------------


def test_exact_duplicates_of_two_classes_stay_together() -> None:
    rows = [(label, f"{label}{n}", None) for label in "ab" for n in range(20)]
    rows[3] = ("a", "same", None)
    rows[30] = ("b", "same", None)
    catalogue = catalogue_of(rows)
    split = make_split(catalogue, method="random-image")
    for fold in range(5):
        assert len({side for side, ids in sides(split, fold).items() if {3, 30} & set(ids)}) == 1
    assert split.items[3].group == split.items[30].group


def test_a_far_copy_of_a_tested_image_is_left_out_of_blocks() -> None:
    rows = [(label, f"{label}{n}", None) for label in "ab" for n in range(50)]
    rows[5] = rows[45] = ("a", "copy", None)
    split = make_split(catalogue_of(rows), method="blocks", embargo=2)
    assert 5 in split.folds[0].test
    assert 45 in split.folds[0].left_out
    assert 45 in split.folds[4].test
    assert 5 in split.folds[4].left_out


def test_blocks_do_not_cut_between_neighbouring_copies() -> None:
    rows = [(label, f"{label}{n}", None) for label in "ab" for n in range(50)]
    rows[9] = rows[10] = rows[11] = ("a", "copy", None)
    split = make_split(catalogue_of(rows), method="blocks")
    assert [i for i in split.folds[0].test if i < 50] == list(range(12))
    assert [i for i in split.folds[1].test if i < 50] == list(range(12, 20))


def test_every_fold_of_blocks_has_a_validation_block_of_its_own() -> None:
    split = make_split(plain_set(a=100, b=120), method="blocks", embargo=5, validation=0.15)
    blocks = [fold.validation for fold in split.folds]
    assert len(set(blocks)) == 5
    for fold in split.folds:
        for label in ("a", "b"):
            ids = [i for i in fold.validation if split.items[i].label == label]
            assert ids == list(range(ids[0], ids[-1] + 1))


def test_groups_given_by_the_caller_are_kept_together() -> None:
    catalogue = plain_set(a=20, b=20)
    given_groups = {catalogue.items[i].path: "one field" for i in (0, 7, 25)}
    split = make_split(catalogue, method="random-image", groups=given_groups)
    assert any({0, 7, 25} <= set(fold.test) for fold in split.folds)
    assert "given group" in split.grouping
    with pytest.raises(DataError, match="nowhere"):
        make_split(catalogue, method="random-image", groups={"nowhere.png": "x"})
    everyone = {item.path: str(n // 4) for n, item in enumerate(catalogue.items)}
    assert not make_split(catalogue, method="patient", folds=2, groups=everyone).leaky


def test_by_image_patients_may_stand_on_both_sides_and_it_says_so() -> None:
    catalogue = catalogue_of([(label, f"{label}{n}", f"{label}{n % 2}") for label in "ab" for n in range(20)])
    split = make_split(catalogue, method="random-image")
    assert split.leaky
    assert "patient" in split.note
    with pytest.raises(DataError, match="two sides"):
        verify_split(sealed(split.model_copy(update={"method": "patient", "leaky": False})), catalogue)


def test_holdout_shares() -> None:
    catalogue = plain_set(a=100, b=50)
    for method in ("random-image", "blocks"):
        split = make_split(catalogue, method=method, folds=1, test_share=0.3, validation=0.1)
        (fold,) = split.folds
        tested = Counter(split.items[i].label for i in fold.test)
        assert tested == {"a": 30, "b": 15}
        validated = Counter(split.items[i].label for i in fold.validation)
        assert abs(validated["a"] - 7) <= 1
        assert abs(validated["b"] - 3.5) <= 1


def test_seed_decides() -> None:
    catalogue = plain_set(a=50, b=50)
    one, same, other = (make_split(catalogue, method="random-image", seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.folds != other.folds
    held = {make_split(catalogue, method="blocks", folds=1, embargo=1, seed=seed).folds for seed in range(8)}
    assert len(held) > 1


def folds_sha256(split: Split) -> str:
    return hashlib.sha256(json.dumps([fold.model_dump() for fold in split.folds]).encode()).hexdigest()[:16]


GOLDEN = {
    "random-image": "6311826cffb562ec",
    "patient": "c6d7912b10b2d485",
    "blocks": "3ae2c04efd1d8475",
}


def golden_split(method: str) -> Split:
    rows = [(label, f"{label}{n - (n % 7 == 1)}", f"{label}{min(n // 6, 5)}") for label in "abc" for n in range(40)]
    return make_split(
        catalogue_of(rows),
        method=method,
        validation=0.2,
        embargo=2 if method == "blocks" else 0,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("method", list(GOLDEN))
def test_a_split_is_the_same_on_every_machine(method: str) -> None:
    assert folds_sha256(golden_split(method)) == GOLDEN[method]


def test_a_split_does_not_depend_on_the_order_of_hashes() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_data_split import golden_split; "
        "print(golden_split('patient').sha256)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {golden_split("patient").sha256 + "\n"}


# refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"method": "random"},
        {"method": "random-image", "folds": 0},
        {"method": "random-image", "seed": -1},
        {"method": "random-image", "embargo": 3},
        {"method": "blocks", "embargo": -1},
        {"method": "random-image", "validation": 1.0},
        {"method": "random-image", "validation": "some"},
        {"method": "random-image", "folds": 1, "test_share": 0.0},
    ],
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        make_split(plain_set(a=20, b=20), **options)


@pytest.mark.parametrize(
    ("catalogue", "options", "words"),
    [
        (plain_set(a=20), {"method": "random-image"}, "at least two classes"),
        (plain_set(a=20, b=1), {"method": "random-image"}, "'b' cannot stand on both sides"),
        (plain_set(a=20, b=20), {"method": "patient"}, "has no patient"),
        (plain_set(a=20, b=20), {"method": "blocks", "embargo": 30}, "too small"),
        (plain_set(a=20, b=3), {"method": "blocks"}, "'b' is too small"),
        (
            catalogue_of([("a", "x", None)] * 9 + [("b", f"b{n}", None) for n in range(9)]),
            {"method": "random-image"},
            "'a'",
        ),
    ],
)
def test_data_sets_that_cannot_be_split(catalogue: Catalogue, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        make_split(catalogue, **options)
    assert error.value.todo


def test_a_broken_embargo_is_refused() -> None:
    catalogue = plain_set(a=40, b=40)
    split = make_split(catalogue, method="blocks", embargo=3)
    fold = split.folds[0]
    moved = fold.model_copy(update={"train": (*fold.train, fold.left_out[0]), "left_out": fold.left_out[1:]})
    with pytest.raises(DataError, match="embargo of 3"):
        verify_split(sealed(split.model_copy(update={"folds": (moved, *split.folds[1:])})), catalogue)


def test_only_blocks_speak_of_an_embargo() -> None:
    catalogue = plain_set(a=40, b=40)
    assert "embargo" in make_split(catalogue, method="blocks", embargo=0).note
    assert "embargo" not in make_split(catalogue, method="random-image").note
