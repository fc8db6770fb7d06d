from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from data_sets import catalogue_of, group_rows, plain_set, write_rows

from leukolens.data import Catalogue, Split, make_split, read_groups, verify_split, write_split
from leukolens.data.split import sealed
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leukolens.data import Groups

Recover = Callable[..., "Groups"] if TYPE_CHECKING else Any


@pytest.fixture
def recover(tmp_path: Path) -> Recover:
    """Make the groups of a catalogue: by default, sessions of ten files."""

    def make(catalogue: Catalogue, session: Any = None, field: Any = None) -> Groups:
        rows = group_rows(catalogue, session or (lambda label, at: f"{label} {at // 10}"), field)
        return read_groups(write_rows(tmp_path / "groups.csv", rows), catalogue)

    return make


def mixed(label: str, at: int) -> str:
    """Sessions of class a alternate, those of the others follow each other."""
    return f"a {at * 3 % 7}" if label == "a" else f"{label} {at // 10}"


def sides_of(split: Split, names: tuple[str | None, ...], fold: int) -> list[set[str | None]]:
    one = split.folds[fold]
    return [{names[index] for index in side} for side in (one.train, one.validation, one.test)]


def apart(split: Split, names: tuple[str | None, ...], only: str | None = None) -> bool:
    kept = tuple(
        name if only in (None, item.label) else str(at)
        for at, (name, item) in enumerate(zip(names, split.items, strict=True))
    )
    return all(
        not (sides[one] & sides[other])
        for sides in (sides_of(split, kept, fold) for fold in range(len(split.folds)))
        for one, other in ((0, 1), (0, 2), (1, 2))
    )


def test_grouped_keeps_sessions_apart(recover: Recover) -> None:
    catalogue = plain_set(a=60, b=80)
    groups = recover(catalogue)
    split = make_split(catalogue, method="grouped", folds=3, validation=0.2, recovered=groups)
    assert apart(split, groups.names["session_group"])
    assert not split.leaky
    assert "recovered session" in split.note
    assert split.groups is not None
    assert (split.groups.sha256, split.groups.number) == (groups.sha256, 14)
    assert split.groups.columns == ("duplicate_group", "field_group", "session_group")


def test_a_shared_field_joins_two_sessions(recover: Recover) -> None:
    catalogue = plain_set(a=60, b=60)
    shared = {("a", 5), ("a", 55), ("b", 3)}
    groups = recover(catalogue, field=lambda label, at: "shared" if (label, at) in shared else f"{label}{at}")
    split = make_split(catalogue, method="grouped", folds=3, recovered=groups)
    of = {item.group for at, item in enumerate(split.items) if at in (5, 55, 63)}
    assert len(of) == 1
    assert sum(item.group in of for item in split.items) == 30


def test_with_patients_a_grouped_split_is_by_patient(recover: Recover) -> None:
    catalogue = catalogue_of([(label, f"{label}{n}", f"{label}{n // 6}") for label in "ab" for n in range(60)])
    by_patient = make_split(catalogue, method="patient", folds=4)
    split = make_split(catalogue, method="grouped", folds=4)
    assert split.folds == by_patient.folds
    assert "patient" in split.note
    with_groups = make_split(catalogue, method="grouped", folds=4, recovered=recover(catalogue, lambda *_: "one"))
    assert with_groups.folds == by_patient.folds


def test_images_without_a_patient_need_a_session(recover: Recover) -> None:
    rows = [(label, f"{label}{n}", f"{label}{n // 6}" if n < 30 else None) for label in "ab" for n in range(60)]
    catalogue = catalogue_of(rows)
    with pytest.raises(DataError, match="needs recovered groups"):
        make_split(catalogue, method="grouped")
    # Session "a 2" holds files 20 to 29, patients a3 and a4: they are joined, as one slide has one patient.
    groups = recover(catalogue)
    split = make_split(catalogue, method="grouped", folds=2, recovered=groups)
    assert len({split.items[at].group for at in (18, 20, 29)}) == 1
    holes = recover(catalogue, lambda label, at: "" if (label, at) == ("b", 45) else f"{label} {at // 10}")
    with pytest.raises(DataError, match=r"1 images have no session_group .*'b/00046.png'"):
        make_split(catalogue, method="grouped", folds=2, recovered=holes)


def test_too_few_groups_of_a_class_are_told(recover: Recover) -> None:
    catalogue = plain_set(a=60, b=30)
    with pytest.raises(DataError, match=r"'b' cannot stand .*at least 5 groups .*for 5 folds, found 3"):
        make_split(catalogue, method="grouped", recovered=recover(catalogue))
    assert len(make_split(catalogue, method="grouped", folds=3, recovered=recover(catalogue)).folds) == 3
    with pytest.raises(DataError, match="at least two groups"):
        make_split(catalogue, method="grouped", folds=1, recovered=recover(catalogue, lambda label, at: label))


