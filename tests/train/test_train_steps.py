"""Steps of preprocessing in recipes: named, set, fitted on the training side and on nothing else."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("yaml", reason="needs leukolens[train]")

from leukolens.data.layouts import open_catalogue
from leukolens.finding import DataError, UsageError
from leukolens.smear.prepare import Preparation
from leukolens.train.fitting import fitted, training_pictures
from leukolens.train.recipe import load_recipe


def preparation(*kinds: str) -> Preparation:
    return Preparation.model_validate({"squeeze": "none", "steps": [{"kind": kind} for kind in kinds]})


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Pale pictures of one class, dark ones of the other."""
    for name, level in (("pale", 220), ("dark", 120)):
        (tmp_path / name).mkdir()
        for number in range(6):
            rng = np.random.default_rng(number)
            rgb = np.clip(rng.normal(level, 10, (48, 64, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), rgb)
    return tmp_path


def test_only_the_pictures_of_the_side_are_seen(folders: Path) -> None:
    catalogue = open_catalogue(folders)
    pale = [number for number, item in enumerate(catalogue.items) if item.label == "pale"]
    dark = [number for number, item in enumerate(catalogue.items) if item.label == "dark"]
    means = [
        fitted(preparation("reinhard"), training_pictures(catalogue, side)).steps[0].reference.mean[0]
        for side in (pale, dark)
    ]
    assert means[0] - means[1] > 30


def test_many_pictures_are_thinned_evenly(folders: Path) -> None:
    catalogue = open_catalogue(folders)
    assert len(list(training_pictures(catalogue, range(12), most=5))) == 5
    assert len(list(training_pictures(catalogue, range(12), most=50))) == 12
    assert list(training_pictures(catalogue, [])) == []
    levels = [rgb.mean() for rgb in training_pictures(catalogue, range(12), most=4)]
    assert min(levels) < 150
    assert max(levels) > 200


def test_nothing_is_read_where_nothing_needs_to_be_fitted(tmp_path: Path, folders: Path) -> None:
    catalogue = open_catalogue(folders)
    for path in folders.rglob("*.png"):
        path.unlink()
    spec = preparation("segment-kmeans", "flatten-illumination")
    assert fitted(spec, training_pictures(catalogue, range(12))) is spec


def test_what_cannot_be_fitted_or_read_is_told(folders: Path) -> None:
    catalogue = open_catalogue(folders)
    with pytest.raises(DataError, match="No stain can be measured"):
        fitted(preparation("macenko"), [np.full((48, 64, 3), 230, np.uint8)])
    (folders / "pale" / "0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"pale/0\.png"):
        fitted(preparation("reinhard"), training_pictures(catalogue, range(12)))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("[{kind: macenk}]", "Did you mean 'macenko'"),
        ("[{kind: segment-kmean}]", "Did you mean 'segment-kmeans'"),
        ("[{kind: macenko, alhpa: 2}]", "Did you mean 'alpha'"),
        ("[{alpha: 2}]", "Known: flatten-illumination"),
        ("[macenko]", r"preparation\.steps\.0.*a step is a mapping.*Write \{kind: macenko\}"),
        ("[macenco]", "Did you mean 'macenko'"),
        ("[3]", "Known: flatten-illumination"),
        ("macenko", r"steps are a list.*\[\{kind: macenko\}\]"),
        ("{kind: macenko}", "steps are a list"),
    ],
)
def test_a_wrong_step_in_a_recipe_is_named_with_the_nearest(tmp_path: Path, steps: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"preparation: {{steps: {steps}}}\n", "utf-8")
    with pytest.raises(UsageError, match=words):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "{kind: segment-kmean}",
            r"'samples\.segmentation': unknown step.*Did you mean 'segment-kmeans'\? Known: segm",
        ),
        ("{kind: macenko}", "Known: segment-kmeans, segment-hsv"),
        ("segment-hsv", r"Write \{kind: segment-hsv\}"),
        ("{treshold: 3}", "Did you mean 'threshold'"),
    ],
)
def test_a_wrong_segmentation_of_samples_is_named_with_the_nearest(change: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        load_recipe("field-plain", [f"samples.segmentation={change}"])
    assert "found using" not in str(caught.value)


def test_steps_can_be_set_from_the_command_line() -> None:
    recipe = load_recipe("field-plain", ["preparation.steps=[{kind: macenko}, {kind: segment-kmeans, threshold: 138}]"])
    assert [step.kind for step in recipe.preparation.steps] == ["macenko", "segment-kmeans"]
    assert recipe.preparation.steps[1].threshold == 138


@pytest.mark.slow
def test_the_prepared_cache_knows_every_module_that_prepares() -> None:
    """Any change of a module of the room, in whatever folder, must give another name to the cache."""
    pytest.importorskip("torch", reason="needs leukolens[train]")
    import hashlib

    import leukolens.smear
    from leukolens.train.images import code_sha256

    room = Path(leukolens.smear.__file__).parent
    paths = sorted(path for path in room.rglob("*.py") if path.parent.name != "synth")
    assert {path.parent.name for path in paths} >= {"smear", "formats", "segmentation", "normalisation"}
    assert code_sha256() == hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
