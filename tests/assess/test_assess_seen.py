"""Whether a bundle or its start weights have seen the evaluated images: counted, not known, or none of them."""

from __future__ import annotations

import pytest

from leukolens.assess.seen import images_sha256, judge_training
from leukolens.data import make_split
from leukolens.engine.spec import Provenance


@pytest.fixture
def trained(catalogue):
    """A split, and the provenance of a bundle trained on its fold 1."""
    split = make_split(catalogue, method="random-image", folds=3, validation=0.25, seed=3)
    hashes = [split.items[index].sha256 for index in split.folds[1].train]
    return split, Provenance(split_sha256=split.sha256, training_images_sha256=images_sha256(hashes))


def hashes_of(split, side):
    return [split.items[index].sha256 for index in side]


def test_training_is_recognised_through_the_split(trained):
    split, provenance = trained
    fold = split.folds[1]
    held_out = judge_training(provenance, hashes_of(split, fold.test), split)
    assert (held_out.status, held_out.images) == ("held out", 0)
    selected = judge_training(provenance, hashes_of(split, fold.validation), split)
    assert (selected.status, selected.images) == ("selected on", len(fold.validation))
    other = judge_training(provenance, hashes_of(split, split.folds[0].test), split)
    assert other.status == "trained on"
    assert 0 < other.images < len(split.folds[0].test) + 1
    assert f"{other.images} of the {len(split.folds[0].test)}" in other.sentence


def test_training_on_exactly_these_images_needs_no_split(trained):
    split, provenance = trained
    told = judge_training(provenance, hashes_of(split, split.folds[1].train))
    assert (told.status, told.images) == ("trained on", len(split.folds[1].train))


def test_what_cannot_be_told_is_said(trained, catalogue):
    split, provenance = trained
    test = hashes_of(split, split.folds[1].test)
    assert judge_training(Provenance(), test, split).status == "unknown"
    assert "no split file" in judge_training(provenance, test).sentence
    another = make_split(catalogue, method="random-image", folds=4, seed=9)
    assert "another split" in judge_training(provenance, test, another).sentence
    changed = provenance.model_copy(update={"training_images_sha256": "0" * 64})
    assert "no fold" in judge_training(changed, test, split).sentence


# --- start weights ----------------------------------------------------------------------------------------------


OTHER = "0" * 64
RUN_START = {"sha256": "1" * 64, "recipe": "cells", "network": "vgg19", "data_sha256": OTHER, "split_sha256": OTHER}


@pytest.fixture
def judged(trained):
    """Judge the test side of fold 1 for a bundle that started so."""
    split, provenance = trained
    own = {"data_sha256": split.catalogue_sha256}

    def judge(start, side="test", **update):
        begun = provenance.model_copy(update=own | {"start": start} | update)
        return judge_training(begun, hashes_of(split, getattr(split.folds[1], side)), split)

    return judge


def test_starts_from_other_data_leave_the_claim(judged, trained):
    split, _ = trained
    imagenet = {"package": "some-weights", "version": "1"}
    same_fold = RUN_START | {"data_sha256": split.catalogue_sha256, "split_sha256": split.sha256, "fold": 1}
    known = same_fold | {"leaky_order": None, "start": None}
    for start in (None, imagenet, RUN_START, RUN_START | {"start": imagenet}, RUN_START | {"start": None}, same_fold,
                  known, same_fold | {"start": RUN_START}):  # fmt: skip
        told = judged(start)
        assert (told.status, told.images) == ("held out", 0)
        assert told.sentence.startswith("None of the ")
    recipe = {"network": {"name": "vgg19", "weights": "imagenet"}}
    assert judged(None, recipe=recipe).status == "held out"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"fold": 1},
        {"fold": None, "split_sha256": "the bundle's"},
        {"fold": 7, "split_sha256": "the bundle's"},
        {"fold": "1", "split_sha256": "the bundle's"},
        {"fold": 1, "split_sha256": "the bundle's", "leaky_order": "thesis"},
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_start_from_the_same_data_takes_the_claim_away(judged, trained, more, nested):
    split, _ = trained
    start = RUN_START | {"data_sha256": split.catalogue_sha256} | more
    start["split_sha256"] = split.sha256 if start["split_sha256"] == "the bundle's" else OTHER
    told = judged(RUN_START | {"start": start} if nested else start)
    assert (told.status, told.images) == ("unknown", None)
    assert "None of" not in told.sentence
    assert "start weights (recipe 'cells') learned from the same data set" in told.sentence
    assert f"not known which of the {len(split.folds[1].test)} evaluated images" in told.sentence


def test_the_data_of_the_bundle_count_as_the_same_too(judged):
    """Its list can have changed since, so that the split at hand is of another."""
    assert judged(RUN_START, data_sha256=OTHER).status == "unknown"


def test_what_a_start_from_another_fold_has_seen_is_counted(judged, trained):
    split, _ = trained
    start = RUN_START | {"data_sha256": split.catalogue_sha256, "split_sha256": split.sha256, "fold": 0}
    test, other = set(hashes_of(split, split.folds[1].test)), split.folds[0]
    seen = len(test & set(hashes_of(split, other.train)))
    told = judged(start)
    assert (told.status, told.images) == ("trained on", seen)
    assert f"start weights were trained on {seen} of the {len(test)} evaluated images (fold 0)" in told.sentence
    assert "None of" not in told.sentence
    chosen = [sha256 for sha256 in hashes_of(split, other.validation) if sha256 in test]
    provenance = trained[1].model_copy(update={"start": start})
    assert chosen
    selected = judge_training(provenance, chosen, split)
    assert (selected.status, selected.images) == ("selected on", len(chosen))


def test_what_chose_the_weights_is_said_beside_what_a_start_may_have_seen(judged, trained):
    split, _ = trained
    start = RUN_START | {"data_sha256": split.catalogue_sha256}
    told = judged(start, side="validation")
    assert (told.status, told.images) == ("selected on", len(split.folds[1].validation))
    assert "chose the bundle's weights" in told.sentence
    assert "it is not known which" in told.sentence
    assert judged(start, side="train").status == "trained on"


@pytest.mark.parametrize("start", [None, {"sha256": "1" * 64, "recipe": None, "data_sha256": None}])
def test_a_start_that_nobody_wrote_down_is_not_known(judged, start):
    told = judged(start, recipe={"network": {"name": "vgg19", "weights": "a-run"}})
    assert told.status == "unknown"
    assert "a run that does not say what it learned from" in told.sentence