def test_blocks_split_an_interleaved_class_by_sessions(recover: Recover) -> None:
    catalogue = plain_set(a=70, b=100)
    groups = recover(catalogue, mixed)
    split = make_split(catalogue, method="blocks", embargo=5, validation=0.2, recovered=groups)
    assert split.by_session == ("a",)
    assert "a interleave" in split.note
    assert "a by recovered sessions" in split.grouping
    assert apart(split, groups.names["session_group"], only="a")
    assert all(len([i for i in fold.test if i < 70]) in (10, 20) for fold in split.folds)
    for fold in split.folds:
        tested = [index for index in fold.test if index >= 70]
        assert tested == list(range(tested[0], tested[-1] + 1))
        assert not {tested[0] - 5, tested[-1] + 5} & {*fold.train, *fold.validation}
        assert not [index for index in fold.left_out if index < 70]
    without = make_split(catalogue, method="blocks", embargo=5)
    assert without.by_session == ()
    assert without.groups is None


def test_blocks_leave_the_field_of_a_held_out_image_out(recover: Recover) -> None:
    catalogue = plain_set(a=50, b=50)
    groups = recover(
        catalogue, field=lambda label, at: "far" if (label, at) in {("a", 5), ("a", 45)} else f"{label}{at}"
    )
    split = make_split(catalogue, method="blocks", embargo=2, recovered=groups)
    assert 5 in split.folds[0].test
    assert 45 in split.folds[0].left_out
    assert 5 in split.folds[4].left_out


def test_blocks_without_an_embargo_are_leaky_unless_all_is_by_session(recover: Recover) -> None:
    catalogue = plain_set(a=70, b=70)
    assert make_split(catalogue, method="blocks", recovered=recover(catalogue, mixed)).leaky
    every = recover(catalogue, lambda label, at: f"{label} {at * 3 % 7}")
    split = make_split(catalogue, method="blocks", recovered=every)
    assert split.by_session == ("a", "b")
    assert not split.leaky
    few = recover(catalogue, lambda label, at: f"{label} {at % 3}")
    with pytest.raises(DataError, match=r"too few recovered sessions .*found 3"):
        make_split(catalogue, method="blocks", recovered=few)


def test_stratified_keeps_fields_together_and_is_leaky_still(recover: Recover) -> None:
    catalogue = plain_set(a=60, b=60)
    groups = recover(catalogue, field=lambda label, at: f"{label} {at // 3}")
    split = make_split(catalogue, method="stratified", recovered=groups)
    assert apart(split, groups.names["field_group"])
    assert not apart(split, groups.names["session_group"])
    assert split.leaky
    by_image = make_split(catalogue, method="random-image", recovered=groups)
    assert not apart(by_image, groups.names["field_group"])
    assert by_image.folds == make_split(catalogue, method="stratified").folds
    with pytest.raises(DataError, match="says that it is not leaky"):
        verify_split(sealed(split.model_copy(update={"leaky": False})), catalogue)


def test_patients_are_joined_by_fields(recover: Recover) -> None:
    catalogue = catalogue_of([(label, f"{label}{n}", f"{label}{n // 6}") for label in "ab" for n in range(60)])
    groups = recover(catalogue, field=lambda label, at: "one" if at in (0, 59) and label == "a" else f"{label}{at}")
    split = make_split(catalogue, method="patient", recovered=groups)
    assert split.items[0].group == split.items[59].group
    assert split.items[0].group != split.items[7].group


@pytest.mark.parametrize("method", ["patient", "grouped"])
def test_an_image_of_two_patients_is_refused(method: Any) -> None:
    rows = [(label, f"{label}{n}", f"{label}{n // 6}") for label in "ab" for n in range(60)]
    rows[8] = ("a", "a0", "a1")
    with pytest.raises(DataError, match="filed under two") as error:
        make_split(catalogue_of(rows), method=method)
    assert "'a0' and 'a1'" in str(error.value)
    assert "'a/00001.png' and 'a/00009.png'" in str(error.value)


# laboratories -------------------------------------------------------------------------------------------------------


def of_laboratories(**counts: dict[str, int]) -> Catalogue:
    return catalogue_of(
        [
            (label, f"{lab}{label}{n}", None, lab)
            for lab, own in counts.items()
            for label in own
            for n in range(own[label])
        ]
    )


def test_each_laboratory_is_tested_once() -> None:
    catalogue = of_laboratories(x={"a": 20, "b": 20}, y={"a": 30}, z={"a": 10, "b": 15})
    split = make_split(catalogue, method="leave-one-laboratory-out", validation=0.2)
    assert split.parameters["laboratories"] == ("x", "y", "z")
    assert split.parameters["validation_by"] == "group"
    assert not split.leaky
    for name, fold in zip("xyz", split.folds, strict=True):
        assert {catalogue.items[index].laboratory for index in fold.test} == {name}
        assert name not in {catalogue.items[index].laboratory for index in (*fold.train, *fold.validation)}
        assert fold.validation
    assert split == verify_split(split, catalogue)


def test_whole_laboratories_validate_where_there_are_many() -> None:
    catalogue = of_laboratories(**{name: {"a": 20, "b": 20} for name in "uvwxyz"})
    split = make_split(catalogue, method="leave-one-laboratory-out", validation=0.2)
    assert split.parameters["validation_by"] == "laboratory"
    for fold in split.folds:
        assert len({split.items[index].laboratory for index in fold.validation}) == 1
        assert not {split.items[i].laboratory for i in fold.validation} & {
            split.items[i].laboratory for i in fold.train
        }


