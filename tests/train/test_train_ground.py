"""Cells on other ground, or none: what is shown, what stays, and what the loss is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.slow

import torch  # noqa: E402

from leukolens.finding import UsageError  # noqa: E402
from leukolens.smear.segmentation.white_cells import white_cells  # noqa: E402
from leukolens.smear.synth import CONTENTS, render_field  # noqa: E402
from leukolens.train.ground import NO_CLASS, Ground  # noqa: E402
from leukolens.train.ground_views import Grounds, colours_of, every_class, ground_layers, restain  # noqa: E402
from leukolens.train.images import FieldDataset  # noqa: E402
from leukolens.train.recipe import load_recipe  # noqa: E402

COUNT = 4


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    options = {"width": 320, "height": 240, "um_per_px": 0.25, "content": CONTENTS["all"]}
    return np.stack([render_field(seed, **options).pixels for seed in range(COUNT)])


@pytest.fixture(scope="module")
def layers(pictures: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return ground_layers(pictures, tmp_path_factory.mktemp("cache"), "named")


def shown(ground: Ground, layers: np.ndarray, picture: np.ndarray, seed: int = 0, donors: tuple[int, ...] = (1, 2)):
    return Grounds(ground, layers, donors).show(0, picture, 3, np.random.default_rng(seed))


def test_layers_hold_the_ground_without_cells_and_where_they_lay(pictures: np.ndarray, layers: np.ndarray) -> None:
    assert layers.shape == (*pictures.shape[:3], 4)
    for picture, layer in zip(pictures, layers, strict=True):
        cells = white_cells(picture)
        assert cells.any()
        assert ((layer[..., 3] > 0) <= cells).all()
        assert layer[..., 3][cells].mean() > 150
        # Where cells lay it is as light as the rest; where none lay nothing changed, but for the rim.
        rest = picture[~cells].mean()
        assert abs(layer[..., :3][cells].mean() - rest) < 0.35 * abs(picture[cells].mean() - rest)
        assert (layer[..., :3][~cells] == picture[~cells]).mean() > 0.8


def test_swapped_ground_keeps_the_cells_and_nothing_else(pictures: np.ndarray, layers: np.ndarray) -> None:
    picture, label = shown(Ground(swapped=1), layers, pictures[0])
    kept = layers[0][..., 3] == 255
    gone = layers[0][..., 3] == 0
    assert label == 3
    assert np.abs(picture[kept].astype(int) - pictures[0][kept]).max() <= 1
    grounds = [
        layers[donor][..., :3][::down, ::across][gone] for donor in (1, 2) for down in (1, -1) for across in (1, -1)
    ]
    assert any(np.array_equal(picture[gone], ground) for ground in grounds)


def test_only_donors_give_their_ground(pictures: np.ndarray, layers: np.ndarray) -> None:
    gone = layers[0][..., 3] == 0
    own = [layers[3][..., :3][::down, ::across][gone] for down in (1, -1) for across in (1, -1)]
    for seed in range(20):
        picture, _ = shown(Ground(swapped=1), layers, pictures[0], seed)
        assert not any(np.array_equal(picture[gone], ground) for ground in own)


def test_flat_ground_has_one_colour(pictures: np.ndarray, layers: np.ndarray) -> None:
    picture, label = shown(Ground(flat=1), layers, pictures[0])
    assert label == 3
    assert len(np.unique(picture[layers[0][..., 3] == 0], axis=0)) == 1


def test_a_picture_without_its_cells_has_no_class(pictures: np.ndarray, layers: np.ndarray) -> None:
    picture, label = shown(Ground(removed=1), layers, pictures[0])
    assert label == NO_CLASS
    assert np.array_equal(picture, layers[0][..., :3])


def test_shares_are_kept(pictures: np.ndarray, layers: np.ndarray) -> None:
    ground = Ground(swapped=0.4, flat=0.2, removed=0.1)
    kinds = {"as it is": 0, "removed": 0, "moved": 0}
    for seed in range(600):
        picture, label = shown(ground, layers, pictures[0], seed)
        kind = "removed" if label == NO_CLASS else "as it is" if np.array_equal(picture, pictures[0]) else "moved"
        kinds[kind] += 1
    assert kinds["removed"] / 600 == pytest.approx(0.1, abs=0.04)
    assert kinds["as it is"] / 600 == pytest.approx(0.3, abs=0.06)


def test_no_class_means_all_alike() -> None:
    shares = every_class(torch.tensor([2, NO_CLASS]), 4)
    assert shares.tolist() == [[0, 0, 1, 0], [0.25] * 4]
    # The loss is least where all classes are equally probable.
    loss = torch.nn.CrossEntropyLoss()
    assert loss(torch.zeros(1, 4), shares[1:]) < loss(torch.tensor([[2.0, 0, 0, 0]]), shares[1:])


def test_a_data_set_shows_ground_by_epoch_and_number_alone(pictures: np.ndarray, layers: np.ndarray) -> None:
    grounds = Grounds(Ground(swapped=0.5, removed=0.5), layers, [0, 1, 2])
    dataset = FieldDataset(pictures, np.arange(COUNT), [2, 0, 1], None, 5, grounds)
    one, again, later = dataset[3, 1], dataset[3, 1], [dataset[epoch, 1] for epoch in range(8)]
    assert torch.equal(one.image, again.image)
    assert {int(sample.label) for sample in later} == {0, NO_CLASS}
    assert all(int(sample.number) == 0 for sample in later)
    plain = FieldDataset(pictures, np.arange(COUNT), [2, 0, 1])
    assert np.array_equal(plain[1].image.numpy(), pictures[0])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["ground.swapped=0.8", "ground.removed=0.3"], "must not exceed 1"),
        (["ground.flat=1.5"], "ground.flat"),
        (["ground.swaped=0.5"], "Did you mean 'swapped'"),
        (["ground.swapped=0.5", "samples.per_class=100"], "as they are"),
        (["ground.removed=0.1", "mixing.mixup=0.2"], "cannot be mixed"),
    ],
)
def test_what_cannot_be_is_refused(overrides: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_recipe("field-robust", overrides)


def test_the_recipe_that_judges_cells_is_there() -> None:
    recipe = load_recipe("field-cells")
    assert recipe.ground.active
    assert recipe.ground.removed > 0
    assert not load_recipe("field-robust").ground.active


def test_layers_are_kept_and_not_made_again(pictures: np.ndarray, tmp_path: Path) -> None:
    first = ground_layers(pictures, tmp_path, "a")
    (file,) = tmp_path.glob("grounds-*.npy")
    stamp = file.stat().st_mtime_ns
    assert np.array_equal(ground_layers(pictures, tmp_path, "a"), first)
    assert file.stat().st_mtime_ns == stamp
    ground_layers(pictures[:2], tmp_path, "b")
    assert len(list(tmp_path.glob("grounds-*.npy"))) == 2


def test_restained_cells_and_ground_have_the_colours_asked_for(pictures: np.ndarray, layers: np.ndarray) -> None:
    share = layers[0][..., 3].astype(np.float32) / 255
    wanted = colours_of(pictures[1], layers[1][..., 3] > 127)
    moved = colours_of(restain(pictures[0], share, wanted), share > 0.5)
    before = colours_of(pictures[0], share > 0.5)
    for part in range(2):  # what leaves sRGB is clipped, and edges are mixed: near is near enough
        assert np.abs(moved[0][part] - wanted[0][part]).max() < 4
    assert np.abs(before[0] - wanted[0]).max() > 6
    same = restain(pictures[0], share, before)
    assert np.abs(same.astype(int) - pictures[0]).mean() < 1.5


def test_colours_are_taken_from_donors_alone(pictures: np.ndarray, layers: np.ndarray) -> None:
    grounds = Grounds(Ground(restained=1), layers, [2], pictures)
    share = layers[0][..., 3].astype(np.float32) / 255
    expected = restain(pictures[0], share, colours_of(pictures[2], layers[2][..., 3] > 127))
    picture, label = grounds.show(0, pictures[0], 3, np.random.default_rng(0))
    assert label == 3
    assert np.array_equal(picture, expected)


def test_a_picture_without_cells_has_colours() -> None:
    mean, spread = colours_of(np.full((6, 5, 3), 200, np.uint8), np.zeros((6, 5), np.bool_))
    assert np.isfinite(mean).all()
    assert (spread < 1e-3).all()
    assert restain(np.full((6, 5, 3), 200, np.uint8), np.zeros((6, 5), np.float32), (mean, spread)).std() < 1
