"""Recipes: the packaged ones are valid, changes apply, mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="needs leukolens[train]")

from leukolens.finding import UsageError
from leukolens.train.recipe import load_recipe, packaged_recipes, recipe_text, with_values


@pytest.mark.parametrize("name", packaged_recipes())
def test_packaged_recipes_are_valid_and_described(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert len(recipe.description) > 40


def test_changes_reach_nested_fields() -> None:
    recipe = load_recipe("field-robust", ["epochs=3", "optimiser.learning_rate=1e-4", "augmentation.grey=0"])
    assert (recipe.epochs, recipe.optimiser.learning_rate, recipe.augmentation.grey) == (3, 1e-4, 0.0)
    assert recipe.optimiser.weight_decay == load_recipe("field-robust").optimiser.weight_decay


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("epochs=0", "epochs"),
        ("epoch=3", "field 'epoch': unknown key.*Did you mean 'epochs'"),
        ("epochs", "field=value"),
        ("optimiser.learning_rate=fast", "learning_rate"),
        ("epochs.more=1", "epochs"),
        ("augmentation.grey=1.5", "augmentation.grey"),
        ("network.nam=vgg19", "field 'network.nam': unknown key.*Did you mean 'name'"),
        ("network.head=thesi", "Did you mean 'thesis'"),
        ("optimiser.name=adm", "Did you mean 'adam'"),
        ("network.frozen=many", "network.frozen"),
        ("optimiser.epsilon=0", "optimiser.epsilon"),
        ("optimiser.clip=-1", "optimiser.clip"),
        ("optimiser.layer_decay=2", "optimiser.layer_decay"),
        ("optimiser.staircase=often", "optimiser.staircase"),
        ("optimiser.clipp=1", "field 'optimiser.clipp': unknown key.*Did you mean 'clip'"),
        ("optimiser.name=adamax", "'adamw', 'adam' or 'sgd'"),
        ("mixing.mixup=-1", "mixing.mixup"),
        ("mixing.cutmixx=1", "Did you mean 'cutmix'"),
        ("unfreeze.every=0", "unfreeze.every"),
        ("unfreeze.strat=1", "field 'unfreeze.strat': unknown key.*Did you mean 'start'"),
        ("balance=heavy", "'none', 'weights' or 'sampler'"),
        ("accumulate=0", "accumulate"),
        ("accumulate=17", "no 17 parts of 2"),
        ("augmentation.scale=[0, 1]", "augmentation.scale.*two factors above 0"),
        ("augmentation.scale=[-1, 1]", "augmentation.scale.*two factors above 0"),
        ("augmentation.scale=[1.2, 0.8]", "augmentation.scale.*the smaller first"),
        ("augmentation.scale=[nan, 1]", "augmentation.scale.0.*finite"),
        ("augmentation.scale=[1, .inf]", "augmentation.scale.1.*finite"),
        ("augmentation.aspect=.inf", "augmentation.aspect.*finite"),
        ("augmentation.colour=.nan", "augmentation.colour.*finite"),
        ("optimiser.learning_rate=inf", "optimiser.learning_rate.*finite"),
        ("optimiser.weight_decay=.inf", "optimiser.weight_decay.*finite"),
        ("mixing.mixup=.inf", "mixing.mixup.*finite"),
        ("seed=99999999999", "seed.*4294967295"),
        ("samples.views=[original", r"override 'samples.views=\[original' is not YAML"),
        ("epochs={", "override 'epochs={' is not YAML"),
        ("epochs=2026-99-99", "is not YAML"),
        ("unfreeze={start: 1, start: 2}", "'start' stands twice"),
        ("? [a]: 1", "field=value"),
        ("unfreeze={? [a] : 1}", "is not YAML"),
    ],
)
def test_a_wrong_change_is_named(change: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_recipe("field-robust", [change])


@pytest.mark.parametrize(
    ("said", "meant"),
    [("true", "weights"), ("false", "none"), ("null", "none"), ("sampler", "sampler"), ("none", "none")],
)
def test_balance_of_before_is_still_read(said: str, meant: str) -> None:
    assert load_recipe("field-robust", [f"balance={said}"]).balance == meant


def test_a_recipe_as_text_is_read_again(tmp_path: Path) -> None:
    recipe = load_recipe("field-robust", ["unfreeze.start=2", "optimiser.clip=null", "optimiser.epsilon=1e-7"])
    path = tmp_path / "again.yaml"
    path.write_text(recipe_text(recipe), "utf-8")
    assert load_recipe(str(path)) == recipe


def test_values_reach_parts_that_were_not_there() -> None:
    recipe = with_values(load_recipe("field-robust"), {"unfreeze.every": 3, "optimiser.clip": None}, "here")
    assert recipe.unfreeze is not None
    assert (recipe.unfreeze.every, recipe.optimiser.clip) == (3, None)
    with pytest.raises(UsageError, match=r"here, field 'epochs'"):
        with_values(recipe, {"epochs": 0}, "here")


def test_unknown_recipe_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="Did you mean 'field-robust'"):
        load_recipe("field-robst")


@pytest.mark.parametrize("text", ["[1, 2", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match="mine"):
        load_recipe(str(path))


def test_own_file_takes_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 2\n", "utf-8")
    assert load_recipe(str(path)).name == "mine"


def test_a_recipe_extends_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: field-plain\nepochs: 2\noptimiser: {learning_rate: 1.0e-4}\n", "utf-8")
    mine, plain = load_recipe(str(path)), load_recipe("field-plain")
    assert (mine.name, mine.epochs, mine.optimiser.learning_rate) == ("mine", 2, 1e-4)
    assert mine.optimiser.weight_decay == plain.optimiser.weight_decay
    assert mine.augmentation == plain.augmentation


def test_what_a_recipe_extends_is_looked_for_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First there, in whatever folder one works; then among the packaged ones, then in the working folder."""
    beside, work = tmp_path / "recipes", tmp_path / "work"
    for folder, epochs in ((beside, 3), (work, 4)):
        folder.mkdir()
        (folder / "base.yaml").write_text(f"epochs: {epochs}\n", "utf-8")
    (beside / "mine.yaml").write_text("extends: base.yaml\n", "utf-8")
    (work / "other.yaml").write_text("epochs: 5\n", "utf-8")
    (beside / "far.yaml").write_text("extends: other.yaml\n", "utf-8")
    monkeypatch.chdir(work)
    assert load_recipe(str(beside / "mine.yaml")).epochs == 3
    assert load_recipe("../recipes/mine.yaml").epochs == 3
    assert load_recipe(str(beside / "far.yaml")).epochs == 5
    (beside / "other.yaml").write_text("extends: far.yaml\n", "utf-8")
    with pytest.raises(UsageError, match="extends itself"):
        load_recipe(str(beside / "far.yaml"))


