"""Preprocessing that must be fitted: on training pictures alone, once, kept with the run and in the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs leukolens[train]")

from leukolens.cli.main import main
from leukolens.data.catalogue import fingerprint
from leukolens.data.layouts import open_catalogue
from leukolens.engine.bundle import open_bundle
from leukolens.finding import DataError
from leukolens.smear.prepare import Preparation
from leukolens.train.fitting import FITTED_FILE, fit_once, read_fitted, training_pictures

pytestmark = pytest.mark.slow

STEPS = {"steps": [{"kind": "reinhard"}]}


def test_a_step_is_fitted_on_training_pictures_alone(class_folders: Path, tmp_path: Path) -> None:
    catalogue = fingerprint(open_catalogue(class_folders))
    preparation = Preparation.model_validate(STEPS)
    for name, train in (("all", range(len(catalogue.items))), ("some", range(5)), ("same", range(5))):
        (tmp_path / name).mkdir()
        fit_once(tmp_path / name, preparation, catalogue, list(train))
    texts = {name: (tmp_path / name / FITTED_FILE).read_text() for name in ("all", "some", "same")}
    assert texts["some"] == texts["same"] != texts["all"]


def test_what_was_fitted_once_is_kept(class_folders: Path, tmp_path: Path) -> None:
    catalogue = fingerprint(open_catalogue(class_folders))
    preparation = Preparation.model_validate(STEPS)
    first = fit_once(tmp_path, preparation, catalogue, [0, 1, 2])
    before = (tmp_path / FITTED_FILE).stat().st_mtime_ns
    assert fit_once(tmp_path, preparation, catalogue, [0, 1, 2]) == first == read_fitted(tmp_path, preparation)
    assert (tmp_path / FITTED_FILE).stat().st_mtime_ns == before
    assert first != preparation


@pytest.mark.parametrize(
    ("then", "train"),
    [(STEPS, [7, 8, 9]), ({"steps": [{"kind": "macenko"}]}, [0, 1, 2]), (STEPS | {"width": 96}, [0, 1, 2])],
    ids=["pictures", "step", "size"],
)
def test_what_an_aborted_run_left_is_fitted_anew(
    then: dict[str, Any], train: list[int], class_folders: Path, tmp_path: Path
) -> None:
    catalogue = fingerprint(open_catalogue(class_folders))
    (tmp_path / "fresh").mkdir()
    (tmp_path / "used").mkdir()
    fit_once(tmp_path / "used", Preparation.model_validate(STEPS), catalogue, [0, 1, 2])
    preparation = Preparation.model_validate(then)
    expected = fit_once(tmp_path / "fresh", preparation, catalogue, train)
    assert fit_once(tmp_path / "used", preparation, catalogue, train) == expected


@pytest.mark.parametrize(
    "then", [{"steps": [{"kind": "macenko"}]}, STEPS | {"width": 96}, STEPS | {"landscape": False}]
)
def test_the_preparation_of_another_recipe_is_refused(
    then: dict[str, Any], class_folders: Path, tmp_path: Path
) -> None:
    catalogue = fingerprint(open_catalogue(class_folders))
    fit_once(tmp_path, Preparation.model_validate(STEPS), catalogue, [0, 1, 2])
    with pytest.raises(DataError, match="is not the preparation of the run's recipe"):
        read_fitted(tmp_path, Preparation.model_validate(then))


def test_a_preparation_that_needs_no_fit_leaves_no_file(class_folders: Path, tmp_path: Path) -> None:
    preparation = Preparation()
    assert fit_once(tmp_path, preparation, open_catalogue(class_folders), [0]) is preparation
    assert not (tmp_path / FITTED_FILE).exists()


def test_a_lost_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not say how its pictures were prepared"):
        read_fitted(tmp_path, Preparation.model_validate(STEPS))


def test_pictures_to_fit_on_are_few_and_evenly_spread(class_folders: Path) -> None:
    catalogue = open_catalogue(class_folders)
    found = list(training_pictures(catalogue, list(range(48)), most=3))
    assert len(found) == 3
    assert not np.array_equal(found[0], found[2])


def test_a_run_with_a_fitted_step_becomes_a_bundle_that_prepares_alike(
    class_folders: Path, split: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "stained.yaml"
    changes = "epochs: 1\npreparation: {steps: [{kind: flatten-illumination}, {kind: reinhard}]}\n"
    recipe.write_text(f"extends: {tiny_recipe}\n{changes}", "utf-8")
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    arguments = ["train", str(class_folders), "--split", str(split), "--recipe", str(recipe), "--out", str(run)]
    assert main([*arguments, "--no-progress", "--negative", "small cells"]) == 0
    kept = json.loads((run / FITTED_FILE).read_text())
    assert main(["export", str(run), "--name", "stained", "--out", str(bundle)]) == 0
    preparation = open_bundle(bundle).field.preparation
    assert preparation.model_dump(mode="json") == {key: kept[key] for key in kept if key != "fitted_on"}
    assert [step.kind for step in preparation.steps] == ["flatten-illumination", "reinhard"]
    assert main(["screen", str(class_folders / "small cells" / "000.png"), "--bundle", str(bundle)]) == 0
