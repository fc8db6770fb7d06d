from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leukolens.data import (
    Catalogue,
    Split,
    make_split,
    open_catalogue,
    read_split,
    write_split,
)
from leukolens.data.split import content_sha256, sealed
from leukolens.finding import DataError, LeukolensError, OutputError


@pytest.fixture
def small(tree) -> Catalogue:
    return open_catalogue(tree({label: [f"{n}.png" for n in range(8)] for label in ("x", "y ä")}))


def test_file_comes_back_as_it_was(small: Catalogue, tmp_path: Path) -> None:
    split = make_split(small, method="random-image", folds=4, validation=0.25)
    write_split(split, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", small) == split
    content = json.loads((tmp_path / "split.json").read_text(encoding="ascii"))
    assert list(content)[:4] == ["schema", "kind", "method", "seed"]
    assert content["kind"] == "leukolens split"
    assert content["sha256"] == content_sha256(split)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["split.json"]


def test_file_fits_the_same_kaggle_images_entered_elsewhere(tree, tmp_path: Path) -> None:
    names = {f"Original/{name}": [f"{n}.png" for n in range(4)] for name in ("Benign", "Early", "Pre", "Pro")}
    root = tree(names)
    write_split(make_split(open_catalogue(root), method="random-image", folds=2), tmp_path / "split.json")
    inside = read_split(tmp_path / "split.json", open_catalogue(root / "Original"))
    assert inside.items[0].path == "Benign/0.png"


@pytest.mark.parametrize("change", ["added", "removed", "other content", "renamed", "other label"])
def test_file_of_another_data_set_is_refused(small: Catalogue, tmp_path: Path, draw, change: str) -> None:
    file = tmp_path / "split.json"
    write_split(make_split(small, method="random-image", folds=4), file)
    first = small.root / "x" / "0.png"
    if change == "added":
        draw(small.root / "x" / "new.png", 99)
    elif change == "removed":
        first.unlink()
    elif change == "other content":
        draw(first, 99)
    elif change == "renamed":
        first.rename(first.with_name("00.png"))
    catalogue = open_catalogue(small.root)
    if change == "other label":
        items = (replace(catalogue.items[0], label="y ä"), *catalogue.items[1:])
        catalogue = replace(catalogue, items=items)
    with pytest.raises(DataError) as error:
        read_split(file, catalogue)
    assert error.value.expected
    assert error.value.found
    assert error.value.todo


def reseal(content: dict[str, Any]) -> dict[str, Any]:
    return sealed(Split.model_validate(content)).model_dump(by_alias=True, mode="json")


def swap_train_and_test(content: dict[str, Any]) -> None:
    fold = content["folds"][0]
    fold["train"][0], fold["test"][0] = fold["test"][0], fold["train"][0]


def put_copy_on_two_sides(content: dict[str, Any]) -> None:
    first, *rest = content["folds"][0]["test"]
    content["folds"][0]["test"] = rest
    content["folds"][0]["train"].append(first)
    content["folds"][1]["train"].remove(first)
    content["folds"][1]["test"].append(first)


def drop_an_index(content: dict[str, Any]) -> None:
    content["folds"][0]["train"].pop()


def repeat_an_index(content: dict[str, Any]) -> None:
    content["folds"][0]["validation"].append(content["folds"][0]["train"][0])


def hide_the_leak(content: dict[str, Any]) -> None:
    content["leaky"] = False


def drop_a_fold(content: dict[str, Any]) -> None:
    content["folds"].pop()


def leave_out_a_class(content: dict[str, Any]) -> None:
    fold = content["folds"][0]
    of_x = [i for i in fold["train"] if content["items"][i]["label"] == "x"]
    fold["left_out"] += of_x
    fold["train"] = [i for i in fold["train"] if i not in of_x]


def rename_the_labels(content: dict[str, Any]) -> None:
    content["labels"] = ["x", "z"]


def turn_the_order(content: dict[str, Any]) -> None:
    content["items"].reverse()


CHANGES = [
    put_copy_on_two_sides,
    drop_an_index,
    repeat_an_index,
    hide_the_leak,
    drop_a_fold,
    leave_out_a_class,
    rename_the_labels,
    turn_the_order,
]


@pytest.fixture
def with_copies(small: Catalogue) -> Catalogue:
    # Two files of class x become copies, so that each fold holds them on one side.
    (small.root / "x" / "1.png").write_bytes((small.root / "x" / "0.png").read_bytes())
    return open_catalogue(small.root)


def written(catalogue: Catalogue, file: Path) -> dict[str, Any]:
    write_split(make_split(catalogue, method="random-image", folds=4), file)
    content: dict[str, Any] = json.loads(file.read_text())
    # The copies are what stands first in the first fold's test.
    content["folds"].sort(key=lambda fold: 0 not in fold["test"])
    return reseal(content)


@pytest.mark.parametrize("change", [swap_train_and_test, *CHANGES], ids=lambda change: change.__name__)
@pytest.mark.parametrize("covered_up", [False, True])
def test_a_changed_file_is_refused(with_copies: Catalogue, tmp_path: Path, change: Any, covered_up: bool) -> None:
    file = tmp_path / "split.json"
    content = written(with_copies, file)
    file.write_text(json.dumps(content))
    read_split(file, with_copies)
    change(content)
    file.write_text(json.dumps(reseal(content) if covered_up else content))
    with pytest.raises(DataError) as error:
        read_split(file, with_copies)
    assert ("changed after it was made" in str(error.value)) != covered_up


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", "[" * 100_000, '{"schema": "2"}', "\ufffe"])
def test_what_is_no_split_file_is_refused(small: Catalogue, tmp_path: Path, text: str) -> None:
    (tmp_path / "split.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="no split file"):
        read_split(tmp_path / "split.json", small)


def test_a_missing_file_and_an_unwritable_place(small: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No split file"):
        read_split(tmp_path / "none.json", small)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_split(make_split(small, method="random-image", folds=2), tmp_path / "file" / "split.json")
    assert issubclass(OutputError, LeukolensError)