@pytest.mark.parametrize("weights", ["123", "1e5", "0042", "nan", "yes", "2026-10-02", "runs/1"])
def test_a_name_that_looks_like_a_number_is_none(weights: str) -> None:
    assert load_recipe("field-plain", [f"network.weights={weights}"]).network.weights == weights


def test_numbers_are_still_read_where_the_field_is_one() -> None:
    recipe = load_recipe("field-plain", ["optimiser.learning_rate=1e-4", "epochs=1e1", "network.weights='7'"])
    assert (recipe.optimiser.learning_rate, recipe.epochs, recipe.network.weights) == (1e-4, 10, "7")


def test_sgd_with_nesterov_needs_a_momentum() -> None:
    change = ["optimiser.name=sgd", "optimiser.nesterov=true"]
    assert load_recipe("field-plain", change).optimiser.nesterov
    with pytest.raises(UsageError, match=r"optimiser\.nesterov.*momentum above 0"):
        load_recipe("field-plain", [*change, "optimiser.momentum=0"])


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 3\nname: x\nepochs: 4\n", "utf-8")
    with pytest.raises(UsageError, match="'epochs' stands twice"):
        load_recipe(str(path))


def test_a_recipe_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("description: für alle\n".encode("latin-1"))
    with pytest.raises(UsageError, match="not text in UTF-8"):
        load_recipe(str(path))


def test_a_recipe_that_extends_nothing_or_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: field-plane\n", "utf-8")
    with pytest.raises(UsageError, match=r"field-plane.*extends.*Did you mean 'field-plain'"):
        load_recipe(str(path))
    path.write_text(f"extends: {path}\n", "utf-8")
    with pytest.raises(UsageError, match="extends itself"):
        load_recipe(str(path))


THESIS = {
    "thesis-resnet152v2all": ("resnet152v2", "none"),
    "thesis-vgg19": ("vgg19", "imagenet"),
    "thesis-resnet101": ("resnet101", "imagenet"),
    "thesis-densenet201": ("densenet201", "imagenet"),
    "thesis-inceptionv3": ("inceptionv3", "imagenet"),
    "thesis-inceptionresnetv2": ("inceptionresnetv2", "imagenet"),
    "thesis-efficientnetb7": ("efficientnetb7", "imagenet"),
    "thesis-mobilenetv2": ("mobilenetv2", "imagenet"),
    "thesis-nasnetlarge": ("nasnetlarge", "imagenet"),
    "thesis-attention": ("resnet152v2", "none"),
}


@pytest.mark.parametrize(("name", "network"), THESIS.items())
def test_recipes_of_the_thesis_hold_its_constants(name: str, network: tuple[str, str]) -> None:
    recipe = load_recipe(name)
    assert (recipe.network.name, recipe.network.weights) == network
    assert recipe.network.head == ("attention" if name == "thesis-attention" else "thesis")
    assert (recipe.network.scaling, recipe.network.frozen, recipe.unfreeze) == ("unit", 0, None)
    optimiser = recipe.optimiser
    assert (optimiser.name, optimiser.learning_rate, optimiser.epsilon) == ("adam", 1e-4, 1e-7)
    assert (optimiser.schedule, optimiser.decay_rate, optimiser.decay_steps) == ("exponential", 0.96, 40)
    assert (optimiser.weight_decay, optimiser.warmup, optimiser.clip, optimiser.layer_decay) == (0.0, 0.0, None, 1.0)
    assert (recipe.batch_size, recipe.epochs, recipe.accumulate) == (32, 30, 1)
    assert (recipe.label_smoothing, recipe.average, recipe.balance, recipe.mixing.active) == (0.0, None, "none", False)
    prepared = recipe.preparation
    assert (prepared.width, prepared.height, prepared.shape) == (224, 224, "stretch")
    assert (prepared.squeeze, prepared.landscape, prepared.paint_out_marks, prepared.steps) == (
        "none",
        False,
        False,
        (),
    )
    assert recipe.samples.views == ("original", "segmented")
    assert (recipe.samples.order, recipe.samples.segmentation.kind) == ("after-split", "segment-kmeans")
    assert recipe.augmentation.flip
    off = ("shift", "colour", "blur", "jpeg", "noise", "corner")
    assert [getattr(recipe.augmentation, change) for change in off] == [0.0] * len(off)
    assert (recipe.augmentation.turn, recipe.augmentation.scale, recipe.augmentation.aspect) == (False, (1.0, 1.0), 1.0)


def test_no_recipe_of_the_thesis_is_forgotten() -> None:
    assert set(THESIS) == {name for name in packaged_recipes() if name.startswith("thesis-")}