def test_a_copy_in_another_laboratory_is_left_out() -> None:
    rows = [("a", f"x{n}", None, "x") for n in range(9)] + [("a", f"y{n}", None, "y") for n in range(8)]
    rows += [("b", f"b{n}", None, "xy"[n % 2]) for n in range(10)] + [("a", "x0", None, "y")]
    split = make_split(catalogue_of(rows), method="leave-one-laboratory-out")
    assert 17 in split.folds[0].left_out
    assert 0 in split.folds[1].left_out


@pytest.mark.parametrize(
    ("catalogue", "words"),
    [
        (plain_set(a=9, b=9), "18 images have no laboratory"),
        (of_laboratories(x={"a": 9, "b": 9}), "only 'x'"),
        (of_laboratories(x={"a": 9, "b": 9}, y={"a": 9}), "'b' is from one laboratory only"),
    ],
)
def test_laboratories_that_cannot_be_left_out(catalogue: Catalogue, words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        make_split(catalogue, method="leave-one-laboratory-out")
    assert error.value.todo


def test_folds_are_as_many_as_laboratories() -> None:
    catalogue = of_laboratories(x={"a": 9, "b": 9}, y={"a": 9, "b": 9})
    with pytest.raises(UsageError, match="one for each laboratory"):
        make_split(catalogue, method="leave-one-laboratory-out", folds=3)


def test_a_split_that_mixes_laboratories_is_refused() -> None:
    catalogue = of_laboratories(x={"a": 9, "b": 9}, y={"a": 9, "b": 9})
    split = make_split(catalogue, method="leave-one-laboratory-out")
    one, other = split.folds
    folds = (
        one.model_copy(update={"train": one.train[1:], "test": (*one.test, one.train[0])}),
        other.model_copy(update={"test": other.test[1:], "train": (*other.train, other.test[0])}),
    )
    with pytest.raises(DataError, match="does not leave one laboratory out"):
        verify_split(sealed(split.model_copy(update={"folds": folds})), catalogue)
    moved = replace(catalogue, items=(replace(catalogue.items[0], laboratory="y"), *catalogue.items[1:]))
    with pytest.raises(DataError, match="'a/00001.png' is of another laboratory"):  # noqa: RUF043
        verify_split(split, moved)


# files --------------------------------------------------------------------------------------------------------------


def test_groups_and_sessions_come_back_from_the_file(recover: Recover, tmp_path: Path) -> None:
    catalogue = plain_set(a=70, b=100)
    split = make_split(catalogue, method="blocks", embargo=5, recovered=recover(catalogue, mixed))
    write_split(split, tmp_path / "split.json")
    again = Split.model_validate_json((tmp_path / "split.json").read_text())
    assert again == split
    assert verify_split(again, catalogue) == split


def test_a_split_that_claims_other_groups_is_refused(recover: Recover) -> None:
    catalogue = plain_set(a=70, b=100)
    split = make_split(catalogue, method="blocks", embargo=5, recovered=recover(catalogue, mixed))
    assert split.groups is not None
    more = split.groups.model_copy(update={"number": split.groups.number + 1})
    with pytest.raises(DataError, match="does not hold the groups that it names"):
        verify_split(sealed(split.model_copy(update={"groups": more})), catalogue)
    with pytest.raises(DataError, match="no groups file"):
        verify_split(sealed(split.model_copy(update={"groups": None})), catalogue)
    bare = {"embargo": 0, "folds": 5, "validation": "none", "by_session": ()}
    with pytest.raises(DataError, match="without an embargo says that it is not leaky"):
        verify_split(sealed(split.model_copy(update={"parameters": bare})), catalogue)


@pytest.mark.parametrize(
    ("method", "sha256"),
    [
        ("random-image", "ccc6a6fdddad0cd31dd7456b69acdbd9968d5e5c8c2b50fb232c03168a638aeb"),
        ("patient", "d8f83151560f6dc0e02206fadd8d2b9769688b4d2478d7338ffa5af408f70852"),
        ("blocks", "f5fe3cce230d1c1c11877e5fea6f3abf2c6c34e49d136a9f784d925c761cd897"),
    ],
)
def test_without_groups_a_split_has_the_hash_that_it_had_before_there_were_any(method: str, sha256: str) -> None:
    from test_data_split import golden_split

    assert golden_split(method).sha256 == sha256


@pytest.mark.parametrize(("catalogue", "words"), [(plain_set(a=9), "two classes"), (plain_set(a=1, b=1), "two groups")])
def test_one_class_and_two_images_are_too_few(recover: Recover, catalogue: Catalogue, words: str) -> None:
    for method in ("stratified", "grouped"):
        with pytest.raises(DataError, match=words if method == "stratified" else "two classes|at least 5"):
            make_split(catalogue, method=method, recovered=recover(catalogue))  # type: ignore[arg-type]
