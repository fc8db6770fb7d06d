"""Stress every network of a benchmark on the images that it held out, and count all folds together.

python benchmarks/benchmark_stress.py BENCH DATA --protocol embargo-37 --groups GROUPS --out OUT.json

BENCH is the folder that ``leukolens benchmark`` wrote, with its runs. Networks without a validation side become no bundles
that ``leukolens stress`` could take: here they judge as PyTorch runs them, without calibration or domain.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from leukolens.assess.evaluation import Settings
from leukolens.assess.pipeline import Answer
from leukolens.assess.provenance import select
from leukolens.assess.stress import run_stresses
from leukolens.assess.stress_kinds import choose
from leukolens.assess.stress_outcome import PLAIN, StressResult, StressTest, measure_results, share_out
from leukolens.data import catalogue_sha256, fingerprint, open_catalogue, read_groups, read_split
from leukolens.data.run_manifest import run_manifest
from leukolens.networks.field import FieldNetwork
from leukolens.smear.prepare import Preparation, prepare
from leukolens.train.fitting import read_fitted
from leukolens.train.predict import softmax
from leukolens.train.recipe import validated
from leukolens.train.run_files import read_run, trained_network

STRESSES = "cells-on-flat-ground,background-random,cells-removed"


class RunPredictor:
    """The network of one run, on the processor, two pictures at a time."""

    workers = 2

    def __init__(self, network: FieldNetwork, preparation: Preparation, classes: tuple[str, ...]) -> None:
        self.network = network
        self.preparation = preparation
        self.classes = classes

    def predict(self, rgb: NDArray[np.uint8]) -> Answer:
        """Judge one picture, (H, W, 3) uint8 sRGB as read."""
        prepared = prepare(rgb, self.preparation)
        with torch.inference_mode():
            logits = self.network.logits(torch.from_numpy(prepared.pixels[None])).numpy()
        return Answer(softmax(logits)[0], no_white_cells=prepared.bare)


def answers_of(test: StressTest) -> dict[str, list[Answer]]:
    """Return what was answered under each stress."""
    return {
        one.name: [Answer(row[:-1], no_white_cells=row[-1] == 1.0) for row in one.predictions.probabilities]
        for one in test.results
    }


def result_row(one: StressResult) -> dict[str, object]:
    """Return the figures of a stress."""
    return {
        "stress": one.name,
        "balanced_accuracy": asdict(one.balanced_accuracy),
        "points_lost": asdict(one.loss.balanced_accuracy),
        "sensitivity": None if one.sensitivity is None else asdict(one.sensitivity),
        "specificity": None if one.specificity is None else asdict(one.specificity),
        "same_answer": asdict(one.unchanged),
        "no_white_cells": float(np.mean(one.predictions.probabilities[:, -1] == 1.0)),
    }


def main() -> None:
    """Read the arguments, stress fold after fold, write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--protocol", required=True, help="its folder in BENCH")
    parser.add_argument("--groups", type=Path, required=True)
    parser.add_argument("--stress", default=STRESSES)
    parser.add_argument("--limit", type=int, help="of the images of each fold, to try it out")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    catalogue = fingerprint(open_catalogue(given.data))
    split = read_split(given.bench / given.protocol / "split.json", catalogue)
    whole = select(catalogue, recovered=read_groups(given.groups, catalogue))
    settings, stresses = Settings(negative_classes=catalogue.negative or ()), choose(given.stress)
    labels: list[str] = []
    groups: list[int] = []
    answers: dict[str, list[Answer]] = {name: [] for name in (PLAIN, *stresses)}
    for number, fold in enumerate(split.folds):
        run = given.bench / given.protocol / f"fold-{number}"
        recipe = validated(read_run(run)["run"]["recipe"], f"the recipe of {run}")
        network = trained_network(run, recipe, len(catalogue.classes))
        predictor = RunPredictor(network, read_fitted(run, recipe.preparation), catalogue.classes)
        chosen = tuple(fold.test[: given.limit])
        selection = replace(whole, indices=chosen, groups=tuple(whole.groups[index] for index in chosen))
        test = run_stresses(predictor, catalogue, selection, stresses, settings=settings)
        if test.unread:
            sys.exit(f"{test.unread[0].path}: {test.unread[0].reason}")
        labels += [item.label for item in test.items]
        groups += selection.groups
        for name, said in answers_of(test).items():
            answers[name] += said
        print(f"fold {number}: {len(test.items)} images", flush=True)
    results = measure_results(catalogue.classes, labels, groups, answers, {}, stresses, settings)
    share = share_out(results, settings)
    configuration = {
        "protocol": given.protocol,
        "split": split.sha256,
        "stresses": list(stresses),
        "limit": given.limit,
    }
    content = {
        "images": len(labels),
        "counted_together": whole.grouping,
        "results": [result_row(one) for one in results],
        "share_of_score_from_cells": None if share is None else asdict(share),
        "manifest": run_manifest("benchmark_stress", configuration, catalogue_sha256(catalogue), settings.seed),
    }
    given.out.write_text(json.dumps(content, indent=2, default=str) + "\n", "utf-8")
    for row in content["results"]:  # type: ignore[attr-defined]
        print(row["stress"], row["balanced_accuracy"], row["points_lost"], row["no_white_cells"])


if __name__ == "__main__":
    main()
